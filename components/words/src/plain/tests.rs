//! Plain forms, text by text.

use super::*;

fn form(text: &str) -> String {
    let plain = Plain::new(text);
    let mut form = String::new();
    let bytes = String::from_utf8(plain.bytes().to_vec()).unwrap();
    for (at, c) in bytes.char_indices() {
        form.push(c);
        let run = plain.run_at(at);
        if run > 1 {
            form.push_str(&format!("{{{run}}}"));
        }
    }
    form
}

#[test]
fn words_have_one_space_around_them() {
    for (text, expected) in [
        ("", " "),
        ("  ", " "),
        ("...", " "),
        ("hi", " hi "),
        (" Hi,  you ", " hi you "),
        ("hello", " hel{2}o "),
        ("don't", " don t "),
        ("a b", " a b "),
        ("a b c", " abc "),
        ("a s s", " as{2} "),
        ("say a b c now", " say abc now "),
        ("s1r m4n 42", " sir man 42 "),
        ("b00b", " bo{2}b "),
        ("900k 1080p a55 5s", " 900k 1080p a55 s{2} "),
        ("@ss a$$ $5 5$", " as{2} as{2} $5 5 "),
        ("sh!t hey! !wow", " shit hey wow "),
        ("f*ck f**k *hug* 2*3", " f*ck f*{2}k hug 2 3 "),
        ("größe Ærø çığ", " gros{2}e aero cig "),
        ("🍆💦 ok", " 🍆 💦 ok "),
        ("ok🎉🎉", " ok 🎉 🎉 "),
        ("ёж Ежи", " еж ежи "),
        ("هـــــلا", " هلا "),
        ("チンコ、です。", " チンコ です "),
        ("씨이발", " 씨이발 "),
    ] {
        assert_eq!(form(text), expected, "{text}");
    }
}

#[test]
fn any_text_has_a_plain_form() {
    // A small generator of its own: texts of letters, signs and spaces in all orders.
    let alphabet: Vec<char> = "ab1@$!* .éß한🎉й\u{301}".chars().collect();
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        let once = Plain::new(&text);
        let places: Vec<usize> = once.repeats.iter().map(|(place, _)| *place).collect();
        assert!(places.is_sorted_by(|one, other| one < other), "{text}: {places:?}");
        assert!(once.bytes().starts_with(b" ") && once.bytes().ends_with(b" "), "{text}");
        std::str::from_utf8(once.bytes()).unwrap();
    }
}
