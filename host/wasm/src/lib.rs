//! The component host: the policy (who may post, what is shown, how it is written on the wire) as WebAssembly
//! components that operators replace while the host runs.
//!
//! ```text
//! file ─inspect─► compiler (a process of its own) ─► cache ─► loader ─► component (an instance a worker)
//!                                                                            │
//!                             release ─prepare─► generation ─publish─► generations ◄─ chain, codecs
//! ```
//!
//! A component is never trusted: it has its inputs, 16 MiB of memory and 50 ms a call, and whatever it does costs
//! one comment at most. [`ComponentHost`] is the way in; `docs/decisions/0002-component-host.md` has the reasons.

mod bindings;
mod cache;
mod call;
mod chain;
mod check;
mod codecs;
mod compiler;
mod component;
mod digest;
mod engine;
mod fallback;
mod generation;
mod generations;
mod guest;
mod health;
mod host;
mod inspect;
pub mod limits;
mod loader;
mod metrics;
mod native;
mod pool;
mod prepare;
mod queue;
mod round;
mod signature;
mod status;
mod text;
mod world;

pub use cache::CacheError;
pub use call::{CallError, FailureKind};
pub use check::{CheckError, Checked};
pub use compiler::{CompileError, Compiler, compile_file};
pub use digest::{digest_of, is_digest, short};
pub use generations::{AutomaticRollback, SwapError};
pub use host::{CODEC_WORKERS, ComponentHost, HostOptions, StartError, WORKERS, WORKERS_MAX};
pub use inspect::InspectError;
pub use loader::LoadError;
pub use metrics::Metrics;
pub use prepare::{PrepareError, Prepared};
pub use signature::{InvalidKey, SignatureError, TrustedKey, verify};
pub use status::{SlotStatus, Status};
