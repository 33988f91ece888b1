//! Retries: a submission with a reference that was seen before gives the same comment.
//!
//! The store knows references for a day; this keeps those of the last moments, which the store may not have yet,
//! and those under way, so that two retries at once make one comment.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use ringside_core::{Comment, Reference, StreamId, UserId};
use tokio::sync::watch;

use super::lock;

/// References kept: three seconds at 20,000 comments/s, a hundred times what the store needs to catch up.
const KEPT_MAX: usize = 65_536;

type Key = (StreamId, UserId, Reference);

enum State {
    UnderWay(watch::Receiver<bool>),
    Done(Arc<Comment>),
}

#[derive(Default)]
struct Inner {
    states: HashMap<Key, State>,
    done: VecDeque<Key>,
}

/// References of the last moments.
#[derive(Default)]
pub(super) struct References(Mutex<Inner>);

/// What is known of a reference.
pub(super) enum Claim<'a> {
    /// Nobody used it: the holder posts, and tells with [`Claimed::done`]. Dropping it frees the reference.
    Mine(Claimed<'a>),
    /// It became this comment.
    Known(Arc<Comment>),
}

/// The right to post under a reference.
pub(super) struct Claimed<'a> {
    references: &'a References,
    key: Option<Key>,
    finished: watch::Sender<bool>,
}

impl References {
    /// Claims a reference, waiting for whoever posts under it now.
    pub(super) async fn claim(&self, stream: &StreamId, user: &UserId, reference: &Reference) -> Claim<'_> {
        let key = (stream.clone(), user.clone(), reference.clone());
        loop {
            let mut under_way = {
                let mut inner = lock(&self.0);
                match inner.states.get(&key) {
                    Some(State::Done(comment)) => return Claim::Known(comment.clone()),
                    Some(State::UnderWay(finished)) => finished.clone(),
                    None => {
                        let (finished, receiver) = watch::channel(false);
                        inner.states.insert(key.clone(), State::UnderWay(receiver));
                        return Claim::Mine(Claimed { references: self, key: Some(key), finished });
                    }
                }
            };
            // An error means that the other gave up: then it is free, and the loop claims it.
            let _ = under_way.wait_for(|finished| *finished).await;
        }
    }
}

impl Claimed<'_> {
    /// The reference became this comment.
    pub(super) fn done(mut self, comment: Comment) {
        let Some(key) = self.key.take() else { return };
        let mut inner = lock(&self.references.0);
        inner.states.insert(key.clone(), State::Done(Arc::new(comment)));
        inner.done.push_back(key);
        if inner.done.len() > KEPT_MAX
            && let Some(oldest) = inner.done.pop_front()
        {
            inner.states.remove(&oldest);
        }
        drop(inner);
        self.finished.send_replace(true);
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            lock(&self.references.0).states.remove(&key);
        }
    }
}
