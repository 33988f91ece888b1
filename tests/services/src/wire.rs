//! The little that the binary protocols of Kafka, Cassandra and PostgreSQL have in common: big-endian numbers, and
//! strings behind their length.

use std::io::{Error, Read, Result};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for one answer: what does not answer within it is asked again, until the start's own limit.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// An answer to the requests of this crate has some hundred bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection with bounds on every wait.
pub(crate) fn connect(address: &str) -> Result<TcpStream> {
    let address: SocketAddr = address.parse().map_err(|_| bad("no address"))?;
    let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// `count` bytes.
pub(crate) fn read(stream: &mut impl Read, count: i64) -> Result<Vec<u8>> {
    let count = usize::try_from(count).ok().filter(|count| *count <= ANSWER_BYTES_MAX);
    let mut bytes = vec![0; count.ok_or_else(|| bad("an answer of an impossible length"))?];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn bad(what: &str) -> Error {
    Error::new(std::io::ErrorKind::InvalidData, what)
}

/// Text behind its length in two bytes, as Kafka and Cassandra write it.
pub(crate) fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    bytes.extend(text.as_bytes());
}

/// Reads an answer from its front.
pub(crate) struct Answer<'a>(pub(crate) &'a [u8]);

impl<'a> Answer<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count).ok_or_else(|| bad("the answer is cut short"))?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| bad("the answer is cut short"))
    }

    pub(crate) fn i16(&mut self) -> Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }
}
