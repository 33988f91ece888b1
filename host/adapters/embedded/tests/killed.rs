//! A process that is killed while many append: every acknowledged record is there, in order, once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use ringside_core::{EventKind, encoding};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::Log;
use ringside_ports::log::Record;
use support::{
    ROOMS, again, all, append, block_on, comment, event, folder_of_child, open, open_with, stream,
};

const CALLERS: usize = 40;
const ROUNDS: usize = 6;

fn options() -> EmbeddedOptions {
    // Small segments: kills fall between and into changes of the segment too.
    EmbeddedOptions { segment_bytes: 300 << 10, ..EmbeddedOptions::default() }
}

/// Tells the parent of an acknowledged record. A line is written as one, so a kill cuts none in two that was told.
fn tell(offset: u64, payload: &str) {
    let mut line = format!("acked {offset} {payload}\n").into_bytes();
    line.shrink_to_fit();
    std::io::stdout().lock().write_all(&line).unwrap();
    std::io::stdout().flush().unwrap();
}

/// Starts this test again in another process, kills it after `lines` acknowledgements, and returns all it told.
fn killed_after(test: &str, folder: &Path, lines: usize) -> Vec<(u64, String)> {
    let mut child = again(test, folder, "");
    let mut told = Vec::new();
    let mut is_killed = false;
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        // A last line without its end was cut by the kill.
        if let Some((offset, payload)) =
            line.strip_suffix('\n').and_then(|line| line.strip_prefix("acked ")?.split_once(' '))
        {
            told.push((offset.parse().unwrap(), payload.to_owned()));
        }
        line.clear();
        if told.len() >= lines && !is_killed {
            child.kill().unwrap();
            is_killed = true;
        }
    }
    assert!(is_killed, "it ended by itself after {} acknowledgements", told.len());
    child.wait().unwrap();
    told
}

fn check(records: &[Record], told: &[(u64, String)], text: impl Fn(&Record) -> String) {
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record.offset, at as u64, "offsets have no gap");
    }
    for (offset, payload) in told {
        let record = records.get(usize::try_from(*offset).unwrap());
        assert_eq!(record.map(&text).as_ref(), Some(payload), "acknowledged at {offset}");
    }
    let mut seen = HashSet::new();
    assert!(records.iter().all(|record| seen.insert(text(record))), "each once");
    // What one caller appended stands in its order: `round/caller/number`.
    let mut last = std::collections::HashMap::new();
    for record in records {
        let text = text(record);
        let (caller, number) = text.rsplit_once('/').unwrap();
        let number: u64 = number.parse().unwrap();
        if let Some(before) = last.insert(caller.to_owned(), number) {
            assert!(before < number, "{caller}: {number} after {before}");
        }
    }
}

fn append_until_killed(log: &Arc<dyn Log>, payload: fn(String) -> Vec<u8>) -> tokio::task::JoinSet<()> {
    let round = std::process::id();
    let mut running = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let log = log.clone();
        running.spawn(async move {
            for number in 0u64.. {
                let name = format!("{round}/{caller}/{number}");
                let offset = append(&log, payload(name.clone())).await.unwrap();
                tell(offset, &name);
            }
        });
    }
    running
}

#[test]
fn every_acknowledged_record_is_there_after_kill_9_in_order_and_once() {
    fn payload(name: String) -> Vec<u8> {
        // Of many sizes, the name first.
        let padding = name.len() * 97 % 700;
        let mut bytes = name.into_bytes();
        bytes.push(b' ');
        bytes.resize(bytes.len() + padding, b'.');
        bytes
    }
    if let Some(folder) = folder_of_child() {
        return block_on(async {
            let opened = open_with(&folder, &options());
            append_until_killed(&opened.log, payload).join_next().await.unwrap().unwrap();
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let text = |record: &Record| {
        String::from_utf8(record.payload.to_vec()).unwrap().split(' ').next().unwrap().to_owned()
    };
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let lines = 200 + fastrand::usize(0..1_500);
        let test = "every_acknowledged_record_is_there_after_kill_9_in_order_and_once";
        told.extend(killed_after(test, folder.path(), lines));
        block_on(async {
            let records = all(&open_with(folder.path(), &options()).log).await;
            println!("round {round}: {} told, {} in the log", told.len(), records.len());
            check(&records, &told, text);
        });
    }
}

/// One comment and one tap on an emoji for each record: the number of taps counts effects.
fn comment_and_tap(name: String) -> Vec<u8> {
    let mut with_name = comment(0);
    with_name.id = ringside_core::CommentId::from_halves(fastrand::u64(..), fastrand::u64(..));
    with_name.text = name;
    // The tap stands in the next event of the same record's reader: see `events_of`.
    encoding::encode(&event(0, EventKind::CommentAccepted(with_name)))
}

/// What a record does to the store: its comment, and a tap.
fn effects(record: &Record) -> [(u64, ringside_core::Event); 2] {
    let comment = encoding::decode(&record.payload).unwrap();
    let tap = event(0, EventKind::EmojiCounted(vec![("tap".into(), 1)]));
    [(record.offset, comment), (record.offset, tap)]
}

async fn take_in(opened: &Embedded, most: usize) -> u64 {
    let store = opened.store_port();
    let next = store.checkpoint(0).await.unwrap();
    let records = opened.log.read(ROOMS, 0, next, most, 8 << 20).await.unwrap();
    let Some(last) = records.last() else { return next };
    let events: Vec<_> = records.iter().flat_map(effects).collect();
    store.apply(0, &events, last.offset + 1).await.unwrap();
    last.offset + 1
}

#[test]
fn the_store_has_the_effects_of_its_checkpoint_after_kill_9_no_more_and_no_less() {
    if let Some(folder) = folder_of_child() {
        return block_on(async {
            let opened = Arc::new(open_with(&folder, &options()));
            let mut running = append_until_killed(&opened.log, comment_and_tap);
            running.spawn(async move {
                loop {
                    let next = take_in(&opened, 50).await;
                    opened.log.wait_for(ROOMS, 0, next).await.unwrap();
                }
            });
            running.join_next().await.unwrap().unwrap();
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let text = |record: &Record| match encoding::decode(&record.payload).unwrap().kind {
        EventKind::CommentAccepted(comment) => comment.text,
        other => panic!("{other:?}"),
    };
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        // Some rounds are longer than the time between two syncs of the store.
        let lines = if round % 2 == 0 { 300 } else { 300 + fastrand::usize(0..8_000) };
        let test = "the_store_has_the_effects_of_its_checkpoint_after_kill_9_no_more_and_no_less";
        told.extend(killed_after(test, folder.path(), lines));
        block_on(async {
            let opened = open_with(folder.path(), &options());
            let store = opened.store_port();
            let records = all(&opened.log).await;
            check(&records, &told, text);
            let checkpoint = store.checkpoint(0).await.unwrap();
            println!("round {round}: {} in the log, {checkpoint} in the store", records.len());
            assert!(checkpoint <= records.len() as u64, "the checkpoint is never ahead of the log");
            let taps = async || store.emoji(&stream()).await.unwrap().first().map_or(0, |(_, taps)| *taps);
            assert_eq!(taps().await, checkpoint, "each record below the checkpoint counted once, none above");
            while take_in(&opened, 1_000).await < records.len() as u64 {}
            assert_eq!(taps().await, records.len() as u64);
            for record in records.iter().step_by(37) {
                let EventKind::CommentAccepted(comment) = encoding::decode(&record.payload).unwrap().kind
                else {
                    panic!("a comment");
                };
                let kept = store.comment(&stream(), comment.id).await.unwrap();
                assert_eq!(kept.map(|kept| kept.comment), Some(comment));
            }
        });
    }
}

#[test]
fn a_clean_stop_keeps_the_last_place_of_every_group() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        for place in 1..=5 {
            let opened = open(folder.path());
            append(&opened.log, "x").await.unwrap();
            opened.log.commit("writer", ROOMS, 0, place).await.unwrap();
            drop(opened);
            assert_eq!(open(folder.path()).log.committed("writer", ROOMS, 0).await.unwrap(), Some(place));
        }
    });
}
