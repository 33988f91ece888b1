//! A comment on the wire, and what is left out of it because the frame has said it already.

use std::collections::BTreeMap;

use crate::wire::Comment;
use crate::{Author, Fields, Role, Sink, key};

/// What a frame has said so far, so that it is not said twice.
#[derive(Debug)]
pub(crate) struct Frame<'m> {
    /// Times are written relative to it.
    base_ms: u64,
    authors: BTreeMap<&'m str, &'m Author>,
}

impl<'m> Frame<'m> {
    /// A frame whose times are relative to `base_ms`; 0 makes them absolute.
    pub(crate) fn new(base_ms: u64) -> Self {
        Self { base_ms, authors: BTreeMap::new() }
    }

    /// Writes the fields of `comment`.
    pub(crate) fn comment<S: Sink>(&mut self, fields: &mut Fields<'_, S>, comment: &'m Comment) {
        fields.id(key!("id"), comment.id);
        self.author(fields.value(key!("author")), &comment.author);
        fields.text(key!("text"), &comment.text);
        fields.value(key!("at")).int(comment.at_ms.wrapping_sub(self.base_ms).cast_signed());
        if let Some(parent) = comment.reply_to {
            fields.id(key!("reply_to"), parent);
        }
        if !comment.mentions.is_empty() {
            fields.texts(key!("mentions"), &comment.mentions);
        }
        fields.flag(key!("edited"), comment.edited);
        fields.uint_unless_zero(key!("likes"), comment.likes);
        fields.uint_unless_zero(key!("dislikes"), comment.dislikes);
        fields.uint_unless_zero(key!("replies"), comment.replies);
        fields.flag(key!("held"), comment.held);
    }

    /// Writes `comment` as an object of its own.
    pub(crate) fn object<S: Sink>(&mut self, sink: &mut S, comment: &'m Comment) {
        let mut fields = Fields::open(sink);
        self.comment(&mut fields, comment);
        fields.close();
    }

    /// The whole author where the frame has not named them yet, or as someone else; else the bare id.
    fn author<S: Sink>(&mut self, sink: &mut S, author: &'m Author) {
        if self.authors.get(author.id.as_str()).is_some_and(|known| *known == author) {
            return sink.text(&author.id);
        }
        self.authors.insert(&author.id, author);
        let mut fields = Fields::open(sink);
        fields.text(key!("id"), &author.id);
        fields.text(key!("name"), &author.name);
        if author.role != Role::Viewer {
            fields.word(key!("role"), role(author.role));
        }
        fields.flag(key!("member"), author.member);
        fields.close();
    }
}

/// The wire's word for a role.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Anonymous => "anonymous",
        Role::Viewer => "viewer",
        Role::Moderator => "moderator",
        Role::Operator => "operator",
    }
}
