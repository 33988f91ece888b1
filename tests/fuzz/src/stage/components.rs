//! Components of the bundle, and a host that runs some of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ringside_ports::releases::{Digest, OnFailure, Release, Slot, World};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics, digest_of};

const REMEDY: &str = "`cargo xtask fuzz` builds the components and says where they are";

/// No limits: a fuzzer is one user who says much.
pub(crate) const UNLIMITED: &str =
    r#"{"comments_per_minute":0,"reactions_per_minute":0,"emoji_per_minute":0,"edits_per_minute":0}"#;

/// Where a kind of component lies.
pub(crate) const GOOD: &str = "RINGSIDE_COMPONENTS";
/// See [`GOOD`]: those that misbehave, which are small.
pub(crate) const HOSTILE: &str = "RINGSIDE_HOSTILE";

/// A file of a component's folder: `words.wasm`, `words.wasm.minisig`, `development.pub`.
pub(crate) fn file(variable: &str, name: &str) -> Bytes {
    let folder = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: {REMEDY}"));
    let path = PathBuf::from(folder).join(name);
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: {REMEDY}", path.display()));
    Bytes::from(file)
}

/// Compiled components beside this program, so that only the first run compiles them.
fn cache() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap_or(Path::new(".")).join("ringside-fuzz-compiled")
}

/// A host that compiles into a folder.
pub(crate) fn host(cache: &Path) -> ComponentHost {
    let options = HostOptions { workers: 1, ..HostOptions::new(cache, Compiler::InProcess) };
    ComponentHost::start(&options, &Metrics::default()).unwrap()
}

/// A host with a release of these components of the bundle.
pub(crate) async fn running(components: &[(&str, World)]) -> ComponentHost {
    let host = host(&cache());
    let (release, files) = release(components);
    let prepared = host.prepare(&release, &files).await.unwrap();
    host.publish(&prepared).unwrap();
    host
}

fn release(components: &[(&str, World)]) -> (Release, HashMap<Digest, Bytes>) {
    let mut files = HashMap::new();
    let mut slots = Vec::new();
    for (name, world) in components {
        let file = file(GOOD, &format!("{name}.wasm"));
        let config = if *world == World::Throttle { UNLIMITED } else { "" };
        slots.push(slot(name, *world, digest_of(&file), config));
        files.insert(digest_of(&file), file);
    }
    (Release { number: 1, slots, at_ms: 0, by: "fuzz".into(), note: String::new() }, files)
}

pub(crate) fn slot(name: &str, world: World, component: Digest, config: &str) -> Slot {
    Slot { name: name.into(), world, component, config: config.into(), on_failure: OnFailure::Hold }
}

/// Calls of guests that broke: a component of ours breaks on no input.
#[derive(Default)]
pub(crate) struct Failures(u64);

impl Failures {
    /// Those since the last look, of all slots.
    pub(crate) fn since(&mut self, host: &ComponentHost) -> u64 {
        let all = host.status().slots.iter().map(|slot| slot.failures).sum();
        all - std::mem::replace(&mut self.0, all)
    }
}
