//! `chain`: what judging costs when the rules are components, and what a swap costs those who chat.
//!
//! Throttle, words (300 entries), links and repetition judge one made-up chat, as components on two threads and as
//! the same rules in native code on two threads. Cost is time on a processor, so that the load generator and other
//! programs on the machine do not count; throughput and latency are by the clock, and suffer from them.

mod load;
mod native;
mod swaps;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ringside_core::{Author, Role, Settings, StreamId, UserId};
use ringside_ports::policy::{Activity, Admission, CommentCounters, Submission};
use ringside_ports::releases::{Digest, OnFailure, Release, Slot, World};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics, digest_of};

use crate::chat::{self, Line};
use crate::figure::{BenchResult, Figure};
use crate::{Ask, Effort, processor};
use load::Load;

/// Threads, of the chain and of its baseline.
const WORKERS: usize = 2;
/// Lines of the chat that is judged over and over.
const LINES: usize = 20_000;
/// Authors of the chat.
const AUTHORS: u32 = 2_000;
/// The chat is the same in every run.
const SEED: u64 = 20_260_101;
/// Time between two swaps.
const SWAP_EVERY: Duration = Duration::from_millis(100);

/// What a benchmark of the chain needs.
pub(crate) struct Stage {
    host: ComponentHost,
    files: HashMap<Digest, Bytes>,
    bad_words: Vec<String>,
    number: AtomicU64,
}

/// Measures.
///
/// # Errors
/// When components are missing or a release does not run.
pub(crate) fn run(ask: &Ask) -> BenchResult {
    let (rounds, slice) = match ask.effort {
        Effort::Full => (5, Duration::from_millis(1_500)),
        Effort::Quick => (1, Duration::from_millis(500)),
    };
    let mut rng = fastrand::Rng::with_seed(SEED);
    let bad_words = chat::bad_words(&mut rng);
    let lines = chat::lines(&mut rng, LINES, AUTHORS, &bad_words);
    let submissions = Arc::new(submissions(&lines, &mut rng)?);
    let rules = native::Rules::new(&words_config(&bad_words, 1))?;

    let cache = tempfile::tempdir()?;
    let options = HostOptions { workers: WORKERS, ..HostOptions::new(cache.path(), Compiler::InProcess) };
    let host = ComponentHost::start(&options, &Metrics::default())?;
    let stage = Arc::new(Stage { host, files: files()?, bad_words, number: AtomicU64::new(0) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    runtime.block_on(stage.publish_next())?;
    let mismatches = runtime.block_on(native::compare(&stage, &rules, &submissions))?;

    // Slices of each kind take turns, so that what else the machine does falls on all alike.
    let (mut native, mut still, mut swapping) = (Load::default(), Load::default(), Load::default());
    let (mut paced_still, mut paced_swapping) = (load::Paced::new()?, load::Paced::new()?);
    for _ in 0..rounds {
        native.add(&native::measure(&rules, &submissions, WORKERS, slice)?);
        still.add(&runtime.block_on(load::saturate(&stage, &submissions, slice))?);
        let swaps = swaps::Swaps::begin(&runtime, &stage);
        swapping.add(&runtime.block_on(load::saturate(&stage, &submissions, slice))?);
        paced_swapping.add(&runtime.block_on(load::pace(&stage, &submissions, slice))?)?;
        swapping.swaps += swaps.end(&runtime)?;
        paced_still.add(&runtime.block_on(load::pace(&stage, &submissions, slice))?)?;
    }
    let cost_us = still.cost_us();
    Ok(vec![
        Figure::new("cost_ratio", cost_us / native.cost_us(), "x"),
        Figure::new("cost_us", cost_us, "us/comment").against(native.cost_us()),
        Figure::new("comments_per_second", still.per_second(), "comments/s").against(native.per_second()),
        Figure::new("comments_per_second_swapping", swapping.per_second(), "comments/s")
            .against(still.per_second()),
        Figure::new("swapping_ratio", swapping.per_second() / still.per_second(), "x"),
        Figure::new("swaps", swapping.swaps as f64, "swaps"),
        Figure::new("failed", (still.failed + swapping.failed) as f64, "comments"),
        Figure::new("wrong_generation", (still.wrong + swapping.wrong) as f64, "comments"),
        Figure::new("unlike_native", mismatches as f64, "comments"),
        Figure::new("p50_us", paced_still.quantile_us(0.5), "us"),
        Figure::new("p50_us_swapping", paced_swapping.quantile_us(0.5), "us")
            .against(paced_still.quantile_us(0.5)),
        Figure::new("p99_us", paced_still.quantile_us(0.99), "us"),
        Figure::new("p99_us_swapping", paced_swapping.quantile_us(0.99), "us")
            .against(paced_still.quantile_us(0.99)),
        Figure::new("p999_us", paced_still.quantile_us(0.999), "us"),
        Figure::new("p999_us_swapping", paced_swapping.quantile_us(0.999), "us")
            .against(paced_still.quantile_us(0.999)),
    ])
}

impl Stage {
    /// Publishes the next generation: the same but for the words' configuration, which names the generation.
    async fn publish_next(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let slot = |name: &str, world, config: String| -> Result<Slot, String> {
            let component = digest_in(&self.files, name)?;
            Ok(Slot { name: name.into(), world, component, config, on_failure: OnFailure::Hold })
        };
        let release = Release {
            number,
            slots: vec![
                slot("throttle-standard", World::Throttle, String::new())?,
                slot("words", World::Moderator, words_config(&self.bad_words, number))?,
                slot("links", World::Moderator, String::new())?,
                slot("repetition", World::Moderator, String::new())?,
            ],
            at_ms: 0,
            by: "bench".into(),
            note: String::new(),
        };
        let prepared = self.host.prepare(&release, &self.files).await?;
        self.host.publish(&prepared)?;
        Ok(())
    }

    /// Time on a processor of the chain's threads.
    fn cpu(&self) -> std::io::Result<Duration> {
        processor::time_of_threads("chain-")
    }
}

/// Three hundred words. The list's name tells the generation, and stands in the reason of a verdict.
fn words_config(bad_words: &[String], generation: u64) -> String {
    let list = serde_json::json!({
        "name": tag(generation),
        "severity": 4,
        "action": "reject",
        "entries": bad_words,
    });
    serde_json::json!({ "lists": [list] }).to_string()
}

/// Of one length, so that none is part of another.
fn tag(generation: u64) -> String {
    format!("generation-{generation:08}")
}

const COMPONENTS: [&str; 4] = ["throttle-standard", "words", "links", "repetition"];

fn files() -> Result<HashMap<Digest, Bytes>, String> {
    let remedy = "build them with `cargo xtask components`; `cargo xtask bench chain` does and sets it";
    let folder = std::env::var_os("RINGSIDE_COMPONENTS")
        .ok_or_else(|| format!("RINGSIDE_COMPONENTS is not set to the folder of the components: {remedy}"))?;
    let mut files = HashMap::new();
    for name in COMPONENTS {
        let path = PathBuf::from(&folder).join(format!("{name}.wasm"));
        let file = std::fs::read(&path).map_err(|error| format!("{}: {error}: {remedy}", path.display()))?;
        files.insert(digest_of(&file), Bytes::from(file.clone()));
        // Under its name too, so that slots find their component.
        files.insert(Digest(name.into()), Bytes::from(file));
    }
    Ok(files)
}

fn digest_in(files: &HashMap<Digest, Bytes>, name: &str) -> Result<Digest, String> {
    let file = files.get(&Digest(name.into())).ok_or_else(|| format!("no component `{name}`"))?;
    Ok(digest_of(file))
}

fn submissions(
    lines: &[Line],
    rng: &mut fastrand::Rng,
) -> Result<Vec<Submission>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = StreamId::new("final")?;
    let settings = Arc::new(Settings::default());
    lines
        .iter()
        .map(|line| {
            let author = Author {
                id: UserId::new(&format!("user-{:06}", line.author))?,
                name: format!("user{}", line.author),
                role: Role::Viewer,
                member: line.author.is_multiple_of(10),
            };
            let comments = rng.u32(0..5);
            let counters = CommentCounters {
                author_comments: comments,
                author_same_text: u32::from(comments > 2 && rng.u8(0..20) == 0),
                author_likeness: if comments > 0 { rng.u8(0..101) } else { 0 },
                stream_same_text: rng.u32(0..4),
            };
            let admission = Admission {
                stream: stream.clone(),
                settings: settings.clone(),
                author: author.clone(),
                activity: Activity::Comment,
                // One in fifty is too fast.
                count_in_window: if rng.u8(0..50) == 0 { 5 } else { comments },
                window_ms: 60_000,
                oldest_age_ms: if comments > 0 { 30_000 } else { 0 },
                since_last_ms: (comments > 0).then_some(7_000),
                comments_per_second: 500,
            };
            Ok(Submission {
                admission: Some(admission),
                stream: stream.clone(),
                settings: settings.clone(),
                author,
                text: line.text.clone(),
                folded: line.folded.clone(),
                counters,
                trace: None,
            })
        })
        .collect()
}
