//! The codecs: clients' frames and servers' messages through the codec components, on threads of their own.

mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ringside_core::wire::{DecodeError, Message, Request};
use ringside_ports::codecs::Format;
use ringside_ports::error::PortErrorKind;
use ringside_ports::{Codecs, PortError, PortResult};
use tokio::sync::{oneshot, watch};

use crate::generations::Generations;
use crate::limits;
use crate::metrics::Metrics;
use crate::pool::{Design, Pool};
use crate::queue::ended;
use crate::world::codec::outgoing::comments_in;

type Decoded = Result<Request, DecodeError>;

/// What a codec is asked.
struct Job {
    subprotocol: Arc<str>,
    work: Work,
}

enum Work {
    Decode { frames: Vec<Bytes>, reply: oneshot::Sender<PortResult<Vec<Decoded>>> },
    Encode { messages: Vec<Message>, reply: oneshot::Sender<PortResult<Vec<Option<Bytes>>>> },
}

/// Comments in a message that weigh as much as a frame, so that a call's weight bounds both.
const COMMENTS_PER_WEIGHT: usize = limits::BATCH_ENCODED_COMMENTS_MAX / limits::BATCH_FRAMES_MAX;

fn weight_of(message: &Message) -> usize {
    1 + comments_in(message) / COMMENTS_PER_WEIGHT
}

/// The codecs of one host.
pub(crate) struct CodecPool {
    pool: Pool<Job>,
    generations: Arc<Generations>,
}

impl CodecPool {
    /// Starts the worker threads.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        workers: usize,
        generations: &Arc<Generations>,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let design = Design {
            name: "codec",
            workers,
            capacity: limits::CODEC_QUEUE_MAX,
            waiting: metrics.codec_waiting.clone(),
            work: worker::run,
        };
        let pool = Pool::start(design, generations, metrics)?;
        Ok(Self { pool, generations: generations.clone() })
    }

    /// Lets the workers finish what waits, and ends them.
    pub(crate) fn stop(&self) {
        self.pool.stop();
    }

    fn reserve(&self, operation: &'static str, subprotocol: &str, weight: usize) -> PortResult<()> {
        let known = self.generations.current().is_some_and(|now| now.slots.codec(subprotocol).is_some());
        if !known {
            return Err(gone(operation, subprotocol));
        }
        self.pool.reserve(operation, weight)
    }

    /// Enters items in jobs of a call's weight each, and puts the answers together again.
    async fn ask<I, A>(
        &self,
        operation: &'static str,
        subprotocol: &Arc<str>,
        items: Vec<I>,
        weight_of: impl Fn(&I) -> usize,
        work: impl Fn(Vec<I>, oneshot::Sender<PortResult<Vec<A>>>) -> Work,
    ) -> PortResult<Vec<A>> {
        let total: usize = items.iter().map(&weight_of).sum();
        self.reserve(operation, subprotocol, total)?;
        let enter = |part: Vec<I>, weight: usize| {
            let (reply, answers) = oneshot::channel();
            self.pool.enter(Job { subprotocol: subprotocol.clone(), work: work(part, reply) }, weight);
            answers
        };
        if items.is_empty() {
            return Ok(Vec::new());
        }
        if total <= limits::BATCH_FRAMES_MAX {
            return enter(items, total).await.map_err(|_| ended(operation))?;
        }
        let mut all = Vec::with_capacity(items.len());
        let (mut waiting, mut part, mut weight) = (Vec::new(), Vec::new(), 0);
        for item in items {
            let more = weight_of(&item);
            if weight + more > limits::BATCH_FRAMES_MAX && !part.is_empty() {
                waiting.push(enter(std::mem::take(&mut part), weight));
                weight = 0;
            }
            weight += more;
            part.push(item);
        }
        waiting.push(enter(part, weight));
        for answers in waiting {
            all.extend(answers.await.map_err(|_| ended(operation))??);
        }
        Ok(all)
    }
}

/// The error for a subprotocol that is not of the release that runs.
fn gone(operation: &'static str, subprotocol: &str) -> PortError {
    let name: String = subprotocol.chars().take(80).collect();
    let detail =
        format!("no codec of this host's release speaks `{name}`: reconnect with one that is offered");
    PortError::new(PortErrorKind::NotFound, operation, detail)
}

#[async_trait]
impl Codecs for CodecPool {
    fn formats(&self) -> watch::Receiver<Arc<[Format]>> {
        self.generations.formats()
    }

    async fn decode(&self, subprotocol: &Arc<str>, frames: Vec<Bytes>) -> PortResult<Vec<Decoded>> {
        let work = |frames, reply| Work::Decode { frames, reply };
        self.ask("codecs.decode", subprotocol, frames, |_| 1, work).await
    }

    async fn encode(&self, subprotocol: &Arc<str>, messages: Vec<Message>) -> PortResult<Vec<Option<Bytes>>> {
        let work = |messages, reply| Work::Encode { messages, reply };
        self.ask("codecs.encode", subprotocol, messages, weight_of, work).await
    }
}
