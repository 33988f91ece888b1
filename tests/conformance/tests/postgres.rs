//! The PostgreSQL adapter passes the suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

#[path = "../../../host/adapters/postgres/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use ringside_conformance::Place;
use ringside_ports::{Audit, Catalog};
use ringside_postgres::Postgres;
use support::Scratch;

macro_rules! places {
    ($($port:ident $field:ident),*) => {
        $(
            #[async_trait]
            impl Place<dyn $port> for Scratch {
                async fn fresh() -> Self {
                    Scratch::migrated().await
                }

                async fn open(&self) -> Arc<dyn $port> {
                    Postgres::connect(&self.options()).await.expect("connected").$field
                }
            }
        )*
    };
}
places!(Catalog catalog, Audit audit);

mod catalog {
    ringside_conformance::catalog_tests!(super::Scratch);
}
mod audit {
    ringside_conformance::audit_tests!(super::Scratch);
}
