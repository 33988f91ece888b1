//! `docs/protocol.md` says what the code does: its tables are compared with the code's, row by row.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_core::{close, error, limits};

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table whose head is `head`, as cells.
fn table(page: &str, head: &str) -> Vec<Vec<String>> {
    let start = page.find(head).unwrap_or_else(|| panic!("no table `{head}`"));
    page[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_lists_every_close_code_with_its_reason_and_advice() {
    let expected: Vec<Vec<String>> = close::TABLE
        .iter()
        .map(|row| vec![row.code.number().to_string(), row.reason.into(), row.client.into()])
        .collect();
    assert_eq!(table(&page(), "| code | reason | client |"), expected);
}

#[test]
fn the_page_lists_every_error_with_its_status_and_title() {
    let mut expected: Vec<Vec<String>> = error::TABLE
        .iter()
        .map(|row| vec![row.problem.number().to_string(), row.status.to_string(), row.title.into()])
        .collect();
    expected.sort();
    assert_eq!(table(&page(), "| number | status | title |"), expected);
}

#[test]
fn the_page_lists_every_limit_with_its_value_and_what_happens_past_it() {
    let number = |value: u64| {
        let digits = value.to_string();
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
        groups.join(",")
    };
    let expected: Vec<Vec<String>> = limits::TABLE
        .iter()
        .map(|limit| {
            vec![limit.name.into(), format!("{} {}", number(limit.value), limit.unit), limit.past_it.into()]
        })
        .collect();
    assert_eq!(table(&page(), "| limit | value | past it |"), expected);
}
