//! What every throttle guest shares: the types of the world `throttle`, and the layer that exports it.
//!
//! A guest implements [`Throttle`] and names its type once in [`export_throttle!`].

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod bindings {
    //! Generated from `wit/world.wit`.
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "throttle",
        pub_export_macro: true,
        default_bindings_module: "ringside_throttle::bindings",
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
    });
}

pub use ringside_arena::Arena;

pub use bindings::ringside::edge::throttling::{
    Activity, Admission, Decision, Example, Request, SamplingPlan, StreamLoad,
};
pub use bindings::ringside::edge::types::{Author, Description, Role, Settings, Wants};

/// A policy of admission and sampling.
pub trait Throttle: Sized {
    /// Name, version and summary for operators.
    fn description() -> Description;

    /// The policy after `config`, which is JSON; empty or blank text means the defaults.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    fn from_json(config: &str) -> Result<Self, String>;

    /// What the policy needs to be told beside what all are. Nothing unless overridden.
    fn wants(&self) -> Wants {
        Wants { authors: false }
    }

    /// Decides on one request. Depends on nothing but the policy and its arguments.
    fn admit(&self, settings: &Settings, request: &Request) -> Admission;

    /// What viewers of a stream as busy as `load` are shown.
    fn plan(&self, load: &StreamLoad) -> SamplingPlan;

    /// The self-test, true for the configuration that this policy was made from.
    fn examples(&self) -> Vec<Example>;
}

/// Exports a [`Throttle`] as a component of the world `throttle`. Expands to nothing on other targets, where
/// several guests may be linked into one program.
#[macro_export]
macro_rules! export_throttle {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::all, missing_docs)]
        mod export {
            use std::sync::OnceLock;

            use $crate::bindings::ringside::edge::host;
            use $crate::{
                Decision, Description, Example, Request, SamplingPlan, Settings, StreamLoad, Throttle, Wants,
            };

            static POLICY: OnceLock<$policy> = OnceLock::new();

            fn policy() -> &'static $policy {
                POLICY.get_or_init(|| match <$policy>::from_json("") {
                    Ok(policy) => policy,
                    Err(problem) => panic!("the built-in configuration is wrong: {problem}"),
                })
            }

            #[global_allocator]
            static ARENA: $crate::Arena = $crate::Arena::new();

            struct Component;

            impl $crate::bindings::Guest for Component {
                fn describe() -> Description {
                    <$policy>::description()
                }

                fn configure(config: String) -> Result<Wants, String> {
                    // A panic would else be written to a standard error stream that the host does not offer.
                    std::panic::set_hook(Box::new(|panic| {
                        host::log(host::Level::Error, &panic.to_string());
                    }));
                    let policy = <$policy>::from_json(&config)?;
                    let wants = policy.wants();
                    POLICY.set(policy).map_err(|_| {
                        String::from("this instance is configured already: make a new one")
                    })?;
                    ARENA.open();
                    Ok(wants)
                }

                fn admit(settings: Settings, requests: Vec<Request>) -> Vec<Decision> {
                    let policy = policy();
                    let decide = |request: &Request| Decision {
                        ticket: request.ticket,
                        admission: policy.admit(&settings, request),
                    };
                    requests.iter().map(decide).collect()
                }

                fn plan(load: StreamLoad) -> SamplingPlan {
                    policy().plan(&load)
                }

                fn examples() -> Vec<Example> {
                    policy().examples()
                }
            }

            $crate::bindings::export_world!(Component with_types_in $crate::bindings);
        }
    };
}
