//! What is a link, and what only looks like one.

use super::*;

fn found(text: &str) -> Vec<(String, Form)> {
    links(&fold(text), &Endings::new()).into_iter().map(|link| (link.host, link.form)).collect()
}

#[test]
fn links_are_found_as_people_write_them() {
    for (text, hosts) in [
        ("https://example.com/watch?v=1", vec!["example.com"]),
        ("HTTP://EXAMPLE.COM", vec!["example.com"]),
        ("www.example.com", vec!["example.com"]),
        ("see example.com.", vec!["example.com"]),
        ("see (example.com), ok?", vec!["example.com"]),
        ("see \"example.com\"!", vec!["example.com"]),
        ("this...example.com", vec!["example.com"]),
        ("sub.example.co.uk/x", vec!["sub.example.co.uk"]),
        ("example.com:8080", vec!["example.com"]),
        ("youtu.be/abc and t.me/xyz", vec!["youtu.be", "t.me"]),
        ("discord.gg/abc", vec!["discord.gg"]),
        ("http://something.invented/x", vec!["something.invented"]),
        ("ftp://files.example.org", vec!["files.example.org"]),
        ("hxxp://example.com", vec!["example.com"]),
        ("пример.рф", vec!["пример.рф"]),
        ("例え。com", vec!["例え.com"]),
        ("a.com b.com a.com", vec!["a.com", "b.com"]),
        ("http://localhost.example.com#top", vec!["localhost.example.com"]),
        ("https://example.com\\path", vec!["example.com"]),
        ("http://192.168.1.1/admin", vec!["192.168.1.1"]),
        ("http://127.0.0.1:8080", vec!["127.0.0.1"]),
        ("_example.com_", vec!["example.com"]),
        ("xn.com", vec!["xn.com"]),
    ] {
        let expected: Vec<(String, Form)> = hosts.iter().map(|host| (fold(host), Form::Usual)).collect();
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_link_is_left_alone() {
    for text in [
        "",
        "hello",
        "ok.so what",
        "yes.it is.no way",
        "haha.me too",
        "pi is 3.14, version 1.2.3",
        "e.g. i.e. a.m. u.s.a.",
        "wait... what",
        "main.rs, foo.py and run.sh",
        "node.js",
        "mail ann@example.com",
        "192.168.1.1 and 8.8.8.8",
        "10.000.000",
        "2001:db8::1",
        "12:30",
        "and/or",
        "a . b",
        "the end. com certeza",
        "nice play. gg",
        "polka dot dress, connect the dots",
        "dot com",
        "(see this.) com",
        "://",
        "http://",
        ".com",
        "-.com",
        "a..com",
        "\u{301}.com",
    ] {
        assert_eq!(found(text), vec![], "{text}");
    }
}

#[test]
fn spelled_out_links_are_found() {
    for (text, host) in [
        ("example dot com", "example.com"),
        ("go to example DOT com now", "example.com"),
        ("example (dot) com", "example.com"),
        ("example [dot] me", "example.me"),
        ("example{dot}de", "example.de"),
        ("example[.]com", "example.com"),
        ("example(.)ru", "example.ru"),
        ("example [ . ] io", "example.io"),
        ("example .com", "example.com"),
        ("example . com", "example.com"),
        ("www dot example dot com", "example.com"),
    ] {
        assert_eq!(found(text), vec![(host.to_owned(), Form::SpelledOut)], "{text}");
    }
}

#[test]
fn numbers_and_disguises_are_told_apart() {
    for (text, host, form) in [
        ("http://8.8.8.8/x", "8.8.8.8", Form::Address),
        ("8.8.8.8:8080", "8.8.8.8", Form::Address),
        ("8.8.8.8/login", "8.8.8.8", Form::Address),
        ("http://134744072/", "134744072", Form::Address),
        ("http://0x08080808/", "0x08080808", Form::Address),
        ("http://[2606:4700::1]/", "2606:4700::1", Form::Address),
        ("https://bank.com@evil.com/login", "evil.com", Form::Disguised),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com", Form::Disguised),
    ] {
        assert_eq!(found(text), vec![(host.to_owned(), form)], "{text}");
    }
}

#[test]
fn any_text_is_searched_without_harm() {
    // Texts of the pieces that links are made of, in all orders.
    let pieces =
        ["a", ".", "com", "://", "/", " ", "dot", "[", "]", "@", ":", "80", "é", "。", "www.", "-", "0x"];
    let mut state = 7u64;
    let endings = Endings::new();
    for _ in 0..50_000 {
        let mut text = String::new();
        for _ in 0..9 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        for link in links(&text, &endings) {
            assert!(!link.host.is_empty() && !link.host.contains(' '), "{text}: {link:?}");
        }
    }
}
