//! How a format writes values; all that a wire format must bring for encoding.

use crate::wire::CommentId;

/// A field's name, and the same as JSON writes it, so that nothing is quoted at run time.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The bare name.
    pub name: &'static str,
    /// `"name":`
    pub json: &'static str,
}

/// Makes a [`Key`] of a literal without characters that JSON escapes.
#[macro_export]
macro_rules! key {
    ($name:literal) => {
        $crate::Key { name: $name, json: concat!("\"", $name, "\":") }
    };
}

/// A writer of one frame. Every method writes one value, or opens or closes one.
pub trait Sink {
    /// Opens an object of at most 15 fields; returns where it starts.
    fn open(&mut self) -> usize;
    /// Writes a field's name.
    fn key(&mut self, key: Key);
    /// Closes the object that started at `start` and was given `fields` fields.
    fn close(&mut self, start: usize, fields: u8);
    /// Opens an object whose names are data; `len` pairs of [`name`](Self::name) and a value follow.
    fn open_names(&mut self, len: usize);
    /// Writes a name that is data.
    fn name(&mut self, name: &str);
    /// Closes what [`open_names`](Self::open_names) opened.
    fn close_names(&mut self);
    /// Opens a list of `len` values.
    fn open_list(&mut self, len: usize);
    /// Closes it.
    fn close_list(&mut self);
    /// A text.
    fn text(&mut self, text: &str);
    /// A text that needs no escape in any format: a literal of the protocol.
    fn word(&mut self, word: &'static str);
    /// A whole number, zero or more.
    fn uint(&mut self, number: u64);
    /// True or false.
    fn bool(&mut self, value: bool);
    /// Nothing.
    fn null(&mut self);
    /// A comment's id.
    fn id(&mut self, id: CommentId);
}

/// An object being written. Fields that are zero, false, empty or absent have methods that leave them out.
#[derive(Debug)]
pub struct Fields<'s, S: Sink> {
    sink: &'s mut S,
    start: usize,
    count: u8,
}

impl<'s, S: Sink> Fields<'s, S> {
    /// Opens an object.
    pub fn open(sink: &'s mut S) -> Self {
        let start = sink.open();
        Self { sink, start, count: 0 }
    }

    /// Closes it.
    pub fn close(self) {
        self.sink.close(self.start, self.count);
    }

    /// Writes a field's name, and gives the sink for its value.
    pub fn value(&mut self, key: Key) -> &mut S {
        self.count += 1;
        self.sink.key(key);
        self.sink
    }

    /// A field with a text.
    pub fn text(&mut self, key: Key, text: &str) {
        self.value(key).text(text);
    }

    /// A field with a literal of the protocol.
    pub fn word(&mut self, key: Key, word: &'static str) {
        self.value(key).word(word);
    }

    /// A field with a whole number.
    pub fn uint(&mut self, key: Key, number: u64) {
        self.value(key).uint(number);
    }

    /// A field with a truth value.
    pub fn bool(&mut self, key: Key, value: bool) {
        self.value(key).bool(value);
    }

    /// A field with a comment's id.
    pub fn id(&mut self, key: Key, id: CommentId) {
        self.value(key).id(id);
    }

    /// A field with a list of texts.
    pub fn texts(&mut self, key: Key, texts: &[String]) {
        let sink = self.value(key);
        sink.open_list(texts.len());
        for text in texts {
            sink.text(text);
        }
        sink.close_list();
    }

    /// A number that is left out when zero.
    pub fn uint_unless_zero(&mut self, key: Key, number: u32) {
        if number > 0 {
            self.uint(key, number.into());
        }
    }

    /// A truth value that is left out when false.
    pub fn flag(&mut self, key: Key, value: bool) {
        if value {
            self.bool(key, true);
        }
    }
}
