//! A history on the embedded store, whose reads are counted, and held up or failed where a test says so.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use ringside_conformance::samples::{event, id, judgement, stream};
use ringside_core::event::Totals;
use ringside_core::{Action, Comment, CommentId, Event, EventKind, Reaction, Reference, StreamId, UserId};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::store::{Anchor, Applied, Page, PageQuery, StoredComment};
use ringside_ports::{PortResult, Recent, Store};
use ringside_roles::history::{History, HistoryServices};
use ringside_roles::{Clock, RoleMetrics};
use tempfile::TempDir;
use tokio::sync::watch;

/// How often the recent comments of a test are asked at least.
pub(crate) const ASKED: u64 = 6;

pub(crate) struct Stage {
    pub(crate) history: History,
    /// Not through the gate.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) recent: Option<Arc<Held>>,
    next: AtomicU64,
    registry: Registry,
    _folder: TempDir,
}

impl Stage {
    /// With recent comments where `recent` is given, which begin at that offset.
    pub(crate) fn new(life: Duration, recent: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap();
        let mut registry = Registry::default();
        let store = embedded.store_port();
        let gate = Arc::new(Gate::new(store.clone()));
        let recent = recent.map(|_| Arc::new(Held::default()));
        let services = HistoryServices {
            store: gate.clone(),
            recent: recent.clone().map(|recent| recent as _),
            log: embedded.log.clone(),
            clock: Clock::system(),
            metrics: RoleMetrics::register(&mut registry),
        };
        let history = History::new(services, life);
        Self { history, store, gate, recent, next: AtomicU64::new(0), registry, _folder: folder }
    }

    /// The writer takes these in; the offset after them.
    pub(crate) async fn apply(&self, kinds: Vec<EventKind>) -> u64 {
        let first = self.next.fetch_add(kinds.len() as u64, Ordering::SeqCst);
        let next = first + kinds.len() as u64;
        let events: Vec<_> = (first..).zip(kinds).map(|(at, kind)| event(&stream("s"), at, kind)).collect();
        self.store.apply(0, &events, next).await.unwrap();
        next
    }

    /// Pages that were read from the store.
    pub(crate) fn reads(&self) -> u64 {
        self.gate.pages.load(Ordering::SeqCst)
    }

    /// Requests for pages that were counted.
    pub(crate) fn counted(&self, tier: &str, outcome: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let labels = format!("{{cache=\"pages\",tier=\"{tier}\",outcome=\"{outcome}\"}} ");
        let name = format!("ringside_cache_requests_total{labels}");
        text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |value| value.parse().unwrap())
    }
}

/// A comment's author changes it.
pub(crate) fn edited(n: u64, text: &str) -> EventKind {
    let judgement = judgement(Action::Accept);
    EventKind::CommentEdited { comment: id(n), text: text.into(), judgement, mentions: Vec::new() }
}

/// A store whose pages wait while the gate is closed.
pub(crate) struct Gate {
    store: Arc<dyn Store>,
    pages: AtomicU64,
    fails: AtomicBool,
    is_open: watch::Sender<bool>,
    waiting: watch::Sender<u64>,
}

impl Gate {
    fn new(store: Arc<dyn Store>) -> Self {
        let (is_open, waiting) = (watch::Sender::new(true), watch::Sender::new(0));
        Self { store, pages: AtomicU64::new(0), fails: AtomicBool::new(false), is_open, waiting }
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn close(&self) {
        self.waiting.send_replace(0);
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    pub(crate) async fn someone_waits(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }
}

#[async_trait]
impl Store for Gate {
    async fn apply(&self, partition: u32, events: &[(u64, Event)], next: u64) -> PortResult<Applied> {
        self.store.apply(partition, events, next).await
    }

    async fn checkpoint(&self, partition: u32) -> PortResult<u64> {
        self.store.checkpoint(partition).await
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.pages.fetch_add(1, Ordering::SeqCst);
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.is_open.subscribe().wait_for(|is_open| *is_open).await.unwrap();
        if self.fails.load(Ordering::SeqCst) {
            return Err(PortError::new(PortErrorKind::Unavailable, "store.page", "as the test has it"));
        }
        self.store.page(query).await
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        self.store.comment(stream, id).await
    }

    async fn by_reference(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> PortResult<Option<Comment>> {
        self.store.by_reference(stream, user, reference).await
    }

    async fn reactions_of(
        &self,
        stream: &StreamId,
        user: &UserId,
        comments: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        self.store.reactions_of(stream, user, comments).await
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        self.store.emoji(stream).await
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        self.store.pinned(stream).await
    }

    async fn popular(&self, stream: &StreamId, size: u32) -> PortResult<Vec<StoredComment>> {
        self.store.popular(stream, size).await
    }

    async fn recount(&self, stream: &StreamId, comment: CommentId) -> PortResult<Option<Totals>> {
        self.store.recount(stream, comment).await
    }
}

/// Recent comments that hold one page: that of who asks for the newest.
#[derive(Default)]
pub(crate) struct Held {
    page: Mutex<Option<(u64, Page)>>,
    fails: AtomicBool,
    asked: AtomicU64,
}

impl Held {
    pub(crate) fn hold(&self, next: u64, page: Page) {
        *self.page.lock().unwrap() = Some((next, page));
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Recent for Held {
    async fn begin(&self, _: u64, _: &StreamId, _: u64, _: &[StoredComment], _: bool) -> PortResult<()> {
        Ok(())
    }

    async fn take_in(&self, _: u64, _: &StreamId, _: u64, _: u64, _: &[StoredComment]) -> PortResult<bool> {
        Ok(true)
    }

    async fn page(&self, _: u64, query: &PageQuery) -> PortResult<Option<(u64, Page)>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(PortError::new(PortErrorKind::Unavailable, "recent.page", "as the test has it"));
        }
        Ok(self.page.lock().unwrap().clone().filter(|_| query.anchor == Anchor::Newest))
    }
}
