//! Close codes of the WebSocket. The range tells a client what to do: 4000 to 4499 come back (with jitter),
//! 4500 to 4999 do not come back until something has changed.

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The client asked for it.
    Normal = 1000,
    /// The frame breaks RFC 6455 (reserved bits, opcodes, masks, fragments).
    ProtocolError = 1002,
    /// A text frame for a binary subprotocol, or the other way round.
    UnsupportedData = 1003,
    /// A text message that is not UTF-8, or compressed data that does not inflate.
    InvalidPayload = 1007,
    /// A message over the limit.
    TooBig = 1009,
    /// The server failed.
    InternalError = 1011,
    /// The host is being drained.
    Drain = 4000,
    /// The viewer fell too far behind.
    Slow = 4001,
    /// Nothing came for too long.
    Idle = 4002,
    /// The subprotocol's codec was taken off this host.
    CodecWithdrawn = 4003,
    /// The host has as many connections as it may.
    Full = 4004,
    /// The message is not of the subprotocol's format.
    Malformed = 4500,
    /// Neither a token nor an anonymous join came in time.
    AuthenticateTimeout = 4501,
    /// The token is not valid.
    InvalidToken = 4502,
    /// The token expired and was not refreshed.
    TokenExpired = 4503,
    /// The user is banned.
    Banned = 4504,
    /// Too many commands.
    TooManyCommands = 4505,
}

/// A row of the close-code table.
#[derive(Debug, Clone, Copy)]
pub struct CloseRow {
    /// The code.
    pub code: CloseCode,
    /// Sent as the close reason.
    pub reason: &'static str,
    /// What the client should do.
    pub client: &'static str,
}

/// Every close code the server sends.
pub const TABLE: &[CloseRow] = &[
    CloseRow { code: CloseCode::Normal, reason: "bye", client: "nothing" },
    CloseRow { code: CloseCode::ProtocolError, reason: "protocol error", client: "mend the client" },
    CloseRow { code: CloseCode::UnsupportedData, reason: "wrong kind of frame", client: "mend the client" },
    CloseRow { code: CloseCode::InvalidPayload, reason: "invalid payload", client: "mend the client" },
    CloseRow { code: CloseCode::TooBig, reason: "message too big", client: "send less" },
    CloseRow {
        code: CloseCode::InternalError,
        reason: "internal error",
        client: "reconnect with backoff and resume",
    },
    CloseRow { code: CloseCode::Drain, reason: "drain", client: "reconnect with jitter and resume" },
    CloseRow { code: CloseCode::Slow, reason: "too slow", client: "reconnect with backoff and resume" },
    CloseRow { code: CloseCode::Idle, reason: "idle", client: "reconnect when there is something to do" },
    CloseRow {
        code: CloseCode::CodecWithdrawn,
        reason: "subprotocol withdrawn",
        client: "reconnect with another subprotocol",
    },
    CloseRow {
        code: CloseCode::Full,
        reason: "host is full",
        client: "reconnect with backoff, or to another PoP",
    },
    CloseRow { code: CloseCode::Malformed, reason: "malformed message", client: "mend the client" },
    CloseRow {
        code: CloseCode::AuthenticateTimeout,
        reason: "authentication timeout",
        client: "send a token in time",
    },
    CloseRow { code: CloseCode::InvalidToken, reason: "invalid token", client: "get a new token" },
    CloseRow { code: CloseCode::TokenExpired, reason: "token expired", client: "get a new token" },
    CloseRow { code: CloseCode::Banned, reason: "banned", client: "do not come back" },
    CloseRow {
        code: CloseCode::TooManyCommands,
        reason: "too many commands",
        client: "send fewer commands, then reconnect",
    },
];

impl CloseCode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The close reason on the wire.
    #[must_use]
    pub fn reason(self) -> &'static str {
        TABLE.iter().find(|row| row.code == self).map_or("", |row| row.reason)
    }

    /// True when a client should come back by itself.
    #[must_use]
    pub fn reconnects(self) -> bool {
        matches!(self.number(), 1011 | 4000..=4499)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_the_table_and_its_range_tells_what_to_do() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|r| r.code == row.code).count(), 1, "{row:?}");
            assert!(!row.code.reason().is_empty());
            assert_eq!(row.code.reconnects(), row.client.starts_with("reconnect"), "{row:?}");
        }
    }
}
