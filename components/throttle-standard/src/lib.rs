//! Who may post how often, and how much of a fast chat each viewer is shown.
//!
//! [`Policy::admit`] answers for one user's activity, [`Policy::plan`] for a whole stream. Both depend on
//! their arguments and the configuration only: the counters are the host's.

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod bindings {
    //! Generated from `wit/world.wit`.
    wit_bindgen::generate!({
        path: "../../wit",
        world: "throttle",
        additional_derives: [PartialEq],
    });
}

mod admit;
mod config;
mod examples;
#[cfg(target_arch = "wasm32")]
mod export;
mod plan;

pub use bindings::ringside::edge::throttling::{
    Activity, Admission, Decision, Example, Request, SamplingPlan, StreamLoad,
};
pub use bindings::ringside::edge::types::{Author, Description, Role, Settings};
pub use config::Config;

/// The policy that a configuration describes.
#[derive(Debug, Default)]
pub struct Policy {
    config: Config,
}

impl Policy {
    /// The policy after `config`, which is JSON; blank text means the defaults.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    pub fn from_json(config: &str) -> Result<Self, String> {
        Ok(Self { config: Config::from_json(config)? })
    }

    /// Name, version and summary for operators.
    #[must_use]
    pub fn description() -> Description {
        Description {
            name: "throttle-standard".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Limits by user and minute, slow mode, and sampling of chat that moves too fast.".into(),
        }
    }
}
