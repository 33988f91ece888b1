//! A room's log: what it sent of late, encoded once for each kind of connection, from which every member reads
//! at its own cursor. No member has a queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use ringside_core::wire::Notice;

use super::delivery::{self, Moments, Traced};
use super::event::{Audience, RoomEvent};
use crate::formats::FormatId;

/// How long an entry is kept: three times as long as a viewer's socket may take nothing.
pub const KEEP: Duration = Duration::from_secs(30);
/// Most entries of one room: 30 s of a room that sends each event by itself, at 100/s.
pub const ENTRIES_MAX: usize = 4_096;
/// Most bytes of one room's log, encoded forms and events together: two seconds of 10,000 comments/s in four
/// forms. A viewer that is further behind is not catching up.
pub const ROOM_BYTES_MAX: usize = 16 << 20;
/// Most bytes of all logs of a host. Past it every room keeps [`ROOM_BYTES_MIN`] only.
pub const HOST_BYTES_MAX: usize = 256 << 20;
/// What a room keeps when the host is past [`HOST_BYTES_MAX`].
pub const ROOM_BYTES_MIN: usize = 1 << 20;
/// Most bytes given to one `send`: more than a socket takes at once (its unsent bytes are limited to 16 KiB).
pub const COALESCE_BYTES_MAX: usize = 64 << 10;

/// What a connection is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// For viewers: what sampling leaves, and nothing that is held.
    Sampled,
    /// For moderators: everything.
    Full,
}

impl Tier {
    /// True when connections of this tier see events for this audience.
    #[must_use]
    pub fn sees(self, audience: Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::Viewers => self == Self::Sampled,
            Audience::Moderators | Audience::Shadow | Audience::LeftOut => self == Self::Full,
        }
    }
}

/// Connections that can share bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The wire format.
    pub format: FormatId,
    /// With permessage-deflate.
    pub deflate: bool,
    /// What they are shown.
    pub tier: Tier,
}

/// What an entry tells.
#[derive(Debug, Clone)]
pub enum Content {
    /// Events of the log.
    Events {
        /// In the log's order.
        events: Vec<RoomEvent>,
        /// Comments left out for viewers.
        left_out: u32,
    },
    /// Something to tell all members.
    Notice(Notice),
}

/// What was sent together.
#[derive(Debug)]
pub struct Entry {
    /// Offsets it covers: from this one.
    pub from: u64,
    /// To before this one.
    pub next: u64,
    /// What.
    pub content: Content,
    /// Those of its events that are traced.
    pub traced: Vec<Traced>,
    at: Instant,
    /// For viewers and for moderators; the same where these see the same.
    moments: [Moments; 2],
    bytes: AtomicUsize,
    frames: Mutex<Vec<(Variant, Bytes)>>,
}

impl Entry {
    /// An entry that is not encoded yet.
    #[must_use]
    pub fn new(from: u64, next: u64, content: Content, at: Instant) -> Self {
        // Events are counted with what a comment takes on average, measured on recorded chat.
        let bytes = match &content {
            Content::Events { events, .. } => 64 + events.len() * 400,
            Content::Notice(_) => 256,
        };
        let entry = Self {
            from,
            next,
            content,
            traced: Vec::new(),
            at,
            moments: [Moments::default(), Moments::default()],
            bytes: AtomicUsize::new(bytes),
            frames: Mutex::default(),
        };
        let Content::Events { events, .. } = &entry.content else { return entry };
        let sampled = delivery::moments(events, Tier::Sampled);
        let full = if entry.differs() { delivery::moments(events, Tier::Full) } else { sampled.clone() };
        Self { moments: [sampled, full], ..entry }
    }

    /// When the events were accepted that a tier is shown.
    #[must_use]
    pub(crate) fn moments(&self, tier: Tier) -> &Moments {
        let [sampled, full] = &self.moments;
        match tier {
            Tier::Sampled => sampled,
            Tier::Full => full,
        }
    }

    /// True where viewers and moderators are shown different things.
    #[must_use]
    pub fn differs(&self) -> bool {
        match &self.content {
            Content::Events { events, left_out } => {
                *left_out > 0 || events.iter().any(|event| event.audience != Audience::All)
            }
            Content::Notice(_) => false,
        }
    }

    /// The frame for a variant; none when it is not encoded for it yet. Empty when there is nothing to send.
    #[must_use]
    pub fn frame(&self, variant: Variant) -> Option<Bytes> {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.iter().find(|(known, _)| *known == variant).map(|(_, frame)| frame.clone())
    }

    /// Keeps the frame for a variant; returns the bytes it takes in addition.
    pub fn keep(&self, variant: Variant, frame: Bytes) -> usize {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if frames.iter().any(|(known, _)| *known == variant) {
            return 0;
        }
        // Variants that share a frame share its bytes.
        let shared = frames.iter().any(|(_, known)| known.as_ptr() == frame.as_ptr());
        let bytes = if shared { 0 } else { frame.len() };
        frames.push((variant, frame));
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        bytes
    }

    /// Memory it takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Bytes for one send.
#[derive(Debug, Clone)]
pub struct Payload {
    /// The frames of several entries, one after the other.
    pub bytes: Bytes,
    /// Where each entry's frame ends.
    pub ends: Vec<usize>,
    /// The cursor after all of it.
    pub end: u64,
    /// Events in it.
    pub events: usize,
    /// When they were accepted.
    pub(crate) moments: Moments,
}

/// What a member at a cursor is sent.
#[derive(Debug, Clone)]
pub enum Pending {
    /// This.
    Payload(Payload),
    /// Nothing: it has everything.
    UpToDate,
    /// Nothing yet: the entry at this cursor has to be encoded for its variant first.
    NotEncoded(u64),
    /// It is further behind than the log reaches.
    Fallen,
}

/// The entries of a room, bounded by number, bytes and age.
#[derive(Debug)]
pub struct RoomLog {
    first: u64,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    host_bytes: Arc<AtomicUsize>,
}

impl RoomLog {
    /// An empty log. `host_bytes` counts the bytes of all logs of a host.
    #[must_use]
    pub fn new(host_bytes: Arc<AtomicUsize>) -> Self {
        Self { first: 0, entries: VecDeque::new(), bytes: 0, host_bytes }
    }

    /// The cursor after the last entry.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The oldest entry.
    #[must_use]
    pub fn oldest(&self) -> Option<&Arc<Entry>> {
        self.entries.front()
    }

    /// An entry by cursor.
    #[must_use]
    pub fn get(&self, cursor: u64) -> Option<&Arc<Entry>> {
        self.entries.get(usize::try_from(cursor.checked_sub(self.first)?).ok()?)
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }

    /// Appends an entry and lets the oldest go.
    pub fn push(&mut self, entry: Arc<Entry>, now: Instant) {
        self.count(entry.bytes(), 0);
        self.entries.push_back(entry);
        self.trim(now);
    }

    /// Counts what a late encoding added.
    pub fn grow(&mut self, bytes: usize) {
        self.count(bytes, 0);
    }

    /// Lets go what is too old or too much. The newest entry always stays.
    pub fn trim(&mut self, now: Instant) {
        while let Some(oldest) = self.entries.front() {
            let crowded =
                self.host_bytes.load(Ordering::Relaxed) > HOST_BYTES_MAX && self.bytes > ROOM_BYTES_MIN;
            let over = self.entries.len() > ENTRIES_MAX || self.bytes > ROOM_BYTES_MAX || crowded;
            let old = now.saturating_duration_since(oldest.at) > KEEP;
            if self.entries.len() <= 1 || !(over || old) {
                return;
            }
            let bytes = oldest.bytes();
            self.entries.pop_front();
            self.first += 1;
            self.count(0, bytes);
        }
    }

    fn count(&mut self, more: usize, less: usize) {
        self.bytes = (self.bytes + more).saturating_sub(less);
        self.host_bytes.fetch_add(more, Ordering::Relaxed);
        self.host_bytes.fetch_sub(less, Ordering::Relaxed);
    }

    /// What a member at `cursor` is sent of the entries before `end`, about [`COALESCE_BYTES_MAX`] at most.
    #[must_use]
    pub fn pending(&self, cursor: u64, end: u64, variant: Variant) -> Pending {
        if cursor < self.first {
            return Pending::Fallen;
        }
        let mut frames: Vec<Bytes> = Vec::new();
        let mut payload = Payload {
            bytes: Bytes::new(),
            ends: Vec::new(),
            end: cursor,
            events: 0,
            moments: Moments::default(),
        };
        let mut moments: Vec<&Moments> = Vec::new();
        let mut len = 0;
        while payload.end < end {
            let Some(entry) = self.get(payload.end) else { break };
            let Some(frame) = entry.frame(variant) else {
                if payload.end == cursor {
                    return Pending::NotEncoded(cursor);
                }
                break;
            };
            if len > 0 && len + frame.len() > COALESCE_BYTES_MAX {
                break;
            }
            len += frame.len();
            payload.ends.push(len);
            payload.end += 1;
            if !frame.is_empty() {
                moments.push(entry.moments(variant.tier));
                frames.push(frame);
            }
        }
        if payload.end == cursor {
            return Pending::UpToDate;
        }
        payload.moments = match moments.as_slice() {
            [only] => (*only).clone(),
            several => several.iter().flat_map(|moments| moments.iter().copied()).collect(),
        };
        payload.events = delivery::count(&payload.moments);
        payload.bytes = match frames.as_slice() {
            [only] => only.clone(),
            several => {
                let mut bytes = BytesMut::with_capacity(len);
                several.iter().for_each(|frame| bytes.extend_from_slice(frame));
                bytes.freeze()
            }
        };
        Pending::Payload(payload)
    }
}

impl Drop for RoomLog {
    fn drop(&mut self) {
        self.count(0, self.bytes);
    }
}

impl Payload {
    /// Cursor and offset into the frame at the cursor, after `sent` bytes of a payload that began at `start`.
    #[must_use]
    pub fn after(&self, start: u64, sent: usize) -> (u64, usize) {
        let whole = self.ends.partition_point(|end| *end <= sent);
        let begun = whole.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
        (start + whole as u64, sent - begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIANT: Variant = Variant { format: 0, deflate: false, tier: Tier::Sampled };

    fn entry(n: u64, frame: &[u8], at: Instant) -> Arc<Entry> {
        let content = Content::Events { events: Vec::new(), left_out: 0 };
        let entry = Entry::new(n, n + 1, content, at);
        entry.keep(VARIANT, Bytes::copy_from_slice(frame));
        Arc::new(entry)
    }

    fn payload(pending: Pending) -> Payload {
        match pending {
            Pending::Payload(payload) => payload,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_member_gets_all_it_lacks_in_one_piece_and_keeps_its_place_when_cut() {
        let now = Instant::now();
        let mut log = RoomLog::new(Arc::default());
        for (n, frame) in ["one", "", "three", "four"].iter().enumerate() {
            log.push(entry(n as u64, frame.as_bytes(), now), now);
        }
        let all = payload(log.pending(0, 4, VARIANT));
        assert_eq!((&all.bytes[..], all.end), (&b"onethreefour"[..], 4));
        for (sent, place) in
            [(0, (0, 0)), (2, (0, 2)), (3, (2, 0)), (7, (2, 4)), (8, (3, 0)), (11, (3, 3)), (12, (4, 0))]
        {
            assert_eq!(all.after(0, sent), place, "{sent} bytes sent");
        }
        assert_eq!(&payload(log.pending(2, 3, VARIANT)).bytes[..], b"three");
        assert!(matches!(log.pending(4, 4, VARIANT), Pending::UpToDate));
        let other = Variant { format: 1, ..VARIANT };
        assert!(matches!(log.pending(1, 4, other), Pending::NotEncoded(1)));
    }

    #[test]
    fn a_send_is_bounded_and_goes_on_where_it_ended() {
        let now = Instant::now();
        let mut log = RoomLog::new(Arc::default());
        for n in 0..5 {
            log.push(entry(n, &[b'x'; 30_000], now), now);
        }
        let first = payload(log.pending(0, 5, VARIANT));
        assert_eq!((first.bytes.len(), first.end), (60_000, 2));
        log.push(entry(5, &vec![b'y'; 200_000], now), now);
        assert_eq!(payload(log.pending(5, 6, VARIANT)).bytes.len(), 200_000, "one entry is never cut");
    }

    #[test]
    fn the_log_is_bounded_by_entries_bytes_and_age() {
        let now = Instant::now();
        let host = Arc::new(AtomicUsize::new(0));
        let mut log = RoomLog::new(host.clone());
        for n in 0..(ENTRIES_MAX as u64 + 10) {
            log.push(entry(n, b"x", now), now);
        }
        assert_eq!(log.entries.len(), ENTRIES_MAX);
        assert!(matches!(log.pending(9, log.end(), VARIANT), Pending::Fallen));
        assert!(matches!(log.pending(10, log.end(), VARIANT), Pending::Payload(_)));

        log.push(entry(0, &vec![0; ROOM_BYTES_MAX], now), now);
        assert_eq!(log.entries.len(), 1, "one entry stays, however large");
        let end = log.end();
        log.push(entry(1, b"x", now + KEEP), now + KEEP * 2);
        assert_eq!((log.entries.len(), log.end()), (1, end + 1));

        host.fetch_add(HOST_BYTES_MAX, Ordering::Relaxed);
        for n in 0..3 {
            log.push(entry(n, &vec![0; ROOM_BYTES_MIN], now), now);
        }
        assert_eq!(log.entries.len(), 1, "on a crowded host a room keeps little");
        drop(log);
        assert_eq!(host.load(Ordering::Relaxed), HOST_BYTES_MAX);
    }
}
