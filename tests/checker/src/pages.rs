//! What is stored, as the pages of a host show it.

use std::io;
use std::time::Duration;

use hyper::Method;
use serde::Deserialize;
use tokio::time::Instant;

use crate::http::Connection;
use crate::record::Id;

/// Longest wait for one page.
const PAGE_MAX: Duration = Duration::from_secs(30);
/// Time for the store to have taken in the whole log: at 2,000 comments/s it is seconds behind at most, and after an
/// outage of its own it catches up at several times that.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);
/// A store that took nothing in for so long has taken in all that it will: a writer waits 5 s at most between two tries.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// How often it is looked again.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

/// Ids of all comments of each stream that everyone sees, newest first. The store follows the log at its own pace: reads
/// again until there are as many as are `expected` on each stream, none came for 10 s, or two minutes have passed.
///
/// # Errors
/// When the host does not answer, or answers something else.
pub fn stored(
    address: &str,
    token: &str,
    streams: &[String],
    expected: &[usize],
) -> io::Result<Vec<Vec<Id>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut all = vec![Vec::new(); streams.len()];
        let last = Instant::now() + CATCH_UP_MAX;
        let mut grew = Instant::now();
        loop {
            let mut is_whole = true;
            for ((ids, stream), expected) in all.iter_mut().zip(streams).zip(expected) {
                if ids.len() < *expected {
                    let now = read(address, token, stream).await?;
                    if now.len() > ids.len() {
                        grew = Instant::now();
                    }
                    *ids = now;
                    is_whole &= ids.len() >= *expected;
                }
            }
            if is_whole || grew.elapsed() > IDLE_MAX || Instant::now() > last {
                return Ok(all);
            }
            tokio::time::sleep(LOOK).await;
        }
    })
}

async fn read(address: &str, token: &str, stream: &str) -> io::Result<Vec<Id>> {
    let mut connection = Connection::open(address.to_owned()).await?;
    let first = format!("/v1/streams/{stream}/comments?page_size=200");
    let (mut ids, mut path) = (Vec::new(), first.clone());
    loop {
        let call = connection.call(Method::GET, &path, token, String::new());
        let (status, body) = tokio::time::timeout(PAGE_MAX, call).await??;
        if status != 200 {
            return Err(io::Error::other(format!(
                "GET {path} answered {status} {}",
                String::from_utf8_lossy(&body)
            )));
        }
        let page: Page = serde_json::from_slice(&body)?;
        ids.extend(page.items.iter().filter_map(|item| Id::parse(&item.id)));
        match page.next {
            Some(next) => path = format!("{first}&cursor={next}"),
            None => return Ok(ids),
        }
    }
}
