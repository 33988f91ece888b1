//! Writes values as JSON without spaces.

use ringside_codec::wire::CommentId;
use ringside_codec::{Key, Sink, id};

/// A frame being written.
///
/// It keeps no state beside its bytes: whether a comma is due can be read off the last one.
#[derive(Debug)]
pub struct JsonSink {
    bytes: Vec<u8>,
}

impl JsonSink {
    /// An empty frame.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// The frame.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn separate(&mut self) {
        if !matches!(self.bytes.last(), None | Some(b'{' | b'[' | b':')) {
            self.bytes.push(b',');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.bytes.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')) {
            let (plain, special) = rest.split_at(at);
            self.bytes.extend_from_slice(plain);
            let Some((&byte, after)) = special.split_first() else { break };
            self.escape(byte);
            rest = after;
        }
        self.bytes.extend_from_slice(rest);
        self.bytes.push(b'"');
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => {
                self.bytes.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                return;
            }
        };
        self.bytes.extend_from_slice(&[b'\\', short]);
    }

    fn digits(&mut self, mut number: u64) {
        // 20 digits are the most that 64 bits make.
        let mut reversed = [0u8; 20];
        let mut len = 0;
        for place in &mut reversed {
            *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            len += 1;
            if number == 0 {
                break;
            }
        }
        self.bytes.extend(reversed.iter().take(len).rev());
    }
}

impl Sink for JsonSink {
    fn open(&mut self) -> usize {
        self.separate();
        self.bytes.push(b'{');
        0
    }

    fn key(&mut self, key: Key) {
        self.separate();
        self.bytes.extend_from_slice(key.json.as_bytes());
    }

    fn close(&mut self, _start: usize, _fields: u8) {
        self.bytes.push(b'}');
    }

    fn open_names(&mut self, _len: usize) {
        self.open();
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.bytes.push(b':');
    }

    fn close_names(&mut self) {
        self.bytes.push(b'}');
    }

    fn open_list(&mut self, _len: usize) {
        self.separate();
        self.bytes.push(b'[');
    }

    fn close_list(&mut self) {
        self.bytes.push(b']');
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    fn word(&mut self, word: &'static str) {
        self.separate();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(word.as_bytes());
        self.bytes.push(b'"');
    }

    fn uint(&mut self, number: u64) {
        self.separate();
        self.digits(number);
    }

    fn bool(&mut self, value: bool) {
        self.separate();
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.bytes.extend_from_slice(word);
    }

    fn null(&mut self) {
        self.separate();
        self.bytes.extend_from_slice(b"null");
    }

    fn id(&mut self, id: CommentId) {
        self.separate();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(&id::to_text(id));
        self.bytes.push(b'"');
    }
}
