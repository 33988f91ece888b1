//! The writer's words to [`Recent`]: what the store has of busy streams, so that hosts read it there (R54).
//!
//! One task beside each partition's writer, so that the writer never waits for it. It hears of each chunk before the
//! store takes it in and again after that; each [`EVERY`] it tells what became of the comments that events named. A
//! comment that came since is told as it came, others are read from the store. What it cannot tell it lets go of: then
//! readers ask the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use ringside_core::{Comment, CommentId, Event, EventKind, StreamId, limits};
use ringside_ports::recent::{BEGIN_MAX, RECENT_EXPIRY_MS};
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader, StoredComment};
use ringside_ports::{PortResult, Recent, Store};
use tokio::sync::mpsc;
use tracing::debug;

use crate::clock::Clock;
use crate::history::is_change;
use crate::pace::Pace;

/// How often it tells what is new: half of what viewers' pages may lag behind the store for other reasons.
const EVERY: Duration = Duration::from_millis(200);
/// Chunks that wait: half a second of 20,000 comments a second, some 10 MB. When there are more, all is let go.
const WAITING_MAX: usize = 16;
/// Comments a second from which on a stream is held: slower ones are kept well enough in hosts' memories.
const BUSY_PER_SECOND: u32 = 2;
/// A stream is held for so long after it was last that busy: readers stay a while when a show is over.
const LINGER_MS: u64 = 300_000;
/// Streams held of one partition, each of up to 6 MB in Redis.
const HELD_MAX: usize = 64;
/// Streams known of one partition, about 200 bytes each; past it those that are not held are forgotten.
const KNOWN_MAX: usize = 10_000;
/// Comments in one word: about a megabyte, for which Redis needs some milliseconds. A stream in which more changes is
/// begun anew instead, which costs the same however fast it is.
const WORD_MAX: usize = BEGIN_MAX;
/// Older comments that come are read: a dead letter that is replayed twice may have been changed in between.
const YOUNG_MS: u64 = 10_000;
/// Comments read from the store at once.
const READS_AT_ONCE: usize = 16;
/// Wait before a stream is begun after something failed, and between two beginnings.
const AGAIN_MS: u64 = 1_000;
/// Silence after which it says that nothing changed: a third of the time for which it is believed.
const SILENCE_MS: u64 = RECENT_EXPIRY_MS / 3;

enum Said {
    /// The store is about to take these in; streams in which something changes that was shown.
    Coming(Vec<StreamId>, u64),
    /// It has taken them in.
    Taken(Vec<(u64, Event)>, u64),
}

/// For the writer of one partition. Ends when it is dropped.
pub(crate) struct Newest {
    said: mpsc::Sender<Said>,
    /// Something was said that could not be heard.
    missed: Arc<AtomicBool>,
}

impl Newest {
    pub(crate) fn start(recent: Arc<dyn Recent>, store: Arc<dyn Store>, clock: Clock) -> Self {
        let (said, heard) = mpsc::channel(WAITING_MAX);
        let missed = Arc::new(AtomicBool::new(false));
        let teller = Teller {
            recent,
            store,
            missed: missed.clone(),
            inherits_until_ms: clock.now_ms() + RECENT_EXPIRY_MS,
            clock,
            next: 0,
            pace: Pace::default(),
            streams: HashMap::new(),
        };
        tokio::spawn(teller.run(heard));
        Self { said, missed }
    }

    /// Before the store takes a chunk in.
    pub(crate) fn coming(&self, events: &[(u64, Event)], next: u64) {
        let changes = events.iter().filter(|(_, event)| is_change(&event.kind));
        let mut streams: Vec<StreamId> = changes.map(|(_, event)| event.stream.clone()).collect();
        streams.dedup();
        if !streams.is_empty() {
            self.say(Said::Coming(streams, next));
        }
    }

    /// After it has.
    pub(crate) fn taken(&self, events: Vec<(u64, Event)>, next: u64) {
        self.say(Said::Taken(events, next));
    }

    fn say(&self, said: Said) {
        if self.said.try_send(said).is_err() {
            self.missed.store(true, Ordering::Release);
        }
    }
}

/// What is known of a stream.
#[derive(Default)]
struct Known {
    /// The `next` of the last word, while it is held.
    held: Option<u64>,
    /// Comments that stand otherwise since: as they came, or to be read.
    changed: HashMap<CommentId, Option<Comment>>,
    /// Below this offset something changes that was shown: until a word has it, nobody is told that nothing changed.
    owed: u64,
    word_at_ms: u64,
    busy_at_ms: u64,
    begin_at_ms: u64,
    /// Until then it may be held by words that are not its own to go on with: of an earlier writer, or before one that
    /// was lost.
    foreign_until_ms: u64,
}

impl Known {
    fn is_busy(&self, now_ms: u64) -> bool {
        self.busy_at_ms + LINGER_MS > now_ms
    }

    fn is_to_be_told(&self, now_ms: u64) -> bool {
        let is_open = self.is_busy(now_ms) || self.foreign_until_ms > now_ms;
        self.held.is_some() || is_open && self.begin_at_ms <= now_ms
    }

    fn touch(&mut self, id: CommentId, as_it_came: Option<Comment>) {
        let is_new = !self.changed.contains_key(&id);
        self.changed.insert(id, as_it_came.filter(|_| is_new));
    }

    fn take_in(&mut self, kind: EventKind, now_ms: u64) {
        match kind {
            EventKind::CommentAccepted(comment) => {
                if let Some(parent) = comment.reply_to {
                    self.touch(parent, None);
                }
                let is_young = comment.id.at_ms() + YOUNG_MS > now_ms;
                self.touch(comment.id, Some(comment).filter(|_| is_young));
            }
            EventKind::CommentEdited { comment, .. }
            | EventKind::CommentRemoved { comment, .. }
            | EventKind::ReactionSet { comment, .. } => self.touch(comment, None),
            EventKind::CommentApproved { comment, .. }
            | EventKind::CommentRestored { comment, .. }
            | EventKind::CommentModerated { comment } => {
                if let Some(parent) = comment.reply_to {
                    self.touch(parent, None);
                }
                self.touch(comment.id, None);
            }
            // Also what the reconciler found to be off.
            EventKind::ReactionTotals(totals) => {
                for totals in totals {
                    self.touch(totals.comment, None);
                }
            }
            EventKind::EmojiCounted(_)
            | EventKind::EmojiTotals(_)
            | EventKind::SettingsChanged { .. }
            | EventKind::Pinned { .. }
            | EventKind::Viewers(_) => {}
        }
    }
}

struct Teller {
    recent: Arc<dyn Recent>,
    store: Arc<dyn Store>,
    clock: Clock,
    missed: Arc<AtomicBool>,
    /// Until then what an earlier writer told may be believed.
    inherits_until_ms: u64,
    /// The offset up to which it has heard.
    next: u64,
    pace: Pace,
    streams: HashMap<StreamId, Known>,
}

impl Teller {
    async fn run(mut self, mut heard: mpsc::Receiver<Said>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                said = heard.recv() => match said {
                    Some(said) => self.hear(said).await,
                    None => return,
                },
                _ = tick.tick() => self.tell_all().await,
            }
        }
    }

    async fn hear(&mut self, said: Said) {
        if self.missed.swap(false, Ordering::AcqRel) {
            let held = self.streams.iter().filter(|(_, known)| known.held.is_some());
            for stream in held.map(|(stream, _)| stream.clone()).collect::<Vec<_>>() {
                self.let_go(&stream).await;
            }
        }
        let (events, next) = match said {
            Said::Coming(streams, next) => {
                for stream in streams {
                    self.known(&stream).owed = next;
                }
                return;
            }
            Said::Taken(events, next) => (events, next),
        };
        let now_ms = self.clock.now_ms();
        for (_, event) in events {
            let is_comment = matches!(event.kind, EventKind::CommentAccepted(_));
            let is_busy = is_comment && self.pace.count(&event.stream, 1, now_ms) >= BUSY_PER_SECOND;
            let known = self.known(&event.stream);
            if is_busy {
                known.busy_at_ms = now_ms;
            }
            if known.held.is_some() {
                known.take_in(event.kind, now_ms);
            }
        }
        self.next = next;
    }

    fn known(&mut self, stream: &StreamId) -> &mut Known {
        if self.streams.len() >= KNOWN_MAX && !self.streams.contains_key(stream) {
            self.streams.retain(|_, known| known.held.is_some());
        }
        let foreign_until_ms = self.inherits_until_ms;
        self.streams.entry(stream.clone()).or_insert_with(|| Known { foreign_until_ms, ..Known::default() })
    }

    /// Holds a stream no longer. False where that could not be said: then it is tried again, and goes by its age.
    async fn let_go(&mut self, stream: &StreamId) -> bool {
        let now_ms = self.clock.now_ms();
        // A word that follows on none ends it.
        let said = self.recent.take_in(now_ms, stream, u64::MAX, u64::MAX, &[]).await;
        if let Err(error) = &said {
            debug!(%stream, %error, "its recent comments go by themselves");
        }
        if let Some(known) = self.streams.get_mut(stream) {
            if known.held.take().is_some() {
                known.foreign_until_ms = now_ms + RECENT_EXPIRY_MS;
            }
            if said.is_ok() {
                known.foreign_until_ms = 0;
            }
            known.changed = HashMap::new();
            known.begin_at_ms = now_ms + AGAIN_MS;
        }
        said.is_ok()
    }

    async fn tell_all(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut held = self.streams.values().filter(|known| known.held.is_some()).count();
        let about = self.streams.iter().filter(|(_, known)| known.is_to_be_told(now_ms));
        for stream in about.map(|(stream, _)| stream.clone()).collect::<Vec<_>>() {
            let Some(known) = self.streams.get(&stream) else { continue };
            let told = match known.held {
                Some(_) if !known.is_busy(now_ms) || known.changed.len() > WORD_MAX => Ok(false),
                Some(from) => self.tell(&stream, from, now_ms).await,
                None if known.is_busy(now_ms) && held < HELD_MAX => {
                    held += 1;
                    self.begin(&stream, now_ms).await
                }
                None if known.foreign_until_ms > now_ms => Ok(false),
                None => continue,
            };
            if let Err(error) = &told {
                debug!(%stream, %error, "its recent comments are begun anew");
            }
            if !told.unwrap_or(false) && !self.let_go(&stream).await {
                // Redis is away: the others wait for the next time rather than for an answer each.
                return;
            }
        }
    }

    /// Tells what stands otherwise. False where it is not held any more.
    async fn tell(&mut self, stream: &StreamId, from: u64, now_ms: u64) -> PortResult<bool> {
        let next = self.next;
        let Some(known) = self.streams.get_mut(stream) else { return Ok(false) };
        let is_silent = now_ms.saturating_sub(known.word_at_ms) >= SILENCE_MS;
        if known.changed.is_empty() && !(is_silent && known.owed <= from) {
            return Ok(true);
        }
        let changed = std::mem::take(&mut known.changed);
        let (told, next) = match self.as_they_stand(stream, &changed).await {
            Ok(told) => (told, next),
            // The store is away. What is held is what it had; that is worth more than nothing, but for what went since.
            Err(error) => {
                let Some(known) = self.streams.get_mut(stream) else { return Ok(false) };
                known.changed = changed;
                if !is_silent || known.owed > from {
                    debug!(%stream, %error, "what changed cannot be read");
                    return Ok(true);
                }
                (Vec::new(), from)
            }
        };
        let is_held = self.recent.take_in(now_ms, stream, from, next, &told).await?;
        if let Some(known) = self.streams.get_mut(stream).filter(|_| is_held) {
            known.held = Some(next);
            known.word_at_ms = now_ms;
        }
        Ok(is_held)
    }

    async fn as_they_stand(
        &self,
        stream: &StreamId,
        changed: &HashMap<CommentId, Option<Comment>>,
    ) -> PortResult<Vec<StoredComment>> {
        let mut told = Vec::with_capacity(changed.len());
        let mut unread = Vec::new();
        for (id, as_it_came) in changed {
            match as_it_came {
                Some(comment) => {
                    told.push(StoredComment { comment: comment.clone(), likes: 0, dislikes: 0, replies: 0 });
                }
                None => unread.push(*id),
            }
        }
        let read = self.read(stream, unread).await?;
        // A reply that went or came back counts otherwise with what it answers.
        let mut parents: Vec<CommentId> = read.iter().filter_map(|stored| stored.comment.reply_to).collect();
        parents.retain(|parent| !changed.contains_key(parent));
        parents.sort_unstable();
        parents.dedup();
        told.extend(self.read(stream, parents).await?);
        told.extend(read);
        Ok(told)
    }

    async fn read(&self, stream: &StreamId, ids: Vec<CommentId>) -> PortResult<Vec<StoredComment>> {
        let reads = ids.into_iter().map(|id| {
            let (store, stream) = (self.store.clone(), stream.clone());
            async move { store.comment(&stream, id).await }
        });
        let read: Vec<Option<StoredComment>> =
            futures_util::stream::iter(reads).buffer_unordered(READS_AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Begins to hold a stream with its newest comments.
    async fn begin(&mut self, stream: &StreamId, now_ms: u64) -> PortResult<bool> {
        // What the store takes in from here on comes with the next words, whether it is read here already or not.
        let next = self.next;
        let (mut comments, mut anchor, mut is_whole) = (Vec::new(), Anchor::Newest, false);
        while comments.len() < BEGIN_MAX && !is_whole {
            let query = PageQuery {
                stream: stream.clone(),
                of: PageOf::Stream,
                reader: Reader::Moderator,
                anchor,
                size: limits::PAGE_SIZE_MAX,
            };
            let page = self.store.page(query).await?;
            let Some(last) = page.items.last() else { break };
            (anchor, is_whole) = (Anchor::Before(last.comment.id), !page.older);
            comments.extend(page.items);
        }
        comments.truncate(BEGIN_MAX);
        if let Some(known) = self.streams.get_mut(stream) {
            // Unless it is answered.
            known.foreign_until_ms = now_ms + RECENT_EXPIRY_MS;
        }
        self.recent.begin(now_ms, stream, next, &comments, is_whole).await?;
        if let Some(known) = self.streams.get_mut(stream) {
            known.held = Some(next);
            known.foreign_until_ms = 0;
            known.changed = HashMap::new();
            (known.word_at_ms, known.begin_at_ms) = (now_ms, now_ms + AGAIN_MS);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
