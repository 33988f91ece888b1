//! What `check` finds wrong with a component before it is stored.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use common::{Stage, component, hostile};
use proptest::prelude::*;
use ringside_ports::releases::World;
use ringside_wasm::{CheckError, InspectError, limits};

/// The file with one text in place of another of the same length, wherever it stands.
fn renamed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths stand before texts in the format");
    let mut file = file.to_vec();
    let mut found = 0;
    for at in 0..file.len().saturating_sub(from.len()) {
        if file[at..].starts_with(from.as_bytes()) {
            file[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "`{from}` is not in the file");
    file
}

#[test]
fn good_components_pass_with_what_they_say_of_themselves() {
    let stage = Stage::with_workers(1);
    for (name, world, subprotocol) in [
        ("throttle-standard", World::Throttle, None),
        ("words", World::Moderator, None),
        ("links", World::Moderator, None),
        ("repetition", World::Moderator, None),
        ("codec-json", World::Codec, Some("ringside.v1.json")),
        ("codec-msgpack", World::Codec, Some("ringside.v1.msgpack")),
    ] {
        let file = component(name);
        let checked = stage.host.check(&file, "").unwrap();
        assert_eq!((checked.world, checked.name.as_str(), checked.bytes), (world, name, file.len()));
        assert_eq!(checked.format.map(|format| format.subprotocol.to_string()).as_deref(), subprotocol);
        assert!(checked.examples > 0 && !checked.summary.is_empty() && !checked.version.is_empty(), "{name}");
        assert!(checked.imports.iter().any(|import| import.starts_with("ringside:edge/host@")), "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_in_words_that_say_what_to_do() {
    let stage = Stage::with_workers(1);
    let words = component("words");
    let core_module = b"\0asm\x01\0\0\0".to_vec();
    let nothing_exported = b"\0asm\x0d\0\x01\0".to_vec();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "this is not WebAssembly"),
        (b"\0a".to_vec(), "ends too early, at byte 2"),
        (b"#!/bin/sh".to_vec(), "this is not WebAssembly"),
        (core_module, "this is a core module, not a component"),
        (nothing_exported, "it exports nothing"),
        (words[..words.len() / 2].to_vec(), "the file ends too early"),
        (words[..words.len() - 1].to_vec(), "the file ends too early"),
        (vec![0; limits::COMPONENT_BYTES_MAX + 1], "at most 33554432 are accepted"),
        (renamed(&words, "judge", "fudge"), "it exports"),
        (renamed(&words, "examples", "exampels"), "it lacks the exports `examples`"),
        (renamed(&words, "edge/host@0.1.0", "edge/host@0.2.0"), "it was built for ringside:edge@0.2.0"),
        (
            renamed(&words, "ringside:edge/host@", "ringside:edge/disk@"),
            "it imports `ringside:edge/disk@0.1.0`",
        ),
        (
            renamed(&words, "ringside:edge/host@", "elsewhere:net/http@"),
            "it imports `elsewhere:net/http@0.1.0`",
        ),
        (
            hostile("moderator-slow-start").to_vec(),
            "it starts too slowly: `configure` took longer than 2000 ms",
        ),
        (hostile("moderator-fails-examples").to_vec(), "it fails its own example 1"),
        (hostile("throttle-bad-decisions").to_vec(), "planned to show 250 %"),
    ];
    for (file, part) in cases {
        let error = stage.host.check(&file, "").unwrap_err().to_string();
        assert!(error.contains(part), "expected `{part}` in: {error}");
    }
    for (name, config, part) in [
        ("words", r#"{"wurds": 1}"#, "refuses its configuration: "),
        ("words", "{", "refuses its configuration: "),
        ("codec-json", "{}", "a codec takes no configuration"),
    ] {
        let error = stage.host.check(&component(name), config).unwrap_err().to_string();
        assert!(error.contains(part), "expected `{part}` in: {error}");
    }
    let huge = " ".repeat(limits::CONFIG_BYTES_MAX + 1);
    assert!(matches!(stage.host.check(&words, &huge), Err(CheckError::ConfigTooLarge { .. })));
}

#[test]
fn what_a_component_does_while_it_is_checked_is_bounded_too() {
    let stage = Stage::with_workers(1);
    // They misbehave on certain texts only, so they pass; the chain's own tests show what follows.
    for name in ["moderator-loops", "moderator-hog", "moderator-half-dead", "codec-loops"] {
        let checked = stage.host.check(&hostile(name), "").unwrap();
        assert_eq!(checked.name, name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_check_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..512),
        magic in prop::bool::ANY,
    ) {
        let stage = STAGE.get_or_init(|| Stage::with_workers(1));
        let file = if magic { [b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat() } else { bytes };
        prop_assert!(stage.host.check(&file, "").is_err());
    }
}

proptest! {
    // Those that are still valid are compiled, which takes a second.
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_component_makes_the_check_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let stage = STAGE.get_or_init(|| Stage::with_workers(1));
        let mut file = hostile("moderator-fails-examples").to_vec();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        // Its examples fail, so nothing passes whatever was changed; what matters is that an answer comes.
        match stage.host.check(&file, "") {
            Ok(checked) => prop_assert!(checked.bytes == file.len()),
            Err(CheckError::Inspect(InspectError::Truncated { at })) => prop_assert!(at <= file.len()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

static STAGE: std::sync::OnceLock<Stage> = std::sync::OnceLock::new();
