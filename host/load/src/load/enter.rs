//! How a connection of a run comes to watch: connect, sign in, join.

use std::fmt;
use std::time::{Duration, Instant};

use super::args::LoadArgs;
use super::plan::{Plan, Seat, SeatKind};
use super::stats::Stats;
use crate::error::Error;
use crate::socket::{ConnectError, Gone, Socket, connect};
use crate::target::Target;
use crate::token::Tokens;
use crate::wire::{Command, Incoming};

/// Longest wait until a connection has joined. A host closes one that is not signed in after 5 s.
const ENTER_WAIT_MAX: Duration = Duration::from_secs(15);
/// Comments that a viewer who reads asks for, so that there is something to like from the start.
const HISTORY: u32 = 50;
/// The client's numbers of the first two commands; a sender counts on from there.
const AUTHENTICATE: u64 = 1;
const JOIN: u64 = 2;
/// Number of a sender's first command.
pub(super) const FIRST_COMMAND: u64 = 3;

/// What all connections of a run have in common.
pub(super) struct Entrance {
    pub(super) args: LoadArgs,
    pub(super) target: Target,
    /// Where senders connect.
    pub(super) senders: Target,
    pub(super) tokens: Tokens,
    pub(super) plan: Plan,
}

/// A connection that has joined.
pub(super) struct Entered {
    pub(super) seat: Seat,
    pub(super) socket: Socket,
    /// From the beginning of this try to the upgrade.
    pub(super) upgraded: Duration,
    /// From the beginning of this try to the stream.
    pub(super) joined: Duration,
}

/// Why a connection does not watch.
#[derive(Debug)]
pub(super) enum Refusal {
    NotConnected(ConnectError),
    Gone(Gone),
    /// An error of the protocol's table, or a reply that does not fit.
    Answered {
        number: u16,
        title: String,
        detail: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(error) => error.fmt(f),
            Self::Gone(gone) => gone.fmt(f),
            Self::Answered { number, title, detail } => write!(f, "{number} {title}: {detail}"),
        }
    }
}

impl From<Gone> for Refusal {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl Refusal {
    /// Whether another try may do better: not after an answer that says no.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::NotConnected(ConnectError::Io(_)) | Self::Gone(Gone::Lost(_)) => true,
            // Of the host's own codes those below 4500 ask to come back.
            Self::Gone(Gone::Closed { code, .. }) => matches!(code, 1001 | 1006 | 1011 | 4000..=4499 | 4501),
            Self::NotConnected(ConnectError::Refused(_))
            | Self::Gone(Gone::Broken(_))
            | Self::Answered { .. } => false,
        }
    }

    /// What it means when already the first connection is refused.
    pub(super) fn into_error(self, entrance: &Entrance, stream: &str) -> Error {
        let url = &entrance.target.url;
        match self {
            Self::NotConnected(ConnectError::Io(error)) => entrance.target.unreachable(&error),
            Self::NotConnected(ConnectError::Refused(why)) => {
                Error::Usage(format!("`{url}` gives no WebSocket: {why}: check --url and --codec"))
            }
            Self::Gone(Gone::Closed { code: 4502 | 4503, .. }) | Self::Answered { number: 101 | 102, .. } => {
                Error::Usage(format!(
                    "the host at `{url}` refuses the token ({self}): sign with its own secret, that is with its \
                     --config and --data"
                ))
            }
            Self::Answered { number: 103 | 104 | 201 | 202, .. } => {
                Error::Usage(format!("stream `{stream}` cannot be joined: {self}"))
            }
            Self::Gone(_) | Self::Answered { .. } => {
                Error::Unavailable(format!("the host at `{url}` takes no connection: {self}"))
            }
        }
    }
}

impl Entrance {
    /// Connects, signs in and joins.
    ///
    /// # Errors
    /// [`Refusal`], after 15 s at the latest.
    pub(super) async fn enter(&self, seat: Seat, stats: &Stats) -> Result<Entered, Refusal> {
        let start = Instant::now();
        let sends = matches!(seat.kind, SeatKind::Sender(_));
        let meter = if sends { stats.senders.clone() } else { stats.viewers.clone() };
        // A sender passes over what it is sent: it need not be inflated.
        let compression = self.args.compression && !sends;
        let target = if sends { &self.senders } else { &self.target };
        let mut socket =
            connect(target, self.args.codec, compression, meter).await.map_err(Refusal::NotConnected)?;
        let upgraded = start.elapsed();
        tokio::time::timeout(ENTER_WAIT_MAX, self.join(&mut socket, &seat, stats)).await.unwrap_or_else(
            |_| Err(Gone::Lost(format!("no reply to join in {} s", ENTER_WAIT_MAX.as_secs())).into()),
        )?;
        Ok(Entered { seat, socket, upgraded, joined: start.elapsed() })
    }

    async fn join(&self, socket: &mut Socket, seat: &Seat, stats: &Stats) -> Result<(), Refusal> {
        let user = format!("load-{}-{}", stats.run, seat.user);
        let role =
            if matches!(seat.kind, SeatKind::Sender(_)) { self.args.sender_role.as_str() } else { "viewer" };
        let token = self.tokens.of(&user, &user, role);
        socket.queue(&Command::Authenticate { id: AUTHENTICATE, token: &token });
        reply(socket, AUTHENTICATE, |_| {}).await?;
        let stream = self.plan.streams.get(seat.stream).map_or("", |stream| stream.as_str());
        let history = if matches!(seat.kind, SeatKind::Sampled(_)) { HISTORY } else { 0 };
        socket.queue(&Command::Join { id: JOIN, stream, history });
        reply(socket, JOIN, |reply| {
            let ids = reply.history.iter().filter_map(|comment| comment.id.0);
            ids.for_each(|id| stats.tracked(seat.stream, |tracker| tracker.likeable(id)));
        })
        .await
    }
}

/// Sends what is in the queue and waits for the reply to one command. Batches that come meanwhile are none of this
/// connection's business yet.
async fn reply(socket: &mut Socket, id: u64, then: impl Fn(&Incoming<'_>)) -> Result<(), Refusal> {
    socket.flush().await?;
    let codec = socket.codec;
    let mut answer = None;
    while answer.is_none() {
        socket
            .read(|payload| {
                if answer.is_some() || codec.is_surely_batch(payload) {
                    return Ok(());
                }
                let read = codec.decode(payload).map_err(Gone::Broken)?;
                if read.r#type == "reply" && read.id == Some(id) {
                    then(&read);
                    answer = Some(match &*read.status {
                        "authenticated" | "joined" => Ok(()),
                        _ => Err(Refusal::Answered {
                            number: read.number,
                            title: format!("{}{}", read.title, read.reason),
                            detail: read.detail.into_owned(),
                        }),
                    });
                }
                Ok(())
            })
            .await?;
    }
    answer.unwrap_or(Ok(()))
}
