//! Hosts of a region share the newest comments: reads of a busy stream hardly ever reach Cassandra, and go on without it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::time::{Duration, Instant};

use ringside_services::{Folder, cassandra};
use ringside_testkit::{Client, Pop, Region, Rest, Services, Talk, eventually};
use serde_json::{Value, json};

const PAGE: &str = "/v1/streams/a/comments?page_size=20";
/// The number of `unavailable` in the table of errors.
const UNAVAILABLE: u64 = 501;

/// Requests for pages on both hosts that were counted under this tier and outcome.
fn counted(hosts: &[Pop], tier: &str, outcomes: &[&str]) -> u64 {
    let of = |host: &Pop| -> u64 {
        let metrics = host.operator().get("/metrics").expect(200).text;
        let count = |outcome: &&str| -> u64 {
            let labels = format!("{{cache=\"pages\",tier=\"{tier}\",outcome=\"{outcome}\"}} ");
            let name = format!("ringside_cache_requests_total{labels}");
            metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |n| n.parse().unwrap())
        };
        outcomes.iter().map(count).sum()
    };
    hosts.iter().map(of).sum()
}

/// A hundred readers, half of them signed in, each of whom reads the newest page and the two before it.
fn read(readers: &[Rest]) {
    for rest in readers {
        let mut path = PAGE.to_owned();
        for _ in 0..3 {
            let page = rest.get(&path).expect(200).body;
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{PAGE}&cursor={next}");
        }
    }
}

#[test]
fn reads_of_a_busy_stream_hardly_ever_reach_cassandra_and_go_on_without_it() {
    let folder = Folder::temporary().unwrap();
    let options = cassandra::Options { datacenters: vec!["us-east".into()] };
    let mut own = cassandra::start(&folder, "cassandra", &options).unwrap();
    let region = Region::on(&Services { cassandra: own[0].address().to_owned(), ..Services::shared() });
    let hosts = [region.process("host"), region.process("host")];
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let talk = Talk::begin(&[&hosts[0], &hosts[1]], &["a"], Duration::from_millis(20));
    talk.go_on_for(120);
    let readers: Vec<Rest> = (0..100)
        .map(|n| match n % 4 {
            0 | 1 => hosts[n % 2].rest(),
            _ => hosts[n % 2].rest_as(&format!("reader-{}", n % 8), "viewer"),
        })
        .collect();
    // The writer begins to share a stream once it is busy.
    eventually("a page to come from redis", || {
        read(&readers[..4]);
        (counted(&hosts, "redis", &["hit"]) > 0).then_some(())
    });
    let asked = || counted(&hosts, "memory", &["hit", "collapsed", "miss"]);
    let (all, store) = (asked(), counted(&hosts, "store", &["hit", "failed"]));
    let (redis, found) =
        (counted(&hosts, "redis", &["hit", "miss", "failed"]), counted(&hosts, "redis", &["hit"]));
    for _ in 0..3 {
        read(&readers);
        talk.go_on_for(10);
    }
    let (all, store) = (asked() - all, counted(&hosts, "store", &["hit", "failed"]) - store);
    let redis = counted(&hosts, "redis", &["hit", "miss", "failed"]) - redis;
    let found = counted(&hosts, "redis", &["hit"]) - found;
    println!("{all} reads, of which {redis} asked redis, which had {found}, and {store} the store");
    assert!(all >= 600 && store * 5 <= all, "{store} of {all} reads reached the store");
    assert!(found * 10 >= redis * 9, "redis had {found} of {redis} pages");

    // Without Cassandra: the newest pages come, of all readers and on both hosts, and go on to come past the life of what
    // is in memory; what is older than what is shared is missed with a word.
    let oldest = readers[0].all_comments("a").last().unwrap()["id"].as_str().unwrap().to_owned();
    own[0].kill().unwrap();
    talk.go_on_for(50);
    let newest = readers[0].get(PAGE).expect(200).body;
    for rest in readers.iter().take(8) {
        let page = rest.get(PAGE).expect(200).body;
        assert_eq!(page["items"].as_array().unwrap().len(), 20);
        assert_eq!(page["items"][0]["stream"], newest["items"][0]["stream"]);
        let next = page["next"].as_str().unwrap();
        let older = rest.get(&format!("{PAGE}&cursor={next}")).expect(200).body;
        let ids = |page: &Value| -> Vec<String> {
            let items = page["items"].as_array().unwrap().iter();
            items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
        };
        let (first, second) = (ids(&page), ids(&older));
        assert!(first.last() > second.first() && first.is_sorted_by(|a, b| a > b), "{first:?} {second:?}");
    }
    // Replies are in the store alone.
    let answer = hosts[0].rest().get(&format!("/v1/streams/a/comments/{oldest}/replies"));
    assert_eq!(answer.status, 503, "{}", answer.text);
    answer.expect_problem(UNAVAILABLE, "does not answer");
    assert_ne!(answer.header("retry-after"), "");
    own[0].restart().unwrap();
    talk.go_on_for(20);
    let account = talk.end();
    eventually("the writer to have caught up", || {
        (hosts[1].rest().all_comments("a").len() == account.said["a"].len()).then_some(())
    });
}

#[test]
fn a_host_that_just_started_reads_from_redis_what_the_store_has_and_what_changes_shows_there() {
    let region = Region::on(&Services::shared());
    let first = region.process("host");
    let _roles = region.process("coordinator,writer,judge,reconciler");
    let mut mona = Client::join(&first, "mona", "moderator", "a");
    let author = first.rest_as("ann", "moderator");
    let path = "/v1/streams/a/comments";
    let say = |body: &Value| author.post(path, body).expect(201).body["id"].as_str().unwrap().to_owned();
    let ids: Vec<String> = (0..30).map(|n| say(&json!({ "text": format!("number {n}") }))).collect();
    say(&json!({ "text": "an answer", "reply_to": ids[3] }));
    mona.command(json!({ "type": "react", "comment": ids[4], "reaction": "like" }), "done");
    let of_first = std::slice::from_ref(&first);
    eventually("a page to come from redis", || {
        let _ = first.rest().get(PAGE).expect(200);
        (counted(of_first, "redis", &["hit"]) > 0).then_some(())
    });

    // Nobody watches on the second host, so it hears of nothing; and it has nothing in memory.
    let second = [region.process("host")];
    let page = format!("{path}?page_size=100");
    let items = |host: &Pop| host.rest().get(&page).expect(200).body["items"].as_array().unwrap().clone();
    assert_eq!(items(&second[0]).len(), 31);
    let pages = (counted(&second, "redis", &["hit"]), counted(&second, "store", &["hit", "failed"]));
    assert_eq!(pages, (1, 0), "its first page is that of redis");
    let has = |host: &Pop, what: &str, text: &str, has: bool| {
        let began = Instant::now();
        eventually(what, || (items(host).iter().any(|item| item["text"] == text) == has).then_some(()));
        println!("{what}: after {:?}", began.elapsed());
    };
    let on_both = |what: &str, text: &str, is_there: bool| {
        has(&second[0], &format!("{what}, second host"), text, is_there);
        has(&first, &format!("{what}, first host"), text, is_there);
    };
    mona.command(json!({ "type": "delete", "comment": ids[7] }), "done");
    on_both("a removal", "number 7", false);
    let desk = first.operators_with(Some(first.token("mona", "moderator")));
    let entries = desk.get(&format!("/v1/audit?comment={}", ids[7])).expect(200).body;
    desk.post(&format!("/v1/audit/{}/undo", entries["items"][0]["number"]), &json!({})).expect(200);
    on_both("its return", "number 7", true);
    let edit = json!({ "text": "otherwise" }).to_string();
    author.call("PATCH", &format!("{path}/{}", ids[9]), Some(edit)).expect(200);
    on_both("an edit", "otherwise", true);
    has(&second[0], "the text before it, second host", "number 9", false);
    // What the page has is how each of its comments stands in the store, likes and replies included.
    eventually("redis to tell what the store has", || {
        let stored = |item: &Value| {
            second[0].rest().get(&format!("{path}/{}", item["id"].as_str().unwrap())).expect(200).body
        };
        let items = items(&second[0]);
        let by_id = |id: &String| items.iter().find(|item| item["id"] == id.as_str());
        let (answered, liked) = (by_id(&ids[3])?, by_id(&ids[4])?);
        let counts = answered["replies"] == 1 && liked["likes"] == 1;
        (counts && items.len() == 31 && items.iter().all(|item| stored(item) == *item)).then_some(())
    });
    let pages = (counted(&second, "redis", &["hit"]), counted(&second, "store", &["hit", "failed"]));
    println!("pages of the second host from redis and the store: {pages:?}");
}
