//! `curl`: pages and commands over REST, and a stream's events as they happen.

use std::process::Command;

use ringside_edge_tests::foreign::Talk;
use ringside_testkit::{Client, Pop};
use serde_json::{Value, json};

/// curl, quiet and with a bound.
fn curl(arguments: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60"]).args(arguments);
    command
}

/// What curl makes of one request: status, content type, body.
fn ask(pop: &Pop, path: &str, arguments: &[&str]) -> (u16, String, Value) {
    let url = format!("http://{}{path}", pop.address());
    let output = curl(arguments)
        .args(["--write-out", "\n%{http_code} %{content_type}", &url])
        .output()
        .expect("curl must be installed: it is the foreign client of this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, told) = text.rsplit_once('\n').unwrap();
    let (status, kind) = told.split_once(' ').unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    (status.parse().unwrap(), kind.to_owned(), body)
}

#[test]
fn curl_posts_pages_edits_likes_and_deletes() {
    let pop = Pop::start();
    let mut bob = Client::join(&pop, "bob", "viewer", "lobby");
    let bearer = |user: &str, role: &str| format!("Authorization: Bearer {}", pop.token(user, role));
    let (ann, mona) = (bearer("ann", "viewer"), bearer("mona", "moderator"));
    let with = |token: &str, method: &str, path: &str, body: &str| {
        let path = format!("/v1/streams/lobby{path}");
        let mut arguments = vec!["--request", method, "--header", token];
        if !body.is_empty() {
            arguments.extend(["--header", "Content-Type: application/json", "--data-binary", body]);
        }
        ask(&pop, &path, &arguments)
    };
    let (status, kind, posted) = with(&ann, "POST", "/comments", r#"{"text":"hello from curl 🎉"}"#);
    assert_eq!((status, kind.as_str()), (201, "application/json"), "{posted}");
    let id = posted["comment"].as_str().or(posted["id"].as_str()).unwrap().to_owned();
    let seen = bob.event_where("comment", |event| event["id"] == id.as_str());
    assert_eq!((&seen["text"], &seen["author"]["id"]), (&json!("hello from curl 🎉"), &json!("ann")));

    let one = format!("/comments/{id}");
    assert_eq!(with(&ann, "PATCH", &one, r#"{"text":"hello, edited"}"#).0, 200);
    bob.event_where("edited", |event| event["comment"] == id.as_str() && event["text"] == "hello, edited");
    let (status, _, none) = with(&mona, "PUT", &format!("{one}/reaction"), r#"{"reaction":"like"}"#);
    assert_eq!((status, none), (204, Value::Null));
    bob.event_where("reactions", |event| event["comment"] == id.as_str() && event["likes"] == 1);
    let (status, _, page) = ask(&pop, "/v1/streams/lobby/comments", &["--compressed"]);
    assert_eq!((status, &page["items"][0]["text"]), (200, &json!("hello, edited")), "{page}");
    assert_eq!(with(&ann, "DELETE", &one, "").0, 204);
    bob.event_where("removed", |event| event["comment"] == id.as_str() && event["by"] == "author");

    for (token, method, path, body, status, number) in [
        (&ann, "POST", "/comments", r#"{"text":"#, 400, 200),
        (&ann, "POST", "/comments", r#"{"txt":"misspelt"}"#, 400, 200),
        (&"X-None: 1".to_owned(), "POST", "/comments", r#"{"text":"who am I?"}"#, 401, 101),
        (&ann, "PATCH", "", r#"{"closed":true}"#, 403, 103),
        (&ann, "GET", &one, "", 404, 202),
        (&ann, "PUT", "/comments", "", 405, 209),
        (&ann, "POST", "/comments", &format!(r#"{{"text":"{}"}}"#, "x".repeat(9_000)), 413, 207),
    ] {
        let (came, kind, problem) = with(token, method, path, body);
        assert_eq!((came, kind.as_str()), (status, "application/problem+json"), "{method} {path}: {problem}");
        assert_eq!((&problem["number"], &problem["status"]), (&json!(number), &json!(status)), "{problem}");
    }
    assert_eq!(with(&mona, "PATCH", "", r#"{"closed":true}"#).0, 200);
    bob.event_where("settings", |event| event["settings"]["closed"] == true || event["closed"] == true);
}

/// One event of a stream of events.
#[derive(Debug, Default)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// curl, reading a stream's events.
struct Reader(Talk);

impl Reader {
    fn start(pop: &Pop, query: &str, arguments: &[&str]) -> Self {
        let url = format!("http://{}/v1/streams/lobby/events{query}", pop.address());
        Self(Talk::start(curl(arguments).args(["--no-buffer", &url])))
    }

    fn next(&mut self) -> Event {
        let mut event = Event::default();
        loop {
            let line = self.0.line().expect("curl goes on reading");
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut event.id),
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() && !event.name.is_empty() => return event,
                _ => assert!(line.is_empty() || line.starts_with(':'), "{line}"),
            }
        }
    }

    /// Reads until a comment with this text has come; the texts before it, and the position behind it.
    fn until(&mut self, text: &str) -> (Vec<String>, String) {
        let mut before = Vec::new();
        loop {
            let Event { id, name, data } = self.next();
            assert_eq!(name, "batch", "{data}");
            assert_eq!(data["position"], id.as_str(), "{data}");
            let said = data["events"].as_array().unwrap().iter().filter(|event| event["type"] == "comment");
            let texts: Vec<&str> = said.map(|event| event["text"].as_str().unwrap()).collect();
            if let Some(at) = texts.iter().position(|came| *came == text) {
                before.extend(texts[..at].iter().map(|text| (*text).to_owned()));
                return (before, id);
            }
            before.extend(texts.into_iter().map(str::to_owned));
        }
    }
}

#[test]
fn curl_reads_events_as_they_happen_and_resumes_behind_the_last_one() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "lobby");
    mona.comment("before curl came");
    let mut reader = Reader::start(&pop, "", &["--compressed"]);
    let joined = reader.next();
    assert_eq!((joined.name.as_str(), &joined.data["resumed"]), ("joined", &json!("fresh")), "{joined:?}");
    assert_eq!(joined.data["history"][0]["text"], "before curl came", "{joined:?}");
    assert_eq!(joined.data["position"], joined.id.as_str());
    // Each is read before the next is said: nothing waits in a buffer for more.
    let mut last = String::new();
    for text in ["one while curl reads", "another while curl reads"] {
        mona.comment(text);
        let (before, position) = reader.until(text);
        assert!(before.is_empty(), "{before:?}");
        last = position;
    }
    drop(reader);
    let missed = ["one while curl was away", "another while curl was away", "a third while curl was away"];
    for text in missed {
        mona.comment(text);
    }
    let mut reader = Reader::start(&pop, "", &["--header", &format!("Last-Event-ID: {last}")]);
    let joined = reader.next();
    assert_eq!(
        (joined.name.as_str(), &joined.data["resumed"]),
        ("joined", &json!("recovered")),
        "{joined:?}"
    );
    mona.comment("curl is back");
    let (before, _) = reader.until("curl is back");
    assert_eq!(before, missed);
}

#[test]
fn curl_needs_a_token_for_the_events_of_a_stream_that_is_not_open() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "lobby");
    mona.command(json!({ "type": "settings", "anonymous_read": false }), "done");
    let (status, kind, problem) = ask(&pop, "/v1/streams/lobby/events", &[]);
    assert_eq!((status, kind.as_str()), (401, "application/problem+json"), "{problem}");
    assert_eq!(problem["number"], 101, "{problem}");
    let token = pop.token("ann", "viewer");
    let bearer = format!("Authorization: Bearer {token}");
    for (query, arguments) in
        [(String::new(), vec!["--header", &bearer]), (format!("?token={token}"), vec![])]
    {
        let mut reader = Reader::start(&pop, &query, &arguments);
        assert_eq!(reader.next().name, "joined");
    }
    let (status, _, problem) = ask(&pop, "/v1/streams/lobby/events?token=nonsense", &[]);
    assert_eq!((status, &problem["number"]), (401, &json!(102)), "{problem}");
}
