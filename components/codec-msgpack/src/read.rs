//! Reads a frame into a [`Value`]. A length that a frame declares is never trusted: nothing is allocated for
//! more than the frame has bytes.

use std::borrow::Cow;

use ringside_codec::Value;

/// Lists and maps within one another; commands need two.
const DEPTH_MAX: u32 = 16;

/// Reads one value that fills the whole frame.
///
/// # Errors
/// Says what is wrong, and where.
pub fn value(frame: &[u8]) -> Result<Value<'_>, String> {
    let mut reader = Reader { rest: frame };
    let problem = match reader.value(0) {
        Ok(value) if reader.rest.is_empty() => return Ok(value),
        Ok(_) => format!("{} bytes follow the first value", reader.rest.len()),
        Err(problem) => problem.to_owned(),
    };
    let at = frame.len() - reader.rest.len();
    Err(format!("the frame is not MessagePack: {problem}, at byte {at}; send one map"))
}

struct Reader<'f> {
    rest: &'f [u8],
}

type Read<T> = Result<T, &'static str>;

const ENDS_EARLY: &str = "it ends early";

impl<'f> Reader<'f> {
    fn value(&mut self, depth: u32) -> Read<Value<'f>> {
        if depth > DEPTH_MAX {
            return Err("lists and maps are nested too deep");
        }
        let head = self.byte()?;
        Ok(match head {
            0x00..=0x7f => Value::Uint(head.into()),
            0x80..=0x8f => self.map(usize::from(head & 0xf), depth)?,
            0x90..=0x9f => self.list(usize::from(head & 0xf), depth)?,
            0xa0..=0xbf => self.text(usize::from(head & 0x1f))?,
            0xc0 => Value::Null,
            0xc1 => return Err("byte 0xc1 is not used"),
            0xc2 | 0xc3 => Value::Bool(head == 0xc3),
            0xc4..=0xc6 => {
                let len = self.len(head - 0xc4)?;
                Value::Bytes(self.take(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.len(head - 0xc7)?;
                self.extension(len)?
            }
            0xca => self.number(4)?,
            0xcb => self.number(8)?,
            0xcc..=0xcf => Value::Uint(self.uint(1 << (head - 0xcc))?),
            0xd0..=0xd3 => self.int(1 << (head - 0xd0))?,
            0xd4..=0xd8 => self.extension(1 << (head - 0xd4))?,
            0xd9..=0xdb => {
                let len = self.len(head - 0xd9)?;
                self.text(len)?
            }
            0xdc | 0xdd => {
                let len = self.len(head - 0xdc + 1)?;
                self.list(len, depth)?
            }
            0xde | 0xdf => {
                let len = self.len(head - 0xde + 1)?;
                self.map(len, depth)?
            }
            0xe0..=0xff => Value::Number,
        })
    }

    fn take(&mut self, len: usize) -> Read<&'f [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Read<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(ENDS_EARLY)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// A big-endian number of 1, 2, 4 or 8 bytes.
    fn uint(&mut self, bytes: usize) -> Read<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Signed numbers that are not negative are numbers like others: some writers know no other kind.
    fn int(&mut self, bytes: usize) -> Read<Value<'f>> {
        let number = self.uint(bytes)?;
        let is_negative = number >> (8 * bytes - 1) != 0;
        Ok(if is_negative { Value::Number } else { Value::Uint(number) })
    }

    /// A number with a fraction: commands have none.
    fn number(&mut self, bytes: usize) -> Read<Value<'f>> {
        self.take(bytes)?;
        Ok(Value::Number)
    }

    /// A length of `1 << width` bytes.
    fn len(&mut self, width: u8) -> Read<usize> {
        usize::try_from(self.uint(1 << width)?).map_err(|_| ENDS_EARLY)
    }

    fn text(&mut self, len: usize) -> Read<Value<'f>> {
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| "a text is not UTF-8")?;
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn extension(&mut self, len: usize) -> Read<Value<'f>> {
        self.byte()?;
        self.take(len)?;
        Ok(Value::Other)
    }

    fn list(&mut self, len: usize, depth: u32) -> Read<Value<'f>> {
        self.check_room(len, 1)?;
        let mut list = Vec::new();
        for _ in 0..len {
            list.push(self.value(depth + 1)?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, len: usize, depth: u32) -> Read<Value<'f>> {
        self.check_room(len, 2)?;
        let mut map = Vec::new();
        for _ in 0..len {
            let Value::Text(name) = self.value(depth + 1)? else {
                return Err("a map has a name that is not a text");
            };
            map.push((name, self.value(depth + 1)?));
        }
        Ok(Value::Map(map))
    }

    /// Each item takes a byte at least, so a frame cannot hold more of them than it has bytes.
    fn check_room(&self, items: usize, bytes_each: usize) -> Read<()> {
        if items > self.rest.len() / bytes_each { Err(ENDS_EARLY) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
