//! The targets, and the table of them.

mod commands;
mod components;
mod connections;
mod folder;
mod frames;
mod rest;
mod tokens;

use std::time::Duration;

use crate::target::Entry;

/// Everything else answers within milliseconds; a machine with much else to do is a thousand times slower at most.
const USUAL: Duration = Duration::from_secs(20);
/// A component that is still valid is compiled and its examples are run: seconds, on a busy machine a minute.
const COMPILING: Duration = Duration::from_secs(90);

/// Every target.
pub const TARGETS: [Entry; 7] = [
    Entry {
        name: "frames",
        about: "bytes of a WebSocket, cut anywhere: one outcome, bounds kept, as tungstenite reads them",
        make: || Box::<frames::Frames>::default(),
        time_max: USUAL,
        executions: 20_000,
    },
    Entry {
        name: "commands",
        about: "frames of both codecs, through the components: a command or a reason, the same in both",
        make: || Box::new(commands::Commands::start()),
        time_max: USUAL,
        executions: 2_000,
    },
    Entry {
        name: "connections",
        about: "the same through real sockets: each ends with a documented close code, and with the right one",
        make: || Box::new(connections::Connections::start()),
        time_max: USUAL,
        executions: 400,
    },
    Entry {
        name: "rest",
        about: "requests to every route: never 5xx, errors are problem+json with a documented number",
        make: || Box::new(rest::Rest::start()),
        time_max: USUAL,
        executions: 1_500,
    },
    Entry {
        name: "tokens",
        about: "JWTs and keys: only what a key of the host signed passes, no refusal repeats a token",
        make: || Box::new(tokens::Tokens::new()),
        time_max: USUAL,
        executions: 3_000,
    },
    Entry {
        name: "folder",
        about: "a data folder with damaged log segments and manifests: no record that was never written",
        make: || Box::new(folder::Folder::start()),
        time_max: USUAL,
        executions: 300,
    },
    Entry {
        name: "components",
        about: "component files, signatures, machine code: refused with a reason, or they work",
        make: || Box::new(components::Components::start()),
        time_max: COMPILING,
        executions: 60,
    },
];
