//! Opens a recording: finds its format and puts the right reader on it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::lines::Lines;
use super::table::Table;
use super::{Columns, Format, Recording, detect, irc, json_lines, lines};
use crate::error::Error;

/// What is read at once, and what the format is found by.
const BUFFER_BYTES: usize = 1 << 16;

pub(super) fn open(path: &Path, format: Option<Format>, columns: &Columns) -> Result<Recording, Error> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Error::Usage(format!("`{name}` cannot be read: {error}"));
    let source: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    let head = String::from_utf8_lossy(source.fill_buf().map_err(unreadable)?).into_owned();
    let head = head.trim_start_matches('\u{feff}');
    let ending =
        path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let format = format.unwrap_or_else(|| detect::format(&ending, head));
    if format == Format::Jsonl && head.trim_start().starts_with('[') {
        return Err(Error::Usage(format!(
            "`{name}` is one JSON array, not an object a line: `jq -c '.[]' {name}` writes lines"
        )));
    }
    let first = head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let items: Box<dyn Iterator<Item = std::io::Result<super::Item>> + Send> = match format {
        Format::Jsonl => Box::new(Lines::new(source, json_lines::read)),
        Format::Irc => Box::new(Lines::new(source, irc::read)),
        Format::Text => Box::new(Lines::new(source, lines::plain)),
        Format::Csv => {
            let separator = detect::separator(first).unwrap_or(b',');
            Box::new(Table::new(source, separator, true, columns, &name)?)
        }
        Format::Tsv => Box::new(Table::new(source, b'\t', false, columns, &name)?),
    };
    Ok(Recording { items, format })
}
