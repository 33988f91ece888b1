//! Runs of `play` against a small host: what is posted, as whom, at which pace, and what is reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use ringside_load::{Error, PlayArgs, PlayReport};

mod host;

use host::Host;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    play: PlayArgs,
}

fn token(user: &str, name: &str, _role: &str) -> String {
    format!("good {user} {name}")
}

/// A folder with recordings, and a host.
struct Stage {
    folder: tempfile::TempDir,
    host: Host,
}

impl Stage {
    async fn new(delay_ms: u64) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), host: Host::start(delay_ms).await }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: &str) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// Plays with these arguments; words that name a file of the folder become its path.
    async fn play(&self, line: &str) -> Result<PlayReport, Error> {
        let words = line.split_whitespace().map(|word| {
            let path = self.path(word);
            if path.exists() || word.ends_with(".out") { path.display().to_string() } else { word.to_owned() }
        });
        let words = ["play".to_owned(), "--url".to_owned(), self.host.url.clone()].into_iter().chain(words);
        let args = Cli::try_parse_from(words).unwrap().play;
        tokio::time::timeout(Duration::from_secs(60), ringside_load::play(args, token)).await.unwrap()
    }

    /// What came, as `user|name|text`, in alphabetical order: posts in flight overtake each other.
    fn came(&self) -> Vec<String> {
        let mut came: Vec<String> = self
            .host
            .came()
            .into_iter()
            .map(|one| format!("{}|{}|{}", one.user, one.name, one.text))
            .collect();
        came.sort();
        came
    }
}

#[tokio::test]
async fn recordings_of_every_format_are_posted_as_their_authors() {
    let stage = Stage::new(0).await;
    stage
        .file("a.jsonl", "{\"user\":\"ann\",\"text\":\"one\"}\nno json\n{\"author\":{\"id\":\"UC1\",\"name\":\"Bob B\"},\"text\":\"two\"}\n")
        .file("b.log", "[12:34] <carl> three\n[12:34] *** Joins: dora\n")
        .file("c.csv", "AUTHOR,CONTENT\nEva E,\"four, 4\"\n");
    let report = stage.play("a.jsonl b.log c.csv --rate 1000").await.unwrap();
    assert_eq!((report.posted, report.accepted, report.failed), (4, 4, 0), "{report}");
    assert_eq!(
        stage.came(),
        ["Eva-E-c242efce|Eva E|four, 4", "UC1|Bob B|two", "ann|ann|one", "carl|carl|three"]
    );
    let files: Vec<_> =
        report.files.iter().map(|one| (one.format.as_str(), one.comments, one.passed, one.bad)).collect();
    assert_eq!(files, [("jsonl", 2, 0, 1), ("irc", 1, 1, 0), ("csv", 1, 0, 0)]);
    assert!(report.files[0].first_bad[0].starts_with("line 2: no JSON"), "{report}");
}

#[tokio::test]
async fn what_became_of_each_comment_is_counted_and_written_down() {
    let stage = Stage::new(0).await;
    stage.file("a.txt", "fine\nhold this\nreject a\nreject b\nfast\nlong\nbreak\nbye\nafter\n");
    let report = stage.play("a.txt --rate 1000 --in-flight 1 --verdicts verdicts.out").await.unwrap();
    assert_eq!((report.posted, report.accepted, report.held), (9, 3, 1), "{report}");
    assert_eq!((report.rejected, report.rate_limited, report.failed), (2, 1, 2), "{report}");
    assert_eq!(
        (report.rejected_reasons[0].reason.as_str(), report.rejected_reasons[0].count),
        ("not here", 2)
    );
    let failed: Vec<_> = report.failed_reasons.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(failed, ["204 a title", "HTTP status 502"]);
    assert_eq!(report.answered.count, 9);
    assert!(report.hint.as_ref().unwrap().contains("--users 15000"), "{report}");
    let verdicts = std::fs::read_to_string(stage.path("verdicts.out")).unwrap();
    let verdicts: Vec<serde_json::Value> =
        verdicts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), 9);
    let third = verdicts.iter().find(|verdict| verdict["line"] == 3).unwrap();
    assert_eq!(
        (&third["text"], &third["outcome"], &third["reason"]),
        (&"reject a".into(), &"rejected".into(), &"not here".into())
    );
    assert_eq!(third["file"], stage.path("a.txt").display().to_string());
    let first = verdicts.iter().find(|verdict| verdict["line"] == 1).unwrap();
    assert_eq!((&first["outcome"], &first["comment"]), (&"accepted".into(), &"c1".into()));
}

#[tokio::test]
async fn files_are_repeated_up_to_the_limit_and_made_up_users_take_turns() {
    let stage = Stage::new(0).await;
    stage.file("a.log", "<ann> one\n<ann> two\n<bob> three\n");
    let report = stage.play("a.log --rate 1000 --repeat 3 --limit 7 --users 3 --in-flight 1").await.unwrap();
    assert_eq!((report.posted, report.accepted), (7, 7), "{report}");
    // A made-up user is `play-RUN-NUMBER`.
    let turn = |user: &str| user.rsplit('-').next().unwrap_or_default().to_owned();
    let came: Vec<_> =
        stage.host.came().into_iter().map(|one| format!("{} {}", turn(&one.user), one.text)).collect();
    assert_eq!(came, ["1 one", "2 two", "3 three", "1 one", "2 two", "3 three", "1 one"]);
    assert!(stage.host.came().iter().all(|one| one.name.starts_with("Player ")));
}

#[tokio::test]
async fn lines_without_authors_are_shared_by_as_many_users_as_the_rate_needs() {
    let stage = Stage::new(0).await;
    stage.file("a.txt", &"hello\n".repeat(40));
    let report = stage.play("a.txt --rate 2 --limit 2").await.unwrap();
    assert_eq!(report.accepted, 2);
    let report = stage.play("a.txt --rate 1000 --limit 40").await.unwrap();
    assert_eq!(report.accepted, 40);
    let users: std::collections::HashSet<_> = stage.host.came().into_iter().map(|one| one.user).collect();
    assert_eq!(
        users.len(),
        2 + 40,
        "each run has its own users, and none of the second one's 15,000 a second turn"
    );
}

#[tokio::test]
async fn no_more_than_asked_for_wait_for_their_answer() {
    let stage = Stage::new(30).await;
    stage.file("a.txt", &"hello\n".repeat(60));
    let report = stage.play("a.txt --rate 10000 --in-flight 4").await.unwrap();
    assert_eq!(report.accepted, 60);
    assert_eq!(stage.host.seen.lock().unwrap().in_flight_most, 4);
    // What could not be sent in time was sent late, and that is reported.
    assert!(report.behind.max_ms >= 100.0, "{report}");
}

#[tokio::test]
async fn a_recording_is_never_played_faster_than_asked_for() {
    let stage = Stage::new(0).await;
    stage.file("a.txt", &"hello\n".repeat(21)).file(
        "b.log",
        "<ann> before the first time\n[10:00:00] <ann> one\n[10:00:20] <bob> two\n[10:00:20] <bob> three\n[10:00:40] <ann> four\n",
    );
    for line in ["a.txt --rate 20", "b.log --rate recorded --speed 40"] {
        let start = Instant::now();
        let report = stage.play(line).await.unwrap();
        assert_eq!(report.posted, report.accepted);
        assert!(start.elapsed() >= Duration::from_secs(1), "{line} took {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_run_that_cannot_begin_says_why_and_what_to_do_and_posts_nothing() {
    let stage = Stage::new(0).await;
    stage.file("a.txt", "hello\n").file("b.csv", "a,b\n1,2\n").file("c.csv", "text,date\nhello,\n");
    for (line, remedy, code) in [
        ("a.txt --stream other", "stream `other`: a title: there is no such stream", 64),
        ("a.txt --rate recorded", "no times to play by", 64),
        ("c.csv --rate recorded --limit 1", "no times to play by", 64),
        ("b.csv", "--text-column", 64),
        ("nowhere.txt", "nowhere.txt", 64),
        ("- --repeat 2", "alone and once", 64),
        ("a.txt --url http://192.0.2.1", "--allow-remote", 64),
        ("a.txt --verdicts /nowhere/verdicts", "/nowhere/verdicts", 64),
    ] {
        let words: Vec<_> = line.split_whitespace().collect();
        // A later --url replaces the stage's own.
        let line = words.join(" ");
        let error = match line.split_once(" --url ") {
            Some((rest, url)) => {
                let path = stage.path(rest).display().to_string();
                let args = Cli::try_parse_from(["play", &path, "--url", url]).unwrap().play;
                ringside_load::play(args, token).await.unwrap_err()
            }
            None => stage.play(&line).await.unwrap_err(),
        };
        assert!(error.to_string().contains(remedy), "{line}: {error}");
        assert_eq!(error.exit_code(), code, "{line}");
    }
    let path = stage.path("a.txt").display().to_string();
    let bad = |_: &str, _: &str, _: &str| "bad".to_owned();
    let args = Cli::try_parse_from(["play", &path, "--url", &stage.host.url]).unwrap().play;
    let error = ringside_load::play(args, bad).await.unwrap_err();
    assert!(error.to_string().contains("--config and --data"), "{error}");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let args = Cli::try_parse_from(["play", &path, "--url", &format!("http://{closed}")]).unwrap().play;
    let error = ringside_load::play(args, token).await.unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert!(error.to_string().contains("ringside serve"), "{error}");
    assert!(stage.came().is_empty());
}

#[tokio::test]
async fn the_report_is_a_table_or_one_json_object() {
    let stage = Stage::new(0).await;
    stage.file("a.txt", "fine\nreject this\n");
    let table = stage.play("a.txt --rate 100").await.unwrap().to_string();
    for part in ["played 2 comments into `demo`", "accepted", "50.0 %", "not here", "1 bad"] {
        assert_eq!(table.contains(part), part != "1 bad", "{part} in {table}");
    }
    let text = stage.play("a.txt --rate 100 --json").await.unwrap().to_string();
    assert_eq!(text.lines().count(), 1);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&object["posted"], &object["rejected"]), (&2.into(), &1.into()));
}

#[test]
fn impossible_arguments_are_refused_by_name() {
    for line in [
        "play",
        "play a --rate 0",
        "play a --rate fast",
        "play a --users 0",
        "play a --users some",
        "play a --repeat 0",
        "play a --limit 0",
        "play a --in-flight 0",
        "play a --speed -1",
        "play a --format xml",
        "play a --stream a/b",
    ] {
        assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}
