//! The committed descriptions in `.sqlx` are what a server says of this schema, and each is of a query that is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};
use support::{Scratch, connection};

const REMEDY: &str = "describe the queries anew, as the crate's docs say";

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What holds for every plan: whether an outer join's column may be null is guessed from the plan of the day, and the
/// query says it itself.
fn checked(described: &Value) -> Value {
    let mut described = described.clone();
    for column in 0..described["columns"].as_array().unwrap().len() {
        if described["columns"][column]["name"].as_str().unwrap().ends_with(['?', '!']) {
            described["nullable"][column] = Value::Null;
        }
    }
    described
}

#[tokio::test]
async fn every_description_is_what_the_server_says_of_a_query_that_is_there() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: String =
        files(&crate_folder.join("src")).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let scratch = Scratch::migrated().await;
    let mut connection = connection(&scratch.url()).await;
    let descriptions = files(&crate_folder.join(".sqlx"));
    assert!(!descriptions.is_empty());
    for file in descriptions {
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let query = kept["query"].as_str().unwrap();
        let shown = file.display();
        assert!(sources.contains(query), "{shown} is of no query in `src`: {REMEDY}");
        let said = connection.describe(AssertSqlSafe(query).into_sql_str()).await.unwrap();
        assert_eq!(
            checked(&serde_json::to_value(said).unwrap()),
            checked(&kept["describe"]),
            "{shown}: {REMEDY}"
        );
    }
}
