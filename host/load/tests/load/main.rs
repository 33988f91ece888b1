//! Runs of `load` against a small host: what it counts, what it misses, what it says when it cannot begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use ringside_load::{Error, LoadArgs, LoadReport};

mod host;

use host::{Host, Manner};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    load: LoadArgs,
}

fn token(user: &str, _name: &str, role: &str) -> String {
    format!("good {user} {role}")
}

/// Runs with these arguments against this address.
async fn run_at(url: &str, line: &str) -> Result<LoadReport, Error> {
    let words = format!("load --url {url} {line}");
    let args = Cli::try_parse_from(words.split_whitespace()).unwrap().load;
    tokio::time::timeout(Duration::from_secs(60), ringside_load::load(args, token)).await.unwrap()
}

async fn run(manner: Manner, line: &str) -> (LoadReport, Host) {
    let host = Host::start(manner).await;
    let report = run_at(&format!("http://{}", host.address), line).await.unwrap();
    (report, host)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_comment_is_acknowledged_and_seen_by_every_reading_viewer_in_both_codecs() {
    for codec in ["json", "msgpack"] {
        let line = format!("--connections 20 --comments 40 --senders 30 --duration 1 --codec {codec}");
        let (report, host) = run(Manner::default(), &line).await;
        assert_eq!(report.connections.joined, 50, "{report}");
        assert_eq!((report.connections.failed, report.connections.dropped), (0, 0), "{report}");
        assert_eq!(report.connections.join.count, 50);
        let comments = &report.comments;
        assert_eq!((comments.sent, comments.done, comments.skipped), (40, 40, 0), "{report}");
        assert_eq!(host.seen.comments.load(Ordering::Relaxed), 40);
        assert_eq!(comments.acknowledged.count, 40);
        assert_eq!(report.viewers_reading, 8);
        assert_eq!(report.seen.count, 8 * 40);
        assert_eq!((report.lost, report.duplicates, report.late, report.left_out), (0, 0, 0, 0), "{report}");
        // A frame for each comment and viewer, but for those that come after the measurement.
        let frames = report.delivered.frames;
        assert!((1..=20 * 40).contains(&frames), "{frames}");
        assert!(report.delivered.bytes > frames * 100);
        assert_eq!(host.seen.connections.load(Ordering::Relaxed), 50);
        assert_eq!(host.seen.pongs.load(Ordering::Relaxed), 50);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_connect_to_another_host_where_one_is_given() {
    let (host, of_senders) = (Host::start(Manner::default()).await, Host::start(Manner::default()).await);
    let line = format!(
        "--connections 5 --comments 0 --emoji 20 --senders 3 --duration 1 --sender-url http://{}",
        of_senders.address
    );
    let report = run_at(&format!("http://{}", host.address), &line).await.unwrap();
    assert_eq!((report.connections.joined, report.emoji.done), (8, 20), "{report}");
    assert_eq!(host.seen.connections.load(Ordering::Relaxed), 5);
    assert_eq!(host.seen.emoji.load(Ordering::Relaxed), 0);
    assert_eq!(of_senders.seen.connections.load(Ordering::Relaxed), 3);
    assert_eq!(of_senders.seen.emoji.load(Ordering::Relaxed), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_host_loses_doubles_or_leaves_out_is_told_apart() {
    let manner = Manner { doubles_every: 4, leaves_out_every: 5, ..Manner::default() };
    let (report, _host) = run(manner, "--connections 2 --comments 40 --senders 10 --duration 1").await;
    assert_eq!(report.comments.done, 40);
    // Of 40 comments 8 are left out, and of those shown 8 are shown twice, to two viewers.
    assert_eq!((report.lost, report.left_out, report.duplicates), (0, 16, 16), "{report}");
    let (report, _host) = run(
        Manner { loses_every: 10, ..Manner::default() },
        "--connections 2 --comments 40 --senders 10 --duration 1",
    )
    .await;
    assert_eq!((report.lost, report.seen.count), (8, 72), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_in_which_a_comment_is_refused_is_counted_for_itself() {
    let (report, _host) = run(
        Manner { refuses_every: 10, ..Manner::default() },
        "--connections 1 --comments 40 --senders 10 --duration 1",
    )
    .await;
    let comments = &report.comments;
    assert_eq!(
        (comments.rejected, comments.held, comments.rate_limited, comments.failed),
        (4, 4, 4, 4),
        "{report}"
    );
    assert_eq!((comments.done, comments.unanswered), (24, 0));
    assert_eq!(comments.rejected_reasons[0].reason, "not here");
    assert_eq!(comments.failed_reasons[0].reason, "501 try again");
    assert_eq!(report.lost, 0, "what was refused is nobody's loss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_answered_is_counted_and_not_waited_for_for_ever() {
    let (report, _host) = run(
        Manner { forgets_every: 10, ..Manner::default() },
        "--connections 1 --comments 20 --senders 10 --duration 1",
    )
    .await;
    assert_eq!((report.comments.done, report.comments.unanswered), (18, 2), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn likes_and_emoji_go_beside_comments_to_every_stream() {
    let line =
        "--connections 8 --streams 2 --comments 10 --reactions 15 --emoji 20 --senders 20 --duration 2";
    let (report, host) = run(Manner::default(), line).await;
    assert_eq!((report.comments.done, report.emoji.done), (20, 40), "{report}");
    let reactions = &report.reactions;
    assert_eq!(reactions.sent + reactions.skipped, 30, "{report}");
    // Until the first comment has come there is nothing to like.
    assert!(
        reactions.skipped_reasons.iter().all(|one| one.reason == "there is no comment to like yet"),
        "{report}"
    );
    assert!(reactions.sent > 0, "{report}");
    assert_eq!(host.seen.reactions.load(Ordering::Relaxed), reactions.done);
    assert_eq!(host.seen.emoji.load(Ordering::Relaxed), 40);
    assert_eq!(report.streams, ["demo-1", "demo-2"]);
    assert_eq!(report.viewers_reading, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_that_are_closed_are_counted_by_code_with_its_meaning() {
    let manner = Manner { closes_with: 4001, ..Manner::default() };
    let (report, _host) = run(manner, "--connections 12 --comments 3 --senders 5 --duration 2").await;
    assert_eq!(report.connections.dropped, 12, "{report}");
    let reasons = &report.connections.dropped_reasons;
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].reason, "closed with 4001 too slow: reconnect with backoff and resume");
    assert_eq!(report.lost, 0, "who is gone loses nothing");
    assert_eq!(report.comments.done, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_a_host_drops_is_tried_again() {
    let manner = Manner { slams_every: 4, ..Manner::default() };
    let (report, host) = run(manner, "--connections 20 --comments 0 --duration 0.2").await;
    let of = &report.connections;
    assert_eq!((of.joined, of.failed), (20, 0), "{report}");
    assert_eq!(host.seen.connections.load(Ordering::Relaxed), 20);
    // Of 26 connections 6 were dropped.
    assert_eq!(of.retried, 6, "{report}");
    assert!(
        of.retried_reasons.iter().all(|one| one.reason.contains("closed") || one.reason.contains("reset")),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_alone_are_a_load_too_and_say_goodbye() {
    let (report, host) =
        run(Manner::default(), "--connections 300 --comments 0 --duration 0.5 --ramp 5000").await;
    assert_eq!((report.connections.joined, report.connections.senders), (300, 0), "{report}");
    assert_eq!((report.comments.sent, report.delivered.frames), (0, 0));
    for _ in 0..600 {
        if host.seen.byes.load(Ordering::Relaxed) == 300 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} of 300 said goodbye", host.seen.byes.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why_and_what_to_do() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = run_at(&format!("http://{closed}"), "").await.unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert!(error.to_string().contains("ringside serve"), "{error}");

    let host = Host::start(Manner::default()).await;
    let url = format!("http://{}", host.address);
    let error = run_at(&url, "--stream other").await.unwrap_err();
    assert_eq!(error.exit_code(), 64);
    assert!(error.to_string().contains("stream `other` cannot be joined: 202 not found"), "{error}");

    let words = format!("load --url {url}");
    let args = Cli::try_parse_from(words.split_whitespace()).unwrap().load;
    let error = ringside_load::load(args, |_: &str, _: &str, _: &str| "bad".to_owned()).await.unwrap_err();
    assert_eq!(error.exit_code(), 64);
    assert!(error.to_string().contains("closed with 4502 invalid token"), "{error}");

    let full = Host::start(Manner { greets_with: 4004, ..Manner::default() }).await;
    let error = run_at(&format!("http://{}", full.address), "").await.unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert!(error.to_string().contains("closed with 4004 host is full"), "{error}");

    let error = run_at("http://192.0.2.1:80", "").await.unwrap_err();
    assert!(error.to_string().contains("--allow-remote"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_is_a_table_or_one_json_object() {
    let line = "--connections 2 --comments 10 --senders 5 --duration 0.5";
    let (report, _host) = run(Manner::default(), line).await;
    let table = report.to_string();
    for part in ["2 viewers and 5 senders", "5 sent", "p99.9", "seen by others", "0 lost"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let (report, _host) = run(Manner::default(), &format!("{line} --json")).await;
    let text = report.to_string();
    assert_eq!(text.lines().count(), 1);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["comments"]["done"], 5);
    assert_eq!(object["seen"]["count"], 10);
}
