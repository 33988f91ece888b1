//! Kafka's errors as the port's.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use ringside_ports::PortError;
use ringside_ports::error::PortErrorKind;

/// When to try again what failed for want of a broker: a restart or a change of leader takes some seconds.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// When to try again what was refused for want of room: most of it is written within this.
pub(crate) const BUSY_RETRY_AFTER: Duration = Duration::from_millis(200);

/// A call that failed because the cluster does not answer.
pub(crate) fn unavailable(operation: &'static str, detail: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, detail).after(RETRY_AFTER)
}

/// What the cluster, or the client before it, said to a call.
pub(crate) fn of(operation: &'static str, what: &str, error: &KafkaError) -> PortError {
    use RDKafkaErrorCode as Code;
    let kind = match error.rdkafka_error_code() {
        Some(Code::QueueFull) => PortErrorKind::Busy,
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => PortErrorKind::Invalid,
        // Somebody else has the partition, or had it in between.
        Some(
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch,
        ) => PortErrorKind::Conflict,
        // Authorisation and missing topics too: they are mended at the broker, and the same call then succeeds.
        _ => PortErrorKind::Unavailable,
    };
    let failure = PortError::new(kind, operation, what).because(error.clone());
    match kind {
        PortErrorKind::Busy => failure.after(BUSY_RETRY_AFTER),
        PortErrorKind::Unavailable => failure.after(RETRY_AFTER),
        _ => failure,
    }
}
