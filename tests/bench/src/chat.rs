//! A chat made up from a seed: the same on every machine, with what real chats have in the shares they have it.
//!
//! Most lines are short, many repeat each other, some shout, link, mention, disguise a word, or are in another
//! script. The shares are those of the recorded chats that the rules were tuned on, roughly.

use fastrand::Rng;
use ringside_core::text::fold;

/// One line of chat.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// As written.
    pub(crate) text: String,
    /// As the host folds it.
    pub(crate) folded: String,
    /// Number of its author.
    pub(crate) author: u32,
}

/// Words that the rules look for: three hundred, of the length of real ones.
pub(crate) fn bad_words(rng: &mut Rng) -> Vec<String> {
    const STARTS: [&str; 20] = [
        "bra", "cru", "dor", "fli", "gra", "hor", "jin", "kla", "lum", "mor", "nar", "plo", "qua", "rus",
        "ska", "tro", "vor", "wex", "yam", "zil",
    ];
    const MIDDLES: [&str; 10] = ["ba", "cke", "di", "fo", "gu", "mpe", "nna", "rzo", "sti", "xu"];
    const ENDS: [&str; 10] = ["b", "ck", "d", "ffer", "g", "ler", "m", "nt", "rd", "x"];
    let mut words = std::collections::BTreeSet::new();
    while words.len() < 300 {
        let word = [pick(rng, &STARTS), pick(rng, &MIDDLES), pick(rng, &ENDS)].concat();
        words.insert(word);
    }
    words.into_iter().collect()
}

const WORDS: &[&str] = &[
    "the",
    "this",
    "is",
    "was",
    "what",
    "a",
    "play",
    "goal",
    "run",
    "win",
    "game",
    "boss",
    "so",
    "good",
    "bad",
    "nice",
    "wow",
    "omg",
    "lol",
    "lmao",
    "why",
    "how",
    "did",
    "he",
    "she",
    "they",
    "do",
    "that",
    "stream",
    "chat",
    "today",
    "again",
    "first",
    "time",
    "here",
    "from",
    "germany",
    "brazil",
    "hello",
    "hi",
    "everyone",
    "love",
    "music",
    "song",
    "sound",
    "low",
    "lag",
    "for",
    "me",
    "anyone",
    "else",
    "can",
    "we",
    "get",
    "likes",
    "best",
    "ever",
    "no",
    "yes",
    "please",
    "next",
    "level",
    "clip",
    "it",
    "in",
    "on",
    "and",
    "to",
    "of",
    "you",
    "my",
    "not",
    "are",
    "just",
    "think",
    "know",
    "really",
    "never",
    "always",
    "team",
    "player",
    "score",
    "minute",
    "waiting",
    "watch",
    "finally",
    "believe",
    "insane",
    "crazy",
    "beautiful",
    "thanks",
    "great",
    "show",
];
const SHOUTS: &[&str] =
    &["GOOOOOAL", "LETS GOOOO", "WOOOOW", "NOOOOO", "WHAAAAT", "POG", "GG", "W", "L", "F", "KEKW"];
const EMOJI: &[&str] = &["😂", "🔥", "❤️", "🎉", "👏", "😭", "💀", "🙏", "👍", "😍", "🇧🇷", "👨‍👩‍👧"];
const FOREIGN: &[&str] = &[
    "что за игра",
    "красиво сыграли",
    "que golazo",
    "vamos equipo",
    "que lindo",
    "안녕하세요",
    "잘한다 정말",
    "すごい試合",
    "がんばれ",
    "مرحبا من مصر",
    "wie schön",
    "das war knapp",
    "très beau but",
    "kaç kaç",
    "bom dia galera",
];
const LINKS: &[&str] = &[
    "https://example.com/watch?v=abc123",
    "www.example.org",
    "example.net/live",
    "http://10.0.0.1/a",
    "free-gifts.example dot com",
];

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    rng.choice(from).copied().unwrap_or("")
}

/// So many lines of so many authors.
pub(crate) fn lines(rng: &mut Rng, count: usize, authors: u32, bad_words: &[String]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::with_capacity(count);
    for _ in 0..count {
        let text = match rng.u32(0..100) {
            // The crowd says the same thing at once.
            0..12 if lines.len() > 50 => {
                let back = rng.usize(1..50);
                lines.get(lines.len() - back).map(|line| line.text.clone()).unwrap_or_default()
            }
            0..22 => [pick(rng, SHOUTS), &"O".repeat(rng.usize(0..6)), " ", pick(rng, EMOJI)].concat(),
            22..30 => (0..rng.usize(1..6)).map(|_| pick(rng, EMOJI)).collect(),
            30..38 => pick(rng, FOREIGN).to_owned(),
            38..40 => [&sentence(rng, 1..5), pick(rng, LINKS)].join(" "),
            40..44 => {
                let word = rng.choice(bad_words).map(String::as_str).unwrap_or_default();
                [&sentence(rng, 0..5), word, &sentence(rng, 0..3)].join(" ").trim().to_owned()
            }
            44..50 => format!("@user{} {}", rng.u32(0..authors), sentence(rng, 1..8)),
            50..53 => sentence(rng, 25..60),
            _ => sentence(rng, 1..12),
        };
        let folded = fold(&text);
        lines.push(Line { text, folded, author: rng.u32(0..authors) });
    }
    lines
}

fn sentence(rng: &mut Rng, words: std::ops::Range<usize>) -> String {
    let words: Vec<&str> = (0..rng.usize(words)).map(|_| pick(rng, WORDS)).collect();
    let mut text = words.join(" ");
    if rng.u8(0..10) == 0 {
        text = text.to_uppercase();
    }
    if rng.u8(0..6) == 0 {
        text.push_str(pick(rng, &["!", "!!!", "?", "...", " :)", " xD"]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_chat() {
        let chat = |seed| {
            let mut rng = Rng::with_seed(seed);
            let words = bad_words(&mut rng);
            let lines = lines(&mut rng, 2_000, 100, &words);
            lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(chat(1), chat(1));
        assert_ne!(chat(1), chat(2));
        let bytes: usize = chat(1).iter().map(String::len).sum();
        assert!((20..80).contains(&(bytes / 2_000)), "{} bytes a line", bytes / 2_000);
    }
}
