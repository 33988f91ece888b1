//! Keeps the rates: tells senders, in turn, when to send.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;

use super::stats::{Kind, Stats};
use crate::pace::{Pacer, Rate};

/// What is later than this at the end of the measurement is not sent any more: the machine does not keep up, and the
/// figures would be of another load.
const LATE_MAX: Duration = Duration::from_secs(5);

/// Orders everything of one kind that falls due until the end. Round robin keeps the time between two commands of
/// one user even, which the hosts' limits ask for; `first` keeps the kinds from meeting at the same sender.
pub(super) async fn drive(
    kind: Kind,
    rate: Rate,
    duration: Duration,
    first: usize,
    senders: Arc<[mpsc::Sender<Kind>]>,
    stats: Arc<Stats>,
) {
    let start = Instant::now();
    let mut pacer = Pacer::new(start, rate);
    let mut turns = (0..senders.len()).cycle().skip(first.checked_rem(senders.len()).unwrap_or(0));
    let mut n = 0;
    while rate.due(n) < duration {
        n += 1;
        let late = pacer.next().await;
        if start.elapsed() >= duration + late.min(LATE_MAX) {
            stats.commands(kind).skipped.add("the load generator fell behind");
            continue;
        }
        let sender = turns.next().and_then(|turn| senders.get(turn));
        let skipped = match sender.map(|sender| sender.try_send(kind)) {
            Some(Ok(())) => None,
            Some(Err(TrySendError::Full(_))) => Some("a sender has 8 orders waiting"),
            Some(Err(TrySendError::Closed(_))) => Some("a sender's connection is gone"),
            None => Some("no sender is connected"),
        };
        let mut commands = stats.commands(kind);
        commands.behind.record(late);
        if let Some(why) = skipped {
            commands.skipped.add(why);
        }
    }
}
