//! The last texts of each author, to see near-duplicates: counters for components that only the host can keep.

use std::collections::{HashMap, VecDeque};

use ringside_core::{StreamId, UserId, text};

/// Texts remembered for an author.
const TEXTS_MAX: usize = 8;
/// How long a text is remembered, in milliseconds.
const AGE_MS: u64 = 60_000;
/// Authors remembered: at five comments a minute this is 5,000 comments/s of a host. Past it those who were
/// silent for [`AGE_MS`] are forgotten, then all.
const AUTHORS_MAX: usize = 60_000;

/// When it was said, and the folded text; oldest first.
type Texts = VecDeque<(u64, Box<str>)>;

/// Last texts by author and stream.
#[derive(Default)]
pub(super) struct RecentTexts {
    authors: HashMap<(StreamId, UserId), Texts>,
}

impl RecentTexts {
    /// The highest likeness of a folded text to the author's last ones, 0 to 100; remembers it.
    pub(super) fn likeness(&mut self, stream: &StreamId, author: &UserId, folded: &str, now_ms: u64) -> u8 {
        if self.authors.len() >= AUTHORS_MAX {
            let is_recent =
                |texts: &Texts| texts.back().is_some_and(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < AGE_MS);
            self.authors.retain(|_, texts| is_recent(texts));
            if self.authors.len() >= AUTHORS_MAX {
                self.authors.clear();
            }
        }
        let texts = self.authors.entry((stream.clone(), author.clone())).or_default();
        texts.retain(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < AGE_MS);
        let highest = texts.iter().map(|(_, before)| text::likeness(before, folded)).max().unwrap_or(0);
        if texts.len() == TEXTS_MAX {
            texts.pop_front();
        }
        texts.push_back((now_ms, folded.into()));
        highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_looks_at_the_last_minute_of_one_author() {
        let (stream, ann, bob) =
            (StreamId::new("s").unwrap(), UserId::new("ann").unwrap(), UserId::new("bob").unwrap());
        let mut recent = RecentTexts::default();
        assert_eq!(recent.likeness(&stream, &ann, "buy coins here", 0), 0);
        assert_eq!(recent.likeness(&stream, &bob, "buy coins here", 1), 0);
        assert_eq!(recent.likeness(&stream, &ann, "buy coins here", 2), 100);
        assert_eq!(recent.likeness(&stream, &ann, "buy coins here", 70_000), 0);
    }
}
