//! Sliding windows of hits, counted on the server.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redis::{RedisResult, from_redis_value};
use ringside_ports::Counters;
use ringside_ports::counters::{HITS_MAX, Hit, Window};
use ringside_ports::error::PortResult;

use crate::commands::{Commands, Connection};
use crate::script::Script;

/// A key is kept this much longer than its window, in milliseconds: hosts' clocks differ, and the one that is behind
/// still counts what the server would have forgotten.
const SLACK_MS: u32 = 1_000;

/// Counters that all hosts share. A key takes at most [`HITS_MAX`] times of 7 bytes, and goes with its window.
pub struct RedisCounters {
    commands: Arc<Commands>,
    prefix: Arc<str>,
    hit: Script,
}

impl RedisCounters {
    pub(crate) fn new(commands: Arc<Commands>, prefix: Arc<str>) -> Self {
        Self { commands, prefix, hit: Script::new(include_str!("lua/hit.lua")) }
    }

    fn key(&self, key: &str) -> String {
        format!("{}:count:{key}", self.prefix)
    }

    /// Counts the hits of one group, whose places in the answer come with them.
    async fn count(
        &self,
        connection: &Connection,
        now_ms: u64,
        group: &[(usize, &str, u32)],
    ) -> RedisResult<Vec<(usize, Window)>> {
        let keys: Vec<&str> = group.iter().map(|(_, key, _)| *key).collect();
        let mut arguments = vec![now_ms.to_string(), HITS_MAX.to_string(), SLACK_MS.to_string()];
        arguments.extend(group.iter().map(|(_, _, window_ms)| window_ms.to_string()));
        let counted = self.hit.run(connection, &keys, &arguments).await?;
        let counted: Vec<(i64, i64, i64)> = from_redis_value(counted)?;
        let number = |number: i64| u32::try_from(number).ok();
        let windows = counted.into_iter().map(|(count, oldest, newest)| Window {
            count: number(count).unwrap_or(0),
            oldest_age_ms: number(oldest).unwrap_or(0),
            newest_age_ms: number(newest),
        });
        Ok(group.iter().map(|(place, ..)| *place).zip(windows).collect())
    }
}

#[async_trait]
impl Counters for RedisCounters {
    async fn hit(&self, now_ms: u64, hits: &[Hit]) -> PortResult<Vec<Window>> {
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = hits.iter().map(|hit| self.key(&hit.key)).collect();
        self.commands
            .run("counters.hit", async |connection| {
                let mut groups: HashMap<_, Vec<_>> = HashMap::new();
                for (place, (key, hit)) in keys.iter().zip(hits).enumerate() {
                    let group = groups.entry(connection.group_of(key)).or_default();
                    group.push((place, key.as_str(), hit.window_ms));
                }
                let counted = groups.values().map(|group| self.count(&connection, now_ms, group));
                let mut windows = vec![Window::default(); hits.len()];
                for (place, window) in try_join_all(counted).await?.into_iter().flatten() {
                    if let Some(at) = windows.get_mut(place) {
                        *at = window;
                    }
                }
                Ok(windows)
            })
            .await
    }

    async fn take_back(&self, keys: &[String]) -> PortResult<()> {
        let taken = keys.iter().map(|key| {
            let mut taken = redis::pipe();
            // A list that is empty is no key any more.
            taken.cmd("RPOP").arg(self.key(key));
            taken
        });
        let taken = taken.collect();
        self.commands.run("counters.take_back", async |connection| connection.side_by_side(taken).await).await
    }
}
