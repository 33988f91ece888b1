//! The command line: help with an example for every verb, and exit codes that say what kind of failure it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::process::Command;

use ringside_testkit::Pop;
use ringside_testkit::pop::program;

fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(program()).args(arguments).env_remove("RINGSIDE_TOKEN").output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[test]
fn every_verb_has_help_with_an_example() {
    let verbs: [&[&str]; 23] = [
        &["serve"],
        &["token"],
        &["key", "new"],
        &["play"],
        &["load"],
        &["component", "check"],
        &["component", "sign"],
        &["component", "push"],
        &["component", "list"],
        &["component", "history"],
        &["component", "remove"],
        &["component", "rollback"],
        &["review", "list"],
        &["review", "approve"],
        &["review", "remove"],
        &["user", "restrict"],
        &["user", "restrictions"],
        &["audit", "list"],
        &["audit", "undo"],
        &["dead-letters", "list"],
        &["dead-letters", "show"],
        &["dead-letters", "replay"],
        &[],
    ];
    for verb in verbs {
        let (code, text) = run(&[verb, &["--help"]].concat());
        assert_eq!(code, 0, "{verb:?}: {text}");
        assert!(text.to_lowercase().contains("example"), "{verb:?} has no example: {text}");
    }
}

#[test]
fn bad_usage_ends_with_64_and_a_host_that_is_away_with_69() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let file = folder.path().join("not-a-folder");
    std::fs::write(&file, "x").unwrap();
    let file = file.to_str().unwrap();
    let bad_toml = folder.path().join("bad.toml");
    std::fs::write(&bad_toml, "[public]\nlisen = 1\n").unwrap();
    let bad_toml = bad_toml.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 10] = [
        (&["serv"], 64, "serve"),
        (&["serve", "--listen", "nowhere"], 64, "nowhere"),
        (&["serve", "--config", "/no/such.toml"], 64, "/no/such.toml"),
        (&["serve", "--config", bad_toml], 64, "lisen"),
        (&["serve", "--data", data, "--set", "log.keep_hours=0"], 64, "log.keep_hours"),
        (&["serve", "--data", file, "--bundle", "/none"], 64, file),
        (&["token", "--user", "a b", "--data", data], 64, "a b"),
        (&["token", "--user", "a", "--expires", "soon", "--data", data], 64, "soon"),
        (&["component", "list"], 64, "RINGSIDE_TOKEN"),
        (&["component", "list", "--token", "x", "--operators", "http://127.0.0.1:1"], 69, "127.0.0.1:1"),
    ];
    for (arguments, code, detail) in cases {
        let (got, text) = run(arguments);
        assert!(got == code && text.contains(detail), "{arguments:?} ended with {got}: {text}");
        assert!(text.starts_with("ringside: "), "{text}");
    }
}

#[test]
fn a_second_host_on_the_same_folder_or_port_is_refused_by_name() {
    let pop = Pop::start();
    let data = pop.data();
    let bundle = ringside_testkit::pop::bundle();
    let (data, bundle) = (data.to_str().unwrap(), bundle.to_str().unwrap());
    let (code, text) = run(&[
        "serve",
        "--data",
        data,
        "--bundle",
        bundle,
        "--listen",
        "127.0.0.1:0",
        "--operators",
        "127.0.0.1:0",
    ]);
    assert_eq!((code, text.contains("in use by another process")), (64, true), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().to_str().unwrap();
    let (code, text) = run(&[
        "serve",
        "--data",
        other,
        "--bundle",
        bundle,
        "--listen",
        pop.address(),
        "--operators",
        "127.0.0.1:0",
    ]);
    assert_eq!((code, text.contains("public.listen")), (64, true), "{text}");
}
