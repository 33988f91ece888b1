//! A worker of the codecs: jobs of one format and direction share a call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bumpalo::Bump;
use bytes::Bytes;
use ringside_core::wire::{DecodeError, Message};
use ringside_ports::error::PortErrorKind;
use ringside_ports::{PortError, PortResult};
use tokio::sync::oneshot;

use super::{Decoded, Job, Work, gone};
use crate::generation::CodecSlot;
use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::queue;
use crate::round::Round;
use crate::world::Guest;
use crate::world::codec::outgoing;

/// The answer to a frame that breaks the codec.
const UNREADABLE: &str = "the codec could not read this frame";

type DecodeReply = oneshot::Sender<PortResult<Vec<Decoded>>>;
type EncodeReply = oneshot::Sender<PortResult<Vec<Option<Bytes>>>>;

/// Works until the queue ends.
pub(super) fn run(
    number: usize,
    mut queue: queue::Worker<Job>,
    generations: &Generations,
    metrics: &Metrics,
) {
    wasmtime::Engine::tls_eager_initialize();
    let mut jobs = Vec::new();
    let mut arena = Bump::new();
    while queue.take(limits::BATCH_FRAMES_MAX, &mut jobs) {
        let Some(generation) = generations.current() else {
            jobs.clear();
            continue;
        };
        let mut rest = std::mem::take(&mut jobs);
        let round = Round { worker: number, generation: &generation, generations, metrics, arena: &arena };
        while let Some(first) = rest.first() {
            let (subprotocol, decodes) =
                (first.subprotocol.clone(), matches!(first.work, Work::Decode { .. }));
            let (batch, others) = std::mem::take(&mut rest).into_iter().partition(|job| {
                job.subprotocol == subprotocol && matches!(job.work, Work::Decode { .. }) == decodes
            });
            rest = others;
            // A panic is a bug of the host's; it costs this batch (whose callers see it fail), not the worker.
            if catch_unwind(AssertUnwindSafe(|| work(&round, &subprotocol, batch))).is_err() {
                tracing::error!(worker = number, "a batch was lost to a bug in the component host");
            }
        }
        arena.reset();
    }
}

fn work(round: &Round<'_>, subprotocol: &str, batch: Vec<Job>) {
    let (mut decode, mut encode) = (Vec::new(), Vec::new());
    for job in batch {
        match job.work {
            Work::Decode { frames, reply } => decode.push((frames, reply)),
            Work::Encode { messages, reply } => encode.push((messages, reply)),
        }
    }
    match usable(round, subprotocol) {
        Ok(codec) if decode.is_empty() => self::encode(round, codec, encode),
        Ok(codec) => self::decode(round, codec, decode),
        Err(error) => {
            for (_, reply) in decode {
                let _ = reply.send(Err(error("codecs.decode")));
            }
            for (_, reply) in encode {
                let _ = reply.send(Err(error("codecs.encode")));
            }
        }
    }
}

/// The codec, unless it was taken off since the job was entered, or is left out for what it costs: closing
/// everybody's connection would be worse than asking them to wait.
fn usable<'a>(
    round: &Round<'a>,
    subprotocol: &'a str,
) -> Result<&'a CodecSlot, impl Fn(&'static str) -> PortError + 'a> {
    let codec = round.generation.slots.codec(subprotocol);
    match codec {
        Some(codec) if !codec.slot.component.health.is_suspended(Instant::now()) => Ok(codec),
        found => {
            let known = found.is_some();
            Err(move |operation| {
                if known {
                    let detail =
                        format!("the codec of `{subprotocol}` is left out for a while: it kept breaking");
                    PortError::new(PortErrorKind::Busy, operation, detail).after(limits::SUSPENSION)
                } else {
                    gone(operation, subprotocol)
                }
            })
        }
    }
}

fn decode(round: &Round<'_>, codec: &CodecSlot, jobs: Vec<(Vec<Bytes>, DecodeReply)>) {
    let frames: Vec<&[u8]> = jobs.iter().flat_map(|(frames, _)| frames).map(|frame| &**frame).collect();
    let mut answers = round
        .ask(&codec.slot, &frames, Guest::decode)
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| Err(DecodeError::Malformed(UNREADABLE.into()))));
    for (frames, reply) in jobs {
        let _ = reply.send(Ok(answers.by_ref().take(frames.len()).collect()));
    }
}

fn encode(round: &Round<'_>, codec: &CodecSlot, jobs: Vec<(Vec<Message>, EncodeReply)>) {
    let messages: Vec<_> = jobs
        .iter()
        .flat_map(|(messages, _)| messages)
        .map(|message| outgoing::message(message, round.arena))
        .collect();
    let text = codec.format.text;
    let mut answers =
        round.ask(&codec.slot, &messages, |guest, messages| guest.encode(messages, text)).into_iter();
    drop(messages);
    for (messages, reply) in jobs {
        let _ = reply.send(Ok(answers.by_ref().take(messages.len()).collect()));
    }
}
