//! The layer that makes [`Policy`] a component of the world `throttle`.

#![allow(unsafe_code, missing_docs)]

use std::sync::OnceLock;

use crate::bindings::ringside::edge::host;
use crate::bindings::{Guest, export};
use crate::{Decision, Description, Example, Policy, Request, SamplingPlan, Settings, StreamLoad};

static POLICY: OnceLock<Policy> = OnceLock::new();

fn policy() -> &'static Policy {
    POLICY.get_or_init(Policy::default)
}

struct Component;

impl Guest for Component {
    fn describe() -> Description {
        Policy::description()
    }

    fn configure(config: String) -> Result<(), String> {
        // A panic would else be written to a standard error stream that the host does not offer.
        std::panic::set_hook(Box::new(|panic| host::log(host::Level::Error, &panic.to_string())));
        POLICY
            .set(Policy::from_json(&config)?)
            .map_err(|_| "this instance is configured already: make a new one".to_owned())
    }

    fn admit(settings: Settings, requests: Vec<Request>) -> Vec<Decision> {
        let policy = policy();
        requests
            .iter()
            .map(|request| Decision { ticket: request.ticket, admission: policy.admit(&settings, request) })
            .collect()
    }

    fn plan(load: StreamLoad) -> SamplingPlan {
        policy().plan(&load)
    }

    fn examples() -> Vec<Example> {
        policy().examples()
    }
}

export!(Component with_types_in crate::bindings);
