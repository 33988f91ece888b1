//! What every store of releases must do.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ringside_ports::Releases;
use ringside_ports::error::PortErrorKind;
use ringside_ports::releases::{ComponentEntry, Digest, OnFailure, Release, Slot, World};
use sha2::{Digest as _, Sha256};

use crate::{Place, within};

/// A place of releases whose files a check can damage.
#[async_trait]
pub trait ReleasesPlace: Place<dyn Releases> {
    /// Changes a stored component's file, not its entry.
    async fn damage(&self, component: &Digest);
}

crate::checks!($ releases releases_tests [ReleasesPlace] {
    a_component_is_found_by_its_digest,
    a_file_that_does_not_have_its_digest_is_refused,
    storing_a_component_again_changes_nothing,
    what_is_no_digest_is_never_found,
    components_come_newest_first,
    a_damaged_file_is_corrupt_and_mended_by_storing_it_again,
    releases_are_numbered_one_by_one_and_come_newest_first,
    a_release_names_only_components_that_are_stored,
    of_two_that_publish_at_once_one_is_told,
    many_that_store_one_component_at_once_all_succeed,
    waiting_returns_the_newest_release_after_a_number,
    a_wait_that_is_given_up_misses_no_release,
    a_restart_keeps_components_and_releases,
});

fn digest(file: &[u8]) -> Digest {
    Digest(Sha256::digest(file).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    }))
}

fn component(name: &str, at_ms: u64) -> (ComponentEntry, Bytes) {
    let file = Bytes::from(name.repeat(1_000));
    let entry = ComponentEntry {
        digest: digest(&file),
        name: name.into(),
        version: "1.2.0".into(),
        world: World::Moderator,
        signature: "untrusted comment: x\nRUQ…".into(),
        by: "ops".into(),
        at_ms,
    };
    (entry, file)
}

async fn stored(releases: &dyn Releases, name: &str, at_ms: u64) -> Digest {
    let (entry, file) = component(name, at_ms);
    let digest = entry.digest.clone();
    releases.store(entry, file).await.unwrap();
    digest
}

fn release(number: u64, components: &[&Digest]) -> Release {
    let slot = |(n, component): (usize, &&Digest)| Slot {
        name: format!("slot-{n}"),
        world: World::Moderator,
        component: (*component).clone(),
        config: r#"{"limit":3}"#.into(),
        on_failure: OnFailure::Reject,
    };
    Release {
        number,
        slots: components.iter().enumerate().map(slot).collect(),
        at_ms: 1_700_000_000_000 + number,
        by: "ops".into(),
        note: format!("release {number}"),
    }
}

pub async fn a_component_is_found_by_its_digest<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let (entry, file) = component("words", 1);
    let error = releases.component(&entry.digest).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
    releases.store(entry.clone(), file.clone()).await.unwrap();
    stored(&*releases, "links", 2).await;
    assert_eq!(releases.component(&entry.digest).await.unwrap(), (entry, file));
}

pub async fn a_file_that_does_not_have_its_digest_is_refused<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let (entry, _) = component("words", 1);
    let (_, other) = component("links", 1);
    let error = releases.store(entry.clone(), other).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid, "{error}");
    assert_eq!(releases.components().await.unwrap(), []);
    assert_eq!(releases.component(&entry.digest).await.unwrap_err().kind, PortErrorKind::NotFound);
}

pub async fn storing_a_component_again_changes_nothing<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let (entry, file) = component("words", 1);
    releases.store(entry.clone(), file.clone()).await.unwrap();
    let later = ComponentEntry { by: "someone else".into(), at_ms: 99, ..entry.clone() };
    releases.store(later, file.clone()).await.unwrap();
    assert_eq!(releases.component(&entry.digest).await.unwrap(), (entry.clone(), file));
    assert_eq!(releases.components().await.unwrap(), [entry]);
}

pub async fn what_is_no_digest_is_never_found<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let digest = stored(&*releases, "words", 1).await;
    for text in [
        String::new(),
        "../words".into(),
        "x".repeat(64),
        digest.0.to_uppercase(),
        format!("{}0", digest.0),
        digest.0[1..].to_owned(),
    ] {
        let error = releases.component(&Digest(text.clone())).await.unwrap_err();
        assert!(matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Invalid), "`{text}`: {error}");
    }
}

pub async fn components_come_newest_first<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    for (name, at_ms) in [("b", 20), ("d", 40), ("a", 10), ("c", 30)] {
        stored(&*releases, name, at_ms).await;
    }
    let names: Vec<String> =
        releases.components().await.unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["d", "c", "b", "a"]);
}

pub async fn a_damaged_file_is_corrupt_and_mended_by_storing_it_again<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let (entry, file) = component("words", 1);
    let other = stored(&*releases, "links", 2).await;
    releases.store(entry.clone(), file.clone()).await.unwrap();
    place.damage(&entry.digest).await;
    let error = releases.component(&entry.digest).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Corrupt, "{error}");
    releases.component(&other).await.unwrap();
    releases.store(entry.clone(), file.clone()).await.unwrap();
    assert_eq!(releases.component(&entry.digest).await.unwrap(), (entry, file));
}

pub async fn releases_are_numbered_one_by_one_and_come_newest_first<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    assert_eq!(releases.history(10).await.unwrap(), []);
    let (words, links) = (stored(&*releases, "words", 1).await, stored(&*releases, "links", 2).await);
    let conflict = async |number| {
        let error = releases.publish(release(number, &[&words])).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    };
    conflict(0).await;
    conflict(2).await;
    let mut expected = Vec::new();
    for number in 1..=12 {
        let components = [&words, &links];
        let next = release(number, &components[..1 + usize::from(number % 2 == 0)]);
        releases.publish(next.clone()).await.unwrap();
        expected.insert(0, next);
    }
    for number in [1, 12, 14] {
        conflict(number).await;
    }
    assert_eq!(releases.history(100).await.unwrap(), expected);
    assert_eq!(releases.history(3).await.unwrap(), expected[..3]);
    assert_eq!(releases.history(0).await.unwrap(), []);
}

pub async fn a_release_names_only_components_that_are_stored<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let words = stored(&*releases, "words", 1).await;
    let (missing, _) = component("links", 1);
    let error = releases.publish(release(1, &[&words, &missing.digest])).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
    assert_eq!(releases.history(10).await.unwrap(), []);
    releases.publish(release(1, &[&words])).await.unwrap();
}

pub async fn of_two_that_publish_at_once_one_is_told<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases: Arc<dyn Releases> = place.open().await;
    let words = stored(&*releases, "words", 1).await;
    for number in 1..=5 {
        let mut running = tokio::task::JoinSet::new();
        for n in 0..8 {
            let releases = releases.clone();
            let mine = Release { note: format!("by {n}"), ..release(number, &[&words]) };
            running.spawn(async move { releases.publish(mine.clone()).await.map(|()| mine) });
        }
        let mut won = Vec::new();
        while let Some(result) = running.join_next().await {
            match result.unwrap() {
                Ok(release) => won.push(release),
                Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(releases.history(1).await.unwrap(), won);
    }
    assert_eq!(releases.history(100).await.unwrap().len(), 5);
}

pub async fn many_that_store_one_component_at_once_all_succeed<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases: Arc<dyn Releases> = place.open().await;
    for round in 0..5u8 {
        let file = Bytes::from(vec![round; 400_000]);
        let entry = ComponentEntry { digest: digest(&file), ..component("words", 1).0 };
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (releases, entry, file) = (releases.clone(), entry.clone(), file.clone());
            running.spawn(async move { releases.store(entry, file).await });
        }
        while let Some(result) = running.join_next().await {
            result.unwrap().unwrap();
        }
        assert_eq!(releases.component(&entry.digest).await.unwrap(), (entry, file));
    }
    assert_eq!(releases.components().await.unwrap().len(), 5);
}

pub async fn waiting_returns_the_newest_release_after_a_number<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases: Arc<dyn Releases> = place.open().await;
    let words = stored(&*releases, "words", 1).await;
    let waiting = tokio::spawn({
        let releases = releases.clone();
        async move { releases.wait_after(0).await }
    });
    releases.publish(release(1, &[&words])).await.unwrap();
    assert_eq!(within(waiting).await.unwrap().unwrap().number, 1);
    releases.publish(release(2, &[&words])).await.unwrap();
    releases.publish(release(3, &[&words])).await.unwrap();
    for after in 0..3 {
        assert_eq!(within(releases.wait_after(after)).await.unwrap(), release(3, &[&words]), "after {after}");
    }
}

pub async fn a_wait_that_is_given_up_misses_no_release<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases: Arc<dyn Releases> = place.open().await;
    let words = stored(&*releases, "words", 1).await;
    for number in 1..=10 {
        let given_up = tokio::time::timeout(Duration::from_millis(1), releases.wait_after(number - 1)).await;
        assert!(given_up.is_err(), "release {number} is not published yet");
        releases.publish(release(number, &[&words])).await.unwrap();
        assert_eq!(within(releases.wait_after(number - 1)).await.unwrap().number, number);
    }
}

pub async fn a_restart_keeps_components_and_releases<P: ReleasesPlace>() {
    let place = P::fresh().await;
    let releases = place.open().await;
    let words = stored(&*releases, "words", 1).await;
    releases.publish(release(1, &[&words])).await.unwrap();
    releases.publish(release(2, &[&words])).await.unwrap();
    let before = (releases.components().await.unwrap(), releases.history(10).await.unwrap());
    let (entry, file) = releases.component(&words).await.unwrap();
    drop(releases);
    let releases = place.open().await;
    assert_eq!((releases.components().await.unwrap(), releases.history(10).await.unwrap()), before);
    assert_eq!(releases.component(&words).await.unwrap(), (entry, file));
    assert_eq!(within(releases.wait_after(1)).await.unwrap().number, 2);
    releases.publish(release(3, &[&words])).await.unwrap();
}
