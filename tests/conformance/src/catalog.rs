//! What every catalog must do.

use std::sync::Arc;

use ringside_core::{Settings, StreamId};
use ringside_ports::Catalog;
use ringside_ports::catalog::StreamEntry;
use ringside_ports::error::PortErrorKind;

use crate::Place;
use crate::samples::stream;

crate::checks!($ catalog catalog_tests [Place<dyn Catalog>] {
    a_stream_is_found_after_it_was_registered,
    a_stream_is_registered_once,
    of_two_that_register_at_once_one_is_told,
    an_update_changes_title_and_settings_and_the_version,
    an_update_of_an_older_version_is_a_conflict,
    of_many_that_update_at_once_none_is_lost,
    streams_come_by_id_in_parts,
    a_restart_keeps_streams,
});

fn entry(id: &str) -> StreamEntry {
    StreamEntry {
        id: stream(id),
        title: format!("Stream {id} ✓"),
        settings: Settings { slow_mode_s: 5, blocked_terms: vec!["spoiler".into()], ..Settings::default() },
        version: 1,
        created_at_ms: 1_700_000_000_000,
    }
}

pub async fn a_stream_is_found_after_it_was_registered<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    assert_eq!(catalog.stream(&stream("a")).await.unwrap(), None);
    catalog.create(entry("a")).await.unwrap();
    assert_eq!(catalog.stream(&stream("a")).await.unwrap(), Some(entry("a")));
    assert_eq!(catalog.stream(&stream("A")).await.unwrap(), None, "ids differ in case");
}

pub async fn a_stream_is_registered_once<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    catalog.create(entry("a")).await.unwrap();
    let again = StreamEntry { title: "other".into(), ..entry("a") };
    let error = catalog.create(again).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    assert_eq!(catalog.stream(&stream("a")).await.unwrap(), Some(entry("a")));
}

pub async fn of_two_that_register_at_once_one_is_told<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    for round in 0..5 {
        let mut running = tokio::task::JoinSet::new();
        for n in 0..8 {
            let catalog = catalog.clone();
            let mine = StreamEntry { title: format!("by {n}"), ..entry(&format!("s{round}")) };
            running.spawn(async move { catalog.create(mine.clone()).await.map(|()| mine) });
        }
        let mut won = Vec::new();
        while let Some(result) = running.join_next().await {
            match result.unwrap() {
                Ok(entry) => won.push(entry),
                Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(catalog.stream(&won[0].id).await.unwrap().as_ref(), won.first());
    }
}

pub async fn an_update_changes_title_and_settings_and_the_version<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    catalog.create(entry("a")).await.unwrap();
    catalog.create(entry("b")).await.unwrap();
    let settings = Settings { closed: true, ..Settings::default() };
    let mut changed = StreamEntry { title: "Final".into(), settings, ..entry("a") };
    changed.created_at_ms = 5;
    assert_eq!(catalog.update(changed.clone()).await.unwrap(), 2);
    let found = catalog.stream(&stream("a")).await.unwrap().unwrap();
    let expected = StreamEntry { version: 2, created_at_ms: entry("a").created_at_ms, ..changed };
    assert_eq!(found, expected, "when it was created does not change");
    assert_eq!(catalog.update(found).await.unwrap(), 3);
    assert_eq!(catalog.stream(&stream("b")).await.unwrap(), Some(entry("b")));
}

pub async fn an_update_of_an_older_version_is_a_conflict<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    let error = catalog.update(entry("a")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "{error}");
    catalog.create(entry("a")).await.unwrap();
    catalog.update(entry("a")).await.unwrap();
    for version in [0, 1, 3] {
        let late = StreamEntry { title: "late".into(), version, ..entry("a") };
        let error = catalog.update(late).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
    }
    assert_eq!(catalog.stream(&stream("a")).await.unwrap().unwrap().title, entry("a").title);
}

pub async fn of_many_that_update_at_once_none_is_lost<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog: Arc<dyn Catalog> = place.open().await;
    catalog.create(entry("a")).await.unwrap();
    let mut running = tokio::task::JoinSet::new();
    for n in 0..5 {
        let catalog = catalog.clone();
        running.spawn(async move {
            for round in 0..4 {
                loop {
                    let mut mine = catalog.stream(&stream("a")).await.unwrap().unwrap();
                    mine.settings.blocked_terms.push(format!("{n}-{round}"));
                    match catalog.update(mine).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
                    }
                }
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    let found = catalog.stream(&stream("a")).await.unwrap().unwrap();
    assert_eq!((found.version, found.settings.blocked_terms.len()), (21, 21), "{found:?}");
}

pub async fn streams_come_by_id_in_parts<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    assert_eq!(catalog.streams(None, 10).await.unwrap(), []);
    let mut expected: Vec<StreamId> = ["b", "a", "a.b", "c-1", "C", "ab", "0"].map(stream).into();
    for id in &expected {
        catalog.create(entry(id.as_str())).await.unwrap();
    }
    expected.sort();
    for most in [1, 2, 3, 7, 50] {
        let mut found: Vec<StreamId> = Vec::new();
        loop {
            let part = catalog.streams(found.last(), most).await.unwrap();
            assert!(part.len() <= most);
            if part.is_empty() {
                break;
            }
            found.extend(part.into_iter().map(|entry| entry.id));
        }
        assert_eq!(found, expected, "in parts of {most}");
    }
    let behind = catalog.streams(Some(&stream("aa")), 1).await.unwrap();
    assert_eq!(behind[0].id, stream("ab"), "an id that is not there is a place too");
}

pub async fn a_restart_keeps_streams<P: Place<dyn Catalog>>() {
    let place = P::fresh().await;
    let catalog = place.open().await;
    catalog.create(entry("a")).await.unwrap();
    catalog.update(entry("a")).await.unwrap();
    let before = catalog.streams(None, 10).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.streams(None, 10).await.unwrap(), before);
    assert_eq!(before[0].version, 2);
}
