//! Reading and waiting.

use ringside_ports::Log;
use ringside_ports::log::{Durability, Topic};

use super::{ALL, BYTES, all, append, key_of, record};
use crate::{Place, within};

/// Appends `count` records of `size` bytes in one call.
async fn fill(log: &dyn Log, count: usize, size: usize) {
    let key = key_of(log, 0, 0);
    let records = (0..count).map(|n| record(&key, vec![n as u8; size])).collect();
    log.append(Topic::RoomEvents, 0, records, Durability::Durable).await.expect("appended");
}

/// Reads after a restart too: what is in memory and what is on disk must answer alike.
async fn both_ways<P: Place<dyn Log>>(place: &P, check: impl AsyncFn(&dyn Log)) {
    check(&*place.open().await).await;
    check(&*place.open().await).await;
}

pub async fn a_read_takes_at_most_as_many_records_as_asked_for<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    fill(&*place.open().await, 40, 10).await;
    both_ways(&place, async |log| {
        for (from, most, expected) in [(0, 1, 1), (0, 7, 7), (35, 7, 5), (0, 40, 40), (0, ALL, 40)] {
            let found = log.read(Topic::RoomEvents, 0, from, most, BYTES).await.unwrap();
            assert_eq!(found.len(), expected, "from {from}, at most {most}");
            assert_eq!(found[0].offset, from);
        }
    })
    .await;
}

pub async fn a_read_takes_about_as_many_bytes_as_asked_for_and_at_least_one_record<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    fill(&*place.open().await, 40, 10_000).await;
    both_ways(&place, async |log| {
        for (bytes, least, most) in [(0, 1, 1), (1, 1, 1), (25_000, 1, 3), (205_000, 15, 21)] {
            let found = log.read(Topic::RoomEvents, 0, 5, ALL, bytes).await.unwrap();
            assert!((least..=most).contains(&found.len()), "{} records for {bytes} bytes", found.len());
            assert_eq!(found[0].offset, 5);
        }
    })
    .await;
}

pub async fn a_read_at_the_end_is_empty<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    fill(&*place.open().await, 3, 10).await;
    both_ways(&place, async |log| {
        for from in [3, 4, 1_000] {
            assert_eq!(log.read(Topic::RoomEvents, 0, from, ALL, BYTES).await.unwrap(), []);
        }
    })
    .await;
}

pub async fn reads_from_any_offset_begin_there<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    // Records of very different sizes, over more than one of whatever the adapter cuts its files into.
    {
        let log = place.open().await;
        for n in 0..60usize {
            append(&*log, vec![n as u8; (n * n * 37) % 50_000]).await;
        }
    }
    both_ways(&place, async |log| {
        let every = all(log).await;
        assert_eq!(every.len(), 60);
        for from in 0..60 {
            let found = log.read(Topic::RoomEvents, 0, from as u64, 5, BYTES).await.unwrap();
            assert_eq!(found, every[from..(from + 5).min(60)], "from {from}");
        }
    })
    .await;
}

pub async fn waiting_for_what_is_there_returns_at_once<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    fill(&*log, 5, 10).await;
    for offset in 0..5 {
        within(log.wait_for(Topic::RoomEvents, 0, offset)).await.unwrap();
    }
}

pub async fn waiting_ends_with_the_record_that_was_waited_for<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    let (reader, done) = (log.clone(), tokio::sync::oneshot::channel());
    let waiting = tokio::spawn(async move {
        reader.wait_for(Topic::RoomEvents, 0, 2).await.unwrap();
        let found = reader.read(Topic::RoomEvents, 0, 2, 1, BYTES).await.unwrap();
        done.0.send(found.len()).unwrap();
    });
    let mut seen = done.1;
    append(&*log, "0").await;
    append(&*log, "1").await;
    tokio::task::yield_now().await;
    assert!(seen.try_recv().is_err(), "offset 2 is not there yet");
    append(&*log, "2").await;
    assert_eq!(within(&mut seen).await.unwrap(), 1, "it can be read when the wait is over");
    within(waiting).await.unwrap();
}

pub async fn a_wait_that_is_given_up_loses_nothing<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    for n in 0..30 {
        let given_up =
            tokio::time::timeout(std::time::Duration::from_millis(1), log.wait_for(Topic::RoomEvents, 0, n));
        assert!(given_up.await.is_err(), "offset {n} is not there yet");
        append(&*log, n.to_string()).await;
        within(log.wait_for(Topic::RoomEvents, 0, n)).await.unwrap();
    }
}

pub async fn a_reader_that_follows_sees_every_record_once_and_in_order<P: Place<dyn Log>>() {
    const COUNT: u64 = 1_500;
    let place = P::fresh().await;
    let log = place.open().await;
    let readers = [1usize, 7, 1_000].map(|most| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut next = 0;
            while next < COUNT {
                log.wait_for(Topic::RoomEvents, 0, next).await.unwrap();
                let found = log.read(Topic::RoomEvents, 0, next, most, 20_000).await.unwrap();
                assert!(!found.is_empty(), "the wait for {next} is over");
                for record in found {
                    assert_eq!(record.offset, next);
                    next += 1;
                }
            }
        })
    });
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let log = log.clone();
        writers.spawn(async move {
            for n in 0..COUNT as usize / 10 {
                append(&*log, vec![0; n]).await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    for reader in readers {
        within(reader).await.unwrap();
    }
}

pub async fn the_extent_grows_with_what_is_durable<P: Place<dyn Log>>() {
    let place = P::fresh().await;
    let log = place.open().await;
    for n in 0..10 {
        let extent = log.extent(Topic::RoomEvents, 0).await.unwrap();
        assert_eq!((extent.first, extent.next), (0, n));
        append(&*log, "x").await;
    }
}
