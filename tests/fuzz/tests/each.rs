//! Each target for about a second, with the same inputs every time, and what was found before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

use ringside_fuzz::run::{Bounds, Report, Until, Watch, once, run};
use ringside_fuzz::target::Entry;
use ringside_fuzz::targets::TARGETS;

/// Where chance begins in the normal tests.
const SEED: u64 = 1;

fn entry(name: &str) -> Entry {
    *TARGETS.iter().find(|entry| entry.name == name).expect("it is in the table")
}

fn watch(entry: &Entry) -> Watch {
    let name = entry.name;
    let bounds = Bounds { time_max: entry.time_max, memory_max: 2 << 30 };
    let alarm = move |input: &[u8], what: String| {
        // The thread that takes the input cannot be stopped, so the program ends.
        eprintln!("{name}: {what}: {input:02x?}");
        std::process::exit(101);
    };
    Watch::start(bounds, Box::new(alarm))
}

fn check(name: &str) {
    let entry = entry(name);
    let watch = watch(&entry);
    let mut target = (entry.make)();
    for input in found_before(name) {
        let report = once(target.as_mut(), &input, &watch);
        assert_eq!(report.finding, None, "it is found once more");
    }
    let Report { executions, corpus, finding } =
        run(target.as_mut(), SEED, Until::Executions(entry.executions), &watch, &());
    if let Some(finding) = finding {
        let text = String::from_utf8_lossy(&finding.input).into_owned();
        panic!(
            "{name}, seed {SEED}, input {executions}: {}\n{:02x?}\n{text:?}\n\
             search on: cargo xtask fuzz {name} --seed {SEED}",
            finding.what, finding.input
        );
    }
    assert!(executions >= entry.executions && corpus > 3, "{executions} executions, {corpus} ways");
}

/// Inputs that broke something once.
fn found_before(name: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("found").join(name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

macro_rules! targets {
    ($($test:ident $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_target_of_the_table_has_its_test() {
            let tested = [$($name),*];
            assert_eq!(TARGETS.map(|entry| entry.name), tested);
        }
    };
}

targets! {
    bytes_of_a_websocket_have_one_outcome "frames",
    frames_of_both_codecs_are_commands_or_refused "commands",
    every_connection_ends_with_a_documented_code "connections",
    no_request_makes_the_host_fail "rest",
    only_tokens_that_were_signed_pass "tokens",
    no_damaged_file_brings_back_what_was_never_written "folder",
    component_files_work_or_are_refused "components",
}
