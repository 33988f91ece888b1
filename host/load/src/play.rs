//! `ringside play`: plays recorded chats into a PoP at a given rate, each comment as the user who said it.
//!
//! One thread reads, one task keeps the time, and each comment is posted by a task of its own over a kept-alive
//! connection; `--in-flight` bounds how many wait for their answer.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::Error;
use crate::http::Client;
use crate::pace::{Rate, wait_until};
use crate::progress::Progress;
use crate::recording::Author;
use crate::target::Target;
use crate::token::{TokenSource, Tokens};

mod args;
mod outcome;
mod report;
mod source;
mod timeline;

pub use args::{PlayArgs, Tempo, Users};
pub use report::PlayReport;
pub use source::FileReport;

use outcome::Outcomes;
use source::{Cue, Overview, Source};

/// Comments a minute that a made-up user posts: a host lets 5 through by default, and a little room keeps the edge
/// of its window out of it.
const COMMENTS_PER_MINUTE: f64 = 4.0;
/// Users that share the comments without an author when they are played by their own times: enough for 33 a second.
const MADE_USERS: u32 = 500;
/// Reasons that are reported.
const REASONS_SHOWN: usize = 20;
/// A host that answers nothing for so long is gone. Restarting one takes less.
const GONE_AFTER: Duration = Duration::from_secs(30);

/// Plays recordings, and reports what became of them. Ctrl-C ends the playing early, with a report.
///
/// # Errors
/// `Usage` for a file, column, address or token that cannot be used, `Unavailable` when no host answers, or none
/// does any more for 30 s, `Failed` when a file breaks off.
pub async fn play(args: PlayArgs, tokens: impl TokenSource + 'static) -> Result<PlayReport, Error> {
    let target = Target::resolve(&args.target).await?;
    let look = args.clone();
    let overview = tokio::task::spawn_blocking(move || source::look(&look))
        .await
        .map_err(|error| Error::Failed(format!("reading the files broke off: {error}")))??;
    let player = Arc::new(Player {
        client: Client::new(target),
        outcomes: Outcomes::new(args.verdicts.as_deref())?,
        tokens: Tokens::new(tokens),
        run: format!("{:08x}", fastrand::u32(..)),
        args,
    });
    player.look_at_stream().await?;
    player.run(overview).await
}

/// What the tasks of a run share.
struct Player {
    args: PlayArgs,
    client: Client,
    tokens: Tokens,
    outcomes: Outcomes,
    /// Tells this run's references from another's.
    run: String,
}

impl Player {
    /// Reads the stream once, so that what is wrong with address, token or stream is said before anything is posted.
    async fn look_at_stream(&self) -> Result<(), Error> {
        let target = &self.client.target;
        let stream = &self.args.stream;
        let token = self.tokens.of("player-1", "Player 1", "viewer");
        let answer = self
            .client
            .call(Method::GET, &format!("/v1/streams/{stream}"), &token, "")
            .await
            .map_err(|error| target.unreachable(&error))?;
        let problem = answer.problem();
        match answer.status {
            200..=299 => Ok(()),
            401 => Err(Error::Usage(format!(
                "the host at `{}` refuses the token ({}): sign with its own secret, that is with its --config and --data",
                target.url, problem.detail
            ))),
            403 | 404 => {
                Err(Error::Usage(format!("stream `{stream}`: {}: {}", problem.title, problem.detail)))
            }
            _ => Err(Error::Unavailable(format!(
                "the host at `{}` does not answer as one: {} {}: check --url",
                target.url, problem.title, problem.detail
            ))),
        }
    }

    async fn run(self: Arc<Self>, overview: Overview) -> Result<PlayReport, Error> {
        let start = Instant::now();
        let _progress = Progress::start({
            let (player, total) = (self.clone(), overview.comments);
            move || player.progress(start.elapsed(), total)
        });
        let mut source = Source::start(&self.args);
        let in_flight = Arc::new(Semaphore::new(self.args.in_flight.into()));
        let mut posting = JoinSet::new();
        let mut number = 0_u64;
        let mut stopped = false;
        loop {
            let cue = tokio::select! {
                cue = source.cues.recv() => cue,
                _ = tokio::signal::ctrl_c() => { stopped = true; None }
            };
            let Some(cue) = cue.transpose()? else { break };
            let due =
                start + cue.due.or_else(|| Some(self.args.rate.rate()?.due(number))).unwrap_or_default();
            let ready = async {
                wait_until(due).await;
                in_flight.clone().acquire_owned().await
            };
            let permit = tokio::select! {
                permit = ready => permit.map_err(|error| Error::Failed(error.to_string()))?,
                _ = tokio::signal::ctrl_c() => { stopped = true; break }
            };
            self.outcomes.counts().behind.record(due.elapsed());
            let player = self.clone();
            posting.spawn(async move {
                let noted = player.post(number, &cue).await;
                drop(permit);
                noted
            });
            while let Some(done) = posting.try_join_next() {
                noted(done)?;
            }
            self.check_for_life()?;
            number += 1;
        }
        while let Some(done) = posting.join_next().await {
            noted(done)?;
        }
        self.outcomes.flush()?;
        self.check_for_life()?;
        let files = if overview.files.is_empty() { source.piped() } else { overview.files };
        Ok(self.report(start.elapsed(), files, stopped))
    }

    async fn post(&self, number: u64, cue: &Cue) -> Result<(), Error> {
        let author = self.author(number, cue);
        let token = self.tokens.of(&author.user, &author.name, "viewer");
        let path = format!("/v1/streams/{}/comments", self.args.stream);
        // The reference lets the client repeat a call that broke off: there is still one comment.
        let body =
            json!({ "text": cue.said.text, "reference": format!("play-{}-{number}", self.run) }).to_string();
        let sent = Instant::now();
        let answer = self.client.call(Method::POST, &path, &token, &body).await;
        let file = self.args.files.get(cue.file).map(|path| path.display().to_string()).unwrap_or_default();
        self.outcomes.note(&file, cue, &author, &answer, sent.elapsed())
    }

    /// As whom a comment is posted.
    fn author(&self, number: u64, cue: &Cue) -> Author {
        let users = match (self.args.users, &cue.said.author) {
            (Users::Keep, Some(author)) => return author.clone(),
            (Users::Keep, None) => self.args.rate.rate().map_or(MADE_USERS, users_for),
            (Users::Made(users), _) => users,
        };
        let turn = number % u64::from(users.max(1)) + 1;
        // The run's own: users of the run before may still be waiting out their limits.
        Author { user: format!("player-{}-{turn}", self.run), name: format!("Player {turn}") }
    }

    /// # Errors
    /// `Unavailable` when nothing was answered for too long.
    fn check_for_life(&self) -> Result<(), Error> {
        let counts = self.outcomes.counts();
        match &counts.unanswered {
            Some(error) if counts.answered_at.elapsed() > GONE_AFTER => Err(Error::Unavailable(format!(
                "the host at `{}` is gone after {} comments: {error}: see its log",
                self.client.target.url, counts.posted
            ))),
            _ => Ok(()),
        }
    }

    fn progress(&self, elapsed: Duration, total: Option<u64>) -> String {
        let counts = self.outcomes.counts();
        #[allow(clippy::cast_precision_loss, reason = "a share to show")]
        let of = total.map_or(String::new(), |total| {
            format!(" of {total} ({:.0} %)", counts.posted as f64 * 100.0 / total.max(1) as f64)
        });
        format!(
            "{:>4} s  {}{of}  accepted {}  held {}  rejected {}  rate-limited {}  failed {}  p99 {:.0} ms",
            elapsed.as_secs(),
            counts.posted,
            counts.accepted,
            counts.held,
            counts.rejected.total(),
            counts.rate_limited,
            counts.failed.total(),
            counts.latency.percentiles().p99_ms,
        )
    }

    fn report(&self, elapsed: Duration, files: Vec<FileReport>, stopped: bool) -> PlayReport {
        let counts = self.outcomes.counts();
        let seconds = elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate to show")]
        let posted_per_second = if seconds > 0.0 { counts.posted as f64 / seconds } else { 0.0 };
        let hint = (counts.rate_limited > 0).then(|| {
            let rate = self.args.rate.rate().map_or(posted_per_second, Rate::per_second);
            let users = Rate::parse(&rate.to_string()).map_or(1, users_for);
            format!(
                "{} comments were too fast for one user: `--users {users}` keeps each user below {} a minute",
                counts.rate_limited,
                COMMENTS_PER_MINUTE + 1.0
            )
        });
        PlayReport {
            url: self.client.target.url.clone(),
            stream: self.args.stream.to_string(),
            seconds,
            posted: counts.posted,
            posted_per_second,
            accepted: counts.accepted,
            held: counts.held,
            rejected: counts.rejected.total(),
            rejected_reasons: counts.rejected.top(REASONS_SHOWN),
            rate_limited: counts.rate_limited,
            failed: counts.failed.total(),
            failed_reasons: counts.failed.top(REASONS_SHOWN),
            answered: counts.latency.percentiles(),
            behind: counts.behind.percentiles(),
            files,
            stopped,
            hint,
            json: self.args.json,
        }
    }
}

/// A task's end: a panic in it is a fault of ours that must not pass as an unanswered comment.
fn noted(done: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    done.map_err(|error| Error::Failed(format!("posting broke off: {error}")))?
}

/// Users that share a rate without one of them being too fast.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are above 0 and at most a million"
)]
fn users_for(rate: Rate) -> u32 {
    (rate.per_second() * 60.0 / COMMENTS_PER_MINUTE).ceil() as u32
}
