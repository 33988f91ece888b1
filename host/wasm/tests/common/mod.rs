//! A component host with components for tests, and comments for it.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::unnecessary_wraps, reason = "the shape of what it is compared to")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringside_core::{Action, Author, Generation, Judgement, Role, Settings, StreamId, UserId};
use ringside_ports::policy::{Activity, Admission, CommentCounters, Decision, Submission};
use ringside_ports::releases::{Digest, OnFailure, Release, Slot, World};
use ringside_ports::{Codecs, Policy};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics, PrepareError, Prepared, digest_of};

/// Longest wait of any test for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

const REMEDY: &str =
    "build the guests with `cargo xtask components --hostile`, which says the folders to set it to";

/// A component of the product.
pub fn component(name: &str) -> Bytes {
    read("RINGSIDE_COMPONENTS", name)
}

/// A component that misbehaves, or another that only tests have.
pub fn hostile(name: &str) -> Bytes {
    read("RINGSIDE_HOSTILE", name)
}

fn read(variable: &str, name: &str) -> Bytes {
    let folder = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: {REMEDY}"));
    let path = PathBuf::from(folder).join(format!("{name}.wasm"));
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: {REMEDY}", path.display()));
    Bytes::from(file)
}

/// Machine code is shared by all tests: compiling takes most of their time.
pub fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

/// A host, and the files of the components that releases name.
pub struct Stage {
    pub host: ComponentHost,
    pub metrics: Metrics,
    files: HashMap<Digest, Bytes>,
}

impl Stage {
    pub fn new() -> Self {
        Self::with_workers(2)
    }

    pub fn with_workers(workers: usize) -> Self {
        let metrics = Metrics::default();
        let options = HostOptions { workers, ..HostOptions::new(&cache(), Compiler::InProcess) };
        let host = ComponentHost::start(&options, &metrics).unwrap();
        Self { host, metrics, files: HashMap::new() }
    }

    pub fn slot(&mut self, name: &str, world: World, file: Bytes, config: &str) -> Slot {
        let component = digest_of(&file);
        self.files.insert(component.clone(), file);
        Slot { name: name.into(), world, component, config: config.into(), on_failure: OnFailure::Hold }
    }

    pub fn throttle(&mut self) -> Slot {
        // The limits are tested elsewhere; here one author writes a lot.
        let config = r#"{"comments_per_minute": 0}"#;
        self.slot("throttle", World::Throttle, component("throttle-standard"), config)
    }

    pub fn words(&mut self) -> Slot {
        self.slot("words", World::Moderator, component("words"), "")
    }

    pub fn hostile(&mut self, name: &str, on_failure: OnFailure) -> Slot {
        let slot = self.slot(name, World::Moderator, hostile(name), "");
        Slot { on_failure, ..slot }
    }

    pub fn tagger(&mut self, tag: &str) -> Slot {
        let config = format!(r#"{{"tag": "{tag}"}}"#);
        self.slot("tagger", World::Moderator, hostile("moderator-tagger"), &config)
    }

    pub fn codec(&mut self, name: &str, file: Bytes) -> Slot {
        self.slot(name, World::Codec, file, "")
    }

    pub async fn prepare(&self, number: u64, slots: Vec<Slot>) -> Result<Prepared, PrepareError> {
        let release = Release { number, slots, at_ms: 0, by: "test".into(), note: String::new() };
        self.host.prepare(&release, &self.files).await
    }

    pub async fn publish(&self, number: u64, slots: Vec<Slot>) {
        let prepared = self.prepare(number, slots).await.unwrap();
        self.host.publish(&prepared).unwrap();
    }

    pub fn policy(&self) -> Arc<dyn Policy> {
        self.host.policy()
    }

    pub fn codecs(&self) -> Arc<dyn Codecs> {
        self.host.codecs()
    }

    pub async fn judge(&self, submissions: Vec<Submission>) -> Vec<Judgement> {
        let decisions =
            tokio::time::timeout(PATIENCE, self.policy().judge(submissions)).await.unwrap().unwrap();
        decisions.into_iter().map(judgement).collect()
    }
}

pub fn judgement(decision: Decision) -> Judgement {
    match decision {
        Decision::Judged(judgement) => judgement,
        Decision::NotAdmitted(admitted) => panic!("not admitted: {admitted:?}"),
    }
}

pub fn stream(id: &str) -> StreamId {
    StreamId::new(id).unwrap()
}

pub fn author(id: &str) -> Author {
    Author { id: UserId::new(id).unwrap(), name: id.into(), role: Role::Viewer, member: false }
}

/// A comment on a stream whose owner blocked the word `spoiler`; admitted before.
pub fn submission(text: &str) -> Submission {
    let settings = Settings { blocked_terms: vec!["spoiler".into()], ..Settings::default() };
    Submission {
        admission: None,
        stream: stream("stream"),
        settings: Arc::new(settings),
        author: author("ann"),
        text: text.into(),
        folded: ringside_core::text::fold(text),
        counters: CommentCounters::default(),
        trace: None,
    }
}

/// The same with the throttle's question.
pub fn fresh(text: &str, author_id: &str, count_in_window: u32) -> Submission {
    let submission = submission(text);
    let admission = Admission {
        author: author(author_id),
        count_in_window,
        ..admission(&submission.stream, &submission.settings, Activity::Comment)
    };
    Submission { admission: Some(admission), author: author(author_id), ..submission }
}

pub fn admission(stream: &StreamId, settings: &Arc<Settings>, activity: Activity) -> Admission {
    Admission {
        stream: stream.clone(),
        settings: settings.clone(),
        author: author("ann"),
        activity,
        count_in_window: 0,
        window_ms: 60_000,
        oldest_age_ms: 0,
        since_last_ms: None,
        comments_per_second: 1,
    }
}

pub fn texts(texts: &[&str]) -> Vec<Submission> {
    texts.iter().map(|text| submission(text)).collect()
}

pub fn actions(judgements: &[Judgement]) -> Vec<Action> {
    judgements.iter().map(|judgement| judgement.action).collect()
}

pub const fn generation(number: u64) -> Option<Generation> {
    Some(Generation(number))
}
