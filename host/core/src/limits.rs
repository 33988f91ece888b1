//! Limits that clients may rely on. `docs/protocol.md` is checked against [`TABLE`].

/// Longest frame a client may send, in bytes (R13).
pub const FRAME_BYTES_MAX: usize = 4_096;
/// Longest comment in characters; a frame of four-byte characters still fits.
pub const TEXT_CHARS_MAX: usize = 500;
/// Longest name in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Most users one comment mentions.
pub const MENTIONS_MAX: usize = 10;
/// Longest emoji or emote name in bytes: the longest ZWJ sequence in Unicode 16 has 35.
pub const EMOJI_BYTES_MAX: usize = 48;
/// Most emoji of one kind in one command; a client gathers taps and sends their number.
pub const EMOJI_COUNT_MAX: u32 = 50;
/// Kinds of emoji counted on a stream; further kinds are refused, so that totals stay small.
pub const EMOJI_KINDS_MAX: usize = 64;
/// Commands a connection may send in any 60 s (R13).
pub const COMMANDS_PER_MINUTE: u32 = 60;
/// Commands of one connection that may wait for their answer at once.
pub const COMMANDS_IN_FLIGHT_MAX: usize = 8;
/// Time for the HTTP upgrade, in milliseconds (R13).
pub const HANDSHAKE_MS_MAX: u64 = 3_000;
/// Time until a connection must be authenticated or have joined as anonymous, in milliseconds (R12).
pub const AUTHENTICATE_MS_MAX: u64 = 5_000;
/// Time between two pings, in milliseconds (R13: 25 to 30 s).
pub const PING_MS: u64 = 27_000;
/// Time without any frame from the client, pongs included, until it is closed, in milliseconds (R13).
pub const IDLE_MS_MAX: u64 = 300_000;
/// Longest drain in milliseconds (R13).
pub const DRAIN_MS_MAX: u64 = 10_000;
/// Comments in one page, unless asked otherwise (R3).
pub const PAGE_SIZE: u32 = 50;
/// Most comments in one page.
pub const PAGE_SIZE_MAX: u32 = 200;
/// Viewers of a stream up to whom it is listed who is online (R7): beyond it a list tells nobody anything.
pub const ONLINE_LISTED_MAX: u32 = 1_000;
/// Most events replayed to a client that resumes; more is a gap.
pub const RESUME_EVENTS_MAX: usize = 2_000;
/// Longest slow mode: six hours.
pub const SLOW_MODE_S_MAX: u32 = 21_600;
/// Most blocked terms of a stream.
pub const BLOCKED_TERMS_MAX: usize = 200;
/// Longest blocked term in bytes.
pub const BLOCKED_TERM_BYTES_MAX: usize = 64;
/// Comments a user may post in any 60 s, unless the throttle component says otherwise (R16).
pub const COMMENTS_PER_MINUTE: u32 = 5;
/// Likes and dislikes a user may set in any 60 s, unless the throttle component says otherwise (R16).
pub const REACTIONS_PER_MINUTE: u32 = 20;
/// Emoji are gathered this long before totals are sent, in milliseconds (R6).
pub const EMOJI_GATHER_MS: u64 = 500;
/// Longest time events wait to be sent together, in milliseconds.
pub const TICK_MS_MAX: u64 = 250;
/// Largest body of a REST request, in bytes.
pub const BODY_BYTES_MAX: usize = 8_192;

/// A limit as the protocol page shows it.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Name on the page.
    pub name: &'static str,
    /// Value in `unit`.
    pub value: u64,
    /// Unit of `value`.
    pub unit: &'static str,
    /// What happens past it.
    pub past_it: &'static str,
}

/// Every limit a client can run into.
pub const TABLE: &[Limit] = &[
    Limit { name: "frame", value: FRAME_BYTES_MAX as u64, unit: "bytes", past_it: "close 1009" },
    Limit { name: "text", value: TEXT_CHARS_MAX as u64, unit: "characters", past_it: "error 204" },
    Limit { name: "name", value: NAME_BYTES_MAX as u64, unit: "bytes", past_it: "the name is cut" },
    Limit {
        name: "mentions in a comment",
        value: MENTIONS_MAX as u64,
        unit: "users",
        past_it: "the rest reach nobody",
    },
    Limit { name: "emoji", value: EMOJI_BYTES_MAX as u64, unit: "bytes", past_it: "error 206" },
    Limit {
        name: "emoji in a command",
        value: EMOJI_COUNT_MAX as u64,
        unit: "of one kind",
        past_it: "error 206",
    },
    Limit {
        name: "emoji kinds on a stream",
        value: EMOJI_KINDS_MAX as u64,
        unit: "kinds",
        past_it: "error 206",
    },
    Limit { name: "commands", value: COMMANDS_PER_MINUTE as u64, unit: "in any 60 s", past_it: "close 4505" },
    Limit {
        name: "commands in flight",
        value: COMMANDS_IN_FLIGHT_MAX as u64,
        unit: "commands",
        past_it: "error 302",
    },
    Limit { name: "handshake", value: HANDSHAKE_MS_MAX, unit: "ms", past_it: "the TCP connection is closed" },
    Limit { name: "authenticate", value: AUTHENTICATE_MS_MAX, unit: "ms", past_it: "close 4501" },
    Limit { name: "ping", value: PING_MS, unit: "ms", past_it: "the server sends one this often" },
    Limit { name: "idle", value: IDLE_MS_MAX, unit: "ms", past_it: "close 4002" },
    Limit { name: "drain", value: DRAIN_MS_MAX, unit: "ms", past_it: "close 4000" },
    Limit { name: "page size", value: PAGE_SIZE as u64, unit: "comments by default", past_it: "-" },
    Limit { name: "page size, most", value: PAGE_SIZE_MAX as u64, unit: "comments", past_it: "error 201" },
    Limit { name: "resume", value: RESUME_EVENTS_MAX as u64, unit: "events", past_it: "resumed: gap" },
    Limit { name: "slow mode", value: SLOW_MODE_S_MAX as u64, unit: "s", past_it: "error 205" },
    Limit { name: "blocked terms", value: BLOCKED_TERMS_MAX as u64, unit: "terms", past_it: "error 205" },
    Limit { name: "blocked term", value: BLOCKED_TERM_BYTES_MAX as u64, unit: "bytes", past_it: "error 205" },
    Limit {
        name: "comments",
        value: COMMENTS_PER_MINUTE as u64,
        unit: "in any 60 s, by default",
        past_it: "rate_limited",
    },
    Limit {
        name: "reactions",
        value: REACTIONS_PER_MINUTE as u64,
        unit: "in any 60 s, by default",
        past_it: "rate_limited",
    },
    Limit { name: "emoji totals", value: EMOJI_GATHER_MS, unit: "ms between two", past_it: "-" },
    Limit { name: "tick", value: TICK_MS_MAX, unit: "ms at most", past_it: "-" },
    Limit { name: "REST body", value: BODY_BYTES_MAX as u64, unit: "bytes", past_it: "error 207" },
];
