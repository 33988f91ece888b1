//! Databases for tests, on the server that `RINGSIDE_TEST_POSTGRES` names.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use ringside_postgres::{PostgresOptions, migrate};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Address of the server's own database.
pub fn server() -> String {
    std::env::var("RINGSIDE_TEST_POSTGRES")
        .expect("RINGSIDE_TEST_POSTGRES is not set: run `cargo xtask services up`, or `cargo xtask test`")
}

/// The address of another database of the same server.
pub fn beside(server: &str, database: &str) -> String {
    let (before, last) = server.rsplit_once('/').expect("an address with a database");
    let after = last.find('?').map_or("", |at| &last[at..]);
    format!("{before}/{database}{after}")
}

pub async fn connection(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Runs a statement on one database.
pub async fn execute(url: &str, sql: String) {
    let mut connection = connection(url).await;
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

/// A database of its own, gone when it is dropped.
pub struct Scratch {
    server: String,
    name: String,
}

impl Scratch {
    /// Without any table.
    pub async fn empty() -> Self {
        Self::made_by("CREATE DATABASE {}").await
    }

    /// With this program's schema: a copy, which takes a tenth of the time of migrating.
    pub async fn migrated() -> Self {
        let template = template(&server()).await;
        Self::made_by(&format!("CREATE DATABASE {{}} TEMPLATE {template}")).await
    }

    async fn made_by(sql: &str) -> Self {
        let made = Self { server: server(), name: format!("ringside_test_{:016x}", fastrand::u64(..)) };
        execute(&made.server, sql.replace("{}", &made.name)).await;
        made
    }

    pub fn url(&self) -> String {
        beside(&self.server, &self.name)
    }

    pub fn options(&self) -> PostgresOptions {
        PostgresOptions::new(self.url())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&server, format!("DROP DATABASE {name} WITH (FORCE)")));
        });
        // A second panic would hide the first.
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("database {} stays behind", self.name);
        }
    }
}

/// A migrated database that nobody writes to, made once for each schema and left for the next run.
async fn template(server: &str) -> String {
    const ONE_AT_A_TIME: i64 = 0x72_69_6e_67;
    let name = format!("ringside_template_{:016x}", schema());
    let mut admin = connection(server).await;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(ONE_AT_A_TIME).execute(&mut admin).await.unwrap();
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    if !there {
        let draft = format!("{name}_draft");
        admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {draft}"))).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {draft}"))).await.unwrap();
        migrate(&PostgresOptions::new(beside(server, &draft))).await.unwrap();
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {draft} RENAME TO {name}"))).await.unwrap();
    }
    admin.close().await.unwrap();
    name
}

/// Tells schemas apart.
fn schema() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find_map(|folder| {
        [folder.join("migrations"), folder.join("host/adapters/postgres/migrations")]
            .into_iter()
            .find(|f| f.is_dir())
    });
    let mut files: Vec<_> =
        std::fs::read_dir(folder.expect("migrations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hash);
    }
    hash.finish()
}
