//! Answers that caches between a host and its viewers may keep, and how long.
//!
//! Only what everyone without a token is answered alike may be kept, and only for those: an answer to somebody may hold
//! their own held comments or a moderator's view. Pages and batches have totals, never what the reader thinks of a
//! comment. A cache does not hear of a removal, so each time here is also how long a removed comment may be shown from
//! one that was not told to let go of it.

use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringside_ports::store::Page;
use serde::Serialize;
use sha1::{Digest, Sha1};

/// A page with newer ones whose newest comment is at least this old does not get other comments, and few get likes, edits
/// or verdicts: ten minutes.
const CLOSED_AGE_MS: u64 = 600_000;
/// Bytes of the digest in an `ETag`: two answers to one address are not alike by chance.
const TAG_BYTES: usize = 12;

/// How long an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is for its reader alone.
    No,
    /// What is new shows: a second, as in the host's memory. Who comes as it runs out need not wait for the next.
    Briefly,
    /// Popular comments: nobody waits for a like to count there (R9).
    Popular,
    /// A page that comes to rest. A browser asks again sooner than a CDN, which can be told to let go.
    Closed,
}

impl Keep {
    /// For a page; `is_public` where its reader has no token.
    pub(super) fn page(page: &Page, is_public: bool, now_ms: u64) -> Self {
        let newest = page.items.first().map(|stored| stored.comment.at_ms);
        match newest {
            _ if !is_public => Self::No,
            Some(at_ms) if page.newer && at_ms.saturating_add(CLOSED_AGE_MS) <= now_ms => Self::Closed,
            _ => Self::Briefly,
        }
    }

    fn value(self) -> &'static str {
        match self {
            Self::No => "private, no-store",
            Self::Briefly => "public, max-age=1, stale-while-revalidate=5",
            Self::Popular => "public, max-age=5, s-maxage=10, stale-while-revalidate=10",
            Self::Closed => "public, max-age=10, s-maxage=60, stale-while-revalidate=60",
        }
    }
}

/// An answer with what caches need to know, or 304 where the asker has it already.
pub(super) fn answer(asked: &HeaderMap, keep: Keep, body: &impl Serialize) -> Response {
    // Plain data: writing it into memory cannot fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let kept = [(CACHE_CONTROL, keep.value()), (VARY, AUTHORIZATION.as_str())];
    let json = [(CONTENT_TYPE, "application/json")];
    if keep == Keep::No {
        return (kept, json, body).into_response();
    }
    let digest = Sha1::digest(&body);
    // Weak: a CDN may compress it on the way.
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..TAG_BYTES).unwrap_or_default()));
    let mut response = if has(asked, &tag) {
        (StatusCode::NOT_MODIFIED, kept).into_response()
    } else {
        (kept, json, body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// True when the asker names this tag, with or without the mark of a weak one, or any.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let named = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| one.trim() == "*" || plain(one) == plain(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_not_sent_again_to_who_names_it_and_a_private_one_has_no_name() {
        let status = |names: &[&str], keep, body: &str| {
            let mut asked = HeaderMap::new();
            for name in names {
                asked.append(IF_NONE_MATCH, name.parse().unwrap());
            }
            answer(&asked, keep, &body).status().as_u16()
        };
        let first = answer(&HeaderMap::new(), Keep::Briefly, &"one");
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert_eq!(first.headers()[VARY], "authorization");
        for names in [vec![tag.as_str()], vec![&tag[2..]], vec!["\"x\"", &tag], vec!["*"]] {
            assert_eq!(status(&names, Keep::Briefly, "one"), 304, "{names:?}");
            assert_eq!(status(&names, Keep::No, "one"), 200, "{names:?}");
        }
        let list = format!("\"x\", {tag}");
        assert_eq!(status(&[&list], Keep::Closed, "one"), 304);
        assert_eq!(status(&[&tag], Keep::Briefly, "two"), 200);
        let private = answer(&HeaderMap::new(), Keep::No, &"one");
        assert!(!private.headers().contains_key(ETAG));
        assert_eq!(private.headers()[CACHE_CONTROL], "private, no-store");
    }
}
