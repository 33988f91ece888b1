//! Writes values as MessagePack, each in its shortest form.

use ringside_codec::wire::CommentId;
use ringside_codec::{Key, Sink, id};

/// A frame being written.
#[derive(Debug)]
pub struct MsgpackSink {
    bytes: Vec<u8>,
}

/// First byte of a map of so few entries that their number fits into it; the number is added.
const SHORT_MAP: u8 = 0x80;

impl MsgpackSink {
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

    /// A first byte that holds `len` itself when it is below `short_end`, or one that says how wide the length is.
    fn head(&mut self, len: usize, short: u8, short_end: usize, wide: [Option<u8>; 3]) {
        let [wide8, wide16, wide32] = wide;
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len8), _) if len < short_end => self.bytes.push(short | len8),
            (Ok(len8), _) if wide8.is_some() => {
                self.bytes.extend(wide8);
                self.bytes.push(len8);
            }
            (_, Ok(len16)) => {
                self.bytes.extend(wide16);
                self.bytes.extend_from_slice(&len16.to_be_bytes());
            }
            _ => {
                self.bytes.extend(wide32);
                // A frame of 4 GiB is past any memory cap a guest is given.
                let len32 = u32::try_from(len).unwrap_or(u32::MAX);
                self.bytes.extend_from_slice(&len32.to_be_bytes());
            }
        }
    }
}

impl Sink for MsgpackSink {
    fn open(&mut self) -> usize {
        self.bytes.push(SHORT_MAP);
        self.bytes.len() - 1
    }

    fn key(&mut self, key: Key) {
        self.text(key.name);
    }

    fn close(&mut self, start: usize, fields: u8) {
        debug_assert!(fields < 16, "{fields} fields do not fit a short map");
        if let Some(head) = self.bytes.get_mut(start) {
            *head = SHORT_MAP | fields;
        }
    }

    fn open_names(&mut self, len: usize) {
        self.head(len, SHORT_MAP, 16, [None, Some(0xde), Some(0xdf)]);
    }

    fn name(&mut self, name: &str) {
        self.text(name);
    }

    fn close_names(&mut self) {}

    fn open_list(&mut self, len: usize) {
        self.head(len, 0x90, 16, [None, Some(0xdc), Some(0xdd)]);
    }

    fn close_list(&mut self) {}

    fn text(&mut self, text: &str) {
        self.head(text.len(), 0xa0, 32, [Some(0xd9), Some(0xda), Some(0xdb)]);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn word(&mut self, word: &'static str) {
        self.text(word);
    }

    fn uint(&mut self, number: u64) {
        if let Ok(small) = u8::try_from(number) {
            if small >= 0x80 {
                self.bytes.push(0xcc);
            }
            self.bytes.push(small);
        } else if let Ok(number) = u16::try_from(number) {
            self.bytes.push(0xcd);
            self.bytes.extend_from_slice(&number.to_be_bytes());
        } else if let Ok(number) = u32::try_from(number) {
            self.bytes.push(0xce);
            self.bytes.extend_from_slice(&number.to_be_bytes());
        } else {
            self.bytes.push(0xcf);
            self.bytes.extend_from_slice(&number.to_be_bytes());
        }
    }

    fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 });
    }

    fn null(&mut self) {
        self.bytes.push(0xc0);
    }

    fn id(&mut self, id: CommentId) {
        self.bytes.extend_from_slice(&[0xc4, 16]);
        self.bytes.extend_from_slice(&id::to_bytes(id));
    }
}
