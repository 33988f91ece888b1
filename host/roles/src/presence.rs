//! Presence: how many watch each stream, reported to the directory and announced on the log (R7).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ringside_core::placement::place;
use ringside_core::{EventKind, HostId, StreamId, UserId};
use ringside_ports::Directory;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::appender::Appender;
use crate::clock::Clock;

/// Time between two reports: a count is right within 5 s (R7), so two reports may fail.
pub const REPORT_EVERY: Duration = Duration::from_millis(1_500);

/// How many watch each stream through this host; asked at each report.
pub type ViewerSource = Box<dyn Fn() -> Vec<(StreamId, u64)> + Send + Sync>;

/// Signed-in users by stream on this host; asked at every [`REPORTS_A_LIST`]th report.
pub type OnlineSource =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<(StreamId, UserId)>> + Send>> + Send + Sync>;

/// Reports between two lists of who is online: 15 s, and who is on none for five minutes is gone.
const REPORTS_A_LIST: u32 = 10;
/// Users told to the directory in one call.
const ONLINE_AT_ONCE: usize = 1_000;

/// Who is here.
pub struct Crowd {
    /// How many watch each stream.
    pub viewers: ViewerSource,
    /// Who they are, where they are few.
    pub online: OnlineSource,
}

/// Reports and announces until `stop`.
pub async fn run(
    directory: Arc<dyn Directory>,
    appender: Appender,
    host: HostId,
    crowd: Crowd,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut announced: HashMap<StreamId, u64> = HashMap::new();
    let mut reports = 0;
    let mut tick = tokio::time::interval(REPORT_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let now_ms = clock.now_ms();
        if reports % REPORTS_A_LIST == 0 {
            for users in (crowd.online)().await.chunks(ONLINE_AT_ONCE) {
                if let Err(error) = directory.seen(now_ms, &host, users).await {
                    debug!(%error, "the directory is not told who is online just now");
                    break;
                }
            }
        }
        reports += 1;
        let here = (crowd.viewers)();
        if let Err(error) = directory.report(now_ms, &host, &here).await {
            debug!(%error, "the directory takes no report just now");
            continue;
        }
        let mut seen = HashMap::with_capacity(here.len());
        for (stream, _) in here {
            let Ok(watching) = directory.watching(now_ms, &stream).await else { continue };
            // One host says it for all of them. It does so again when it takes over: who said it before may have died
            // with a change at hand.
            if place(stream.as_str(), &watching.hosts).is_none_or(|place| *place.primary != host) {
                continue;
            }
            if announced.get(&stream) != Some(&watching.viewers) {
                appender.queue_event(&stream, EventKind::Viewers(watching.viewers));
            }
            seen.insert(stream, watching.viewers);
        }
        announced = seen;
    }
}
