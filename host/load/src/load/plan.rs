//! How many connections a run has, who they are, and whether this process can have them.

use ringside_core::StreamId;
use ringside_core::limits::{COMMANDS_PER_MINUTE, COMMENTS_PER_MINUTE, REACTIONS_PER_MINUTE};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::args::{LoadArgs, SenderRole};
use crate::error::Error;

/// What a sender stays below of each limit, so that a clock's difference never makes it too fast: a fifth.
const SHARE: f64 = 0.8;
/// Emoji a user may send in a minute by the standard throttle. With the share taken off: 48, which 45 rounds down.
const EMOJI_PER_MINUTE: f64 = 45.0;
/// Commands of a minute that a sender may use: the limit without authenticate, join and a little room.
const COMMANDS_SENT_PER_MINUTE: f64 = COMMANDS_PER_MINUTE as f64 - 10.0;
/// Most connections of one process: what the ports of one address allow, with room.
const CONNECTIONS_MAX: u64 = 28_000;
/// File descriptors beside the connections: standard streams, the runtime's, the resolver's.
const FILES_RESERVED: u64 = 64;
/// Viewers of all streams that read what they are sent.
const SAMPLED_MAX: usize = 64;
/// Viewers of one stream that read what they are sent. Each is a full measurement of every comment.
const SAMPLED_PER_STREAM_MAX: usize = 8;

/// A connection of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    /// Index of its stream.
    pub(super) stream: usize,
    pub(super) kind: SeatKind,
    /// The user's id without the run's part.
    pub(super) user: String,
}

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeatKind {
    /// Watches and reads, as number so many of its stream.
    Sampled(u32),
    /// Watches and counts.
    Viewer,
    /// Sends; as number so many of all.
    Sender(usize),
}

/// The run, before it begins.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) streams: Vec<StreamId>,
    pub(super) seats: Vec<Seat>,
    pub(super) viewers: usize,
    pub(super) senders: usize,
}

impl Plan {
    /// # Errors
    /// `Usage` for a run that would do nothing, has impossible streams, or more connections than one process can have.
    pub(super) fn new(args: &LoadArgs) -> Result<Self, Error> {
        let senders = senders(args)?;
        if args.connections == 0 && senders == 0 {
            return Err(Error::Usage(
                "nothing to do: give --connections, or a rate of --comments, --reactions or --emoji".into(),
            ));
        }
        let needed = u64::from(args.connections) + u64::from(senders);
        if needed > CONNECTIONS_MAX {
            return Err(Error::Usage(format!(
                "{} viewers and {senders} senders are {needed} connections, {CONNECTIONS_MAX} is what the ports of one \
                 address allow: lower --connections or the rates, or use --sender-role moderator, or run several on \
                 machines of their own",
                args.connections
            )));
        }
        let streams = streams(args)?;
        let seats = seats(streams.len(), args.connections, senders);
        Ok(Self { streams, seats, viewers: args.connections as usize, senders: senders as usize })
    }

    /// Sees to it that all connections can be open at once.
    ///
    /// # Errors
    /// `Usage` when the system does not allow so many files.
    pub(super) fn claim_files(&self) -> Result<(), Error> {
        let needed = self.seats.len() as u64 + FILES_RESERVED;
        let limit = getrlimit(Resource::Nofile);
        let fits = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
        if fits(limit.current) {
            return Ok(());
        }
        if fits(limit.maximum)
            && setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum }).is_ok()
        {
            return Ok(());
        }
        let allowed = limit.maximum.or(limit.current).unwrap_or(0);
        Err(Error::Usage(format!(
            "{} connections need {needed} open files, this process may have {allowed}: raise the limit with \
             `ulimit -n {needed}` (as root, or in limits.conf), or lower --connections to {}",
            self.seats.len(),
            (u64::try_from(self.viewers).unwrap_or(0) + allowed).saturating_sub(needed),
        )))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
fn senders(args: &LoadArgs) -> Result<u32, Error> {
    let (comments, reactions, emoji) =
        (args.comments.per_second(), args.reactions.per_second(), args.emoji.per_second());
    let all = comments + reactions + emoji;
    if all == 0.0 {
        return Ok(0);
    }
    if let Some(senders) = args.senders {
        return Ok(senders);
    }
    let mut needed = all * 60.0 / COMMANDS_SENT_PER_MINUTE;
    if args.sender_role == SenderRole::Viewer {
        for (rate, per_minute) in [
            (comments, f64::from(COMMENTS_PER_MINUTE) * SHARE),
            (reactions, f64::from(REACTIONS_PER_MINUTE) * SHARE),
            (emoji, EMOJI_PER_MINUTE),
        ] {
            needed = needed.max(rate * 60.0 / per_minute);
        }
    }
    if needed > CONNECTIONS_MAX as f64 {
        return Err(Error::Usage(format!(
            "{all} commands a second need {needed:.0} senders to stay below the limits for one user, {CONNECTIONS_MAX} \
             connections are possible: lower the rates, or use --sender-role moderator or --senders"
        )));
    }
    Ok(needed.ceil() as u32)
}

fn streams(args: &LoadArgs) -> Result<Vec<StreamId>, Error> {
    if args.streams == 1 {
        return Ok(vec![args.stream.clone()]);
    }
    (1..=args.streams)
        .map(|n| {
            StreamId::new(&format!("{}-{n}", args.stream)).map_err(|error| Error::Usage(error.to_string()))
        })
        .collect()
}

/// Viewers first, those who read before those who count; all of them spread evenly over the streams.
fn seats(streams: usize, viewers: u32, senders: u32) -> Vec<Seat> {
    let sampled_per_stream = (SAMPLED_MAX / streams).clamp(1, SAMPLED_PER_STREAM_MAX);
    let viewers = (0..viewers as usize).map(|n| {
        let (stream, place) = (n % streams, n / streams);
        let sampled = place < sampled_per_stream && n < SAMPLED_MAX;
        let kind = match u32::try_from(place) {
            Ok(place) if sampled => SeatKind::Sampled(place),
            _ => SeatKind::Viewer,
        };
        Seat { stream, kind, user: format!("v{n}") }
    });
    let senders = (0..senders as usize).map(|n| Seat {
        stream: n % streams,
        kind: SeatKind::Sender(n),
        user: format!("s{n}"),
    });
    viewers.chain(senders).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        load: LoadArgs,
    }

    fn plan(line: &str) -> Result<Plan, Error> {
        Plan::new(&Cli::try_parse_from(line.split_whitespace()).unwrap().load)
    }

    #[test]
    fn as_many_send_as_keep_each_user_below_the_limits() {
        for (line, viewers, senders) in [
            ("load", 100, 150),
            ("load --connections 1000 --comments 200", 1_000, 3_000),
            ("load --connections 0 --comments 1", 0, 15),
            ("load --comments 0", 100, 0),
            ("load --comments 0 --reactions 4", 100, 15),
            ("load --comments 0 --emoji 3", 100, 4),
            // Together they come near the limit of a connection before each nears its own.
            ("load --comments 1 --reactions 4 --emoji 11", 100, 20),
            ("load --comments 200 --sender-role moderator", 100, 240),
            ("load --comments 200 --senders 7", 100, 7),
        ] {
            let plan = plan(line).unwrap();
            assert_eq!((plan.viewers, plan.senders), (viewers, senders), "{line}");
            assert_eq!(plan.seats.len(), viewers + senders);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_remedy() {
        for (line, remedy) in [
            ("load --connections 0 --comments 0", "nothing to do"),
            ("load --connections 30000", "28000 is what the ports"),
            ("load --comments 5000", "--sender-role moderator"),
            (
                "load --streams 2 --stream xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "stream id",
            ),
        ] {
            let error = plan(line).unwrap_err();
            assert!(error.to_string().contains(remedy), "{line}: {error}");
            assert_eq!(error.exit_code(), 64);
        }
        for line in [
            "load --connections -1",
            "load --comments x",
            "load --duration 0",
            "load --ramp 0",
            "load --codec xml",
        ] {
            assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }

    #[test]
    fn streams_share_viewers_and_senders_evenly_and_each_has_some_who_read() {
        let spread = plan("load --connections 20 --streams 4 --comments 1").unwrap();
        assert_eq!(
            spread.streams.iter().map(StreamId::as_str).collect::<Vec<_>>(),
            ["demo-1", "demo-2", "demo-3", "demo-4"]
        );
        for stream in 0..4 {
            let of = |sends: bool| {
                spread
                    .seats
                    .iter()
                    .filter(|seat| seat.stream == stream && matches!(seat.kind, SeatKind::Sender(_)) == sends)
                    .count()
            };
            assert_eq!(of(false), 5);
            assert!((3..=4).contains(&of(true)));
        }
        for (line, sampled) in [
            ("load --connections 1000", 8),
            ("load --connections 3", 3),
            ("load --connections 1000 --streams 100", 64),
        ] {
            let seats = plan(line).unwrap().seats;
            let found = seats.iter().filter(|seat| matches!(seat.kind, SeatKind::Sampled(_))).count();
            assert_eq!(found, sampled, "{line}");
        }
    }

    #[test]
    fn users_of_a_run_are_all_different() {
        let plan = plan("load --connections 500 --streams 3").unwrap();
        let users: std::collections::HashSet<_> = plan.seats.iter().map(|seat| &seat.user).collect();
        assert_eq!(users.len(), plan.seats.len());
    }
}
