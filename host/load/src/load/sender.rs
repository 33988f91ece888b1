//! Connections that comment, like and send emoji, each as a user of its own, when they are told to.

use std::sync::Arc;
use std::time::Instant;

use ringside_core::limits::COMMANDS_IN_FLIGHT_MAX;
use tokio::sync::mpsc;

use super::enter::FIRST_COMMAND;
use super::stats::{Kind, Stats};
use super::texts;
use crate::socket::{Gone, Socket};
use crate::wire::{Codec, Command, Incoming};

/// Orders that wait for a sender: as many as it may have unanswered.
pub(super) const ORDERS_MAX: usize = COMMANDS_IN_FLIGHT_MAX;

/// A sender.
pub(super) struct Sender {
    socket: Socket,
    desk: Desk,
}

/// A sender without its connection: what it knows of its commands.
struct Desk {
    stats: Arc<Stats>,
    stream: usize,
    random: fastrand::Rng,
    next: u64,
    /// At most [`COMMANDS_IN_FLIGHT_MAX`].
    unanswered: Vec<Unanswered>,
}

/// A command that was sent.
struct Unanswered {
    id: u64,
    kind: Kind,
    sent: Instant,
    /// The comment's number in its stream.
    number: u64,
}

impl Sender {
    pub(super) fn new(socket: Socket, stats: Arc<Stats>, stream: usize, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let desk = Desk { stats, stream, random, next: FIRST_COMMAND, unanswered: Vec::new() };
        Self { socket, desk }
    }

    /// Sends what is ordered, until the connection ends.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Kind>) {
        let codec = self.socket.codec;
        let mut more = true;
        let gone = loop {
            let step = tokio::select! {
                order = orders.recv(), if more => match order {
                    Some(kind) => self.desk.send(kind, &mut self.socket).await,
                    None => {
                        more = false;
                        Ok(())
                    }
                },
                read = self.socket.read(|payload| self.desk.reply(codec, payload)) => read,
            };
            if let Err(gone) = step {
                break gone;
            }
        };
        self.desk.stats.dropped(&self.desk.stats.senders_live, &gone);
    }
}

impl Desk {
    async fn send(&mut self, kind: Kind, socket: &mut Socket) -> Result<(), Gone> {
        if self.unanswered.len() >= COMMANDS_IN_FLIGHT_MAX {
            self.skip(kind, "a sender has 8 commands unanswered");
            return Ok(());
        }
        let (id, sent) = (self.next, Instant::now());
        let mut number = 0;
        match kind {
            Kind::Comment => {
                let Some(begun) = self.stats.tracked(self.stream, |tracker| tracker.begin(sent)) else {
                    self.skip(kind, "too many comments are on their way");
                    return Ok(());
                };
                number = begun;
                let text = texts::text(&mut self.random, self.stats.run, number);
                socket.queue(&Command::Comment { id, text: &text });
            }
            Kind::Reaction => {
                let random = &mut self.random;
                let Some(comment) = self.stats.tracked(self.stream, |tracker| tracker.any_likeable(random))
                else {
                    self.skip(kind, "there is no comment to like yet");
                    return Ok(());
                };
                socket.queue(&Command::React { id, comment: &comment.to_string(), reaction: "like" });
            }
            Kind::Emoji => {
                let emoji = self.random.choice(texts::EMOJI).unwrap_or_default();
                socket.queue(&Command::Emoji { id, emoji, count: 1 });
            }
        }
        self.next += 1;
        self.unanswered.push(Unanswered { id, kind, sent, number });
        self.stats.commands(kind).sent += 1;
        socket.flush().await
    }

    fn skip(&self, kind: Kind, why: &str) {
        self.stats.commands(kind).skipped.add(why);
    }

    fn reply(&mut self, codec: Codec, payload: &[u8]) -> Result<(), Gone> {
        if codec.is_surely_batch(payload) {
            return Ok(());
        }
        let reply = codec.decode(payload).map_err(Gone::Broken)?;
        let place = self.unanswered.iter().position(|command| Some(command.id) == reply.id);
        if let (true, Some(place)) = (reply.r#type == "reply", place) {
            let command = self.unanswered.swap_remove(place);
            self.answered(&command, &reply);
        }
        Ok(())
    }

    fn answered(&self, command: &Unanswered, reply: &Incoming<'_>) {
        let now = Instant::now();
        let took = now.saturating_duration_since(command.sent);
        let mut commands = self.stats.commands(command.kind);
        commands.acknowledged.record(took);
        let shown = match &*reply.status {
            "accepted" | "done" => {
                commands.done += 1;
                true
            }
            "held" => {
                commands.held += 1;
                false
            }
            "rate_limited" => {
                commands.rate_limited += 1;
                false
            }
            "rejected" => {
                commands.rejected.add(&reply.reason);
                false
            }
            "error" => {
                commands.failed.add(&format!("{} {}", reply.number, reply.title));
                false
            }
            other => {
                commands.failed.add(&format!("a reply with status `{other}`"));
                false
            }
        };
        drop(commands);
        if command.kind == Kind::Comment {
            self.stats.tracked(self.stream, |tracker| {
                if shown { tracker.acknowledged(command.number, now) } else { tracker.ended(command.number) }
            });
        }
    }
}
