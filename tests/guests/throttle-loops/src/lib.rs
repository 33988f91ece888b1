//! Never returns from a request of a user whose id contains `loop`.

use ringside_throttle::{
    Admission, Description, Example, Request, SamplingPlan, Settings, StreamLoad, Throttle, Wants,
};

pub struct Policy;

impl Throttle for Policy {
    fn description() -> Description {
        Description {
            name: "throttle-loops".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Never returns from a request of a user whose id contains `loop`.".into(),
        }
    }

    fn from_json(_: &str) -> Result<Self, String> {
        Ok(Self)
    }

    fn wants(&self) -> Wants {
        Wants { authors: true }
    }

    fn admit(&self, _: &Settings, request: &Request) -> Admission {
        while request.author.as_ref().is_some_and(|author| author.id.contains("loop")) {
            std::hint::black_box(&request.author);
        }
        Admission::Admit
    }

    fn plan(&self, _: &StreamLoad) -> SamplingPlan {
        SamplingPlan { shown_percent: 100, cap_per_second: 0, tick_ms: 0, banner: None }
    }

    fn examples(&self) -> Vec<Example> {
        Vec::new()
    }
}

ringside_throttle::export_throttle!(crate::Policy);
