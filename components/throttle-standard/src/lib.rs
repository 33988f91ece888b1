//! Who may post how often, and how much of a fast chat each viewer is shown.
//!
//! `admit` answers for one user's activity, `plan` for a whole stream. Both depend on their arguments and the
//! configuration only: the counters are the host's.

mod admit;
mod config;
mod examples;
mod plan;

use ringside_throttle::{
    Admission, Description, Example, Request, SamplingPlan, Settings, StreamLoad, Throttle,
};

pub use config::{Config, Tick, Tier};

/// The policy that a configuration describes.
#[derive(Debug, Default)]
pub struct Policy {
    config: Config,
}

impl Throttle for Policy {
    fn description() -> Description {
        Description {
            name: "throttle-standard".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Limits by user and minute, slow mode, and sampling of chat that moves too fast.".into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        Ok(Self { config: Config::from_json(config)? })
    }

    fn admit(&self, settings: &Settings, request: &Request) -> Admission {
        admit::decide(&self.config, settings, request)
    }

    fn plan(&self, load: &StreamLoad) -> SamplingPlan {
        plan::of(&self.config, load)
    }

    fn examples(&self) -> Vec<Example> {
        examples::of(&self.config)
    }
}

ringside_throttle::export_throttle!(crate::Policy);
