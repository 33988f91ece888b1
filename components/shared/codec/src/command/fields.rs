//! Takes the fields of a command one by one, and in the end complains of those nobody asked for.

use std::borrow::Cow;

use super::id_is_exact;
use crate::wire::{CommentId, DecodeError};
use crate::{ID_MAX, Value, id};

type Result<T> = std::result::Result<T, DecodeError>;

/// Of names and words that a client made up, so much is repeated in an error.
const QUOTE_CHARS_MAX: usize = 40;

/// The fields of one command.
pub(super) struct FieldReader<'f> {
    id: u64,
    kind: Cow<'f, str>,
    left: Vec<(Cow<'f, str>, Value<'f>)>,
    known: Vec<&'static str>,
    given: usize,
}

impl<'f> FieldReader<'f> {
    /// Takes `id` and `type` out of the fields.
    pub(super) fn new(map: Vec<(Cow<'f, str>, Value<'f>)>) -> Result<Self> {
        let id = match map.iter().find(|(name, _)| name == "id") {
            Some((_, Value::Uint(id))) if id_is_exact(*id) => Ok(*id),
            Some((_, Value::Uint(id))) => {
                Err(format!("`id` is {id}: give a whole number from 0 to {ID_MAX}"))
            }
            Some((_, other)) => {
                Err(format!("`id` is {}: give a whole number from 0 to {ID_MAX}", other.what()))
            }
            None => Err(format!("`id` is missing: give a whole number from 0 to {ID_MAX}")),
        };
        if let Some(doubled) = doubled(&map) {
            // Of two ids neither is the one to answer to.
            let id = id.ok().filter(|_| doubled != "id");
            let problem = format!("`{}` is given twice: give it once", quote(doubled));
            return Err(DecodeError::Invalid((id, problem)));
        }
        let id = id.map_err(|problem| DecodeError::Invalid((None, problem)))?;
        let mut reader = Self { id, kind: Cow::Borrowed(""), left: map, known: Vec::new(), given: 0 };
        reader.take("id");
        reader.kind = match reader.take("type") {
            Some(Value::Text(kind)) => kind,
            Some(other) => return Err(reader.wrong("type", &other, "a text")),
            None => return Err(reader.missing("type", "a text")),
        };
        reader.known.clear();
        reader.given = 0;
        Ok(reader)
    }

    /// The command's type.
    pub(super) fn kind(&self) -> Result<&'static str> {
        super::TYPES
            .into_iter()
            .find(|known| *known == self.kind)
            .ok_or_else(|| self.unknown_type(&super::TYPES))
    }

    /// How many fields were found beside `id` and `type`.
    pub(super) fn given(&self) -> usize {
        self.given
    }

    /// The names asked for so far, for messages.
    pub(super) fn known_fields(&self) -> String {
        list(&self.known)
    }

    /// An error about this command.
    pub(super) fn problem(&self, problem: String) -> DecodeError {
        DecodeError::Invalid((Some(self.id), problem))
    }

    /// The error for a type that is none of `types`.
    pub(super) fn unknown_type(&self, types: &[&'static str]) -> DecodeError {
        self.problem(format!("type `{}` is unknown: use one of {}", quote(&self.kind), list(types)))
    }

    /// The request's id, once all its fields are taken.
    pub(super) fn close(self) -> Result<u64> {
        let Some((name, _)) = self.left.first() else { return Ok(self.id) };
        let fields = if self.known.is_empty() { "none".to_owned() } else { list(&self.known) };
        Err(self.problem(format!(
            "`{}` is no field of `{}`: leave it out; beside `type` and `id` its fields are {fields}",
            quote(name),
            self.kind,
        )))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<String> {
        self.optional_text(name)?.ok_or_else(|| self.missing(name, "a text"))
    }

    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>> {
        self.optional(name, "a text", |value| match value {
            Value::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        })
    }

    pub(super) fn optional_u32(&mut self, name: &'static str) -> Result<Option<u32>> {
        self.optional(name, "a whole number from 0 to 4294967295", |value| match value {
            Value::Uint(number) => u32::try_from(*number).ok(),
            _ => None,
        })
    }

    pub(super) fn optional_bool(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.optional(name, "true or false", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    pub(super) fn optional_texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>> {
        self.optional(name, "a list of texts", |value| match value {
            Value::List(list) => list
                .iter()
                .map(|item| match item {
                    Value::Text(text) => Some(text.clone().into_owned()),
                    _ => None,
                })
                .collect(),
            _ => None,
        })
    }

    pub(super) fn id(&mut self, name: &'static str) -> Result<CommentId> {
        self.optional_id(name)?.ok_or_else(|| self.missing(name, COMMENT_ID))
    }

    pub(super) fn optional_id(&mut self, name: &'static str) -> Result<Option<CommentId>> {
        self.optional(name, COMMENT_ID, |value| match value {
            Value::Text(text) => id::from_text(text.as_bytes()),
            Value::Bytes(bytes) => id::from_bytes(bytes),
            _ => None,
        })
    }

    /// An id or null, but not nothing at all.
    pub(super) fn id_or_null(&mut self, name: &'static str) -> Result<Option<CommentId>> {
        if self.left.iter().all(|(given, _)| given != name) {
            return Err(self.missing(name, "a comment's id, or null for none"));
        }
        self.optional_id(name)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy, const N: usize>(
        &mut self,
        name: &'static str,
        words: [(&'static str, T); N],
    ) -> Result<T> {
        let allowed = || list(&words.map(|(word, _)| word));
        let given = match self.take(name) {
            Some(Value::Text(given)) => given,
            Some(Value::Null) | None => return Err(self.missing(name, &allowed())),
            Some(other) => return Err(self.wrong(name, &other, &allowed())),
        };
        let found = words.iter().find(|(word, _)| *word == given);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            self.problem(format!("`{name}` is `{}`: give one of {}", quote(&given), allowed()))
        })
    }

    /// A field that may be absent or null.
    fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&Value<'f>) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| self.wrong(name, &value, expected)),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value<'f>> {
        self.known.push(name);
        let at = self.left.iter().position(|(given, _)| given == name)?;
        self.given += 1;
        // `remove`, not `swap_remove`: the first unknown field is the one to name.
        Some(self.left.remove(at).1)
    }

    fn missing(&self, name: &str, expected: &str) -> DecodeError {
        self.problem(format!("`{name}` is missing: give {expected}"))
    }

    fn wrong(&self, name: &str, value: &Value<'_>, expected: &str) -> DecodeError {
        let given = match value {
            Value::Uint(number) => number.to_string(),
            Value::Text(text) => format!("`{}`", quote(text)),
            other => other.what().to_owned(),
        };
        self.problem(format!("`{name}` is {given}: give {expected}"))
    }
}

const COMMENT_ID: &str = "a comment's id, such as `0197e0f5-7f3a-7c31-b3ad-1c6a4f1f9d20`";

fn doubled<'m>(map: &'m [(Cow<'_, str>, Value<'_>)]) -> Option<&'m str> {
    let mut names: Vec<&str> = map.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [one, two] if one == two => Some(*one),
        _ => None,
    })
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// What a client made up, cut short.
fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    quoted
}
