//! What the verbs of `ringside component` print for people.

use serde_json::Value;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn items(body: &Value) -> &[Value] {
    body.get("items").or_else(|| body.get("slots")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Rows under a head, each column as wide as its widest cell.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let mut out = line(head.to_vec());
    for row in rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

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
