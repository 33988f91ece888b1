//! Lines of a file, bounded: a file without line feeds must not fill the memory.

use std::io::BufRead;

use super::{Item, Line};

/// Longest line. A comment has 500 characters at most; objects of exporters carry badges and pictures beside it.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// Lines of a reader, each given to a function of its format.
pub(super) struct Lines<R> {
    source: R,
    read: fn(&str) -> Result<Line, String>,
    number: u64,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, read: fn(&str) -> Result<Line, String>) -> Self {
        Self { source, read, number: 0, buffer: Vec::new(), ended: false }
    }

    /// Fills the buffer with the next line, without its end; false at the end of the file. A line that is too long
    /// is read to its end and cut.
    fn fill(&mut self) -> std::io::Result<bool> {
        self.buffer.clear();
        let mut any = false;
        loop {
            let chunk = self.source.fill_buf()?;
            if chunk.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            // One byte past the limit tells a line that is too long from one that just fits.
            let room = (LINE_BYTES_MAX + 1).saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            let used = part.len() + usize::from(end.is_some());
            self.source.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn item(&self) -> Item {
        if self.buffer.len() > LINE_BYTES_MAX {
            return Item::Bad(self.number, format!("longer than {LINE_BYTES_MAX} bytes"));
        }
        match as_text(&self.buffer, self.number == 1).and_then(self.read) {
            Ok(Line::Said(said)) => Item::Said(self.number, said),
            Ok(Line::Passed) => Item::Passed,
            Err(reason) => Item::Bad(self.number, reason),
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = std::io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.fill() {
            Ok(true) => {
                self.number += 1;
                Some(Ok(self.item()))
            }
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// Bytes as text; the first of a file may begin with a byte order mark.
pub(super) fn as_text(bytes: &[u8], first: bool) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!("not UTF-8 from byte {} on: convert the file with iconv", error.valid_up_to() + 1)
    })?;
    Ok(if first { text.trim_start_matches('\u{feff}') } else { text })
}

/// A line that is a comment as it stands.
pub(super) fn plain(line: &str) -> Result<Line, String> {
    if line.trim().is_empty() { Ok(Line::Passed) } else { super::said(None, line, None) }
}
