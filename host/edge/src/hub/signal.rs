//! What reaches a shard from other threads.

use std::sync::Arc;
use std::time::Duration;

use ringside_core::close::CloseCode;
use ringside_core::wire::Outcome;
use ringside_core::{Failure, StreamId, UserId};
use tokio::sync::mpsc;

use super::slot::Key;
use crate::auth::Identity;
use crate::room::{Direct, Joining, RoomHold, Tier};

/// Signals that wait for one shard: answers to as many commands as may run at once, and some. Who finds it full
/// waits.
pub(crate) const SIGNALS_MAX: usize = 4_096;

/// Something a shard is to do.
#[derive(Debug)]
pub(crate) enum Signal {
    /// A command of a connection is done.
    Done(Key, Finished),
    /// Something for single users.
    Direct(Arc<Directed>),
    /// End all connections of a user.
    Disconnect(UserId, CloseCode),
    /// Tell who watches what.
    Online(mpsc::Sender<Vec<(StreamId, UserId)>>),
    /// A room is no longer for those who are not signed in.
    SignedInOnly(u64),
    /// Ask everyone to go elsewhere within this time, then close.
    Drain(Duration),
    /// End.
    Stop,
}

/// What goes to single users, from a room or from another stream's comments.
#[derive(Debug, Clone)]
pub(crate) struct Directed {
    /// The room it comes from: mentions go to its members, events to its members only. None: mentions go to whoever is
    /// not watching the stream here.
    pub(crate) room: Option<u64>,
    /// The stream.
    pub(crate) stream: StreamId,
    /// What.
    pub(crate) directs: Vec<Direct>,
}

/// A command's result.
#[derive(Debug)]
pub(crate) enum Finished {
    /// The answer, with the command's number.
    Reply(u64, Outcome),
    /// A token was checked.
    SignedIn {
        /// The command's number.
        id: u64,
        /// Who it says one is; else why not, and whether that ends the connection.
        result: Result<Identity, (Failure, Option<CloseCode>)>,
    },
    /// A room was joined.
    Joined {
        /// The command's number.
        id: u64,
        /// The room.
        room: RoomHold,
        /// What to send.
        joining: Box<Joining>,
        /// What it was joined as.
        tier: Tier,
    },
}

/// The ways into all shards.
#[derive(Debug, Clone)]
pub(crate) struct Inboxes(pub(crate) Arc<[mpsc::Sender<Signal>]>);

impl Inboxes {
    /// Sends to every shard, waiting where one is full. Shards that have ended are passed over.
    pub(crate) async fn send_all(&self, signal: impl Fn() -> Signal) {
        for inbox in &*self.0 {
            let _ended = inbox.send(signal()).await;
        }
    }
}
