//! REST and the event stream: pages, errors by name, roles, and what a foreign client (curl) sees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::process::{Command, Stdio};

use ringside_testkit::pop::bundle;
use ringside_testkit::{Client, Pop, eventually};
use serde_json::json;

#[test]
fn who_is_online_is_listed_once_and_by_id_for_those_who_are_signed_in() {
    let pop = Pop::start();
    let _bob = Client::join(&pop, "bob", "viewer", "s");
    let _ann = [Client::join(&pop, "ann", "viewer", "s"), Client::join(&pop, "ann", "viewer", "s")];
    let _elsewhere = Client::join(&pop, "cid", "viewer", "t");
    let mut reader = Client::connect(&pop);
    reader.command(json!({ "type": "join", "stream": "s" }), "joined");
    let rest = pop.rest_as("mona", "viewer");
    eventually("all of them to be listed", || {
        let listed = rest.get("/v1/streams/s/viewers").expect(200).body;
        (listed == json!({ "viewers": 4, "online": ["ann", "bob"] })).then_some(())
    });
    pop.rest().get("/v1/streams/s/viewers").expect_problem(101, "token");
    rest.get("/v1/streams/no%20stream/viewers").expect_problem(201, "no stream");
}

#[test]
fn pages_go_back_and_forth_and_show_each_comment_once() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let ids: Vec<String> =
        (0..25).map(|i| mona.comment(&format!("comment number {i}, told apart"))).collect();
    pop.wait_for_page("s", ids.last().unwrap());
    let rest = pop.rest();
    let mut seen = Vec::new();
    let mut path = "/v1/streams/s/comments?page_size=10".to_owned();
    let mut previous = None;
    loop {
        let page = rest.get(&path).expect(200).body;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        previous = page["previous"].as_str().map(str::to_owned).or(previous);
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/streams/s/comments?page_size=10&direction=before&cursor={next}");
    }
    assert!(seen.iter().eq(ids.iter().rev()), "newest first, each once: {seen:?}");
    let newer = rest
        .get(&format!("/v1/streams/s/comments?page_size=10&direction=after&cursor={}", ids[9]))
        .expect(200)
        .body;
    let newer: Vec<&str> =
        newer["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert!(newer.iter().copied().eq(ids[10..20].iter().rev().map(String::as_str)), "{newer:?}");
    assert!(previous.is_some());
}

#[test]
fn every_bad_request_is_told_what_is_wrong() {
    let pop = Pop::start();
    let (public, ann) = (pop.rest(), pop.rest_as("ann", "viewer"));
    let missing = "01a1feb1-a6f6-7000-a771-62136c5440e2";
    let comments = "/v1/streams/s/comments";
    for (rest, method, path, body, number, detail) in [
        (&public, "POST", comments.to_owned(), json!({ "text": "hi" }).to_string(), 101, "send a token"),
        (&ann, "POST", comments.to_owned(), "{".to_owned(), 200, "not what it should be"),
        (&ann, "POST", comments.to_owned(), json!({ "txt": "hi" }).to_string(), 200, "unknown field `txt`"),
        (&ann, "POST", comments.to_owned(), json!({ "text": " " }).to_string(), 204, "empty"),
        (
            &ann,
            "POST",
            comments.to_owned(),
            json!({ "text": "x".repeat(501) }).to_string(),
            204,
            "501 characters",
        ),
        (&ann, "POST", comments.to_owned(), "x".repeat(10_000), 207, "larger"),
        (
            &ann,
            "POST",
            comments.to_owned(),
            json!({ "text": "a", "reply_to": missing }).to_string(),
            202,
            missing,
        ),
        (
            &ann,
            "POST",
            comments.to_owned(),
            json!({ "text": "a", "reference": "a b" }).to_string(),
            201,
            "reference",
        ),
        (
            &ann,
            "POST",
            "/v1/streams/a%20b/comments".to_owned(),
            json!({ "text": "a" }).to_string(),
            201,
            "is not a stream id",
        ),
        (&ann, "PUT", comments.to_owned(), String::new(), 209, "PUT is not for"),
        (
            &ann,
            "PATCH",
            "/v1/streams/s".to_owned(),
            json!({ "closed": true }).to_string(),
            103,
            "only moderators",
        ),
        (
            &ann,
            "PUT",
            format!("{comments}/{missing}/reaction"),
            json!({ "reaction": "love" }).to_string(),
            200,
            "love",
        ),
        (&public, "GET", format!("{comments}?page_size=0"), String::new(), 201, "page_size=`0`"),
        (&public, "GET", format!("{comments}?direction=up"), String::new(), 201, "direction=`up`"),
        (
            &public,
            "GET",
            format!("{comments}?cursor=nonsense"),
            String::new(),
            201,
            "`nonsense` is not a comment id",
        ),
        (&public, "GET", format!("{comments}?sort=new"), String::new(), 201, "page_size"),
        (&public, "GET", format!("{comments}/{missing}"), String::new(), 202, missing),
        (&public, "GET", format!("{comments}/xyz"), String::new(), 201, "xyz"),
        (&public, "GET", "/v1/nowhere".to_owned(), String::new(), 202, "/v1/nowhere"),
    ] {
        let body = (!body.is_empty()).then_some(body);
        let answer = rest.call(method, &path, body);
        assert_eq!(answer.body["number"], number, "{method} {path}: {}", answer.text);
        answer.expect_problem(number, detail);
    }
}

#[test]
fn streams_that_are_not_open_ask_for_a_token() {
    let pop = Pop::start();
    let moderator = pop.rest_as("mona", "moderator");
    moderator
        .call("PATCH", "/v1/streams/s", Some(json!({ "anonymous_read": false }).to_string()))
        .expect(200);
    pop.rest().get("/v1/streams/s/comments").expect_problem(101, "send a token");
    pop.rest_as("ann", "viewer").get("/v1/streams/s/comments").expect(200);
    let mut anonymous = Client::connect(&pop);
    let refused = anonymous.ask(json!({ "type": "join", "stream": "s" }));
    assert_eq!(refused["number"], 101, "{refused}");
    let other = pop.token_with(&["--user", "ann", "--stream", "elsewhere"]);
    let rest = ringside_testkit::Rest::new(format!("http://{}", pop.address()), Some(other));
    rest.get("/v1/streams/s/comments").expect_problem(103, "not for stream");
}

/// What curl prints of an event stream within two seconds.
fn curl(pop: &Pop, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--no-buffer", "--max-time", "2"])
        .args(arguments)
        .arg(format!("http://{}/v1/streams/s/events", pop.address()))
        .stderr(Stdio::null())
        .output()
        .expect("curl must be installed: it is the foreign client of this test");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn curl_reads_live_events_and_resumes_by_the_last_event_id() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    mona.comment("before curl came");
    let (first, _) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| curl(&pop, &[]));
        std::thread::sleep(std::time::Duration::from_millis(700));
        let id = mona.comment("while curl reads");
        (reader.join().unwrap(), id)
    });
    assert!(first.starts_with("event: joined\n"), "{first}");
    assert!(first.contains("before curl came") && first.contains("while curl reads"), "{first}");
    let last = first.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    mona.comment("while curl was away");
    let second = curl(&pop, &["--header", &format!("last-event-id: {last}")]);
    assert!(second.contains("\"resumed\":\"recovered\""), "{second}");
    assert!(second.contains("while curl was away") && !second.contains("while curl reads"), "{second}");
}

#[test]
fn the_host_says_whether_it_is_ready_and_ends_in_order() {
    let mut pop = Pop::start();
    assert_eq!(pop.rest().get("/healthz").expect(200).text, "ok\n");
    let ready = pop.rest().get("/readyz").expect(200);
    assert_eq!(
        (&ready.body["status"], &ready.body["commenting"]),
        (&json!("ready"), &json!(true)),
        "{}",
        ready.text
    );
    let parts = ready.body["parts"].as_array().unwrap();
    assert!(parts.len() == 4 && parts.iter().all(|part| part["up"] == true), "{}", ready.text);
    let pops = pop.rest().get("/v1/pops").expect(200).body;
    assert_eq!(pops["items"][0]["healthy"], true);
    let mut ann = Client::join(&pop, "ann", "viewer", "s");
    // Each leaves at a moment of its own within ten seconds: one of so many stays for a while.
    let _others: Vec<Client> = (0..12).map(|_| Client::connect(&pop)).collect();
    let operators = pop.operators_with(None);
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| pop.terminate());
        let notice = ann.notice("drain");
        assert!(notice["value"].as_u64().unwrap() <= 10_000, "{notice}");
        assert_eq!(operators.get("/readyz").expect(503).body["status"], "draining");
        assert_eq!(ann.close_code(), 4000);
        ended.join().unwrap()
    });
    assert_eq!(ended, Some(0));
}

#[test]
fn the_pages_assets_are_sent_compressed_and_kept_and_the_page_itself_is_asked_for_each_time() {
    let pop = Pop::start();
    let get = |path: &str| {
        let url = format!("http://{}{path}", pop.address());
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--compressed", &url])
            .output()
            .expect("curl must be installed: it is the foreign client of this test");
        String::from_utf8(output.stdout).unwrap().to_lowercase()
    };
    let page = get("/");
    assert!(page.contains("cache-control: no-cache"), "{page}");
    let name = page.split("assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let original = bundle().join("web/assets");
    let file =
        std::fs::read_dir(original).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let name = file.into_iter().find(|file| file.to_lowercase() == name).unwrap();
    let asset = get(&format!("/assets/{name}"));
    let (head, _) = asset.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-encoding: gzip") && head.contains("immutable"), "{head}");
    let none = get("/assets/none.js");
    assert!(none.starts_with("http/1.1 404") && none.contains("cache-control: no-store"), "{none}");
}
