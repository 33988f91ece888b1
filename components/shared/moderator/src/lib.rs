//! What every moderator guest shares: the types of the world `moderator`, and the layer that exports it.
//!
//! A guest implements [`Moderator`] and names its type once in [`export_moderator!`]. The trait is plain
//! Rust over the generated types, so the same rules run natively in tests and benchmarks.

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod bindings {
    //! Generated from `wit/world.wit`.
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "moderator",
        pub_export_macro: true,
        default_bindings_module: "ringside_moderator::bindings",
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
    });
}

mod action;
mod sample;

pub use action::ActionName;
pub use ringside_arena::Arena;

pub use bindings::ringside::edge::moderation::{
    Action, Counters, Example, Label, StreamInfo, Submission, Verdict,
};
pub use bindings::ringside::edge::types::{Author, Description, Role, Wants};
pub use sample::{accepted, example, stream_info, submission, submission_folded};

impl Submission {
    /// As the author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or(&self.folded)
    }
}

/// Rules that judge one comment at a time.
pub trait Moderator: Sized {
    /// Name, version and summary for operators.
    fn description() -> Description;

    /// Rules after `config`, which is JSON; empty or blank text means the defaults.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    fn from_json(config: &str) -> Result<Self, String>;

    /// What the rules need to be told beside what all are. Nothing unless overridden.
    fn wants(&self) -> Wants {
        Wants { authors: false }
    }

    /// Judges one comment on a stream. Depends on nothing but the rules and its arguments.
    fn judge(&self, stream: &StreamInfo, submission: &Submission) -> Verdict;

    /// The self-test, true for the configuration that these rules were made from.
    fn examples(&self) -> Vec<Example>;
}

/// Exports a [`Moderator`] as a component of the world `moderator`. Expands to nothing on other targets,
/// where several guests may be linked into one program.
#[macro_export]
macro_rules! export_moderator {
    ($rules:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::all, missing_docs)]
        mod export {
            use std::sync::OnceLock;

            use $crate::bindings::ringside::edge::host;
            use $crate::{Description, Example, Moderator, StreamInfo, Submission, Verdict, Wants};

            static RULES: OnceLock<$rules> = OnceLock::new();

            fn rules() -> &'static $rules {
                RULES.get_or_init(|| match <$rules>::from_json("") {
                    Ok(rules) => rules,
                    Err(problem) => panic!("the built-in configuration is wrong: {problem}"),
                })
            }

            #[global_allocator]
            static ARENA: $crate::Arena = $crate::Arena::new();

            struct Component;

            impl $crate::bindings::Guest for Component {
                fn describe() -> Description {
                    <$rules>::description()
                }

                fn configure(config: String) -> Result<Wants, String> {
                    std::panic::set_hook(Box::new(|panic| {
                        host::log(host::Level::Error, &panic.to_string());
                    }));
                    let rules = <$rules>::from_json(&config)?;
                    let wants = rules.wants();
                    RULES.set(rules).map_err(|_| {
                        String::from("this instance is configured already: make a new one")
                    })?;
                    ARENA.open();
                    Ok(wants)
                }

                fn judge(streams: Vec<StreamInfo>, submissions: Vec<Submission>) -> Vec<Verdict> {
                    let rules = rules();
                    let judge = |one: &Submission| match streams.get(one.stream_index as usize) {
                        Some(stream) => rules.judge(stream, one),
                        None => panic!("a submission is on stream {} of {}", one.stream_index, streams.len()),
                    };
                    submissions.iter().map(judge).collect()
                }

                fn examples() -> Vec<Example> {
                    rules().examples()
                }
            }

            $crate::bindings::export_world!(Component with_types_in $crate::bindings);
        }
    };
}
