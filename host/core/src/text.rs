//! Unicode work, done once by the host so that guests stay small.

use unicode_normalization::UnicodeNormalization;

use crate::limits;

/// The folded form that rules match on: compatibility forms resolved, accents of Latin letters removed,
/// look-alike letters within Latin words mapped, invisible characters removed, lower case, runs of one letter cut to two, runs of white space to one space.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut run = 0;
    let mut last = '\0';
    let mut push = |c: char, folded: &mut String| {
        let c = if c.is_whitespace() { ' ' } else { c };
        run = if c == last { run + 1 } else { 1 };
        last = c;
        let most = if c == ' ' {
            1
        } else if c.is_alphabetic() {
            2
        } else {
            usize::MAX
        };
        if run <= most {
            folded.push(c);
        }
    };
    if text.is_ascii() {
        // Nine comments of ten are ASCII: no tables needed.
        for byte in text.bytes() {
            if !byte.is_ascii_control() || byte.is_ascii_whitespace() {
                push(char::from(byte.to_ascii_lowercase()), &mut folded);
            }
        }
        return folded;
    }
    // Decomposed to drop the accents of Latin letters; composed again below so that Hangul and others compare by letter.
    let letters: String = text.nfkd().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect();
    for word in letters.split_inclusive(char::is_whitespace) {
        // A word of one script is what it is; one that mixes Latin with look-alikes is a disguise.
        let mixed = word.bytes().any(|b| b.is_ascii_alphabetic());
        let mut base_is_latin = false;
        for c in word.chars() {
            let c = if mixed { look_alike(c) } else { c };
            if unicode_normalization::char::is_combining_mark(c) {
                if base_is_latin && is_accent(c) {
                    continue;
                }
            } else {
                base_is_latin = c.is_ascii();
            }
            push(c, &mut folded);
        }
    }
    folded.nfc().collect()
}

/// Accents and strokes that writers put on Latin letters. Marks of other scripts carry meaning and stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

/// Zero-width, direction and other characters that show nothing.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    ) || (c.is_control() && !c.is_whitespace())
}

/// Letters of other scripts that look like Latin ones, lower case: those of Unicode's confusables (UTS 39)
/// that chat evasion uses.
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'ь' | 'в' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ɗ' => 'd',
        'е' | 'є' | 'ε' => 'e',
        'ɡ' | 'ց' => 'g',
        'һ' | 'հ' => 'h',
        'і' | 'ι' | 'ı' | 'ɩ' | 'ӏ' => 'i',
        'ј' | 'ϳ' => 'j',
        'κ' | 'к' => 'k',
        'ⅼ' | 'ǀ' => 'l',
        'м' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'ø' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ᴦ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' | 'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        'ᴢ' => 'z',
        other => other,
    }
}

/// What others write after `@`: letters, digits, `_`, `-` and `.` of a name, lower case.
#[must_use]
pub fn handle(name: &str) -> String {
    name.chars().filter(|c| is_handle(*c)).flat_map(char::to_lowercase).collect()
}

fn is_handle(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// The handles a text mentions with `@`, each once, at most [`limits::MENTIONS_MAX`]. An `@` within a word
/// (an address) mentions nobody.
#[must_use]
pub fn mentions(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '@' && !is_handle(before) {
            let rest = text.get(at + 1..).unwrap_or("");
            let word: String = rest.chars().take_while(|c| is_handle(*c)).collect();
            let name = handle(word.trim_end_matches(['.', '-']));
            if !name.is_empty() && !found.contains(&name) {
                found.push(name);
                if found.len() == limits::MENTIONS_MAX {
                    break;
                }
            }
        }
        before = c;
    }
    found
}

/// True when a text is emoji and white space only, with at least one emoji.
#[must_use]
pub fn is_emoji_only(text: &str) -> bool {
    let mut seen = false;
    for c in text.chars() {
        match c {
            '\u{1f000}'..='\u{1faff}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{a9}'
            | '\u{ae}' => seen = true,
            // Joiners, presentation selectors, keycaps and tags only join.
            '\u{200d}' | '\u{fe0f}' | '\u{fe0e}' | '\u{20e3}' | '\u{e0020}'..='\u{e007f}' => {}
            c if c.is_whitespace() => {}
            _ => return false,
        }
    }
    seen
}

/// Likeness of two folded texts, 0 to 100: the share of pairs of neighbouring bytes they have in common
/// (Dice coefficient over sets).
#[must_use]
pub fn likeness(a: &str, b: &str) -> u8 {
    if a == b {
        return 100;
    }
    let pairs = |text: &str| -> Vec<[u8; 2]> {
        let mut pairs: Vec<[u8; 2]> =
            text.as_bytes().windows(2).filter_map(|w| <[u8; 2]>::try_from(w).ok()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    };
    let (a, b) = (pairs(a), pairs(b));
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let common = a.iter().filter(|pair| b.binary_search(pair).is_ok()).count();
    u8::try_from(200 * common / (a.len() + b.len())).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folding_sees_through_the_usual_disguises() {
        for (text, folded) in [
            ("HELLO World", "hello world"),
            ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
            ("bаd", "bad"),
            ("b\u{200b}a\u{200d}d", "bad"),
            ("b̷a̶d̸", "bad"),
            ("coooooool", "cool"),
            ("naïve café", "naive cafe"),
            ("𝓼𝓹𝓪𝓶", "spam"),
            ("한국어", "한국어"),
            ("Привет, ёй", "привет, ёй"),
            ("Scheiße ÜBER", "scheiße uber"),
            ("a \t\n b", "a b"),
            ("1000000", "1000000"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn mentions_are_found_once_and_not_in_addresses() {
        for (text, expected) in [
            ("@Ann hello @bob, @ann!", vec!["ann", "bob"]),
            ("write to ann@example.org", vec![]),
            ("(@Zoë_1).", vec!["zoë_1"]),
            ("@", vec![]),
            ("@bob.", vec!["bob"]),
        ] {
            assert_eq!(mentions(text), expected, "{text}");
        }
        let many: String = (0..50).map(|i| format!("@u{i} ")).collect();
        assert_eq!(mentions(&many).len(), limits::MENTIONS_MAX);
    }

    #[test]
    fn emoji_only_means_emoji_and_nothing_else() {
        for (text, expected) in
            [("🎉🎉", true), ("👩‍💻 ❤️", true), ("gg 🎉", false), ("", false), ("  ", false), ("1", false)]
        {
            assert_eq!(is_emoji_only(text), expected, "{text:?}");
        }
    }

    #[test]
    fn likeness_is_high_for_near_duplicates_only() {
        assert_eq!(likeness("buy now", "buy now"), 100);
        assert!(likeness("buy cheap coins now", "buy cheap coins now 2") > 85);
        assert!(likeness("what a goal", "i am at work today") < 40);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in "\\PC{0,60}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
        }
    }
}
