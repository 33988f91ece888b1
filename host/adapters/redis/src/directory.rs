//! Hosts, viewers and users online, in keys that go by themselves once nobody reports.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redis::{Pipeline, RedisResult, Value, from_redis_value};
use ringside_core::{HostId, StreamId, UserId};
use ringside_ports::Directory;
use ringside_ports::directory::{ONLINE_EXPIRY_MS, REPORT_EXPIRY_MS, Watching};
use ringside_ports::error::PortResult;

use crate::commands::{Commands, Connection};
use crate::script::Script;

/// Keys are kept this much longer than what is in them holds, in milliseconds: hosts' clocks differ.
const SLACK_MS: u64 = 5_000;
/// Users of one call of the script: it holds up the server for less than a millisecond.
const USERS_AT_ONCE: usize = 256;
/// Users that one call of the script forgets: a stream that loses a million viewers holds up the server for some
/// milliseconds at a time.
const FORGOTTEN_AT_ONCE: usize = 2_000;
/// Users listed at most, whatever is asked for: as many as a stream has viewers.
const LISTED_MAX: usize = 10_000_000;

/// The directory of all hosts.
pub struct RedisDirectory {
    commands: Arc<Commands>,
    prefix: Arc<str>,
    viewers: Script,
    online: Script,
}

impl RedisDirectory {
    pub(crate) fn new(commands: Arc<Commands>, prefix: Arc<str>) -> Self {
        let viewers = Script::new(include_str!("lua/viewers.lua"));
        Self { commands, prefix, viewers, online: Script::new(include_str!("lua/online.lua")) }
    }

    /// Of a stream: each host's last report.
    fn viewers_key(&self, stream: &str) -> String {
        format!("{}:viewers:{stream}", self.prefix)
    }

    /// Of a host: the streams of its last report.
    fn host_key(&self, host: &HostId) -> String {
        format!("{}:host:{host}", self.prefix)
    }

    /// Of a user: the hosts, by the time of the last sign.
    fn user_key(&self, user: &UserId) -> String {
        format!("{}:user:{user}", self.prefix)
    }

    /// Notes signs of life in a stream, and lists who is online.
    async fn online(
        &self,
        connection: &Connection,
        now_ms: u64,
        stream: &StreamId,
        users: &[&UserId],
        most: usize,
    ) -> RedisResult<(bool, Vec<Value>)> {
        // Both in one slot.
        let key = |by: &str| format!("{}:online:{{{stream}}}:{by}", self.prefix);
        let (at, id) = (key("at"), key("id"));
        let numbers = [now_ms, now_ms.saturating_sub(ONLINE_EXPIRY_MS), ONLINE_EXPIRY_MS + SLACK_MS]
            .map(|n| n.to_string());
        let mut arguments = numbers.to_vec();
        arguments.extend([FORGOTTEN_AT_ONCE, most.min(LISTED_MAX)].map(|n| n.to_string()));
        arguments.extend(users.iter().map(|user| user.as_str().to_owned()));
        let mut listed: Vec<Value> =
            from_redis_value(self.online.run(connection, &[&at, &id], &arguments).await?)?;
        let more: bool = from_redis_value(if listed.is_empty() { Value::Nil } else { listed.remove(0) })?;
        Ok((more, listed))
    }
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn report(&self, now_ms: u64, host: &HostId, viewers: &[(StreamId, u64)]) -> PortResult<()> {
        let work = async |connection: Connection| {
            // What the host said before is on the server: its last report may be of a process that died.
            let host_key = self.host_key(host);
            let before: HashSet<String> =
                from_redis_value(connection.one(redis::cmd("SMEMBERS").arg(&host_key)).await?)?;
            let named: HashSet<&str> = viewers.iter().map(|(stream, _)| stream.as_str()).collect();
            let gone: Vec<&String> =
                before.iter().filter(|stream| !named.contains(stream.as_str())).collect();

            let mut groups: Vec<Pipeline> = Vec::with_capacity(viewers.len() + gone.len() + 1);
            let keep_ms = REPORT_EXPIRY_MS + SLACK_MS;
            for (stream, count) in viewers {
                let (mut group, key) = (redis::pipe(), self.viewers_key(stream.as_str()));
                group.cmd("HSET").arg(&key).arg(host.as_str()).arg(format!("{now_ms}:{count}"));
                group.cmd("PEXPIRE").arg(&key).arg(keep_ms);
                groups.push(group);
            }
            for stream in &gone {
                let mut group = redis::pipe();
                group.cmd("HDEL").arg(self.viewers_key(stream)).arg(host.as_str());
                groups.push(group);
            }
            if !named.is_empty() {
                let mut group = redis::pipe();
                group.cmd("SADD").arg(&host_key).arg(&named);
                group.cmd("PEXPIRE").arg(&host_key).arg(keep_ms);
                groups.push(group);
            }
            connection.side_by_side(groups).await?;
            // Last, so that a report that breaks off half way is made good by the next.
            if !gone.is_empty() {
                connection.one(redis::cmd("SREM").arg(&host_key).arg(&gone)).await?;
            }
            Ok(())
        };
        self.commands.run("directory.report", work).await
    }

    async fn watching(&self, now_ms: u64, stream: &StreamId) -> PortResult<Watching> {
        let (key, arguments) =
            (self.viewers_key(stream.as_str()), [now_ms, REPORT_EXPIRY_MS].map(|n| n.to_string()));
        let work = async |connection: Connection| {
            let answer = self.viewers.run(&connection, &[&key], &arguments).await?;
            from_redis_value::<(u64, Vec<String>)>(answer).map_err(Into::into)
        };
        let (viewers, hosts) = self.commands.run("directory.watching", work).await?;
        // What is no host's name was not written by one.
        let mut hosts: Vec<HostId> = hosts.iter().filter_map(|host| HostId::new(host).ok()).collect();
        hosts.sort_unstable();
        Ok(Watching { viewers, hosts })
    }

    async fn seen(&self, now_ms: u64, host: &HostId, users: &[(StreamId, UserId)]) -> PortResult<()> {
        let mut by_stream: BTreeMap<&StreamId, Vec<&UserId>> = BTreeMap::new();
        for (stream, user) in users {
            by_stream.entry(stream).or_default().push(user);
        }
        let expired_ms = now_ms.saturating_sub(ONLINE_EXPIRY_MS);
        let by_user: HashSet<&UserId> = users.iter().map(|(_, user)| user).collect();
        let groups = by_user.into_iter().map(|user| {
            let (mut group, key) = (redis::pipe(), self.user_key(user));
            group.cmd("ZADD").arg(&key).arg("GT").arg(now_ms).arg(host.as_str());
            group.cmd("ZREMRANGEBYSCORE").arg(&key).arg("-inf").arg(expired_ms);
            group.cmd("PEXPIRE").arg(&key).arg(ONLINE_EXPIRY_MS + SLACK_MS);
            group
        });
        let groups = groups.collect();
        let work = async |connection: Connection| {
            let parts = by_stream.iter().flat_map(|(stream, users)| {
                users.chunks(USERS_AT_ONCE).map(|part| self.online(&connection, now_ms, stream, part, 0))
            });
            try_join_all(parts).await?;
            connection.side_by_side(groups).await
        };
        self.commands.run("directory.seen", work).await
    }

    async fn online(&self, now_ms: u64, stream: &StreamId, most: usize) -> PortResult<Vec<UserId>> {
        let work = async |connection: Connection| loop {
            let (more, listed) = self.online(&connection, now_ms, stream, &[], most).await?;
            if !more {
                return listed.into_iter().map(text).collect();
            }
        };
        let ids: Vec<String> = self.commands.run("directory.online", work).await?;
        Ok(ids.iter().filter_map(|id| UserId::new(id).ok()).collect())
    }

    async fn hosts_of(&self, now_ms: u64, user: &UserId) -> PortResult<Vec<HostId>> {
        let expired_ms = now_ms.saturating_sub(ONLINE_EXPIRY_MS);
        let mut fresh = redis::cmd("ZRANGE");
        fresh.arg(self.user_key(user)).arg(format!("({expired_ms}")).arg("+inf").arg("BYSCORE");
        let work = async |connection: Connection| {
            let hosts: Vec<String> = from_redis_value(connection.one(&fresh).await?)?;
            Ok(hosts)
        };
        let hosts = self.commands.run("directory.hosts_of", work).await?;
        Ok(hosts.iter().filter_map(|host| HostId::new(host).ok()).collect())
    }
}

fn text(value: Value) -> RedisResult<String> {
    from_redis_value(value).map_err(Into::into)
}
