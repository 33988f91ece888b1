//! What each character is, for the plain form.

/// What becomes of a character.
pub(super) enum Kind {
    /// A letter, without accent, lower case.
    Letter(char),
    /// A letter that others write as two.
    Letters(&'static str),
    /// A digit; within a word it may stand for a letter.
    Digit,
    /// A sign that stands for a letter when it is within a word.
    Sign,
    /// Emoji and the like: each a word of its own.
    Symbol,
    /// Marks that are dropped.
    Nothing,
    /// What separates words.
    Space,
}

/// Looks a character up.
pub(super) fn kind(c: char) -> Kind {
    match c {
        'a'..='z' => Kind::Letter(c),
        'A'..='Z' => Kind::Letter(c.to_ascii_lowercase()),
        '0'..='9' => Kind::Digit,
        '@' | '$' | '!' | '*' => Kind::Sign,
        '\0'..='\u{7f}' => Kind::Space,
        _ => beyond_ascii(c),
    }
}

fn beyond_ascii(c: char) -> Kind {
    // Accents, joiners and presentation selectors; Arabic vowel signs and the stretching tatweel.
    if matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{640}' | '\u{64b}'..='\u{652}')
    {
        return Kind::Nothing;
    }
    let c = c.to_lowercase().next().unwrap_or(c);
    match c {
        'ß' => return Kind::Letters("ss"),
        'æ' => return Kind::Letters("ae"),
        'œ' => return Kind::Letters("oe"),
        // Thai writes it as one sign or as two.
        '\u{e33}' => return Kind::Letters("\u{e4d}\u{e32}"),
        _ => {}
    }
    if is_punctuation(c) {
        Kind::Space
    } else if c.is_alphanumeric() || is_mark_of_script(c) {
        Kind::Letter(without_accent(c))
    } else if c >= '\u{2190}' {
        Kind::Symbol
    } else {
        Kind::Space
    }
}

/// Punctuation within the ranges that are else letters or symbols.
fn is_punctuation(c: char) -> bool {
    matches!(c, '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}' | '\u{964}' | '\u{965}'
        | '\u{e4f}' | '\u{e5a}' | '\u{e5b}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{3030}'
        | '\u{30fb}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Vowel signs and tone marks that are part of a word in the scripts of the Near East, India and South-East Asia.
fn is_mark_of_script(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// The letter under an accent, as the host's folding leaves it; entries of lists may be written with theirs.
fn without_accent(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ð' | 'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ё' => 'е',
        other => other,
    }
}

/// True where a sign can be a letter of the word that is being written; `rest` follows it.
pub(super) fn is_within_word(sign: char, in_word: bool, rest: &str) -> bool {
    let next_is_letter = |rest: &str| rest.chars().next().is_some_and(char::is_alphanumeric);
    match sign {
        '!' => in_word && next_is_letter(rest),
        // `f*ck`, `f**k`, but not `*hugs*`.
        '*' => in_word && next_is_letter(rest.trim_start_matches('*')),
        _ => in_word || next_is_letter(rest.trim_start_matches(sign)),
    }
}

/// The letter that a digit or sign stands for within a word.
pub(super) fn undisguised(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '9' => 'g',
        other => other,
    }
}

/// True for letters of scripts that put no spaces between words, or endings right behind them.
pub(crate) fn has_no_word_ends(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2190}'..='\u{2bff}' | '\u{3005}'..='\u{318f}' | '\u{31f0}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{1f000}'..)
}
