//! Calls of the client that block until a broker answers, on threads where that harms nobody.

use std::sync::Arc;
use std::time::Duration;

use ringside_ports::error::PortResult;
use tokio::sync::Semaphore;

use crate::client::ANSWER_MAX;
use crate::failure;

/// Calls under way at once. An answer takes half a millisecond, so this is plenty; in an outage each holds a thread for
/// seconds, and others need threads too.
const UNDER_WAY_MAX: usize = 16;
/// How long a call waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(1);

/// Asks, and waits with a bound.
#[derive(Debug, Clone)]
pub(crate) struct Questions {
    turns: Arc<Semaphore>,
}

impl Questions {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)) }
    }

    /// The answer. What takes too long goes on without whoever asked, and keeps its turn until it ends.
    ///
    /// # Errors
    /// `Unavailable` after five seconds, or what the answer says.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        question: impl FnOnce() -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let late = || failure::unavailable(operation, "the brokers did not answer in time");
        let turn = tokio::time::timeout(TURN_MAX, self.turns.clone().acquire_owned());
        let turn = turn.await.ok().and_then(Result::ok).ok_or_else(late)?;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = question();
            drop(turn);
            answer
        });
        // The client's own bound is the same, and its error says more.
        match tokio::time::timeout(ANSWER_MAX + Duration::from_millis(250), asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(late()),
        }
    }
}

impl Default for Questions {
    fn default() -> Self {
        Self::new(UNDER_WAY_MAX)
    }
}
