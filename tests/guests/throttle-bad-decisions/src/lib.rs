//! Leaves out the decisions on users whose id contains `missing`, and plans what cannot be.

#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, missing_docs)]

use ringside_throttle::bindings::Guest;
use ringside_throttle::{
    Admission, Decision, Description, Example, Request, SamplingPlan, Settings, StreamLoad, Wants,
};

struct Component;

impl Guest for Component {
    fn describe() -> Description {
        Description {
            name: "throttle-bad-decisions".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Leaves out decisions, and plans what cannot be.".into(),
        }
    }

    fn configure(_: String) -> Result<Wants, String> {
        Ok(Wants { authors: true })
    }

    fn admit(_: Settings, requests: Vec<Request>) -> Vec<Decision> {
        let answered = requests
            .iter()
            .filter(|request| !request.author.as_ref().is_some_and(|author| author.id.contains("missing")));
        answered.map(|one| Decision { ticket: one.ticket, admission: Admission::Admit }).collect()
    }

    fn plan(_: StreamLoad) -> SamplingPlan {
        SamplingPlan { shown_percent: 250, cap_per_second: 0, tick_ms: 60_000, banner: None }
    }

    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

ringside_throttle::bindings::export_world!(Component with_types_in ringside_throttle::bindings);
