//! Tables: values with a separator between them, and columns found by name or by number.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::json_lines::{AUTHORS, TEXTS, TIMES};
use super::lines::as_text;
use super::{Author, Columns, Item, Line, Stamp, said};
use crate::error::Error;

/// Separators that a file called CSV may have, the likeliest first.
pub(super) const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows of a table.
pub(super) struct Table<R> {
    reader: Reader<R>,
    row: ByteRecord,
    text: usize,
    author: Option<usize>,
    time: Option<usize>,
    ended: bool,
}

impl<R: Read> Table<R> {
    /// `quotes` says whether a value may stand in quotes.
    ///
    /// # Errors
    /// `Usage` when a column that was named is not there, or none is named and none can be guessed.
    pub(super) fn new(
        source: R,
        separator: u8,
        quotes: bool,
        columns: &Columns,
        name: &str,
    ) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .quoting(quotes)
            .has_headers(!columns.no_header)
            .flexible(true)
            .from_reader(source);
        let unreadable = |error: csv::Error| Error::Usage(format!("`{name}` cannot be read: {error}"));
        let header: Vec<String> = if columns.no_header {
            Vec::new()
        } else {
            let header = reader.byte_headers().map_err(unreadable)?;
            header
                .iter()
                .map(|value| String::from_utf8_lossy(value).trim_start_matches('\u{feff}').trim().to_owned())
                .collect()
        };
        let pick = |given: Option<&String>, guesses: &[&str]| match given {
            Some(given) => named(given, &header, columns.no_header, name).map(Some),
            None => Ok(guess(&header, guesses)),
        };
        let text =
            pick(columns.text_column.as_ref(), &TEXTS)?.ok_or_else(|| no_text(&header, columns, name))?;
        let author = pick(columns.author_column.as_ref(), &AUTHORS)?;
        let time = pick(columns.time_column.as_ref(), &TIMES)?;
        Ok(Self { reader, row: ByteRecord::new(), text, author, time, ended: false })
    }

    fn line(&self) -> Result<Line, String> {
        let value = |column: usize| self.row.get(column).map(|value| as_text(value, false)).transpose();
        let Some(text) = value(self.text)? else {
            return Err(format!("{} columns, the text would be in column {}", self.row.len(), self.text + 1));
        };
        let author = self.author.map(value).transpose()?.flatten();
        let time = self.time.map(value).transpose()?.flatten();
        said(author.and_then(Author::named), text, time.and_then(Stamp::parse))
    }
}

impl<R: Read> Iterator for Table<R> {
    type Item = std::io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.reader.read_byte_record(&mut self.row) {
            Ok(true) => {
                let number = self.row.position().map_or(0, csv::Position::line);
                Some(Ok(match self.line() {
                    Ok(Line::Said(said)) => Item::Said(number, said),
                    Ok(Line::Passed) => Item::Passed,
                    Err(reason) => Item::Bad(number, reason),
                }))
            }
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error.into()))
            }
        }
    }
}

/// True when one of the values is a name that texts have.
pub(super) fn has_text_column(header: &[&str]) -> bool {
    guess(header, &TEXTS).is_some()
}

fn guess<S: AsRef<str>>(header: &[S], guesses: &[&str]) -> Option<usize> {
    guesses
        .iter()
        .find_map(|guess| header.iter().position(|name| name.as_ref().trim().eq_ignore_ascii_case(guess)))
}

fn named(column: &str, header: &[String], no_header: bool, name: &str) -> Result<usize, Error> {
    if let Some(place) = header.iter().position(|name| name == column).or_else(|| guess(header, &[column])) {
        return Ok(place);
    }
    let number = column.parse().ok().and_then(|number: usize| number.checked_sub(1));
    match number {
        Some(place) if no_header || place < header.len() => Ok(place),
        _ if no_header => {
            Err(Error::Usage(format!("column `{column}` is no number from 1: --no-header leaves no names")))
        }
        _ => Err(Error::Usage(format!(
            "`{name}` has no column `{column}`: its columns are {}",
            header.join(", ")
        ))),
    }
}

fn no_text(header: &[String], columns: &Columns, name: &str) -> Error {
    if columns.no_header {
        return Error::Usage("--no-header needs --text-column with a number from 1".into());
    }
    Error::Usage(format!(
        "no column of `{name}` is called {}: choose one of its columns ({}) with --text-column",
        TEXTS.join(", "),
        header.join(", ")
    ))
}
