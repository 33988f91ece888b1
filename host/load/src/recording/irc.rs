//! Lines of IRC logs: what clients, bouncers and bots write, and the protocol itself.
//!
//! A line is an optional time, then what happened. What was said is read, and actions (`* nick waves`) are texts;
//! joins, parts, modes, topics and notices are passed over.

use std::borrow::Cow;

use super::{Author, Line, Stamp, said};

/// Signs before a nick that show its standing in the channel.
const STANDING: [char; 5] = ['@', '+', '%', '&', '~'];
/// How lines begin on which nobody speaks.
const SERVERS: [&str; 10] = ["***", "-!-", "---", "-->", "<--", "<->", "==", "=-=", "--", "!"];
/// What some clients write after `* nick` when it is no action.
const NO_ACTIONS: [&str; 10] = [
    "has joined",
    "has left",
    "has quit",
    "is now known as",
    "sets mode",
    "has changed the topic",
    "changes topic",
    "has kicked",
    "has been kicked",
    "was kicked",
];
/// Longest nick that a bare `nick: text` may have; servers allow 30 or less.
const NICK_CHARS_MAX: usize = 32;

/// Reads one line.
///
/// # Errors
/// When it is no line of an IRC log; says what was expected.
pub(super) fn read(line: &str) -> Result<Line, String> {
    let line = without_formatting(line);
    let line = line.trim_end();
    if line.trim_start().is_empty() {
        return Ok(Line::Passed);
    }
    let (at, rest) = stamp(line);
    let rest = rest.trim_start_matches(' ');
    if let Some(read) = protocol(rest, at) {
        return read;
    }
    if let Some((nick, text)) = speaker(rest, at.is_some()) {
        let author = Author::named(nick).ok_or("the nick is empty")?;
        return said(Some(author), text, at);
    }
    if at.is_some() || SERVERS.iter().any(|start| rest.starts_with(start)) || rest.starts_with("* ") {
        return Ok(Line::Passed);
    }
    Err("neither a time nor a `<nick>` stands at its beginning".into())
}

/// The time at the beginning, in brackets or bare, and what follows it.
fn stamp(line: &str) -> (Option<Stamp>, &str) {
    let start = line.trim_start();
    if let Some((inside, rest)) = start.strip_prefix(['[', '(']).and_then(|rest| rest.split_once([']', ')']))
    {
        if let Some(stamp) = Stamp::parse(inside) {
            return (Some(stamp), rest);
        }
    } else if let Some((stamp, rest)) = Stamp::take(start)
        && (rest.is_empty() || rest.starts_with([' ', '\t']))
    {
        return (Some(stamp), rest);
    }
    (None, start)
}

/// A line of the protocol itself, as bots and Twitch's loggers keep it; none when it is no such line.
fn protocol(rest: &str, at: Option<Stamp>) -> Option<Result<Line, String>> {
    let (tags, rest) = match rest.strip_prefix('@') {
        Some(tagged) => tagged.split_once(" :")?,
        None => ("", rest.strip_prefix(':')?),
    };
    let (source, command) = rest.split_once(' ')?;
    let Some(message) = command.strip_prefix("PRIVMSG ") else {
        let verb = command.split(' ').next().unwrap_or_default();
        let known = verb.len() == 3 && verb.bytes().all(|b| b.is_ascii_digit())
            || verb.len() > 2 && verb.bytes().all(|b| b.is_ascii_uppercase());
        return known.then_some(Ok(Line::Passed));
    };
    let (_, text) = message.split_once(" :")?;
    let text = text.strip_prefix("\u{1}ACTION ").unwrap_or(text);
    let tag = |name: &str| {
        tags.split(';')
            .find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    };
    let nick = source.split('!').next().unwrap_or(source);
    let author = Author::identified(nick, tag("display-name").unwrap_or(nick));
    let sent = tag("tmi-sent-ts").or_else(|| tag("time")).and_then(Stamp::parse);
    Some(said(author, text, sent.or(at)))
}

/// Who speaks and what; none when nobody does.
fn speaker(rest: &str, timed: bool) -> Option<(&str, &str)> {
    if let Some(inside) = rest.strip_prefix('<') {
        // `<--` is a part of WeeChat's; a nick has no space but the one some clients put for the standing.
        let (nick, text) = inside.split_once('>')?;
        let nick = nick.trim_start().trim_start_matches(STANDING);
        return (!nick.is_empty() && !nick.contains(' ') && !nick.starts_with('-')).then_some((nick, text));
    }
    if let Some(action) = rest.strip_prefix("* ") {
        let (nick, text) = action.trim_start().split_once(' ')?;
        let happened = NO_ACTIONS.iter().any(|no| text.starts_with(no)) || nick.starts_with('*');
        return (!happened).then_some((nick.trim_start_matches(STANDING), text));
    }
    if !timed {
        return None;
    }
    if let Some((nick, text)) = rest.strip_prefix('\t').unwrap_or(rest).split_once('\t') {
        let nick = nick.trim();
        if nick == "*" {
            return text
                .split_once(' ')
                .filter(|(_, text)| !NO_ACTIONS.iter().any(|no| text.starts_with(no)));
        }
        let nick = nick.trim_start_matches(STANDING);
        return is_nick(nick).then_some((nick, text));
    }
    // `#channel nick: text` and `nick: text`, as web loggers write.
    let rest = match rest.strip_prefix('#') {
        Some(channel) => channel.split_once(' ')?.1,
        None => rest,
    };
    let (nick, text) = rest.split_once(": ")?;
    let nick = nick.trim_start_matches(STANDING);
    is_nick(nick).then_some((nick, text))
}

fn is_nick(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= NICK_CHARS_MAX
        && !text.starts_with('-')
        && !text.contains([' ', '<', '>', '(', '*', '!', ':'])
}

/// The line without mIRC's colours, bold and the rest of its formatting.
fn without_formatting(line: &str) -> Cow<'_, str> {
    const CODES: [char; 9] =
        ['\u{2}', '\u{3}', '\u{4}', '\u{f}', '\u{11}', '\u{16}', '\u{1d}', '\u{1e}', '\u{1f}'];
    if !line.contains(CODES) {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{3}' {
            // Up to two digits of a colour, and as many of the ground after a comma.
            let digits = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                (0..2).map_while(|_| rest.next_if(char::is_ascii_digit)).count()
            };
            if digits(&mut rest) > 0 {
                let mut ahead = rest.clone();
                if ahead.next() == Some(',') && ahead.peek().is_some_and(char::is_ascii_digit) {
                    rest.next();
                    digits(&mut rest);
                }
            }
        } else if !CODES.contains(&c) {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
}
