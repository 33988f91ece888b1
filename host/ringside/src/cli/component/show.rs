//! What the verbs of `ringside component` print for people.

use serde_json::Value;

use crate::cli::show::{items, number, short, table, text};

/// The chain that runs.
pub(super) fn chain(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|slot| {
            vec![
                text(slot, "name").into(),
                text(slot, "world").into(),
                format!("{} {}", text(slot, "component"), text(slot, "version")),
                short(text(slot, "digest")).into(),
                text(slot, "on_failure").into(),
                number(slot, "calls").to_string(),
                number(slot, "failures").to_string(),
            ]
        })
        .collect();
    format!(
        "generation {}\n{}",
        number(body, "generation"),
        table(&["SLOT", "WORLD", "COMPONENT", "DIGEST", "ON FAILURE", "CALLS", "FAILURES"], &rows)
    )
}

/// Every stored component.
pub(super) fn components(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|entry| {
            vec![
                text(entry, "name").into(),
                text(entry, "version").into(),
                text(entry, "world").into(),
                short(text(entry, "digest")).into(),
                text(entry, "by").into(),
            ]
        })
        .collect();
    table(&["NAME", "VERSION", "WORLD", "DIGEST", "BY"], &rows)
}

/// Releases.
pub(super) fn history(body: &Value) -> String {
    let rows: Vec<Vec<String>> = items(body)
        .iter()
        .map(|release| {
            let slots = release.get("slots").and_then(Value::as_array).map_or(0, Vec::len);
            vec![
                number(release, "number").to_string(),
                text(release, "note").into(),
                text(release, "by").into(),
                slots.to_string(),
            ]
        })
        .collect();
    table(&["RELEASE", "WHAT", "BY", "SLOTS"], &rows)
}

/// What a push, removal or rollback did.
pub(super) fn pushed(body: &Value) -> String {
    format!(
        "generation {} runs: {} (checked in {} ms, swapped in {} µs)\n",
        number(body, "generation"),
        text(body, "note"),
        number(body, "prepare_ms"),
        number(body, "swap_us"),
    )
}

/// What a check found.
pub(super) fn checked(body: &Value) -> String {
    format!(
        "{} {} ({}): {}\n{} bytes, {} examples pass, digest {}\n",
        text(body, "name"),
        text(body, "version"),
        text(body, "world"),
        text(body, "summary"),
        number(body, "size_bytes"),
        number(body, "examples"),
        text(body, "digest"),
    )
}
