//! Posters: each says something at a fixed pace, over one connection, until it is answered. A fixed number of them offers
//! a fixed rate, and what nobody answers keeps one poster each, never more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::crowd::Shared;
use crate::http::Connection;
use crate::record::{Ack, Id};

/// Longest wait for an answer: past what any host waits for its own backends.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Wait before the other host is tried.
const PAUSE: Duration = Duration::from_millis(100);
/// Once all are to stop, what is not answered is tried again for so long: a broker that was killed takes 5 s to be back.
const LAST_TRY_MAX: Duration = Duration::from_secs(20);
/// Refusals that are written down; one would do.
const REFUSALS_MAX: usize = 20;

#[derive(Deserialize)]
struct Posted {
    id: String,
}

enum Answer {
    Taken { id: Id, held: bool },
    TryAgain,
    Refused(String),
}

pub(crate) struct Poster {
    pub(crate) number: usize,
    pub(crate) stream: usize,
    pub(crate) token: String,
    pub(crate) every: Duration,
    pub(crate) shared: Arc<Shared>,
}

impl Poster {
    pub(crate) async fn run(self) {
        // Spread over one pace, so that they do not speak all at once.
        let mut due = Instant::now() + self.every.mul_f64(fastrand::f64());
        let mut connection = None;
        let path = format!("/v1/streams/{}/comments", self.shared.stream(self.stream));
        for count in 0_u64.. {
            tokio::time::sleep_until(due).await;
            if self.shared.has_ended() {
                return;
            }
            let late = due.elapsed().as_micros() / self.every.as_micros().max(1);
            let late = u32::try_from(late).unwrap_or(u32::MAX);
            self.shared.not_offered.fetch_add(late.into(), Ordering::Relaxed);
            due += self.every.saturating_mul(late.saturating_add(1));
            self.say(count, &path, &mut connection).await;
        }
    }

    /// One comment, under one reference until it is answered, at whichever host answers.
    async fn say(&self, count: u64, path: &str, connection: &mut Option<(usize, Connection)>) {
        let (number, shared) = (self.number, &self.shared);
        let body = json!({
            "text": format!("{:x} says poster {number} as number {count}", fastrand::u64(..)),
            "reference": format!("p{number}-{count}"),
        })
        .to_string();
        let said = shared.clock.now();
        let mut door = connection.as_ref().map_or(number, |(door, _)| *door);
        let mut gives_up: Option<Instant> = None;
        loop {
            let attempt = attempt(shared, door, path, &self.token, &body, connection);
            match tokio::time::timeout(ANSWER_MAX, attempt).await.unwrap_or(Answer::TryAgain) {
                Answer::Taken { id, held } => {
                    let answered = shared.clock.now();
                    return shared.acknowledge(self.stream, Ack { id, held, said, answered });
                }
                Answer::Refused(why) => {
                    let mut refused = shared.refused();
                    if refused.len() < REFUSALS_MAX {
                        refused.push(why);
                    }
                    return;
                }
                Answer::TryAgain => {
                    if shared.has_ended() {
                        let last = *gives_up.get_or_insert_with(|| Instant::now() + LAST_TRY_MAX);
                        if Instant::now() > last {
                            shared.unanswered.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                    }
                    shared.said_again.fetch_add(1, Ordering::Relaxed);
                    *connection = None;
                    door += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn attempt(
    shared: &Shared,
    door: usize,
    path: &str,
    token: &str,
    body: &str,
    connection: &mut Option<(usize, Connection)>,
) -> Answer {
    // Taken out: one that is given up in the middle of a call is of no use any more.
    let mut open = match connection.take() {
        Some((_, open)) => open,
        None => match Connection::open(shared.doors.at(door)).await {
            Ok(open) => open,
            Err(_) => return Answer::TryAgain,
        },
    };
    match open.call(Method::POST, path, token, body.to_owned()).await {
        Err(_) | Ok((429 | 500..=599, _)) => Answer::TryAgain,
        Ok((status @ (200..=202), body)) => {
            let id = serde_json::from_slice(&body).ok().and_then(|posted: Posted| Id::parse(&posted.id));
            *connection = Some((door, open));
            match id {
                Some(id) => Answer::Taken { id, held: status == 202 },
                None => {
                    Answer::Refused(format!("{status} without an id: {}", String::from_utf8_lossy(&body)))
                }
            }
        }
        Ok((status, body)) => {
            *connection = Some((door, open));
            Answer::Refused(format!("{status} {}", String::from_utf8_lossy(&body)))
        }
    }
}
