//! Attempts to say something under a reference, counted over all hosts: whoever is not answered tries again, maybe on
//! another host, while the first attempt is still on its way into the log or from there into the store.

use ringside_core::error::Problem;
use ringside_core::{Comment, Failure, Reference, StreamId, UserId};
use ringside_ports::counters::Hit;
use std::time::Duration;

use super::{Intake, unavailable};

/// How long an attempt is remembered. A comment with a reference costs the counters a key for so long: 300,000 keys at
/// 10,000 comments/s. A store that is further behind than this lets a retry through.
const REMEMBERED_MS: u32 = 30_000;
/// After this long an attempt has got into the log or never will: the log gives up after 5 s, and what waited before it
/// for as long again.
const SETTLED_MS: u32 = 10_000;
/// How long who tries again is asked to wait.
const RETRY_AFTER: Duration = Duration::from_millis(1_000);

/// What became of a reference before.
pub(super) enum Attempted {
    /// This comment.
    Made(Box<Comment>),
    /// Nothing: this attempt goes on. None where it could not be counted.
    First(Option<Attempt>),
}

/// An attempt that was counted.
pub(super) struct Attempt(Hit);

impl Intake {
    /// Counts an attempt, and finds what one before it made. Where the counters or the store do not answer people go on
    /// talking; who tries again on another host may say something twice when both are away.
    ///
    /// # Errors
    /// `Unavailable` with a wait while it is not known what became of an attempt before this one.
    pub(super) async fn attempt(
        &self,
        stream: &StreamId,
        user: &UserId,
        reference: &Reference,
    ) -> Result<Attempted, Failure> {
        let (store, counters) = (&self.services.store, &self.services.counters);
        let hit = [Hit { key: format!("reference/{stream}/{user}/{reference}"), window_ms: REMEMBERED_MS }];
        let now_ms = self.services.clock.now_ms();
        let (made, counted) =
            tokio::join!(store.by_reference(stream, user, reference), counters.hit(now_ms, &hit));
        let [hit] = hit;
        let attempt = counted.is_ok().then_some(Attempt(hit));
        match made {
            Ok(Some(comment)) => return Ok(Attempted::Made(Box::new(comment))),
            Err(error) if !error.is_transient() => return Err(unavailable(&error)),
            Ok(None) | Err(_) => {}
        }
        let before = counted.ok().and_then(|windows| windows.first()?.newest_age_ms);
        let Some(before_ms) = before else { return Ok(Attempted::First(attempt)) };
        // The log may have what the store has not.
        let has_all = self.catch_up(stream).await.unwrap_or(false);
        match store.by_reference(stream, user, reference).await {
            Ok(Some(comment)) => return Ok(Attempted::Made(Box::new(comment))),
            Ok(None) if has_all && before_ms >= SETTLED_MS => return Ok(Attempted::First(attempt)),
            Ok(None) | Err(_) => {}
        }
        self.give_up(attempt).await;
        let detail =
            "this reference was used a moment ago, and what became of it is not known yet: try again";
        Err(Failure::retry(Problem::Unavailable, detail, RETRY_AFTER))
    }

    /// An attempt that came to nothing: the next one is the first.
    pub(super) async fn give_up(&self, attempt: Option<Attempt>) {
        if let Some(Attempt(hit)) = attempt {
            self.take_back(&[hit]).await;
        }
    }
}
