//! Background work of a host: old comments and audit entries go, keys are read again.

use std::sync::Arc;
use std::time::Duration;

use ringside_edge::auth::Verifier;
use ringside_embedded::RedbStore;
use ringside_ports::{Audit, PortResult};
use ringside_roles::Clock;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::keys;

/// Comments removed in one transaction, so that the writer never waits long.
const PRUNE_STEP: usize = 2_000;
/// How often what is old is looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// Seconds between two reads of the JWKS where the configuration says nothing.
const JWKS_REFRESH_S: u64 = 300;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Removes comments older than `keep_days`, until `stop`.
pub(super) async fn prune(store: Arc<RedbStore>, keep_days: u64, clock: Clock, stop: CancellationToken) {
    let step = move |before_ms| {
        let store = store.clone();
        async move { store.prune(before_ms, PRUNE_STEP).await }
    };
    remove_old("comments", step, keep_days, clock, stop).await;
}

/// Removes entries of the audit log older than `keep_days`, until `stop`. What still holds stays. Several processes may
/// do so at once.
pub(super) async fn forget(audit: Arc<dyn Audit>, keep_days: u64, clock: Clock, stop: CancellationToken) {
    let step = move |before_ms| {
        let audit = audit.clone();
        async move { audit.forget(before_ms).await }
    };
    remove_old("entries of the audit log", step, keep_days, clock, stop).await;
}

async fn remove_old<F: Future<Output = PortResult<usize>>>(
    what: &'static str,
    step: impl Fn(u64) -> F,
    keep_days: u64,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let before_ms = clock.now_ms().saturating_sub(keep_days.saturating_mul(DAY_MS));
        let mut total = 0;
        loop {
            match step(before_ms).await {
                Ok(0) => break,
                Ok(removed) => total += removed,
                Err(error) => {
                    warn!(what, %error, "what is old could not be removed, trying again later");
                    break;
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
        if total > 0 {
            info!(what, total, keep_days, "removed what is old");
        }
    }
}

/// Reads the JWKS again and again, until `stop`. Keys that were known stay when it cannot be read.
pub(super) async fn refresh_jwks(
    url: String,
    every_s: u64,
    verifier: Arc<Verifier>,
    stop: CancellationToken,
) {
    let every = Duration::from_secs(if every_s == 0 { JWKS_REFRESH_S } else { every_s });
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let from = url.clone();
        let fetched = tokio::task::spawn_blocking(move || keys::fetch_jwks(&from)).await;
        let replaced = match fetched {
            Ok(Ok(document)) => verifier.replace_jwks(&document).map_err(|error| error.to_string()),
            Ok(Err(exit)) => Err(exit.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match replaced {
            Ok(keys) => info!(keys, "read the token keys again"),
            Err(error) => warn!(error, "the token keys could not be read again, those known stay"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn what_is_old_is_removed_step_by_step_until_nothing_is_left() {
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let (left, asked) = (Mutex::new(vec![0, 5, 2_000]), Mutex::new(Vec::new()));
        let step = |before_ms| {
            asked.lock().unwrap().push(before_ms);
            let step = left.lock().unwrap().pop().unwrap();
            if step == 0 {
                stop.cancel();
            }
            std::future::ready(Ok(step))
        };
        let before_ms = clock.now_ms() - 3 * DAY_MS;
        remove_old("things", step, 3, clock, stop.clone()).await;
        let asked = asked.into_inner().unwrap();
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|at| (before_ms..before_ms + DAY_MS).contains(at)), "{asked:?} {before_ms}");
    }
}
