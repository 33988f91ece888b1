//! A role's share of the log: its partitions come and go as processes join and die, and a worker runs for each.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ringside_ports::error::PortErrorKind;
use ringside_ports::log::{LET_GO_MS_MAX, Membership, Share, Topic};
use ringside_ports::{Log, PortResult};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::consumer::Backoff;
use crate::workers::{Worker, Workers};

/// Time that a worker has to end when its partition goes to another process: what it does not finish then is done
/// again by that process. Half of what the log allows, since several partitions may go at once.
const END_MAX: Duration = Duration::from_millis(LET_GO_MS_MAX / 2);

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Works on this process's share of the room events as `role` until `stop`. `work` carries out one partition until its
/// token is cancelled; when it fails it is called again, the later the more often it failed.
///
/// # Errors
/// `Conflict` when this process works as `role` already.
pub async fn run<W, F>(
    log: Arc<dyn Log>,
    role: &'static str,
    workers: Workers,
    stop: CancellationToken,
    work: W,
) -> PortResult<()>
where
    W: Fn(Arc<Worker>, CancellationToken) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = PortResult<()>> + Send + 'static,
{
    let Some(mut member) = join(&*log, role, &stop).await? else { return Ok(()) };
    let mut running: HashMap<u32, Running> = HashMap::new();
    loop {
        let share = tokio::select! {
            () = stop.cancelled() => None,
            share = member.next() => share,
        };
        match share {
            Some(Share::Given(partitions)) => {
                info!(role, ?partitions, "took over partitions");
                for partition in partitions {
                    // Never two workers of one partition, even if it was given twice.
                    end(&mut running, &[partition]).await;
                    let stop = CancellationToken::new();
                    let worker = Arc::new(workers.enlist(role, partition));
                    let task = tokio::spawn(keep_at_it(worker, stop.clone(), work.clone()));
                    running.insert(partition, Running { stop, task });
                }
            }
            Some(Share::Taken(partitions)) => {
                info!(role, ?partitions, "hands over partitions");
                end(&mut running, &partitions).await;
            }
            Some(Share::Lost(partitions)) => {
                warn!(role, ?partitions, "lost partitions: this process was away from the log for too long");
                end(&mut running, &partitions).await;
            }
            None => break,
        }
    }
    let all: Vec<u32> = running.keys().copied().collect();
    end(&mut running, &all).await;
    Ok(())
}

/// None when `stop` came first.
async fn join(
    log: &dyn Log,
    role: &'static str,
    stop: &CancellationToken,
) -> PortResult<Option<Box<dyn Membership>>> {
    let mut backoff = Backoff::default();
    loop {
        match log.join(role, Topic::RoomEvents).await {
            Ok(member) => return Ok(Some(member)),
            Err(error) if error.kind == PortErrorKind::Conflict => return Err(error),
            Err(error) => warn!(role, %error, "cannot join the group, trying again"),
        }
        if !backoff.wait(stop).await {
            return Ok(None);
        }
    }
}

async fn keep_at_it<W, F>(worker: Arc<Worker>, stop: CancellationToken, work: W)
where
    W: Fn(Arc<Worker>, CancellationToken) -> F,
    F: Future<Output = PortResult<()>>,
{
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        let Err(error) = work(worker.clone(), stop.clone()).await else { return };
        warn!(role = worker.role(), partition = worker.partition(), %error, "a worker failed, starting it again");
        worker.failed(&error);
        if !backoff.wait(&stop).await {
            return;
        }
    }
}

async fn end(running: &mut HashMap<u32, Running>, partitions: &[u32]) {
    let ending: Vec<_> = partitions.iter().filter_map(|partition| running.remove(partition)).collect();
    for one in &ending {
        one.stop.cancel();
    }
    let last = tokio::time::Instant::now() + END_MAX;
    for mut one in ending {
        if tokio::time::timeout_at(last, &mut one.task).await.is_err() {
            // It hangs in a backend's call. Dropped there, it commits nothing, and its effects bear repetition.
            one.task.abort();
            let _ = one.task.await;
        }
    }
}
