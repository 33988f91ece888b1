//! What a client's frame holds, whatever format it came in.

use std::borrow::Cow;

/// One value of a frame. Borrows from the frame where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'f> {
    /// `null` or nil.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number, zero or more.
    Uint(u64),
    /// Any other number.
    Number,
    /// A text.
    Text(Cow<'f, str>),
    /// Bytes, which JSON has not.
    Bytes(&'f [u8]),
    /// A list.
    List(Vec<Self>),
    /// An object, its fields in the order of the frame, so that a doubled name can be seen.
    Map(Vec<(Cow<'f, str>, Self)>),
    /// What only another format knows, such as MessagePack's extension types.
    Other,
}

impl Value<'_> {
    /// What it is, for error messages.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Uint(_) | Self::Number => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
            Self::Other => "of a type that commands do not use",
        }
    }
}
