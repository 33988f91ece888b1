//! What fills a room: the relay's batches, and where they leave a gap the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use ringside_core::sampling::Plan;
use ringside_core::wire::{Notice, NoticeKind, WireComment};
use ringside_core::{Event, EventKind, Failure, Visibility};
use ringside_ports::log::Topic;
use ringside_ports::relay::{RelayBatch, Subscription};
use ringside_ports::{PortResult, Span};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::delivery::{TRACED_MAX, Traced};
use super::encode::Encoder;
use super::event::{Converted, Shown, without_outdated};
use super::{Content, Entry, Request, Room, missed};
use crate::hub::signal::{Directed, Inboxes, Signal};
use crate::services::{Services, now_ms};
use crate::tick::{Pace, tick};

/// Events in one message at most: 200 KB of comments, which a phone still takes in at once.
const EVENTS_MAX: usize = 1_024;
/// Relay batches taken in before something is sent, when many wait.
const GATHERED_MAX: usize = 64;
/// Records read when a join wants to be sure that the room lacks nothing: more than the coordinator is ever
/// behind, and on a busy partition nearly all of them are of other streams.
const CATCH_UP_RECORDS_MAX: u64 = 20_000;
/// Wait before a relay or log that failed is asked again.
const RETRY: Duration = Duration::from_millis(500);
/// A room without members or joins goes after this long: who reloads a page finds it warm.
pub(super) const LINGER: Duration = Duration::from_secs(30);
/// How often a room looks whether it is still needed.
const LOOK: Duration = Duration::from_secs(5);

/// Fills one room until nobody needs it.
pub(super) struct Feed {
    pub(super) room: Arc<Room>,
    pub(super) services: Services,
    pub(super) inboxes: Inboxes,
    pub(super) encoder: Encoder,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) stop: CancellationToken,
    pending: Converted,
    /// Of those that wait, the traced ones: from here until they are told to the shards.
    traced: Vec<(u64, Span)>,
    /// The offset after the last event taken in.
    next: u64,
    plan: Plan,
    shown: Shown,
    pace: Pace,
    cut_at: Instant,
}

impl Feed {
    pub(super) fn new(
        room: Arc<Room>,
        services: Services,
        inboxes: Inboxes,
        encoder: Encoder,
        requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) -> Self {
        let now = Instant::now();
        Self {
            room,
            services,
            inboxes,
            encoder,
            requests,
            stop,
            pending: Converted::default(),
            traced: Vec::new(),
            next: 0,
            plan: Plan::default(),
            shown: Shown::default(),
            pace: Pace::new(now),
            cut_at: now,
        }
    }

    /// Runs; `ready` tells those who wait to join whether it could begin. `close` is asked whether the room may
    /// go, and takes it out of the registry if so.
    pub(super) async fn run(
        mut self,
        ready: watch::Sender<Option<Result<(), Failure>>>,
        close: impl Fn(&Arc<Room>) -> bool,
    ) {
        let mut subscription = match self.begin().await {
            Ok(subscription) => subscription,
            Err(failure) => {
                warn!(stream = %self.room.stream, %failure, "the room could not begin");
                self.room.closed.store(true, std::sync::atomic::Ordering::SeqCst);
                close(&self.room);
                ready.send_replace(Some(Err(failure)));
                return;
            }
        };
        ready.send_replace(Some(Ok(())));
        let stop = self.stop.clone();
        let mut look = tokio::time::interval(LOOK);
        let mut empty_since: Option<Instant> = None;
        loop {
            let due = self.due();
            let waits = !self.pending.events.is_empty();
            tokio::select! {
                () = stop.cancelled() => return,
                batch = subscription.next() => match batch {
                    Some(batch) => self.receive(&batch, &mut *subscription).await,
                    None => subscription = match self.subscribe_again().await {
                        Some(subscription) => subscription,
                        None => return,
                    },
                },
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request).await,
                    None => return,
                },
                () = tokio::time::sleep_until(due.into()), if waits => self.cut().await,
                _ = look.tick() => {
                    let idle = self.room.holds.load(std::sync::atomic::Ordering::SeqCst) == 0;
                    let since = *empty_since.get_or_insert_with(Instant::now);
                    if !idle {
                        empty_since = None;
                    } else if since.elapsed() >= LINGER && close(&self.room) {
                        debug!(stream = %self.room.stream, "the room is closed: nobody watches");
                        return;
                    }
                    self.room.published().log.trim(Instant::now());
                }
            }
        }
    }

    /// Subscribes first and reads then, so that nothing falls between.
    async fn begin(&mut self) -> Result<Box<dyn Subscription>, Failure> {
        let (stream, partition) = (self.room.stream.clone(), self.room.partition);
        let services = self.services.clone();
        let entry = services.comments.stream(stream.as_str()).await?;
        let begun: PortResult<_> = async {
            let subscription = services.relay.subscribe(&stream).await?;
            let extent = services.log.extent(Topic::RoomEvents, partition).await?;
            // What the store has not taken in yet is read from the log, so that pins and totals are of one moment.
            let stored = services.store.checkpoint(partition).await?;
            let oldest = extent.next.saturating_sub(CATCH_UP_RECORDS_MAX).max(extent.first);
            self.next = stored.clamp(oldest, extent.next.max(oldest));
            let emoji = services.store.emoji(&stream).await?;
            let pinned = services.store.pinned(&stream).await?.map(|stored| {
                let (likes, dislikes, replies) = (stored.likes, stored.dislikes, stored.replies);
                WireComment { likes, dislikes, replies, ..stored.comment.into() }
            });
            let viewers = services.directory.viewers(now_ms(), &stream).await.unwrap_or(0);
            Ok((subscription, extent.next, emoji, pinned, viewers))
        }
        .await;
        let (subscription, end, emoji, pinned, viewers) = begun
            .map_err(|error| crate::failure::unavailable("the stream cannot be read just now", &error))?;
        {
            let mut published = self.room.published();
            published.next = self.next;
            let facts = &mut published.facts;
            facts.settings = entry.settings;
            (facts.viewers, facts.emoji, facts.pinned) = (viewers, emoji, pinned);
        }
        self.catch_up(end).await.map_err(|error| {
            crate::failure::unavailable("the stream's log cannot be read just now", &error)
        })?;
        self.cut().await;
        Ok(subscription)
    }

    async fn subscribe_again(&mut self) -> Option<Box<dyn Subscription>> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(RETRY) => {}
            }
            let (relay, stream) = (self.services.relay.clone(), self.room.stream.clone());
            match relay.subscribe(&stream).await {
                Ok(subscription) => {
                    info!(%stream, "the room is subscribed again");
                    let end = self.services.log.extent(Topic::RoomEvents, self.room.partition).await;
                    self.fill_to(end.map_or(self.next, |extent| extent.next)).await;
                    return Some(subscription);
                }
                Err(error) => warn!(%stream, %error, "the relay does not answer: the room waits"),
            }
        }
    }

    /// When what waits is sent.
    fn due(&self) -> Instant {
        let now = Instant::now();
        let least = Duration::from_millis(u64::from(self.plan.tick_ms));
        self.cut_at + tick(self.room.sweep_cost(), self.pace.per_second(now), least)
    }

    /// Takes in a batch, and those that wait behind it.
    async fn receive(&mut self, batch: &RelayBatch, subscription: &mut dyn Subscription) {
        self.take(batch).await;
        for _ in 1..GATHERED_MAX {
            match subscription.next().now_or_never() {
                Some(Some(batch)) => self.take(&batch).await,
                _ => break,
            }
        }
        if !self.pending.events.is_empty() && self.due() <= Instant::now() {
            self.cut().await;
        }
    }

    async fn take(&mut self, batch: &RelayBatch) {
        if batch.next <= self.next && batch.plan == self.plan {
            return;
        }
        if batch.from > self.next {
            self.fill_to(batch.from).await;
        }
        if batch.plan != self.plan {
            self.change_plan(&batch.plan).await;
        }
        self.pace.count(Instant::now());
        for (offset, event) in &batch.events {
            self.apply(*offset, event).await;
        }
        self.next = self.next.max(batch.next);
    }

    /// Reads the log until it is done, however often it fails: viewers wait, and miss nothing.
    async fn fill_to(&mut self, to: u64) {
        while self.next < to && !self.stop.is_cancelled() {
            if let Err(error) = self.fill(to).await {
                warn!(stream = %self.room.stream, %error, "the log cannot be read: the room waits");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn fill(&mut self, to: u64) -> PortResult<()> {
        let log = self.services.log.clone();
        while self.next < to && !self.stop.is_cancelled() {
            let part = missed::read(&*log, &self.room.stream, self.room.partition, self.next, to).await?;
            for (offset, event) in &part.events {
                self.apply(*offset, event).await;
            }
            self.next = part.next;
            if self.pending.events.len() >= EVENTS_MAX {
                self.cut().await;
            }
        }
        Ok(())
    }

    /// Makes sure that nothing below `to` is missing, as far as the coordinator can be behind.
    async fn catch_up(&mut self, to: u64) -> PortResult<()> {
        self.next = self.next.max(to.saturating_sub(CATCH_UP_RECORDS_MAX));
        self.fill(to).await
    }

    async fn apply(&mut self, offset: u64, event: &Event) {
        if offset < self.next {
            return;
        }
        let before = match &event.kind {
            EventKind::CommentEdited { comment: id, .. } => self.before(*id).await,
            EventKind::CommentModerated { comment } => self.before(comment.id).await,
            _ => None,
        };
        if self.traced.len() < TRACED_MAX
            && let Some(span) = self.services.traces.of_event("room", self.room.partition, offset, event)
        {
            self.traced.push((offset, span));
        }
        self.pending.push(offset, event, &self.plan, &mut self.shown, &mut self.room.recent(), before);
        self.next = offset + 1;
    }

    async fn before(&self, id: ringside_core::CommentId) -> Option<Visibility> {
        match self.room.visibility(id) {
            Some(visibility) => Some(visibility),
            None => {
                let stored = self.services.store.comment(&self.room.stream, id).await.ok().flatten();
                stored.map(|stored| stored.comment.visibility)
            }
        }
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::CatchUp(to, done) => {
                if let Err(error) = self.catch_up(to).await {
                    warn!(stream = %self.room.stream, %error, "the log cannot be read for a join");
                    return;
                }
                self.cut().await;
                // Who asked may have given up.
                let _gone = done.send(());
            }
            Request::Encode(cursor, variant) => {
                let entry = self.room.published().log.get(cursor).cloned();
                let Some(entry) = entry else { return };
                // The entries behind it lack the variant too: all at once.
                let entries: Vec<Arc<Entry>> = {
                    let published = self.room.published();
                    (cursor..published.log.end()).filter_map(|at| published.log.get(at).cloned()).collect()
                };
                for entry in entries {
                    let added = self.encoder.encode(&self.room, &entry, &[variant]).await;
                    self.room.published().log.grow(added);
                }
                drop(entry);
                self.room.ring();
            }
        }
    }

    /// Sends what waits.
    async fn cut(&mut self) {
        self.cut_at = Instant::now();
        let Converted { events, directs, left_out, .. } = std::mem::take(&mut self.pending);
        let mut events = without_outdated(events);
        let mut left_out = left_out;
        let for_all = self.room.facts().settings.anonymous_read;
        loop {
            let rest = events.split_off(events.len().min(EVENTS_MAX));
            // Where one message ends within a record, who resumes there gets the record again.
            let next = rest.first().map_or(self.next, |event| event.offset);
            self.publish(next, Content::Events { events, left_out: std::mem::take(&mut left_out) }).await;
            if rest.is_empty() {
                break;
            }
            events = rest;
        }
        if for_all && !self.room.facts().settings.anonymous_read {
            self.inboxes.send_all(|| Signal::SignedInOnly(self.room.id)).await;
        }
        if !directs.is_empty() {
            let directed = Directed { room: Some(self.room.id), stream: self.room.stream.clone(), directs };
            self.inboxes.send_all(|| Signal::Direct(Arc::new(directed.clone()))).await;
        }
    }

    async fn publish(&mut self, next: u64, content: Content) {
        let from = self.room.published().next;
        if let Content::Events { events, left_out: 0 } = &content
            && events.is_empty()
        {
            // Nothing to tell, but what was looked at need not be looked at again.
            self.room.published().next = next;
            self.traced.retain(|(offset, _)| *offset >= next);
            return;
        }
        let mut entry = Entry::new(from, next, content, Instant::now());
        let with_it: Vec<_> = self.traced.extract_if(.., |(offset, _)| *offset < next).collect();
        let traced = |(offset, span): &(u64, Span)| Traced { offset: *offset, trace: span.trace().clone() };
        entry.traced = with_it.iter().map(traced).collect();
        let variants: Vec<_> = self.room.wanted().iter().map(|(variant, _)| *variant).collect();
        self.encoder.encode(&self.room, &entry, &variants).await;
        for (_, mut span) in with_it {
            span.set("ringside.host", self.services.host.as_str());
            span.set("ringside.members", self.room.members());
        }
        self.room.publish(entry, Instant::now());
    }

    /// Members are told when comments begin or cease to be left out.
    async fn change_plan(&mut self, plan: &Plan) {
        let before = std::mem::replace(&mut self.plan, plan.clone());
        if before.shown_percent == plan.shown_percent && before.banner == plan.banner {
            self.room.published().facts.plan = plan.clone();
            return;
        }
        self.cut().await;
        self.room.published().facts.plan = plan.clone();
        let notice = if plan.samples() {
            banner(plan, self.room.stream.as_str())
        } else {
            Notice {
                kind: NoticeKind::BannerEnded,
                text: String::new(),
                value: 100,
                stream: self.room.stream.to_string(),
                comment: None,
            }
        };
        let next = self.room.published().next;
        self.publish(next, Content::Notice(notice)).await;
    }
}

/// The notice that comments are left out.
pub(super) fn banner(plan: &Plan, stream: &str) -> Notice {
    let percent = plan.shown_percent;
    let text = plan
        .banner
        .clone()
        .unwrap_or_else(|| format!("The chat is fast: {percent} % of comments are shown."));
    Notice {
        kind: NoticeKind::Banner,
        text,
        value: u32::from(percent),
        stream: stream.to_owned(),
        comment: None,
    }
}
