//! Reads what clients send: which commands there are, and which fields each has.

mod fields;

use crate::wire::{Command, DecodeError, Edit, Emoji, Join, Moderate, Post, React, Reaction};
use crate::wire::{Request, Review, SettingsPatch};
use crate::{ID_MAX, Value};
use fields::FieldReader;

type Result<T> = std::result::Result<T, DecodeError>;

/// The words of `type`.
pub const TYPES: [&str; 12] = [
    "authenticate",
    "refresh",
    "join",
    "leave",
    "comment",
    "edit",
    "delete",
    "react",
    "emoji",
    "pin",
    "settings",
    "moderate",
];

/// Reads a command.
///
/// # Errors
/// [`DecodeError::Malformed`] where `value` is not an object, [`DecodeError::Invalid`] where a field is
/// missing, unknown, doubled or of another type.
pub fn read(value: Value<'_>) -> Result<Request> {
    let Value::Map(map) = value else {
        return Err(DecodeError::Malformed(format!(
            "the frame holds {}: send one object, such as {{\"type\":\"leave\",\"id\":1}}",
            value.what()
        )));
    };
    let mut fields = FieldReader::new(map)?;
    let command = match fields.kind()? {
        "authenticate" => Command::Authenticate(fields.text("token")?),
        "refresh" => Command::Refresh(fields.text("token")?),
        "join" => Command::Join(Join {
            stream_id: fields.text("stream")?,
            position: fields.optional_text("position")?,
            history: fields.optional_u32("history")?,
        }),
        "leave" => Command::Leave,
        "comment" => Command::Comment(Post {
            text: fields.text("text")?,
            reply_to: fields.optional_id("reply_to")?,
            reference: fields.optional_text("reference")?,
        }),
        "edit" => Command::Edit(Edit { comment: fields.id("comment")?, text: fields.text("text")? }),
        "delete" => Command::Delete(fields.id("comment")?),
        "react" => {
            let comment = fields.id("comment")?;
            let words = [("like", Reaction::Like), ("dislike", Reaction::Dislike), ("none", Reaction::None)];
            Command::React(React { comment, reaction: fields.word("reaction", words)? })
        }
        "emoji" => {
            let emoji = fields.text("emoji")?;
            let count = fields.optional_u32("count")?.unwrap_or(1);
            if count == 0 {
                return Err(fields.problem("`count` is 0: give 1 or more, or leave it out for 1".into()));
            }
            Command::Emoji(Emoji { emoji, count })
        }
        "pin" => Command::Pin(fields.id_or_null("comment")?),
        "settings" => Command::Settings(settings(&mut fields)?),
        "moderate" => {
            let comment = fields.id("comment")?;
            let words = [("approve", Review::Approve), ("remove", Review::Remove)];
            Command::Moderate(Moderate { comment, review: fields.word("review", words)? })
        }
        _ => return Err(fields.unknown_type(&TYPES)),
    };
    Ok(Request { id: fields.close()?, command })
}

fn settings(fields: &mut FieldReader<'_>) -> Result<SettingsPatch> {
    let patch = SettingsPatch {
        slow_mode_s: fields.optional_u32("slow_mode_s")?,
        members_only: fields.optional_bool("members_only")?,
        emoji_only: fields.optional_bool("emoji_only")?,
        links_allowed: fields.optional_bool("links_allowed")?,
        hold_for_review: fields.optional_bool("hold_for_review")?,
        closed: fields.optional_bool("closed")?,
        anonymous_read: fields.optional_bool("anonymous_read")?,
        blocked_terms: fields.optional_texts("blocked_terms")?,
    };
    if fields.given() == 0 {
        return Err(fields
            .problem(format!("`settings` changes nothing: give one or more of {}", fields.known_fields())));
    }
    Ok(patch)
}

/// True for an id that JSON readers everywhere keep exact.
fn id_is_exact(id: u64) -> bool {
    id <= ID_MAX
}
