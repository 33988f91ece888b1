//! One command and its answer in Redis's protocol.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};

use crate::wire::{bad, connect, read};

/// The longest line that an answer begins with.
const LINE_BYTES_MAX: u64 = 4_096;

/// Sends a command on a connection of its own; an answer of `-ERR` is an error.
pub fn ask(address: &str, words: &[&str]) -> Result<String> {
    let mut stream = connect(address)?;
    let count = words.len();
    let words: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    stream.write_all(format!("*{count}\r\n{words}").as_bytes())?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LINE_BYTES_MAX).read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| bad("no answer"))?;
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "-" => Err(Error::other(rest.to_owned())),
        "$" => {
            let length: i64 = rest.parse().map_err(|_| bad("no length"))?;
            Ok(String::from_utf8_lossy(&read(&mut stream, length)?).into_owned())
        }
        _ => Err(bad("an answer of an unknown kind")),
    }
}
