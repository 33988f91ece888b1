//! Viewers: each watches one stream, comes back when its connection ends, resumes where it stood, and writes down what it
//! saw.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::crowd::{Shared, Watch};
use crate::record::{Id, Saw};
use crate::wire::{Event, FromHost, Socket};

/// A connection on which nothing came for so long is given up: the server pings every 27 s.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// Longest wait for a connection and the answers to sign-in and join: past what a host waits for its own backends.
const JOIN_MAX: Duration = Duration::from_secs(10);
/// Wait before another host is tried; each takes part of it at random, as the protocol asks.
const PAUSE: Duration = Duration::from_millis(300);

pub(crate) struct Viewer {
    pub(crate) number: usize,
    pub(crate) stream: usize,
    /// The host that it comes back to when told to, and tries first.
    pub(crate) home: usize,
    pub(crate) token: String,
    pub(crate) shared: Arc<Shared>,
}

impl Viewer {
    pub(crate) async fn run(self) {
        let (mut position, mut at) = (None, self.home);
        let mut calls = self.shared.calls_home.subscribe();
        loop {
            // It is on its way to a host: calls until now are answered.
            calls.mark_unchanged();
            let joined = tokio::time::timeout(JOIN_MAX, self.join(at, &mut position)).await;
            if let Ok(Ok(socket)) = joined {
                let is_home = at % self.shared.doors.count().max(1) == self.home;
                tokio::select! {
                    _ = self.watch(socket, &mut position) => {}
                    () = called(&mut calls), if !is_home => {
                        at = self.home;
                        continue;
                    }
                }
            }
            at += 1;
            tokio::time::sleep(PAUSE.mul_f64(fastrand::f64())).await;
        }
    }

    fn saw(&self, seen: impl IntoIterator<Item = Saw>) {
        let now = self.shared.clock.now();
        if let Some(mut sights) = self.shared.sights(self.number) {
            sights.0.extend(seen.into_iter().map(|saw| (now, saw)));
        }
    }

    async fn join(&self, at: usize, position: &mut Option<String>) -> io::Result<Socket> {
        let mut socket = Socket::connect(&self.shared.doors.at(at)).await?;
        let stream = self.shared.stream(self.stream);
        let reply = socket.join(&self.token, stream, position.as_deref()).await?;
        let joined: FromHost<'_> = serde_json::from_str(&reply)?;
        let mut seen = vec![Saw::Joined { host: at % self.shared.doors.count().max(1) }];
        // What was sampled out is counted in batches; no more is promised to who resumes.
        if position.is_some() && joined.resumed != "recovered" {
            seen.push(Saw::Gap);
        }
        seen.extend(joined.history.iter().filter_map(|past| Id::parse(&past.id)).map(Saw::Past));
        self.saw(seen);
        *position = joined.position.map(Cow::into_owned).or_else(|| position.take());
        self.shared.watches.send_modify(|watches| {
            if let Some(watch) = watches.get_mut(self.number) {
                *watch = Watch::Joined;
            }
        });
        Ok(socket)
    }

    async fn watch(&self, mut socket: Socket, position: &mut Option<String>) -> io::Result<()> {
        loop {
            let text = tokio::time::timeout(SILENCE_MAX, socket.next()).await??;
            if text.is_empty() {
                continue;
            }
            let message: FromHost<'_> = serde_json::from_str(&text)?;
            if message.kind != "batch" {
                continue;
            }
            let left_out = (message.left_out > 0).then_some(Saw::LeftOut(message.left_out));
            self.saw(left_out.into_iter().chain(message.events.iter().filter_map(comment)));
            if let Some(at) = message.position {
                *position = Some(at.into_owned());
            }
        }
    }
}

fn comment(event: &Event<'_>) -> Option<Saw> {
    if event.kind == "comment" { Id::parse(&event.id).map(Saw::Live) } else { None }
}

async fn called(calls: &mut tokio::sync::watch::Receiver<u64>) {
    if calls.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
