//! Which format a file has, by its name and its first lines.

use super::table::{SEPARATORS, has_text_column};
use super::{Format, Line, irc};

/// First lines that are looked at.
const LINES: usize = 50;
/// Of those that say something, so many in a hundred must be lines of an IRC log for the file to be one.
const IRC_PERCENT_MIN: usize = 60;

/// The format of a file with this ending (lower case) and beginning.
pub(super) fn format(ending: &str, head: &str) -> Format {
    match ending {
        "jsonl" | "ndjson" | "json" => return Format::Jsonl,
        "csv" => return Format::Csv,
        "tsv" | "tab" => return Format::Tsv,
        "irc" | "weechatlog" => return Format::Irc,
        _ => {}
    }
    // The last of the lines may be cut in two by the end of what was read.
    let lines: Vec<&str> = head.lines().filter(|line| !line.trim().is_empty()).take(LINES).collect();
    let first = lines.first().copied().unwrap_or_default();
    if first.trim_start().starts_with('{') && serde_json::from_str::<serde_json::Value>(first).is_ok() {
        return Format::Jsonl;
    }
    if is_irc(&lines) {
        return Format::Irc;
    }
    match separator(first) {
        Some(b'\t') => Format::Tsv,
        Some(_) => Format::Csv,
        None => Format::Text,
    }
}

/// The separator that makes a header with a column of texts out of a line.
pub(super) fn separator(header: &str) -> Option<u8> {
    SEPARATORS.into_iter().find(|separator| {
        let names: Vec<&str> = header
            .split(char::from(*separator))
            .map(|name| name.trim().trim_matches('"').trim_start_matches('\u{feff}'))
            .collect();
        names.len() > 1 && has_text_column(&names)
    })
}

fn is_irc(lines: &[&str]) -> bool {
    let read: Vec<_> = lines.iter().map(|line| irc::read(line)).collect();
    let fits = read.iter().filter(|line| line.is_ok()).count();
    let says = read.iter().any(|line| matches!(line, Ok(Line::Said(_))));
    says && fits * 100 >= read.len() * IRC_PERCENT_MIN
}
