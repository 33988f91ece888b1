//! A comment on the wire, and what is left out of it because its id or the frame has said it already.

use std::collections::BTreeMap;

use crate::wire::Comment;
use crate::{Author, Fields, Role, Sink, id, key};

/// The authors that a list of comments has named so far, so that none is named twice.
#[derive(Debug, Default)]
pub(crate) struct Authors<'m>(BTreeMap<&'m str, &'m Author>);

impl<'m> Authors<'m> {
    /// Writes the fields of `comment`. The author stands before the id because deflate then finds longer repeats: a
    /// busy stream's batches take 1 % less.
    pub(crate) fn comment<S: Sink>(&mut self, fields: &mut Fields<'_, S>, comment: &'m Comment) {
        self.author(fields.value(key!("author")), &comment.author);
        fields.id(key!("id"), comment.id);
        fields.text(key!("text"), &comment.text);
        // The two differ where the clock stepped back or 4,096 comments fell into one millisecond.
        if comment.at_ms != id::at_ms(comment.id) {
            fields.uint(key!("at"), comment.at_ms);
        }
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

    /// The whole author where the list has not named them yet, or as someone else; else the bare id.
    fn author<S: Sink>(&mut self, sink: &mut S, author: &'m Author) {
        if self.0.get(author.id.as_str()).is_some_and(|known| *known == author) {
            return sink.text(&author.id);
        }
        self.0.insert(&author.id, author);
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

/// Writes a comment that stands for itself: its author is in full whoever was named before, and named for no other.
pub(crate) fn alone<S: Sink>(sink: &mut S, comment: &Comment) {
    Authors::default().object(sink, comment);
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
