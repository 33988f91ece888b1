//! What verbs print for people.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::print;

/// A text of an object, `-` where there is none.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

/// A number of an object, 0 where there is none.
pub(super) fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// What a list holds.
pub(super) fn items(body: &Value) -> &[Value] {
    body.get("items").or_else(|| body.get("slots")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// As much of a digest as people compare.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// How long ago an object's time was.
pub(super) fn ago(value: &Value, key: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    ringside_ports::audit::ago(number(value, key), u64::try_from(now).unwrap_or(u64::MAX))
}

/// Prints what a host answered: as it is, or for people.
pub(super) fn show_or_json(json: bool, body: &Value, show: impl FnOnce(&Value) -> String) {
    print(&if json { format!("{body}\n") } else { show(body) });
}

/// Rows under a head, each column as wide as its widest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
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
