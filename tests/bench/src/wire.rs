//! `wire`: bytes a viewer is sent for a comment, by codec, compression and tick, against one JSON frame a comment.
//!
//! The stream is busy: 1,000 comments a second of made-up chat, so a tick of 100 ms is a batch of 100. The baseline is
//! written here and not by a codec, or it would shrink with each byte that a codec learns to leave out.

use std::sync::Arc;

use ringside_core::ids::CommentIds;
use ringside_core::wire::{Batch, Message, WireComment, WireEvent};
use ringside_core::{Author, CommentId, Position, Role, StreamId, UserId};
use ringside_edge::frame::{self, Opcode, deflate::Deflater};
use ringside_ports::Codecs;
use ringside_ports::releases::World;
use serde::Serialize;

use crate::figure::{BenchError, BenchResult, Figure};
use crate::{Ask, chat, pop};

const STREAM: &str = "the-final";
/// Comments a second.
const PER_SECOND: u64 = 1_000;
/// Seconds of chat.
const SECONDS: u64 = 10;
/// Authors: a busy stream's comments come from many.
const AUTHORS: u32 = 3_000;
/// Ticks in milliseconds; 1 is one comment a batch.
const TICKS_MS: [u64; 4] = [1, 50, 100, 250];
const SLOTS: [(&str, World); 3] =
    [("throttle-standard", World::Throttle), ("codec-json", World::Codec), ("codec-msgpack", World::Codec)];

pub(crate) fn run(_: &Ask) -> BenchResult {
    let cache = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let host = pop::components(cache.path(), &SLOTS).await?;
        let codecs = host.codecs();
        let comments = comments()?;
        let plain: usize = comments.iter().map(plain_bytes).sum::<Result<_, _>>()?;
        let baseline = plain as f64 / comments.len() as f64;
        let mut figures = Vec::new();
        for codec in ["json", "msgpack"] {
            for compressed in [false, true] {
                for tick_ms in TICKS_MS {
                    let subprotocol = format!("ringside.v1.{codec}");
                    let value = bytes(codecs.as_ref(), &subprotocol, &comments, tick_ms, compressed).await?;
                    let compression = if compressed { "deflate" } else { "plain" };
                    let name = format!("bytes_per_comment_{codec}_{compression}_{tick_ms}ms");
                    figures.push(Figure::new(name, value, "bytes").against(baseline));
                }
            }
        }
        Ok(figures)
    })
}

fn comments() -> Result<Vec<WireComment>, BenchError> {
    let mut ids = CommentIds::new(fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(1);
    let count = usize::try_from(PER_SECOND * SECONDS)?;
    let mut comments = Vec::with_capacity(count);
    let bad_words = chat::bad_words(&mut rng);
    for (index, line) in chat::lines(&mut rng, count, AUTHORS, &bad_words).into_iter().enumerate() {
        let at_ms = 1_790_000_000_000 + index as u64 * 1_000 / PER_SECOND;
        comments.push(WireComment {
            id: ids.next(at_ms),
            author: Author {
                id: UserId::new(&format!("u{:07}", line.author))?,
                name: format!("viewer {}", line.author),
                role: Role::Viewer,
                member: false,
            },
            mentions: ringside_core::text::mentions(&line.text),
            text: line.text,
            at_ms,
            reply_to: None,
            edited: false,
            likes: 0,
            dislikes: 0,
            replies: 0,
            held: false,
        });
    }
    Ok(comments)
}

/// One comment the way REST gives it, neither batched nor compressed: what a server sends that does nothing for its
/// bytes.
#[derive(Serialize)]
struct PlainFrame<'c> {
    r#type: &'static str,
    id: CommentId,
    stream: &'static str,
    author: &'c Author,
    text: &'c str,
    at: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mentions: &'c [String],
    edited: bool,
    likes: u32,
    dislikes: u32,
    replies: u32,
}

/// Bytes of the plain frame of a comment, WebSocket head included.
fn plain_bytes(comment: &WireComment) -> Result<usize, BenchError> {
    let plain = PlainFrame {
        r#type: "comment",
        id: comment.id,
        stream: STREAM,
        author: &comment.author,
        text: &comment.text,
        at: comment.at_ms,
        mentions: &comment.mentions,
        edited: comment.edited,
        likes: comment.likes,
        dislikes: comment.dislikes,
        replies: comment.replies,
    };
    Ok(frame::frame(Opcode::Text, false, &serde_json::to_vec(&plain)?).len())
}

/// Bytes on the wire a comment, WebSocket heads included.
async fn bytes(
    codecs: &dyn Codecs,
    subprotocol: &str,
    comments: &[WireComment],
    tick_ms: u64,
    compressed: bool,
) -> Result<f64, BenchError> {
    let stream = StreamId::new(STREAM)?;
    let subprotocol = Arc::from(subprotocol);
    let per_batch = usize::try_from((PER_SECOND * tick_ms / 1_000).max(1))?;
    let mut deflater = Deflater::default();
    let mut total = 0;
    for (index, part) in comments.chunks(per_batch).enumerate() {
        let position =
            Position { epoch: 0x9f3a_77c1_0b5d_21e4, partition: 0, next: (index * per_batch) as u64 };
        let batch = Message::Batch(Batch {
            stream: stream.clone(),
            position: position.to_string(),
            events: part.iter().cloned().map(WireEvent::Comment).collect(),
            left_out: 0,
        });
        let encoded = codecs.encode(&subprotocol, vec![batch]).await?.pop().flatten();
        let payload = encoded.ok_or("the codec gave no payload")?;
        let small = compressed.then(|| deflater.deflate(&payload)).flatten();
        let framed = match &small {
            Some(small) => frame::frame(Opcode::Binary, true, small),
            None => frame::frame(Opcode::Binary, false, &payload),
        };
        total += framed.len();
    }
    Ok(total as f64 / comments.len() as f64)
}
