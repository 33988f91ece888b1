//! Cutting texts of guests to a bounded length.

/// The text, cut at a character's boundary to at most so many bytes.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, bytes, expected) in [("abc", 3, "abc"), ("abc", 2, "ab"), ("aä", 2, "a"), ("ä", 1, "")] {
            assert_eq!(cut(text.to_owned(), bytes), expected);
        }
    }
}
