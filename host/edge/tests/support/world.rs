//! Everything behind the edge, in memory: log, relay, store, bans, directory, comments. With faults on demand.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ringside_core::error::Problem;
use ringside_core::event::{Remover, Totals};
use ringside_core::sampling::Plan;
use ringside_core::wire::Review;
use ringside_core::{
    Author, Comment, CommentId, CommentIds, Event, EventKind, Failure, HostId, Judgement, Reaction,
    Reference, RegionId, Restriction, Role, Settings, SettingsPatch, StreamId, UserId, Visibility, encoding,
};
use ringside_edge::now_ms;
use ringside_ports::audit::{AuditEntry, AuditPage, AuditQuery, By, Deed, RestrictionChange};
use ringside_ports::catalog::StreamEntry;
use ringside_ports::comments::{Beside, NewComment, PageAt, Posted, Reacted};
use ringside_ports::error::{PortError, PortErrorKind};
use ringside_ports::log::{Durability, Extent, Membership, NewRecord, Record, Topic};
use ringside_ports::relay::{RelayBatch, Subscription};
use ringside_ports::store::{Anchor, Applied, Page, PageQuery, Reader, StoredComment};
use ringside_ports::{Audit, Comments, Directory, Log, PortResult, Relay, Store};
use tokio::sync::mpsc;

mod registry;

/// The one partition.
pub const PARTITION: u32 = 3;

#[derive(Default)]
pub struct World {
    pub epoch: AtomicU64,
    pub records: Mutex<Vec<Record>>,
    events: Mutex<Vec<Event>>,
    subscribers: Mutex<HashMap<StreamId, Vec<mpsc::Sender<Arc<RelayBatch>>>>>,
    targeted: Mutex<Vec<mpsc::Sender<Arc<RelayBatch>>>>,
    published: Mutex<HashMap<StreamId, u64>>,
    ids: Mutex<Option<CommentIds>>,
    pub settings: Mutex<HashMap<StreamId, Settings>>,
    pub bans: Mutex<HashMap<UserId, Restriction>>,
    pub plan: Mutex<Plan>,
    /// Batches that the relay loses from now on.
    pub lose: AtomicUsize,
    /// The store takes in no events from this offset on.
    pub store_stops_at: Mutex<Option<u64>>,
    /// Records below this are no longer kept.
    pub first_kept: AtomicU64,
    /// Comments wait for this long before they are in the log.
    pub slow_post: Mutex<Duration>,
    /// Users whose comments become something else than shown.
    pub visibility: Mutex<HashMap<String, Visibility>>,
    pub log_fails: AtomicBool,
    pub log_reads: AtomicUsize,
    pub page_reads: AtomicUsize,
}

pub fn stream(id: &str) -> StreamId {
    StreamId::new(id).unwrap()
}

pub fn author(id: &str, role: Role) -> Author {
    Author { id: UserId::new(id).unwrap(), name: id.to_owned(), role, member: false }
}

fn unavailable(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, "away, as the test asked")
}

struct Receiver(mpsc::Receiver<Arc<RelayBatch>>);

#[async_trait]
impl Subscription for Receiver {
    async fn next(&mut self) -> Option<Arc<RelayBatch>> {
        self.0.recv().await
    }
}

impl World {
    /// Appends an event without telling anyone.
    pub fn append_only(&self, stream: &StreamId, kind: EventKind) -> (u64, Arc<Event>) {
        let mut records = self.records.lock().unwrap();
        let offset = records.len() as u64;
        let event = Event {
            stream: stream.clone(),
            origin: RegionId::new("local").unwrap(),
            producer: HostId::new("test").unwrap(),
            sequence: offset,
            at_ms: now_ms(),
            trace: None,
            kind,
        };
        let payload = encoding::encode(&event).into();
        records.push(Record { offset, key: stream.to_string(), payload });
        self.events.lock().unwrap().push(event.clone());
        (offset, Arc::new(event))
    }

    /// Appends and relays, as a coordinator that reads each event by itself.
    pub async fn event(&self, stream: &StreamId, kind: EventKind) -> u64 {
        self.events(stream, vec![kind]).await
    }

    /// Appends and relays in one batch; the offset of the last.
    pub async fn events(&self, stream: &StreamId, kinds: Vec<EventKind>) -> u64 {
        let events: Vec<_> = kinds.into_iter().map(|kind| self.append_only(stream, kind)).collect();
        let next = events.last().unwrap().0 + 1;
        let from = self.published.lock().unwrap().insert(stream.clone(), next).unwrap_or(0);
        let plan = self.plan.lock().unwrap().clone();
        let batch = RelayBatch { stream: stream.clone(), partition: PARTITION, from, next, plan, events };
        self.publish(Arc::new(batch)).await.unwrap();
        next - 1
    }

    pub fn comment(&self, stream: &StreamId, author: Author, text: &str) -> Comment {
        let mut ids = self.ids.lock().unwrap();
        let id = ids.get_or_insert_with(|| CommentIds::new(1)).next(now_ms());
        let visibility =
            *self.visibility.lock().unwrap().get(author.id.as_str()).unwrap_or(&Visibility::Shown);
        Comment {
            id,
            stream: stream.clone(),
            author,
            text: text.to_owned(),
            reply_to: None,
            mentions: ringside_core::text::mentions(text),
            reference: None,
            at_ms: now_ms(),
            edited_at_ms: None,
            visibility,
            judgement: Judgement::unjudged(),
        }
    }

    pub async fn say(&self, id: &str, user: &str, text: &str) -> CommentId {
        let comment = self.comment(&stream(id), author(user, Role::Viewer), text);
        let said = comment.id;
        self.event(&stream(id), EventKind::CommentAccepted(comment)).await;
        said
    }

    fn checkpoint_now(&self) -> u64 {
        let end = self.events.lock().unwrap().len() as u64;
        self.store_stops_at.lock().unwrap().map_or(end, |stop| stop.min(end))
    }

    /// The store's comments of a stream, oldest first.
    fn stored(&self, stream: &StreamId) -> Vec<StoredComment> {
        let end = usize::try_from(self.checkpoint_now()).unwrap();
        let mut comments: Vec<StoredComment> = Vec::new();
        for event in self.events.lock().unwrap().iter().take(end).filter(|event| event.stream == *stream) {
            let find = |id: &CommentId, comments: &Vec<StoredComment>| {
                comments.iter().position(|c| c.comment.id == *id)
            };
            match &event.kind {
                EventKind::CommentAccepted(comment) => {
                    if let Some(at) = comment.reply_to.and_then(|id| find(&id, &comments)) {
                        comments[at].replies += 1;
                    }
                    comments.push(StoredComment {
                        comment: comment.clone(),
                        likes: 0,
                        dislikes: 0,
                        replies: 0,
                    });
                }
                EventKind::CommentApproved { comment, .. }
                | EventKind::CommentRestored { comment, .. }
                | EventKind::CommentModerated { comment } => {
                    if let Some(at) = find(&comment.id, &comments) {
                        comments[at].comment = comment.clone();
                    }
                }
                EventKind::CommentEdited { comment, text, .. } => {
                    if let Some(at) = find(comment, &comments) {
                        comments[at].comment.text.clone_from(text);
                        comments[at].comment.edited_at_ms = Some(event.at_ms);
                    }
                }
                EventKind::CommentRemoved { comment, .. } => {
                    if let Some(at) = find(comment, &comments) {
                        comments[at].comment.visibility = Visibility::Removed;
                    }
                }
                EventKind::ReactionTotals(totals) => {
                    for totals in totals {
                        if let Some(at) = find(&totals.comment, &comments) {
                            comments[at].likes = totals.likes;
                        }
                    }
                }
                _ => {}
            }
        }
        comments
    }
}

#[async_trait]
impl Log for World {
    fn epoch(&self) -> u64 {
        7 + self.epoch.load(Ordering::SeqCst)
    }

    fn partitions(&self, _: Topic) -> u32 {
        PARTITION + 1
    }

    fn partition_of(&self, _: Topic, _: &str) -> u32 {
        PARTITION
    }

    async fn append(&self, _: Topic, _: u32, _: Vec<NewRecord>, _: Durability) -> PortResult<u64> {
        Err(unavailable("log.append"))
    }

    async fn read(&self, _: Topic, _: u32, from: u64, most: usize, _: usize) -> PortResult<Vec<Record>> {
        if self.log_fails.load(Ordering::SeqCst) {
            return Err(unavailable("log.read"));
        }
        self.log_reads.fetch_add(1, Ordering::SeqCst);
        let from = from.max(self.first_kept.load(Ordering::SeqCst));
        let records = self.records.lock().unwrap();
        Ok(records.iter().skip(usize::try_from(from).unwrap()).take(most).cloned().collect())
    }

    async fn wait_for(&self, _: Topic, _: u32, _: u64) -> PortResult<()> {
        Err(unavailable("log.wait_for"))
    }

    async fn extent(&self, _: Topic, _: u32) -> PortResult<Extent> {
        let next = self.records.lock().unwrap().len() as u64;
        Ok(Extent { first: self.first_kept.load(Ordering::SeqCst), next })
    }

    async fn join(&self, _: &str, _: Topic) -> PortResult<Box<dyn Membership>> {
        Err(unavailable("log.join"))
    }

    async fn commit(&self, _: &str, _: Topic, _: u32, _: u64) -> PortResult<()> {
        Ok(())
    }

    async fn committed(&self, _: &str, _: Topic, _: u32) -> PortResult<Option<u64>> {
        Ok(None)
    }
}

#[async_trait]
impl Relay for World {
    async fn publish(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        if self.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Ok(0);
        }
        let subscribers = self.subscribers.lock().unwrap().get(&batch.stream).cloned().unwrap_or_default();
        for subscriber in &subscribers {
            let _ = subscriber.send(batch.clone()).await;
        }
        Ok(subscribers.len())
    }

    async fn subscribe(&self, stream: &StreamId) -> PortResult<Box<dyn Subscription>> {
        let (sender, receiver) = mpsc::channel(4_096);
        let mut subscribers = self.subscribers.lock().unwrap();
        let subscribers = subscribers.entry(stream.clone()).or_default();
        subscribers.retain(|subscriber| !subscriber.is_closed());
        subscribers.push(sender);
        Ok(Box::new(Receiver(receiver)))
    }

    async fn subscribe_targeted(&self) -> PortResult<Box<dyn Subscription>> {
        let (sender, receiver) = mpsc::channel(4_096);
        self.targeted.lock().unwrap().push(sender);
        Ok(Box::new(Receiver(receiver)))
    }

    async fn publish_targeted(&self, batch: Arc<RelayBatch>) -> PortResult<usize> {
        let subscribers = self.targeted.lock().unwrap().clone();
        for subscriber in &subscribers {
            let _ = subscriber.send(batch.clone()).await;
        }
        Ok(subscribers.len())
    }
}

#[async_trait]
impl Store for World {
    async fn apply(&self, _: u32, _: &[(u64, Event)], _: u64) -> PortResult<Applied> {
        Err(unavailable("store.apply"))
    }

    async fn checkpoint(&self, _: u32) -> PortResult<u64> {
        Ok(self.checkpoint_now())
    }

    async fn page(&self, query: PageQuery) -> PortResult<Page> {
        self.page_reads.fetch_add(1, Ordering::SeqCst);
        assert_eq!(query.anchor, Anchor::Newest);
        let mut items = self.stored(&query.stream);
        items.retain(|stored| match (&query.reader, stored.comment.visibility) {
            (_, Visibility::Removed) => false,
            (_, Visibility::Shown) | (Reader::Moderator, _) => true,
            (Reader::User(user), _) => stored.comment.author.id == *user,
            (Reader::Public, _) => false,
        });
        items.reverse();
        let size = usize::try_from(query.size).unwrap();
        let older = items.len() > size;
        items.truncate(size);
        Ok(Page { items, older, newer: false })
    }

    async fn comment(&self, stream: &StreamId, id: CommentId) -> PortResult<Option<StoredComment>> {
        Ok(self.stored(stream).into_iter().find(|stored| stored.comment.id == id))
    }

    async fn by_reference(&self, _: &StreamId, _: &UserId, _: &Reference) -> PortResult<Option<Comment>> {
        Ok(None)
    }

    async fn reactions_of(
        &self,
        _: &StreamId,
        _: &UserId,
        _: &[CommentId],
    ) -> PortResult<Vec<(CommentId, Reaction)>> {
        Ok(Vec::new())
    }

    async fn emoji(&self, stream: &StreamId) -> PortResult<Vec<(String, u64)>> {
        let end = usize::try_from(self.checkpoint_now()).unwrap();
        let events = self.events.lock().unwrap();
        let last = events.iter().take(end).rev().find_map(|event| match &event.kind {
            EventKind::EmojiTotals(totals) if event.stream == *stream => Some(totals.clone()),
            _ => None,
        });
        Ok(last.unwrap_or_default())
    }

    async fn pinned(&self, stream: &StreamId) -> PortResult<Option<StoredComment>> {
        let end = usize::try_from(self.checkpoint_now()).unwrap();
        let events = self.events.lock().unwrap();
        let last = events.iter().take(end).rev().find_map(|event| match &event.kind {
            EventKind::Pinned { comment, .. } if event.stream == *stream => Some(comment.clone()),
            _ => None,
        });
        Ok(last.flatten().map(|comment| StoredComment { comment, likes: 0, dislikes: 0, replies: 0 }))
    }

    async fn popular(&self, _: &StreamId, _: u32) -> PortResult<Vec<StoredComment>> {
        Ok(Vec::new())
    }

    async fn recount(&self, _: &StreamId, _: CommentId) -> PortResult<Option<Totals>> {
        Ok(None)
    }
}

#[async_trait]
impl Comments for World {
    async fn stream(&self, id: &str) -> Result<StreamEntry, Failure> {
        let id = StreamId::new(id).map_err(|e| Failure::new(Problem::InvalidField, e.to_string()))?;
        if id.as_str() == "missing" {
            return Err(Failure::new(Problem::NotFound, "there is no stream `missing`"));
        }
        let settings = self.settings.lock().unwrap().get(&id).cloned().unwrap_or_default();
        Ok(StreamEntry { title: id.to_string(), id, settings, version: 1, created_at_ms: 0 })
    }

    async fn post(&self, author: &Author, stream: &StreamId, new: NewComment) -> Result<Posted, Failure> {
        let slow = *self.slow_post.lock().unwrap();
        tokio::time::sleep(slow).await;
        let mut comment = self.comment(stream, author.clone(), &new.text);
        comment.reply_to = new.reply_to;
        match new.text.as_str() {
            "reject me" => return Ok(Posted::Rejected("not here".to_owned())),
            "limit me" => return Ok(Posted::RateLimited(1_500)),
            _ => {}
        }
        self.event(stream, EventKind::CommentAccepted(comment.clone())).await;
        Ok(match comment.visibility {
            Visibility::Held => Posted::Held(Box::new(comment)),
            _ => Posted::Accepted(Box::new(comment)),
        })
    }

    async fn edit(
        &self,
        _: &Author,
        stream: &StreamId,
        id: CommentId,
        text: String,
    ) -> Result<Posted, Failure> {
        let missing = || Failure::new(Problem::NotFound, "no such comment");
        let mut comment = self
            .stored(stream)
            .into_iter()
            .find(|stored| stored.comment.id == id)
            .ok_or_else(missing)?
            .comment;
        comment.text.clone_from(&text);
        let judgement = Judgement::unjudged();
        self.event(stream, EventKind::CommentEdited { comment: id, text, judgement, mentions: vec![] }).await;
        Ok(Posted::Accepted(Box::new(comment)))
    }

    async fn delete(&self, user: &Author, stream: &StreamId, id: CommentId) -> Result<(), Failure> {
        let actor = Some(user.id.clone());
        let kind =
            EventKind::CommentRemoved { comment: id, by: Remover::Author, actor, reason: String::new() };
        self.event(stream, kind).await;
        Ok(())
    }

    async fn react(
        &self,
        _: &Author,
        stream: &StreamId,
        id: CommentId,
        _: Reaction,
    ) -> Result<Reacted, Failure> {
        let totals = Totals { comment: id, likes: 1, dislikes: 0 };
        self.event(stream, EventKind::ReactionTotals(vec![totals])).await;
        Ok(Reacted::Done)
    }

    async fn emoji(&self, _: &Author, stream: &StreamId, emoji: String, _: u32) -> Result<Reacted, Failure> {
        self.event(stream, EventKind::EmojiTotals(vec![(emoji, 1)])).await;
        Ok(Reacted::Done)
    }

    async fn pin(&self, user: &Author, stream: &StreamId, id: Option<CommentId>) -> Result<(), Failure> {
        let comment = id.and_then(|id| self.stored(stream).into_iter().find(|s| s.comment.id == id));
        let comment = comment.map(|stored| stored.comment);
        self.event(stream, EventKind::Pinned { comment, actor: user.id.clone() }).await;
        Ok(())
    }

    async fn change_settings(
        &self,
        user: &Author,
        stream: &StreamId,
        patch: SettingsPatch,
    ) -> Result<Settings, Failure> {
        if !user.role.moderates() {
            return Err(Failure::new(Problem::Forbidden, "moderators only"));
        }
        let before = self.settings.lock().unwrap().get(stream).cloned().unwrap_or_default();
        let settings = patch.apply(&before).unwrap();
        self.settings.lock().unwrap().insert(stream.clone(), settings.clone());
        let kind = EventKind::SettingsChanged { settings: settings.clone(), actor: user.id.clone() };
        self.event(stream, kind).await;
        Ok(settings)
    }

    async fn moderate(
        &self,
        user: &Author,
        stream: &StreamId,
        id: CommentId,
        _: Review,
    ) -> Result<(), Failure> {
        let stored = self.stored(stream).into_iter().find(|stored| stored.comment.id == id).unwrap();
        let comment = Comment { visibility: Visibility::Shown, ..stored.comment };
        self.event(stream, EventKind::CommentApproved { comment, actor: user.id.clone() }).await;
        Ok(())
    }

    async fn page(&self, query: PageQuery) -> Result<PageAt, Failure> {
        let from = self.checkpoint_now();
        let page = Store::page(self, query).await;
        let page = page.map_err(|e| Failure::new(Problem::Internal, e.to_string()))?;
        Ok(PageAt { page, from, to: self.checkpoint_now() })
    }

    async fn comment(
        &self,
        _: Option<&Author>,
        _: &StreamId,
        _: CommentId,
    ) -> Result<StoredComment, Failure> {
        Err(Failure::new(Problem::NotFound, "not in tests"))
    }

    async fn popular(&self, _: &StreamId, _: u32) -> Result<Vec<StoredComment>, Failure> {
        Ok(Vec::new())
    }

    async fn beside(&self, _: &StreamId) -> Result<Beside, Failure> {
        Ok(Beside::default())
    }
}

/// Texts, each once.
pub fn distinct(texts: &[String]) -> usize {
    texts.iter().collect::<HashSet<_>>().len()
}
