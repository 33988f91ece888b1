//! Recent comments, held whole on the server; a page of them is one call.

use std::sync::Arc;

use async_trait::async_trait;
use redis::{RedisResult, Value, from_redis_value};
use ringside_core::limits::PAGE_SIZE_MAX;
use ringside_core::{Comment, StreamId, Visibility};
use ringside_ports::Recent;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::recent::{BEGIN_MAX, RECENT_EXPIRY_MS, RECENT_MAX};
use ringside_ports::store::{Anchor, Page, PageOf, PageQuery, Reader, StoredComment};
use serde::{Deserialize, Serialize};

use crate::commands::Commands;
use crate::script::Script;

/// Keys are kept this much longer than what is in them holds, in milliseconds: hosts' clocks differ.
const SLACK_MS: u64 = 5_000;
/// First byte of every comment. What an earlier version would misread gets the next number; who reads another asks the
/// store.
const VERSION: u8 = 1;
/// Before every comment's id: nothing is missing.
const WHOLE: [u8; 16] = [0; 16];

#[derive(Serialize)]
struct Written<'a> {
    comment: &'a Comment,
    likes: u32,
    dislikes: u32,
    replies: u32,
}

#[derive(Deserialize)]
struct Read {
    comment: Comment,
    likes: u32,
    dislikes: u32,
    replies: u32,
}

/// Recent comments for all hosts: up to 6 MB of memory for a stream with [`RECENT_MAX`].
pub struct RedisRecent {
    commands: Arc<Commands>,
    prefix: Arc<str>,
    take_in: Script,
    page: Script,
}

impl RedisRecent {
    pub(crate) fn new(commands: Arc<Commands>, prefix: Arc<str>) -> Self {
        let take_in = Script::new(include_str!("lua/take_in.lua"));
        Self { commands, prefix, take_in, page: Script::new(include_str!("lua/page.lua")) }
    }

    /// All of a stream in one slot.
    fn key(&self, stream: &StreamId, name: &str) -> String {
        format!("{}:recent:{{{stream}}}:{name}", self.prefix)
    }

    async fn send(
        &self,
        operation: &'static str,
        stream: &StreamId,
        numbers: [Vec<u8>; 4],
        changed: &[StoredComment],
    ) -> PortResult<bool> {
        let keys =
            ["all", "ids", "shown", "hidden", "hidden-of", "comments"].map(|name| self.key(stream, name));
        let mut arguments = numbers.to_vec();
        let bounds = [RECENT_MAX as u64, RECENT_EXPIRY_MS, RECENT_EXPIRY_MS + SLACK_MS];
        arguments.extend(bounds.map(|number| number.to_string().into_bytes()));
        arguments.extend(changed.iter().flat_map(written));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.commands
            .run(operation, async |connection| {
                Ok(from_redis_value(self.take_in.run(&connection, &keys, &arguments).await?)?)
            })
            .await
    }
}

#[async_trait]
impl Recent for RedisRecent {
    async fn begin(
        &self,
        now_ms: u64,
        stream: &StreamId,
        next: u64,
        comments: &[StoredComment],
        is_whole: bool,
    ) -> PortResult<()> {
        if comments.len() > BEGIN_MAX {
            let detail = format!("{} comments: a stream begins with {BEGIN_MAX} at most", comments.len());
            return Err(PortError::new(PortErrorKind::Invalid, "recent.begin", detail));
        }
        let lowest = comments.iter().map(|stored| stored.comment.id).min();
        let floor = match lowest {
            _ if is_whole => WHOLE,
            Some(lowest) => *lowest.as_bytes(),
            // Of the stream's comments none is known.
            None => [u8::MAX; 16],
        };
        let numbers = [text(now_ms), Vec::new(), text(next), floor.to_vec()];
        self.send("recent.begin", stream, numbers, comments).await.map(drop)
    }

    async fn take_in(
        &self,
        now_ms: u64,
        stream: &StreamId,
        from: u64,
        next: u64,
        changed: &[StoredComment],
    ) -> PortResult<bool> {
        let numbers = [text(now_ms), text(from), text(next), Vec::new()];
        self.send("recent.take_in", stream, numbers, changed).await
    }

    async fn page(&self, now_ms: u64, query: &PageQuery) -> PortResult<Option<(u64, Page)>> {
        let (list, user) = match (&query.of, &query.reader) {
            (PageOf::Replies(_) | PageOf::Review, _) => return Ok(None),
            (PageOf::Stream, Reader::Public) => ("shown", ""),
            (PageOf::Stream, Reader::User(user)) => ("shown", user.as_str()),
            (PageOf::Stream, Reader::Moderator) => ("ids", ""),
        };
        let (kind, anchor) = match query.anchor {
            Anchor::Newest => ("n", Vec::new()),
            Anchor::Before(id) => ("b", id.as_bytes().to_vec()),
            Anchor::After(id) => ("a", id.as_bytes().to_vec()),
        };
        let keys = ["all", list, "hidden", "comments"].map(|name| self.key(&query.stream, name));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let size = u64::from(query.size.clamp(1, PAGE_SIZE_MAX));
        let arguments = [text(now_ms), text(RECENT_EXPIRY_MS), user.into(), kind.into(), anchor, text(size)];
        let found = self
            .commands
            .run("recent.page", async |connection| {
                let found: Vec<Value> =
                    from_redis_value(self.page.run(&connection, &keys, &arguments).await?)?;
                Ok(found)
            })
            .await?;
        Ok(read_page(found).unwrap_or_default())
    }
}

fn text(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Kind, id, author and comment.
fn written(stored: &StoredComment) -> [Vec<u8>; 4] {
    let StoredComment { comment, likes, dislikes, replies } = stored;
    let kind = match comment.visibility {
        Visibility::Removed => "g",
        Visibility::Shown => "s",
        Visibility::Held | Visibility::Shadow => "h",
    };
    let mut body = vec![VERSION];
    let written = Written { comment, likes: *likes, dislikes: *dislikes, replies: *replies };
    // Plain data: writing it into memory cannot fail.
    let done = rmp_serde::encode::write_named(&mut body, &written);
    debug_assert!(done.is_ok(), "{done:?}");
    [kind.into(), comment.id.as_bytes().to_vec(), comment.author.id.as_str().into(), body]
}

/// None where a comment cannot be read, or nothing was given.
fn read_page(found: Vec<Value>) -> RedisResult<Option<(u64, Page)>> {
    let mut found = found.into_iter();
    let (Some(next), Some(older), Some(newer)) = (found.next(), found.next(), found.next()) else {
        return Ok(None);
    };
    let next: u64 = from_redis_value(next)?;
    let mut page =
        Page { older: from_redis_value(older)?, newer: from_redis_value(newer)?, items: Vec::new() };
    for body in found {
        let body: Vec<u8> = from_redis_value(body)?;
        let Some((&VERSION, body)) = body.split_first() else { return Ok(None) };
        let Ok(Read { comment, likes, dislikes, replies }) = rmp_serde::from_slice(body) else {
            return Ok(None);
        };
        page.items.push(StoredComment { comment, likes, dislikes, replies });
    }
    Ok(Some((next, page)))
}
