//! What this process listens to: the channels of its subscriptions, however often the connections change.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ringside_ports::relay::{RelayBatch, SUBSCRIPTION_CAPACITY, Subscription};
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};
use tokio::sync::{Notify, watch};

use super::encoding::{Undecodable, decode};

type Batch = Arc<RelayBatch>;

/// After a message of a later version the relay counts as away for this long: it is being upgraded, and who cannot
/// read it reads the log.
const LATER_VERSION_FOR: Duration = Duration::from_secs(10);

/// One channel that someone here listens to.
struct Channel {
    /// Of this subscription of the channel; one that comes after it is another.
    id: u64,
    batches: Sender<Batch>,
    /// The server has confirmed it. What comes before is of someone who left.
    confirmed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    channels: HashMap<Arc<str>, Channel>,
    /// Channels that came or went and the server is to be told of; not more than there were channels.
    changed: HashSet<Arc<str>>,
    last_id: u64,
}

/// What the server is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) wanted: Vec<(Arc<str>, u64)>,
    pub(crate) unwanted: Vec<Arc<str>>,
}

/// Messages that were dropped since the relay was opened, because this version cannot read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Damaged on the way, or never a batch.
    pub damaged: u64,
    /// Of a later version.
    pub later: u64,
}

/// The channels of this process.
#[derive(Default)]
pub(crate) struct Channels {
    state: Mutex<State>,
    /// Something changed.
    pub(crate) changed: Notify,
    damaged: AtomicU64,
    later: AtomicU64,
    later_at: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channels {
    /// Listens; what is received begins when the second part turns true.
    pub(crate) fn join(self: &Arc<Self>, name: String) -> (ChannelSubscription, watch::Receiver<bool>) {
        let name: Arc<str> = name.into();
        let mut state = lock(&self.state);
        let State { channels, changed, last_id } = &mut *state;
        let channel = channels.entry(name.clone()).or_insert_with(|| {
            changed.insert(name.clone());
            self.changed.notify_one();
            *last_id += 1;
            Channel {
                id: *last_id,
                batches: channel(SUBSCRIPTION_CAPACITY).0,
                confirmed: watch::Sender::new(false),
            }
        });
        let (batches, confirmed) = (channel.batches.subscribe(), channel.confirmed.subscribe());
        (ChannelSubscription { name, batches, channels: self.clone() }, confirmed)
    }

    /// The last one that listened takes the channel with it.
    fn leave(&self, name: &Arc<str>) {
        let mut state = lock(&self.state);
        // The one that leaves still counts. Joining takes the same lock, so nobody comes in between.
        if state.channels.get(name).is_some_and(|channel| channel.batches.receiver_count() <= 1) {
            state.channels.remove(name);
            state.changed.insert(name.clone());
            self.changed.notify_one();
        }
    }

    /// What changed since it was asked last.
    pub(crate) fn take_changes(&self) -> Changes {
        let mut state = lock(&self.state);
        let mut changes = Changes::default();
        for name in std::mem::take(&mut state.changed) {
            match state.channels.get(&name) {
                // Asked for again even where the server still has it from before: its answer parts what was
                // published for those who left from what is for those who came.
                Some(channel) if !*channel.confirmed.borrow() => changes.wanted.push((name, channel.id)),
                Some(_) => {}
                None => changes.unwanted.push(name),
            }
        }
        changes
    }

    /// All channels, for a server that knows of none. They are unconfirmed from now on.
    pub(crate) fn begin_anew(&self) -> Vec<(Arc<str>, u64)> {
        let mut state = lock(&self.state);
        state.changed.clear();
        let all = state.channels.iter().map(|(name, channel)| {
            channel.confirmed.send_replace(false);
            (name.clone(), channel.id)
        });
        all.collect()
    }

    /// The server sends these from now on.
    pub(crate) fn confirm(&self, wanted: &[(Arc<str>, u64)]) {
        let state = lock(&self.state);
        for (name, id) in wanted {
            if let Some(channel) = state.channels.get(name).filter(|channel| channel.id == *id) {
                channel.confirmed.send_replace(true);
            }
        }
    }

    /// True where the server has no reason to take a channel away.
    pub(crate) fn is_confirmed(&self, name: &str) -> bool {
        lock(&self.state).channels.get(name).is_some_and(|channel| *channel.confirmed.borrow())
    }

    /// Reads a message once and gives it to all who listen here.
    pub(crate) fn receive(&self, name: &str, message: &[u8]) {
        let batches = match lock(&self.state).channels.get(name) {
            Some(channel) if *channel.confirmed.borrow() => channel.batches.clone(),
            _ => return,
        };
        match decode(message) {
            // Nobody may be left by now.
            Ok(batch) => drop(batches.send(Arc::new(batch))),
            Err(error) => {
                tracing::debug!(channel = name, %error, "a message of the relay is dropped");
                let count = match error {
                    Undecodable::Damaged(_) => &self.damaged,
                    Undecodable::Version(_) => {
                        *lock(&self.later_at) = Some(Instant::now());
                        &self.later
                    }
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        *lock(&self.state) = State::default();
    }

    pub(crate) fn dropped(&self) -> Dropped {
        Dropped { damaged: self.damaged.load(Ordering::Relaxed), later: self.later.load(Ordering::Relaxed) }
    }

    /// True where messages come that this version cannot read.
    pub(crate) fn hears_a_later_version(&self) -> bool {
        lock(&self.later_at).is_some_and(|at| at.elapsed() < LATER_VERSION_FOR)
    }
}

/// One who listens to a channel.
pub(crate) struct ChannelSubscription {
    name: Arc<str>,
    batches: Receiver<Batch>,
    channels: Arc<Channels>,
}

impl Drop for ChannelSubscription {
    fn drop(&mut self) {
        self.channels.leave(&self.name);
    }
}

#[async_trait]
impl Subscription for ChannelSubscription {
    async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.batches.recv().await {
                Ok(batch) => return Some(batch),
                // The oldest were dropped; the next batch's `from` says so.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::encode;
    use super::*;
    use ringside_core::StreamId;
    use ringside_core::sampling::Plan;

    fn message(from: u64) -> Vec<u8> {
        let stream = StreamId::new("s").unwrap();
        let batch =
            RelayBatch { stream, partition: 0, from, next: from, plan: Plan::default(), events: vec![] };
        encode(&batch)
    }

    #[tokio::test]
    async fn the_server_is_told_of_the_first_and_of_the_last_only() {
        let channels = Arc::new(Channels::default());
        let (first, _) = channels.join("c".into());
        let (second, confirmed) = channels.join("c".into());
        let told = channels.take_changes();
        assert_eq!((told.wanted.len(), told.unwanted.len()), (1, 0));
        channels.confirm(&told.wanted);
        assert!(*confirmed.borrow());
        drop(first);
        assert_eq!(channels.take_changes(), Changes::default());
        drop(second);
        assert_eq!(channels.take_changes(), Changes { wanted: vec![], unwanted: vec!["c".into()] });
        assert_eq!(lock(&channels.state).channels.len(), 0, "nothing is left behind");
    }

    #[tokio::test]
    async fn who_comes_after_the_last_left_gets_nothing_that_was_published_between() {
        let channels = Arc::new(Channels::default());
        let (before, _) = channels.join("c".into());
        let old = channels.take_changes().wanted;
        drop(before);
        let (mut after, _) = channels.join("c".into());
        channels.confirm(&old);
        channels.receive("c", &message(1));
        let Changes { wanted, unwanted } = channels.take_changes();
        assert_eq!((wanted.len(), unwanted.len()), (1, 0), "one that came back is asked for, not taken away");
        channels.confirm(&wanted);
        channels.receive("c", &message(2));
        assert_eq!(after.next().await.unwrap().from, 2);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_counted_and_what_follows_comes() {
        let channels = Arc::new(Channels::default());
        let (mut subscription, _) = channels.join("c".into());
        channels.confirm(&channels.begin_anew());
        channels.receive("c", b"");
        channels.receive("c", &[1, 0, 0xc1]);
        assert!(!channels.hears_a_later_version());
        channels.receive("c", &[9, 0, 0]);
        assert!(channels.hears_a_later_version());
        channels.receive("c", &message(5));
        assert_eq!(subscription.next().await.unwrap().from, 5);
        assert_eq!(channels.dropped(), Dropped { damaged: 2, later: 1 });
    }
}
