//! The embedded adapters pass the suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

use std::sync::Arc;

use async_trait::async_trait;
use redb::{Database, ReadableTable as _, TableDefinition};
use ringside_conformance::Place;
use ringside_conformance::releases::ReleasesPlace;
use ringside_conformance::store::StorePlace;
use ringside_core::{CommentId, StreamId};
use ringside_embedded::{Embedded, EmbeddedOptions};
use ringside_ports::releases::Digest;
use ringside_ports::{Audit, Catalog, Counters, Directory, Log, Relay, Releases, Store};
use tempfile::TempDir;

/// A folder. Segments are small, so that the checks of the log go over many of them.
struct Folder(TempDir);

impl Folder {
    fn fresh() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn open(&self) -> Embedded {
        let options =
            EmbeddedOptions { partitions: 3, segment_bytes: 64 << 10, ..EmbeddedOptions::default() };
        Embedded::open(self.0.path(), &options).expect("opened")
    }
}

macro_rules! places {
    ($($port:ident $field:ident),*) => {
        $(
            #[async_trait]
            impl Place<dyn $port> for Folder {
                async fn fresh() -> Self {
                    Folder::fresh()
                }

                async fn open(&self) -> Arc<dyn $port> {
                    Folder::open(self).$field
                }
            }
        )*
    };
}
places!(Log log, Store store, Relay relay, Counters counters, Directory directory, Catalog catalog, Audit audit, Releases releases);

#[async_trait]
impl StorePlace for Folder {
    async fn spoil_totals(&self, stream: &StreamId, comment: CommentId, likes: u32, dislikes: u32) {
        const COUNTS: TableDefinition<'static, &[u8], (u32, u32, u32)> = TableDefinition::new("counts");
        let key = [stream.as_str().as_bytes(), &[0], comment.as_bytes()].concat();
        let database = Database::open(self.0.path().join("store.redb")).expect("it is closed");
        let write = database.begin_write().unwrap();
        {
            let mut counts = write.open_table(COUNTS).unwrap();
            let replies = counts.get(key.as_slice()).unwrap().map_or(0, |kept| kept.value().2);
            counts.insert(key.as_slice(), (likes, dislikes, replies)).unwrap();
        }
        write.commit().unwrap();
    }
}

#[async_trait]
impl ReleasesPlace for Folder {
    async fn damage(&self, component: &Digest) {
        let path = self.0.path().join("components").join(format!("{component}.wasm"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
}

mod log {
    ringside_conformance::log_tests!(super::Folder);
}
mod store {
    ringside_conformance::store_tests!(super::Folder);
}
mod relay {
    ringside_conformance::relay_tests!(super::Folder);
}
mod counters {
    ringside_conformance::counters_tests!(super::Folder);
}
mod directory {
    ringside_conformance::directory_tests!(super::Folder);
}
mod catalog {
    ringside_conformance::catalog_tests!(super::Folder);
}
mod audit {
    ringside_conformance::audit_tests!(super::Folder);
}
mod releases {
    ringside_conformance::releases_tests!(super::Folder);
}
