//! Background work of a host: old comments go, keys are read again.

use std::sync::Arc;
use std::time::Duration;

use ringside_edge::auth::Verifier;
use ringside_embedded::RedbStore;
use ringside_roles::Clock;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::keys;

/// Comments removed in one transaction, so that the writer never waits long.
const PRUNE_STEP: usize = 2_000;
/// How often old comments are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// Seconds between two reads of the JWKS where the configuration says nothing.
const JWKS_REFRESH_S: u64 = 300;

/// Removes comments older than `keep_days`, until `stop`.
pub(super) async fn prune(store: Arc<RedbStore>, keep_days: u64, clock: Clock, stop: CancellationToken) {
    let mut tick = tokio::time::interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let before_ms = clock.now_ms().saturating_sub(keep_days.saturating_mul(86_400_000));
        let mut total = 0;
        loop {
            match store.prune(before_ms, PRUNE_STEP).await {
                Ok(0) => break,
                Ok(removed) => total += removed,
                Err(error) => {
                    warn!(%error, "old comments could not be removed, trying again later");
                    break;
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
        if total > 0 {
            info!(comments = total, keep_days, "removed old comments");
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
