//! Queries are checked against their committed descriptions in `.sqlx`, whatever database the environment names:
//! building needs none. To describe them anew, see the crate's docs.

/// A migrated database that queries are described by, written into `.sqlx`.
const DESCRIBE_BY: &str = "RINGSIDE_DESCRIBE_QUERIES";

fn main() {
    for path in ["migrations", ".sqlx"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed={DESCRIBE_BY}");
    let Ok(database) = std::env::var(DESCRIBE_BY) else {
        println!("cargo::rustc-env=SQLX_OFFLINE=true");
        return;
    };
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-env=SQLX_OFFLINE=false");
    println!("cargo::rustc-env=SQLX_OFFLINE_DIR={folder}/.sqlx");
    println!("cargo::rustc-env=DATABASE_URL={database}");
}
