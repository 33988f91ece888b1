//! Reads of a busy stream seldom reach the store, what a CDN may keep is the same for everyone, and what is taken away is
//! gone for all of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::process::Command;

use ringside_testkit::{Client, Pop, eventually};
use serde_json::json;

/// Status line and headers of a GET in lower case, and the body.
fn curl(pop: &Pop, path: &str, headers: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "60"])
        .args(headers.iter().flat_map(|header| ["--header", header]))
        .arg(format!("http://{}{path}", pop.address()))
        .output()
        .expect("curl must be installed: it is the foreign client of this test");
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// A header's value as it stands.
fn header(pop: &Pop, path: &str, name: &str) -> String {
    pop.rest().get(path).expect(200).header(name).to_owned()
}

#[test]
fn who_has_an_answer_is_not_sent_it_again_and_what_is_somebodys_own_is_not_kept() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let id = mona.comment("the first");
    pop.wait_for_page("s", &id);
    let page = "/v1/streams/s/comments";
    let replies = format!("{page}/{id}/replies");
    let paths = [page, &replies, "/v1/streams/s/popular", "/v1/streams/s"];
    for path in paths {
        let (head, body) = curl(&pop, path, &[]);
        assert!(
            head.starts_with("http/1.1 200") && head.contains("cache-control: public, max-age="),
            "{head}"
        );
        assert!(head.contains("vary: authorization") && !head.contains("origin,"), "{head}");
        assert!(head.contains("content-type: application/json") && !body.is_empty(), "{head}");
        // Viewers are counted all the time: asked for and compared until nothing came between.
        eventually("an answer that stays the same", || {
            let name = format!("If-None-Match: {}", header(&pop, path, "etag"));
            let (again, body) = curl(&pop, path, &[&name]);
            (again.starts_with("http/1.1 304") && body.is_empty() && again.contains("etag: w/\""))
                .then_some(())
        });
        let token = format!("Authorization: Bearer {}", pop.token("ann", "viewer"));
        let (head, _) = curl(&pop, path, &[&token, "If-None-Match: *"]);
        assert!(
            head.starts_with("http/1.1 200") && head.contains("cache-control: private, no-store"),
            "{head}"
        );
        assert!(!head.contains("etag"), "{head}");
    }
    // A held comment is its author's and the moderators' alone, also where the page is kept for all.
    let patch = json!({ "hold_for_review": true }).to_string();
    let _ = pop.rest_as("mona", "moderator").call("PATCH", "/v1/streams/s", Some(patch)).expect(200);
    let mut troll = Client::join(&pop, "troll", "viewer", "s");
    let held = troll.command(json!({ "type": "comment", "text": "is it shown?" }), "held");
    let held = held["comment"].as_str().unwrap();
    let shows = |rest: ringside_testkit::Rest| rest.get(page).expect(200).text.contains(held);
    eventually("its author to see it", || shows(pop.rest_as("troll", "viewer")).then_some(()));
    eventually("moderators to see it", || shows(pop.rest_as("mona", "moderator")).then_some(()));
    for _ in 0..3 {
        assert!(!shows(pop.rest()) && !shows(pop.rest_as("ann", "viewer")));
    }
}

#[test]
fn reads_of_a_busy_stream_seldom_reach_the_store_and_what_is_removed_is_gone_for_all() {
    let pop = Pop::start();
    let mut mona = Client::join(&pop, "mona", "moderator", "s");
    let counted = |tier: &str, outcome: &str| {
        let name = format!(
            "ringside_cache_requests_total{{cache=\"pages\",tier=\"{tier}\",outcome=\"{outcome}\"}} "
        );
        let metrics = pop.operator().get("/metrics").expect(200).text;
        metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |n| n.parse::<u64>().unwrap())
    };
    let mut ids = Vec::new();
    let signed_in = (0..6).map(|reader| pop.rest_as(&format!("reader-{reader}"), "viewer"));
    let readers: Vec<_> = signed_in.chain((0..4).map(|_| pop.rest())).collect();
    for n in 0..40 {
        ids.push(mona.comment(&format!("comment number {n}, told apart")));
        for rest in &readers {
            let path = "/v1/streams/s/comments?page_size=10";
            let next = rest.get(path).expect(200).body["next"].clone();
            if let Some(next) = next.as_str() {
                let _ = rest.get(&format!("{path}&cursor={next}")).expect(200);
            }
        }
    }
    let store = counted("store", "hit");
    let all = counted("memory", "hit") + counted("memory", "collapsed") + counted("memory", "miss");
    assert!(all >= 400 && store * 5 <= all, "{store} of {all} reads reached the store");
    let gone = &ids[35];
    mona.command(json!({ "type": "delete", "comment": gone }), "done");
    let readers = [pop.rest(), pop.rest_as("ann", "viewer"), pop.rest_as("mona", "moderator")];
    for rest in &readers {
        eventually("the removed comment to be gone", || {
            (!rest.get("/v1/streams/s/comments").expect(200).text.contains(gone.as_str())).then_some(())
        });
    }
    for rest in &readers {
        assert!(
            !rest.get("/v1/streams/s/comments").expect(200).text.contains(gone.as_str()),
            "it stays away"
        );
    }
}
