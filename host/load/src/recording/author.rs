//! Authors of a recording as users of a host.

use ringside_core::UserId;
use ringside_core::limits::NAME_BYTES_MAX;

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
    /// A user id that a host takes: equal for equal authors, different for different ones.
    pub(crate) user: String,
    /// The name as it was recorded, cut to what a host shows.
    pub(crate) name: String,
}

impl Author {
    /// None for a blank name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::identified(name, name)
    }

    /// An author whose recording has an id beside the name.
    pub(crate) fn identified(id: &str, name: &str) -> Option<Self> {
        let (id, name) = (id.trim(), name.trim());
        if id.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self { user: user_id(id), name: cut(name, NAME_BYTES_MAX).to_owned() })
    }
}

/// The text itself where it is a user id; else its letters that may stand, and a checksum of all of it, so that
/// names in another script do not become one user.
fn user_id(text: &str) -> String {
    if UserId::new(text).is_ok() {
        return text.to_owned();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:@|".contains(c);
    let kept: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let sum = format!("-{:08x}", crc32fast::hash(text.as_bytes()));
    let kept = cut(kept.trim_matches('-'), UserId::MAX_BYTES - sum.len());
    if kept.is_empty() { format!("user{sum}") } else { format!("{kept}{sum}") }
}

/// The longest beginning of at most so many bytes.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_user_ids_stay_and_others_stay_apart() {
        for (name, user) in [
            ("ann", "ann"),
            ("  ann ", "ann"),
            ("a.b-c_d:e@f|g", "a.b-c_d:e@f|g"),
            ("Julius NM", "Julius-NM-3c8a034b"),
            ("[nick]^", "nick-f4b53ae3"),
        ] {
            let author = Author::named(name).unwrap();
            assert_eq!(author.name, name.trim());
            assert_eq!(author.user, user);
        }
        let ids: Vec<String> = ["Анна", "Иван", "明", &"x".repeat(65), &"x".repeat(66)]
            .iter()
            .map(|name| Author::named(name).unwrap().user)
            .collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{ids:?}");
        }
        assert_eq!(Author::named(" \t"), None);
    }

    proptest! {
        #[test]
        fn every_name_becomes_a_user_id_and_a_name_that_a_host_takes(name in "\\PC{1,200}") {
            if let Some(author) = Author::named(&name) {
                prop_assert!(UserId::new(&author.user).is_ok(), "{}", author.user);
                prop_assert!(author.name.len() <= NAME_BYTES_MAX && !author.name.is_empty());
                prop_assert_eq!(Author::named(&name), Some(author));
            }
        }
    }
}
