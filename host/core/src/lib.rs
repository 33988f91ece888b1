//! The domain of Ringside: what a comment, an event, a position, a limit and an error are.
//!
//! Nothing here does I/O, reads a clock or knows a runtime; whoever calls brings the time. Adapters and
//! roles build on these types, so a rule that is stated here holds on every backend.

pub mod close;
pub mod comment;
pub mod encoding;
pub mod error;
pub mod event;
pub mod ids;
pub mod judgement;
pub mod limits;
pub mod moderation;
pub mod placement;
pub mod position;
pub mod reaction;
pub mod sampling;
pub mod settings;
pub mod text;
pub mod trace;
pub mod wire;

pub use comment::{Author, Comment, Role, Visibility};
pub use error::{Failure, Problem};
pub use event::{Event, EventKind};
pub use ids::{CommentId, CommentIds, Generation, HostId, Reference, RegionId, StreamId, UserId};
pub use judgement::{Action, Judgement};
pub use moderation::{
    CommentDecision, Decided, ModerationEvent, ModerationEventKind, Restriction, RestrictionKind,
};
pub use position::Position;
pub use reaction::{Reaction, ReactionSet, Stamp};
pub use settings::{Settings, SettingsPatch};
pub use trace::TraceContext;
