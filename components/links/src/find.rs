//! Finds the hosts that a text links to.

mod host;
mod spelled;

use crate::endings::{Endings, Weight};
use host::Address;

/// A link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Without `www.`, lower case, runs of one letter cut to two as folding does.
    pub(crate) host: String,
    pub(crate) form: Form,
}

/// How a link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As links are written.
    Usual,
    /// `example dot com`, `example[.]com`.
    SpelledOut,
    /// To a number instead of a name, outside private networks.
    Address,
    /// The name that is read is not the one that is followed: `https://bank.example@evil.example`, `xn--...`.
    Disguised,
}

/// All links of a folded text, in order; a host counts once.
pub(crate) fn links(folded: &str, endings: &Endings) -> Vec<Link> {
    // Folding leaves the full stop of Chinese and Japanese, which browsers take for a dot.
    let dotted;
    let text = if !folded.is_ascii() && folded.contains('。') {
        dotted = folded.replace('。', ".");
        dotted.as_str()
    } else {
        folded
    };
    let mut links: Vec<Link> = Vec::new();
    let hints = Hints::of(text);
    if !hints.written && !hints.spelled_out {
        return links;
    }
    let mut add = |link: Link| {
        if links.iter().all(|known| known.host != link.host) {
            links.push(link);
        }
    };
    if hints.written {
        let chunks = text.split(separates).filter(|chunk| Hints::of(chunk).written);
        chunks.filter_map(|chunk| link_of(chunk, endings)).for_each(&mut add);
    }
    if hints.spelled_out {
        spelled::links(text, endings, &mut add);
    }
    links
}

/// What a first look over a text says it may have; nearly all comments have neither.
struct Hints {
    written: bool,
    spelled_out: bool,
}

impl Hints {
    /// One pass over the bytes, since this is all that happens to most comments.
    fn of(text: &str) -> Self {
        let mut hints = Self { written: false, spelled_out: false };
        // The two bytes before, and the one in hand.
        let (mut second_last, mut last) = (b' ', b' ');
        for byte in text.bytes() {
            match byte {
                b'/' => hints.written |= last == b'/' && second_last == b':',
                b'.' => hints.spelled_out |= matches!(last, b' ' | b'(' | b'[' | b'{' | b'<'),
                b't' => hints.spelled_out |= last == b'o' && second_last == b'd',
                // A dot that ends a sentence has a space behind it.
                _ => hints.written |= last == b'.' && (byte.is_ascii_alphanumeric() || byte >= 0x80),
            }
            (second_last, last) = (last, byte);
        }
        hints
    }
}

/// Characters that no link contains unescaped.
fn separates(c: char) -> bool {
    if c.is_ascii_alphanumeric() {
        return false;
    }
    c.is_whitespace()
        || matches!(
            c,
            '<' | '>'
                | '('
                | ')'
                | '{'
                | '}'
                | '"'
                | '\''
                | '`'
                | ','
                | ';'
                | '|'
                | '„'
                | '“'
                | '”'
                | '«'
                | '»'
        )
}

fn link_of(chunk: &str, endings: &Endings) -> Option<Link> {
    let (scheme, rest) = without_scheme(chunk);
    let has_scheme = scheme.ends_with(|c: char| c.is_ascii_alphanumeric());
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let after = rest.get(authority.len()..).unwrap_or_default();
    let has_path = after.len() > 1 && after.starts_with('/');
    let (user, host_and_port) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // Without a scheme this is an address of mail.
    if user.is_some() && !has_scheme {
        return None;
    }
    let (host, has_port) = host::without_port(host_and_port);
    // "see this...example.com": what precedes an ellipsis is no part of the name.
    let host = host.rsplit("..").next().unwrap_or(host);
    let is_version_6 = host.starts_with('[') && host.contains(':');
    let host = if is_version_6 { host } else { host.trim_matches(|c: char| !c.is_alphanumeric()) };
    let with_more = has_scheme || has_path || has_port;
    match host::address(host, has_scheme) {
        Address::Public if with_more => {
            return Some(Link { host: host::unbracketed(host).into(), form: Form::Address });
        }
        Address::Private if with_more => return Some(Link { host: host.into(), form: Form::Usual }),
        Address::Public | Address::Private => return None,
        Address::Name => {}
    }
    let (name, has_www) = host::without_www(host);
    let ending = host::ending(name)?;
    match endings.weight(ending) {
        Some(Weight::Alone) => {}
        Some(Weight::WithMore) if with_more || has_www => {}
        // A scheme is plain enough, whatever follows; unknown endings come every year.
        None if has_scheme || has_www => {}
        _ => return None,
    }
    let disguised =
        user.is_some_and(|user| user.contains('.')) || name.split('.').any(|label| label.starts_with("xn--"));
    let form = if disguised { Form::Disguised } else { Form::Usual };
    Some(Link { host: name.into(), form })
}

/// Splits at the first `://`; no scheme where there is none.
fn without_scheme(chunk: &str) -> (&str, &str) {
    let split = chunk.split_once(':').and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix("//")?)));
    split.unwrap_or(("", chunk))
}

/// The part of the host's folding that concerns names: lower case, runs of one letter cut to two.
pub(crate) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    let (mut last, mut run) = ('\0', 0);
    for c in name.chars().flat_map(char::to_lowercase) {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run <= 2 || !c.is_alphabetic() {
            folded.push(c);
        }
    }
    folded
}

#[cfg(test)]
mod tests;
