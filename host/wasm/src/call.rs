//! How a call of a component fails, told apart as far as operators and the chain care.

use wasmtime::Trap;

use crate::limits;

/// What went wrong in a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct CallError {
    /// For metrics and decisions.
    pub kind: FailureKind,
    /// For people: names what happened and, where there is one, the limit.
    pub detail: String,
}

/// Kinds of failure. After any of them the instance is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// It ran past its deadline.
    Deadline,
    /// It wanted more memory than its cap.
    Memory,
    /// It recursed too deep.
    Stack,
    /// It called something that this host does not offer.
    Forbidden,
    /// It stopped by itself: a panic, a division by zero, an access out of bounds.
    Trap,
    /// It answered what its world does not allow.
    Malformed,
    /// It could not be made ready: no place, or its configuration was refused.
    Start,
}

impl FailureKind {
    /// The name used in metrics and screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Forbidden => "forbidden",
            Self::Trap => "trap",
            Self::Malformed => "malformed",
            Self::Start => "start",
        }
    }
}

impl CallError {
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self { kind: FailureKind::Malformed, detail: detail.into() }
    }

    pub(crate) fn start(detail: impl Into<String>) -> Self {
        Self { kind: FailureKind::Start, detail: detail.into() }
    }

    /// Tells wasmtime's errors apart. `refused_memory`: the instance was refused memory before.
    pub(crate) fn from_wasmtime(error: &wasmtime::Error, ticks: u64, refused_memory: bool) -> Self {
        let trap = error.downcast_ref::<Trap>();
        let root = error.root_cause().to_string();
        let (kind, detail) = match trap {
            Some(Trap::Interrupt) => (FailureKind::Deadline, format!("ran longer than {ticks} ms")),
            Some(Trap::StackOverflow) => {
                (FailureKind::Stack, format!("used more than {} KiB of stack", limits::STACK_BYTES_MAX >> 10))
            }
            _ if refused_memory => (
                FailureKind::Memory,
                format!("wanted more than {} MiB of memory", limits::MEMORY_BYTES_MAX >> 20),
            ),
            Some(trap) => (FailureKind::Trap, format!("stopped: {trap}")),
            None if root.contains("unknown import") => {
                (FailureKind::Forbidden, format!("called what this host does not offer: {root}"))
            }
            None => (FailureKind::Malformed, format!("cannot be called: {root}")),
        };
        Self { kind, detail }
    }
}
