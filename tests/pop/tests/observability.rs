//! What `infra/observability` watches is there: each metric and label that a rule, a rule's test or a dashboard names is
//! one that a PoP exposes, each recorded series is recorded, each alert has its line in the operations page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ringside_testkit::pop::hostile;
use ringside_testkit::{Client, Pop, eventually};
use serde_json::json;

/// Labels that Prometheus adds.
const OF_THE_TARGET: [&str; 3] = ["region", "instance", "job"];

/// The labels that were seen with a metric, each with its values.
type Labels = BTreeMap<String, BTreeSet<String>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Path and text of every file below `folder`, as its readers take it: with the quotes of JSON's strings as quotes.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(self::texts(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap().replace("\\\"", "\"");
            texts.push((path, text));
        }
    }
    texts
}

/// Every name in `text` that begins with `prefix`, with what is behind it.
fn names<'t>(text: &'t str, prefix: &str) -> Vec<(&'t str, &'t str)> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':';
    text.match_indices(prefix)
        .map(|(at, _)| {
            let rest = &text[at..];
            rest.split_at(rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()))
        })
        .collect()
}

/// The labels of `{a="b", c=~"d"}` at the beginning of `text`; none where it begins otherwise.
fn labels(text: &str) -> Vec<(&str, &str)> {
    let Some((inside, _)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return Vec::new();
    };
    let pairs = inside.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| {
            let at = pair.find(['=', '!']).unwrap_or_else(|| panic!("no label: `{pair}`"));
            let (name, value) = pair.split_at(at);
            (name.trim(), value.trim_start_matches(['=', '!', '~']).trim_matches('"'))
        })
        .collect()
}

/// What a PoP exposes, by the names of samples.
fn exposed(metrics: &str) -> BTreeMap<String, Labels> {
    let mut exposed: BTreeMap<String, Labels> = BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let known = exposed.entry(name.to_owned()).or_default();
        for (label, value) in labels(rest) {
            known.entry(label.to_owned()).or_default().insert(value.to_owned());
        }
    }
    exposed
}

fn push(pop: &Pop, arguments: &[&str]) {
    let output = pop.run(&[&["component", "push"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A PoP that had viewers, a record that broke on the disk, and a component that fails: families of metrics begin with the
/// first thing that they count.
fn metrics_after_trouble() -> String {
    let mut pop = Pop::start();
    Client::join(&pop, "ann", "viewer", "s").comment("rosebud is what breaks");
    Client::join(&pop, "bob", "viewer", "s").comment("another that follows it");
    pop.kill();
    let segment = pop.data().join("log/room-events/0/00000000000000000000.segment");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|seven| seven == b"rosebud").expect("the comment is in the log");
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    // So that the writer reads the log from its beginning.
    fs::remove_file(pop.data().join("store.redb")).unwrap();
    pop.restart();

    let breaks = hostile().join("moderator-panics.wasm");
    push(&pop, &[breaks.to_str().unwrap(), "--on-failure", "allow-unjudged"]);
    let mut cid = Client::join(&pop, "cid", "viewer", "s");
    let comment = cid.comment("panic: no component judged this");
    cid.command(json!({ "type": "react", "comment": comment, "reaction": "like" }), "done");
    let mut bad = Client::connect(&pop);
    bad.send(json!({ "type": "authenticate", "token": "nonsense" }));
    bad.close_code();
    for name in ["log_damaged_records", "component_failures", "activities", "edge_closes"] {
        eventually(&format!("ringside_{name}_total to begin"), || {
            pop.operator().get("/metrics").text.contains(&format!("ringside_{name}_total")).then_some(())
        });
    }
    pop.operator().get("/metrics").text
}

#[test]
fn every_metric_that_is_watched_is_exposed_with_the_labels_it_is_asked_for() {
    let exposed = exposed(&metrics_after_trouble());
    let mut watched = BTreeSet::new();
    for (path, text) in texts(&repository().join("infra/observability")) {
        let path = path.display();
        for (name, rest) in names(&text, "ringside_") {
            let known = exposed.get(name).unwrap_or_else(|| panic!("{path}: `{name}` is not exposed"));
            for (label, value) in labels(rest) {
                if OF_THE_TARGET.contains(&label) {
                    continue;
                }
                let values =
                    known.get(label).unwrap_or_else(|| panic!("{path}: `{name}` has no label `{label}`"));
                // A bucket that is not there would count as one with nothing in it.
                assert!(label != "le" || values.contains(value), "{path}: `{name}` has no bucket `{value}`");
            }
            watched.insert(name.to_owned());
        }
    }
    assert!(watched.len() > 40, "only {} metrics are watched, of {}", watched.len(), exposed.len());
}

#[test]
fn every_recorded_series_that_is_read_is_recorded_and_read() {
    let texts = texts(&repository().join("infra/observability"));
    let recorded: BTreeSet<&str> = texts
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .collect();
    let mut read = BTreeSet::new();
    for (path, text) in &texts {
        for line in text.lines().filter(|line| !line.contains("- record: ")) {
            for (name, _) in names(line, "ringside:") {
                assert!(recorded.contains(name), "{}: nothing records `{name}`", path.display());
                read.insert(name);
            }
        }
    }
    assert_eq!(recorded, read, "what is recorded and what is read differ");
}

#[test]
fn every_alert_leads_to_its_line_in_the_operations_page() {
    let root = repository();
    let page = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let mut alerts = BTreeSet::new();
    for (path, text) in texts(&root.join("infra/observability/prometheus/rules")) {
        for rule in text.split("- alert: ").skip(1) {
            let name = rule.lines().next().unwrap();
            let runbook = format!("runbook: docs/operations.md#{name}\n");
            assert!(rule.contains(&runbook), "{}: {name} leads elsewhere", path.display());
            assert!(page.contains(&format!("<a id=\"{name}\"></a>")), "{name} is not in the operations page");
            alerts.insert(name.to_owned());
        }
    }
    let written: BTreeSet<String> = page
        .split("<a id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .filter(|id| id.starts_with("Ringside"))
        .collect();
    assert_eq!(alerts, written, "alerts and the lines about them differ");
}
