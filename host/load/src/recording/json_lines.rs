//! JSON lines: an object a line, of whoever's making. Texts, authors and times are found under the names that
//! exporters of chats use.

use serde_json::{Map, Value};

use super::{Author, Line, Stamp, said};

/// Names of the field with the text, the likeliest first.
pub(super) const TEXTS: [&str; 8] =
    ["text", "message", "content", "body", "comment", "msg", "tweet", "comment_text"];
/// Names of the field with the author.
pub(super) const AUTHORS: [&str; 14] = [
    "user",
    "author",
    "nick",
    "username",
    "user_name",
    "display_name",
    "name",
    "from",
    "sender",
    "author_name",
    "nickname",
    "login",
    "handle",
    "screen_name",
];
/// Names of the field with the author's id, beside a name.
const IDS: [&str; 4] = ["user_id", "author_id", "from_id", "sender_id"];
/// Names of the field with the time.
pub(super) const TIMES: [&str; 12] = [
    "at",
    "timestamp",
    "time",
    "ts",
    "date",
    "datetime",
    "created_at",
    "createdat",
    "published_at",
    "publishedat",
    "sent_at",
    "time_in_seconds",
];

/// Reads one line.
///
/// # Errors
/// When it is no object or has no text; says which fields it has.
pub(super) fn read(line: &str) -> Result<Line, String> {
    if line.trim().is_empty() {
        return Ok(Line::Passed);
    }
    let value: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(object) = value else { return Err("no JSON object".into()) };
    let text = find(&object, &TEXTS).and_then(text_of).ok_or_else(|| {
        let fields: Vec<&str> = object.keys().map(String::as_str).take(8).collect();
        format!("no text: none of its fields ({}) is called {}", fields.join(", "), TEXTS.join(", "))
    })?;
    let id = find(&object, &IDS).and_then(plain);
    let author = find(&object, &AUTHORS).and_then(|value| author_of(value, id.as_deref()));
    let at = find(&object, &TIMES).and_then(|value| match value {
        Value::Number(number) => Stamp::of_number(number.as_f64()?),
        Value::String(text) => Stamp::parse(text),
        _ => None,
    });
    said(author.or_else(|| Author::named(&id?)), &text, at)
}

/// The first field of those names, whatever their case, that is not null.
fn find<'v>(object: &'v Map<String, Value>, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| {
        object
            .get(*name)
            .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
            .filter(|value| !value.is_null())
    })
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text, an object that holds one, or a list of pieces as Telegram's export has it.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => find(object, &TEXTS).and_then(plain),
        Value::Array(pieces) => {
            let pieces: Option<Vec<String>> = pieces
                .iter()
                .map(|piece| {
                    piece.as_object().map_or_else(|| plain(piece), |p| find(p, &TEXTS).and_then(plain))
                })
                .collect();
            pieces.map(|pieces| pieces.concat())
        }
        other => plain(other),
    }
}

fn author_of(value: &Value, id: Option<&str>) -> Option<Author> {
    if let Value::Object(object) = value {
        let name = find(object, &AUTHORS).and_then(plain);
        let own = object.get("id").and_then(plain);
        let name = name.as_deref().or(own.as_deref())?;
        return Author::identified(own.as_deref().unwrap_or(name), name);
    }
    let name = plain(value)?;
    Author::identified(id.unwrap_or(&name), &name)
}
