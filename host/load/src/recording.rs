//! Recorded chats: reads comments from files of several formats, one after another, in bounded memory.
//!
//! A line that cannot be read never stops the reading: it is given as [`Item::Bad`] with its number and what is
//! wrong with it.

use std::path::Path;

use clap::ValueEnum;

use crate::error::Error;

mod author;
mod detect;
mod irc;
mod json_lines;
mod lines;
mod open;
mod stamp;
mod table;

pub(crate) use author::Author;
pub(crate) use stamp::{DAY_MS, Stamp};

/// How a recording is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A JSON object a line, with the text as `text`, `message`, `content` or `body`, and optionally the author
    /// (`user`, `author`, `nick`, `name`, ...; a text or an object) and the time (`at`, `timestamp`, `time`, ...).
    Jsonl,
    /// A log of an IRC client or bouncer: `[12:34] <nick> text` and its kin. Joins, parts and notices are passed over.
    Irc,
    /// Values with commas (or semicolons) between them, RFC 4180.
    Csv,
    /// Values with tabs between them, without quotes.
    Tsv,
    /// A comment a line, without authors.
    Text,
}

/// Which column of a table: by name in the header, or by number from 1.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Columns {
    /// Column of a table with the text: its name in the header, or its number from 1.
    #[arg(long, value_name = "COLUMN")]
    pub text_column: Option<String>,
    /// Column of a table with the author.
    #[arg(long, value_name = "COLUMN")]
    pub author_column: Option<String>,
    /// Column of a table with the time.
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// The table has no header: its first line is a comment, and columns are given by number.
    #[arg(long)]
    pub no_header: bool,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// By whom, where the recording says so.
    pub(crate) author: Option<Author>,
    /// The text, trimmed, not empty.
    pub(crate) text: String,
    /// When, where the recording says so.
    pub(crate) at: Option<Stamp>,
}

/// What one line or row of a recording is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// A comment.
    Said(Said),
    /// Nothing that was said: a join, a blank line.
    Passed,
}

/// A line with its number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A comment and the number of its line, from 1.
    Said(u64, Said),
    /// Passed over.
    Passed,
    /// What is wrong with the line of this number.
    Bad(u64, String),
}

/// An open recording.
pub(crate) struct Recording {
    items: Box<dyn Iterator<Item = std::io::Result<Item>> + Send>,
    /// What it was read as.
    pub(crate) format: Format,
}

impl Recording {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// `Usage` when it cannot be opened, when nothing tells its columns, or when it is a JSON array.
    pub(crate) fn open(path: &Path, format: Option<Format>, columns: &Columns) -> Result<Self, Error> {
        open::open(path, format, columns)
    }
}

impl Iterator for Recording {
    /// The error ends the recording: the file cannot be read any further.
    type Item = std::io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
    }
}

/// A text as a comment: trimmed, without control characters (IRC's colours among them), which no host takes.
fn said(author: Option<Author>, text: &str, at: Option<Stamp>) -> Result<Line, String> {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let text = text.trim();
    if text.is_empty() {
        return Err("the text is empty".into());
    }
    Ok(Line::Said(Said { author, text: text.to_owned(), at }))
}

#[cfg(test)]
mod tests;
