//! What a component is told of a comment: its own stream, the text as written where folding changed it, and the
//! author only when it asks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

mod common;

use std::sync::Arc;

use common::{Stage, hostile, stream, submission};
use ringside_core::Settings;
use ringside_ports::policy::Submission;
use ringside_ports::releases::World;

/// The reasons of the guest that gives back what it was told.
async fn told(config: &str, submissions: Vec<Submission>) -> Vec<String> {
    let mut stage = Stage::new();
    let slots =
        vec![stage.throttle(), stage.slot("echo", World::Moderator, hostile("moderator-echo"), config)];
    stage.publish(1, slots).await;
    stage.judge(submissions).await.into_iter().map(|judgement| judgement.reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_comment_of_a_batch_comes_with_its_own_stream_and_settings() {
    let on = |id: &str, settings: &Arc<Settings>, text: &str| Submission {
        stream: stream(id),
        settings: settings.clone(),
        ..submission(text)
    };
    let open = Arc::new(Settings::default());
    let strict = Arc::new(Settings {
        links_allowed: false,
        blocked_terms: vec!["spoiler".into(), "snape".into()],
        ..Settings::default()
    });
    let batch = vec![
        on("one", &open, "a"),
        on("two", &open, "b"),
        on("one", &open, "c"),
        // Changed just now: the batch has both.
        on("one", &strict, "d"),
        on("two", &open, "e"),
        on("one", &strict, "f"),
    ];
    let blocked = r#"["spoiler", "snape"]"#;
    assert_eq!(
        told("", batch).await,
        [
            "one [] true (\"a\", None, None)".to_owned(),
            "two [] true (\"b\", None, None)".to_owned(),
            "one [] true (\"c\", None, None)".to_owned(),
            format!("one {blocked} false (\"d\", None, None)"),
            "two [] true (\"e\", None, None)".to_owned(),
            format!("one {blocked} false (\"f\", None, None)"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_as_written_comes_where_folding_changed_it() {
    let told = told("", ["hello", "Hello", "Héllooooo", ""].map(submission).into()).await;
    let texts = [
        r#"("hello", None, None)"#,
        r#"("hello", Some("Hello"), None)"#,
        r#"("helloo", Some("Héllooooo"), None)"#,
        r#"("", None, None)"#,
    ];
    for (told, text) in told.iter().zip(texts) {
        assert!(told.ends_with(text), "{told}");
    }
    assert_eq!(told.len(), texts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_component_that_wants_authors_is_told_who_wrote() {
    let without = told("", vec![submission("hello")]).await;
    assert!(without[0].ends_with(r#"("hello", None, None)"#), "{without:?}");
    let with = told(r#""authors""#, vec![submission("hello")]).await;
    assert!(with[0].ends_with(r#"("hello", None, Some(("ann", "ann")))"#), "{with:?}");
}
