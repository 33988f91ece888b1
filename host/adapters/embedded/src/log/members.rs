//! Consumer groups of one process: whoever joins has every partition, and has them alone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ringside_ports::log::{Membership, Share, Topic};
use ringside_ports::{PortError, PortResult, error::PortErrorKind};

type Joined = Arc<Mutex<HashSet<(String, Topic)>>>;

/// The groups that are joined now.
#[derive(Debug, Default)]
pub(super) struct Members {
    joined: Joined,
}

impl Members {
    pub(super) fn join(&self, group: &str, topic: Topic, partitions: u32) -> PortResult<Member> {
        let group = (group.to_owned(), topic);
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if !joined.insert(group.clone()) {
            let detail = format!("group `{}` of topic {} is joined already", group.0, topic.name());
            return Err(PortError::new(PortErrorKind::Conflict, "log.join", detail));
        }
        Ok(Member { group, given: Some((0..partitions).collect()), joined: self.joined.clone() })
    }
}

/// The one member of a group.
pub(super) struct Member {
    group: (String, Topic),
    given: Option<Vec<u32>>,
    joined: Joined,
}

#[async_trait]
impl Membership for Member {
    async fn next(&mut self) -> Option<Share> {
        match self.given.take() {
            Some(partitions) => Some(Share::Given(partitions)),
            // Nobody is there to share with.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.group);
    }
}
