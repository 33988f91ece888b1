//! Rules for single files: length, opening words, names, white space, words that must not stay.

use std::path::Path;

use super::{Finding, Text};

/// Past this a file holds more than one concern. House style is 100 to 300.
const LINES_MAX: usize = 500;
/// Files that a person writes and reads as source.
const SOURCE_ENDS: [&str; 14] =
    ["css", "html", "js", "mjs", "mts", "py", "rs", "sh", "svelte", "toml", "ts", "tsx", "wit", "yaml"];
/// Files in which white space is judged, beside the sources.
const TEXT_ENDS: [&str; 3] = ["json", "md", "yml"];
/// Words that mark what is unfinished. Written in two halves, since this file is judged as well.
const UNFINISHED: [&str; 6] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];
/// Names that say nothing of what the thing does.
const EMPTY_NAMES: [&str; 3] = [concat!("Mana", "ger"), concat!("Hel", "per"), concat!("Fac", "tory")];
const NAMING_WORDS: [&str; 6] = ["struct", "enum", "trait", "class", "interface", "type"];
/// Libraries: what they have to say goes through their results and through tracing.
const LIBRARIES: [&str; 7] =
    ["host/core", "host/ports", "host/adapters", "host/wasm", "host/edge", "host/roles", "host/load"];
const PRINTING: [&str; 4] = ["println!(", "eprintln!(", "print!(", "eprint!("];
/// A test's name is a sentence: a thing, what it does, and when or to what.
const TEST_NAME_WORDS_MIN: usize = 3;

pub(super) fn findings(texts: &[Text]) -> Vec<Finding> {
    texts.iter().filter(|text| !is_made(&text.path)).flat_map(judge).collect()
}

/// Lock files and licences are not ours to shape.
fn is_made(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json" || name == "LICENSE")
}

fn judge(text: &Text) -> Vec<Finding> {
    let source = SOURCE_ENDS.contains(&text.end());
    let mut found = Vec::new();
    if source || TEXT_ENDS.contains(&text.end()) {
        white_space(text, &mut found);
    }
    if source {
        length(text, &mut found);
        words(text, &mut found);
    }
    match text.end() {
        "rs" => {
            if !text.is_tests() {
                opening(text, &["//!"], &mut found);
            }
            rust(text, &mut found);
        }
        "ts" | "tsx" | "mts" if !text.is_tests() => opening(text, &["/**", "//", "/*"], &mut found),
        _ => {}
    }
    found
}

fn white_space(text: &Text, found: &mut Vec<Finding>) {
    for (number, line) in text.lines() {
        if line.ends_with('\r') {
            found.push(Finding::at(&text.path, number, "a carriage return: end lines with a line feed only"));
        } else if line.ends_with([' ', '\t']) {
            found.push(Finding::at(&text.path, number, "white space at the end of the line"));
        }
        if text.end() == "rs" && line.contains('\t') {
            found.push(Finding::at(&text.path, number, "a tab: indent with spaces, write \\t in strings"));
        }
    }
    if !text.content.is_empty() && (!text.content.ends_with('\n') || text.content.ends_with("\n\n")) {
        let last = text.content.lines().count();
        found.push(Finding::at(&text.path, last, "a file ends with one line feed"));
    }
}

fn length(text: &Text, found: &mut Vec<Finding>) {
    let lines = text.content.lines().count();
    if lines > LINES_MAX {
        let message = format!("{lines} lines, {LINES_MAX} at most: split it by concern");
        found.push(Finding::at(&text.path, LINES_MAX + 1, message));
    }
}

fn words(text: &Text, found: &mut Vec<Finding>) {
    for (number, line) in text.lines() {
        for word in UNFINISHED {
            if line.contains(word) {
                found.push(Finding::at(&text.path, number, format!("`{word}`: finish it, or leave it out")));
            }
        }
        let mut before = "";
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
            if NAMING_WORDS.contains(&before) && EMPTY_NAMES.iter().any(|empty| word.ends_with(empty)) {
                found.push(Finding::at(&text.path, number, format!("`{word}`: name it after what it does")));
            }
            before = word;
        }
    }
}

fn opening(text: &Text, openings: &[&str], found: &mut Vec<Finding>) {
    let first = text.content.lines().find(|line| {
        let line = line.trim();
        // What must stand before everything: an interpreter, or a crate's own attributes.
        !line.is_empty() && !line.starts_with("#!")
    });
    let opens = first.is_some_and(|line| {
        openings.iter().any(|opening| line.strip_prefix(opening).is_some_and(|rest| !rest.trim().is_empty()))
            || (line.trim() == "/**" || line.trim() == "/*") && openings.contains(&line.trim())
    });
    if !opens {
        let opening = openings.first().unwrap_or(&"");
        let message = format!("opens without saying what it is for: start with `{opening}`");
        found.push(Finding::at(&text.path, 1, message));
    }
}

fn rust(text: &Text, found: &mut Vec<Finding>) {
    // Cargo takes every file right in `tests/` for a test program; what they share can only be a `mod.rs`.
    if text.path.file_name().is_some_and(|name| name == "mod.rs")
        && !text.path.iter().any(|part| part == "tests")
    {
        found.push(Finding::at(
            &text.path,
            1,
            "a module is `foo.rs` beside its folder `foo/`, never `mod.rs`",
        ));
    }
    let library =
        LIBRARIES.iter().any(|folder| text.is_in(folder)) && text.path.iter().any(|part| part == "src");
    let mut in_tests = text.is_tests();
    let mut is_test = false;
    for (number, line) in text.lines() {
        let code = line.trim_start();
        in_tests |= code.starts_with("#[cfg(test)]");
        if code.starts_with("//") {
            continue;
        }
        if library && !in_tests {
            let printing = PRINTING.iter().find(|printing| names(code, printing));
            if let Some(printing) = printing {
                let message = format!("`{printing}..)` in a library: return it, or use tracing");
                found.push(Finding::at(&text.path, number, message));
            }
        }
        is_test |= code.starts_with("#[test]") || code.starts_with("#[tokio::test");
        let declared = code.split_once("fn ").map(|(_, rest)| rest.split('(').next().unwrap_or(rest));
        if let Some(name) = declared.filter(|_| is_test) {
            is_test = false;
            // A macro's tests get their names where it is called.
            if !name.starts_with('$')
                && name.split('_').filter(|word| !word.is_empty()).count() < TEST_NAME_WORDS_MIN
            {
                let message = format!("test `{name}`: name it with a sentence that says what holds");
                found.push(Finding::at(&text.path, number, message));
            }
        }
    }
}

/// True when `call` stands in `code` as a whole word: `print!(` is not in `eprint!(`.
fn names(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        !code
            .get(..at)
            .and_then(|before| before.chars().next_back())
            .is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a file of this name and content, as `line: message`.
    fn found(path: &str, content: &str) -> Vec<String> {
        let text = Text { path: path.into(), content: content.to_owned() };
        findings(&[text]).iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect()
    }

    #[test]
    fn each_broken_rule_is_found_in_its_line() {
        let unfinished = format!("//! Opens.\nfn f() {{ {}) }}\n", concat!("to", "do!("));
        let empty_name = format!("//! Opens.\nstruct Room{};\n", concat!("Mana", "ger"));
        let long = "//! Opens.\n".repeat(LINES_MAX + 1);
        for (path, content, expected) in [
            ("a/b.rs", "fn f() {}\n", "1: opens without"),
            ("a/b.rs", "//!\nfn f() {}\n", "1: opens without"),
            ("a/b.ts", "export const a = 1;\n", "1: opens without"),
            ("a/b.rs", "//! Opens.\nfn f() {} \n", "2: white space"),
            ("a/b.rs", "//! Opens.\r\n", "1: a carriage return"),
            ("a/b.rs", "//! Opens.\n\tfn f() {}\n", "2: a tab"),
            ("a/b.md", "words", "1: a file ends"),
            ("a/b.md", "words\n\n", "2: a file ends"),
            ("a/b.rs", unfinished.as_str(), "2: `to"),
            ("a/b.rs", empty_name.as_str(), "2: `Room"),
            ("a/b.rs", long.as_str(), "501: 501 lines"),
            ("a/mod.rs", "//! Opens.\n", "1: a module is"),
            ("host/core/src/a.rs", "//! Opens.\nfn f() { println!(\"a\") }\n", "2: `println!("),
            ("a/b.rs", "//! Opens.\n#[test]\nfn it_works() {}\n", "3: test `it_works`"),
            ("a/b.rs", "//! Opens.\n#[tokio::test]\nasync fn works() {}\n", "3: test `works`"),
        ] {
            let found = found(path, content);
            assert_eq!(found.len(), 1, "{path} {expected}: {found:?}");
            assert!(found.iter().all(|one| one.starts_with(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn what_keeps_the_rules_is_let_through() {
        for (path, content) in [
            ("a/b.rs", "#!/usr/bin/env run\n#![allow(x)]\n\n//! Opens.\n"),
            ("a/b.ts", "/**\n * Opens.\n */\n"),
            ("a/b.ts", "// Opens.\n"),
            ("a/b.rs", "//! Opens.\n#[test]\nfn a_room_is_bounded() {}\nfn f() {}\n"),
            ("host/ringside/src/a.rs", "//! Opens.\nfn f() { println!(\"a\") }\n"),
            (
                "host/core/src/a.rs",
                "//! Opens.\n// println!(\n#[cfg(test)]\nmod tests { fn f() { println!(\"a\") } }\n",
            ),
            ("host/core/src/a.rs", "//! Opens.\nfn f() { my_print!(a) }\n"),
            ("a/b.rs", "//! Opens.\nmacro_rules! m { ($n:ident) => {\n#[test]\nfn $n() {}\n} }\n"),
            ("host/core/tests/common/mod.rs", "//! Opens.\n"),
            ("web/a/words.test.ts", "export const a = 1;\n"),
            ("host/core/src/a/tests/words.rs", "use super::*;\n"),
            ("host/core/src/a/tests.rs", "use super::*;\nfn f() { println!(\"a\") }\n"),
            ("Cargo.lock", "a \n"),
            ("a/b.png", "a \n"),
            ("a/empty.md", ""),
        ] {
            assert_eq!(found(path, content), Vec::<String>::new(), "{path}");
        }
    }
}
