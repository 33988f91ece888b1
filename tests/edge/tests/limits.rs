//! Every limit of the protocol page that a single command or request can meet: at it, and one past it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_testkit::{Client, Pop};
use serde_json::{Value, json};

/// The value of a limit on the protocol page.
fn limit(name: &str) -> usize {
    let page = include_str!("../../../docs/protocol.md");
    let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
    let row = row.unwrap_or_else(|| panic!("`{name}` is no limit of the protocol page"));
    row.split(' ').next().unwrap().replace(',', "").parse().unwrap()
}

#[test]
fn commands_are_taken_at_their_limits_and_refused_by_number_past_them() {
    let pop = Pop::start();
    let comment = |text: String| json!({ "type": "comment", "text": text });
    let named = |len: usize| json!({ "type": "comment", "text": "named", "reference": "r".repeat(len) });
    let emoji = |count: usize| json!({ "type": "emoji", "emoji": "🎉", "count": count });
    let join = |stream: usize, history: usize| json!({ "type": "join", "stream": "s".repeat(stream), "history": history });
    let terms = |many: usize, len: usize| {
        let terms: Vec<String> = (0..many).map(|n| format!("{n:t>len$}")).collect();
        json!({ "type": "settings", "blocked_terms": terms })
    };
    let slow = |seconds: usize| json!({ "type": "settings", "slow_mode_s": seconds });
    let (text, count, most) = (limit("text"), limit("emoji in a command"), limit("page size, most"));
    let (many, term, wait) = (limit("blocked terms"), limit("blocked term"), limit("slow mode"));
    let table: Vec<(&str, Value, Result<&str, u64>)> = vec![
        ("a text one short of the limit", comment("x".repeat(text - 1)), Ok("accepted")),
        ("a text at the limit", comment("y".repeat(text)), Ok("accepted")),
        ("a text of four bytes a character", comment("🎉".repeat(text)), Ok("accepted")),
        ("a text past the limit", comment("z".repeat(text + 1)), Err(204)),
        ("no text", comment(String::new()), Err(204)),
        ("a reference of 1", named(1), Ok("accepted")),
        ("a reference of 64", named(64), Ok("accepted")),
        ("a reference of 65", named(65), Err(201)),
        ("an empty reference", named(0), Err(201)),
        ("one emoji", emoji(1), Ok("done")),
        ("emoji at the limit", emoji(count), Ok("done")),
        ("emoji past the limit", emoji(count + 1), Err(206)),
        ("no emoji", emoji(0), Err(200)),
        ("slow mode at the limit", slow(wait), Ok("done")),
        ("slow mode past the limit", slow(wait + 1), Err(205)),
        ("no slow mode", slow(0), Ok("done")),
        ("terms at the limit", terms(many, 4), Ok("done")),
        ("terms past the limit", terms(many + 1, 4), Err(205)),
        ("a term at the limit", terms(1, term), Ok("done")),
        ("a term past the limit", terms(1, term + 1), Err(205)),
        ("a stream of 64", join(64, 0), Ok("joined")),
        ("a stream of 65", join(65, 0), Err(201)),
        ("no stream", join(0, 0), Err(201)),
        ("the longest history", join(1, most), Ok("joined")),
        ("a longer history", join(1, most + 1), Err(201)),
    ];
    let mut mona = Client::join(&pop, "mona", "moderator", "lobby");
    for (name, command, expected) in table {
        // A frame past its own limit would end the connection: such commands are the conformance run's.
        assert!(command.to_string().len() < limit("frame"), "{name}");
        let reply = mona.ask(command);
        match expected {
            Ok(status) => assert_eq!(reply["status"], status, "{name}: {reply}"),
            Err(number) => {
                assert_eq!(
                    (&reply["status"], &reply["number"]),
                    (&json!("error"), &json!(number)),
                    "{name}: {reply}"
                );
            }
        }
    }
}

#[test]
fn requests_are_taken_at_their_limits_and_refused_by_number_past_them() {
    let pop = Pop::start();
    let mona = pop.rest_as("mona", "moderator");
    let (body, most) = (limit("REST body"), limit("page size, most"));
    let post = |len: usize| {
        let text = json!({ "text": format!("in a body of {len} bytes") }).to_string();
        mona.call("POST", "/v1/streams/lobby/comments", Some(format!("{text:<len$}")))
    };
    post(body - 1).expect(201);
    post(body).expect(201);
    post(body + 1).expect(413).expect_problem(207, "");
    let page = |size: usize| mona.get(&format!("/v1/streams/lobby/comments?page_size={size}"));
    page(1).expect(200);
    page(most).expect(200);
    page(most + 1).expect(422).expect_problem(201, &format!("page_size=`{}`", most + 1));
    page(0).expect(422).expect_problem(201, "page_size=`0`");
}
