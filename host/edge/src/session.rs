//! A connection's commands: one after the other, each handed out to the runtime and answered by key.
//!
//! One command of a connection runs at a time and the next ones wait, at most
//! [`COMMANDS_IN_FLIGHT_MAX`]: so comments stand in the log in the order in which their author sent them, and a join
//! may be sent right behind a token.

use bytes::Bytes;
use ringside_core::close::CloseCode;
use ringside_core::error::Problem;
use ringside_core::limits::COMMANDS_IN_FLIGHT_MAX;
use ringside_core::wire::{Command, DecodeError, Message, Outcome, Request};
use ringside_core::{Author, Failure, StreamId};

use crate::hub::Hub;
use crate::hub::signal::{Finished, Signal};
use crate::hub::slot::{Flags, Key};
use crate::hub::users::{NONE, User};
use crate::pump::{Pumped, Then};

mod act;
mod enter;
mod sign_in;

pub(crate) use sign_in::check;

impl Pumped for Hub {
    fn decoded(&mut self, commands: Vec<(Key, Result<Request, DecodeError>)>) {
        for (key, command) in commands {
            match command {
                Ok(request) => self.take(key, request),
                Err(DecodeError::Malformed(detail)) => {
                    tracing::debug!(detail, "a frame is not of its subprotocol");
                    self.close(key, CloseCode::Malformed);
                }
                Err(DecodeError::Invalid { id, detail }) => {
                    let failure = Failure::new(Problem::Malformed, detail);
                    self.reply(key, id.unwrap_or(0), Outcome::Failed(failure), Then::Nothing);
                }
            }
        }
        // Sockets may have been left unread while the decoder was full.
        self.read_again.notify_one();
    }

    fn encoded(&mut self, key: Key, frames: Option<Bytes>, then: Then) {
        let Some(frames) = frames else {
            tracing::error!("the codec failed on a message: its connection is closed");
            return self.close(key, CloseCode::InternalError);
        };
        match then {
            Then::Nothing => self.push(key, frames),
            Then::Release => {
                self.push(key, frames);
                self.release(key);
            }
            Then::Close(code) => {
                self.push(key, frames);
                self.close(key, code);
            }
            Then::Standing(standing) => self.give_standing(key, frames, &standing),
        }
    }

    fn withdrawn(&mut self, keys: Vec<Key>) {
        for key in keys {
            self.close(key, CloseCode::CodecWithdrawn);
        }
    }
}

/// Who sends a command, and from where.
pub(crate) struct Caller {
    author: Option<Author>,
    stream: Option<StreamId>,
    /// Streams the caller's token is for are checked where a stream is named.
    allows: Option<bool>,
}

impl Hub {
    /// A command came.
    fn take(&mut self, key: Key, request: Request) {
        self.metrics.command(name(&request.command));
        let may_run = self.may_run();
        let Some(slot) = self.slot_mut(key).filter(|slot| !slot.flags.any(Flags::CLOSING)) else { return };
        let waiting = slot.more.as_ref().map_or(0, |more| more.waiting.len());
        if waiting + usize::from(slot.flags.any(Flags::BUSY)) >= COMMANDS_IN_FLIGHT_MAX {
            let detail =
                format!("{COMMANDS_IN_FLIGHT_MAX} commands wait for their answer: send fewer at once");
            let failure = Failure::new(Problem::TooManyInFlight, detail);
            return self.reply(key, request.id, Outcome::Failed(failure), Then::Nothing);
        }
        if waiting > 0 || slot.flags.any(Flags::BUSY) || !may_run {
            slot.more().waiting.push_back(request);
            self.next(key);
        } else {
            self.start(key, request);
        }
    }

    /// Starts a connection's next command, if none of it runs and not too many of the shard do.
    fn next(&mut self, key: Key) {
        loop {
            let may_run = self.may_run();
            let Some(slot) = self.slot_mut(key) else { return };
            let waits = slot.more.as_ref().is_some_and(|more| !more.waiting.is_empty());
            if slot.flags.any(Flags::BUSY.with(Flags::CLOSING)) || !waits {
                return slot.slim();
            }
            if !may_run {
                return self.starve(key);
            }
            if let Some(request) = slot.more().waiting.pop_front() {
                self.start(key, request);
            }
        }
    }

    /// Runs a command. What needs nobody else is answered at once.
    fn start(&mut self, key: Key, Request { id, command }: Request) {
        let caller = self.caller(key);
        match command {
            Command::Leave => {
                let outcome = match self.slot(key).map(|slot| slot.room) {
                    Some(NONE) | None => Outcome::Failed(not_joined()),
                    Some(_) => Outcome::Done,
                };
                self.leave_room(key);
                self.reply(key, id, outcome, Then::Nothing);
            }
            Command::Authenticate(token) => {
                let services = self.services().clone();
                self.run(key, sign_in::authenticate(services, id, token, caller.author));
            }
            Command::Refresh(token) => {
                let services = self.services().clone();
                self.run(key, sign_in::refresh(services, id, token, caller.author));
            }
            Command::Join { stream, position, history } => {
                let join = enter::Join { id, stream, position, history };
                let allows = self.streams_of(key);
                let (rooms, tier) = (self.rooms_of_host().clone(), self.tier(key));
                self.run(key, enter::join(rooms, join, caller.author, allows, tier));
            }
            command => {
                let services = self.services().clone();
                self.run(key, act::act(services, id, command, caller));
            }
        }
    }

    fn run(&mut self, key: Key, command: impl Future<Output = Finished> + Send + 'static) {
        let inbox = self.begin_command(key);
        self.services().runtime.spawn(async move {
            let finished = command.await;
            // The shard ends only with the process.
            let _ended = inbox.send(Signal::Done(key, finished)).await;
        });
    }

    /// A command is done: its answer goes out, the next begins.
    pub(crate) fn done(&mut self, key: Key, finished: Finished) {
        self.end_command(key);
        if self.slot(key).is_some_and(|slot| !slot.flags.any(Flags::CLOSING)) {
            match finished {
                Finished::Reply(id, outcome) => self.reply(key, id, outcome, Then::Nothing),
                Finished::SignedIn { id, result } => self.signed_in(key, id, result),
                Finished::Joined { id, room, joining, tier } => self.joined(key, id, room, *joining, tier),
            }
        }
        self.next(key);
        while self.may_run() {
            let Some(starved) = self.next_starved() else { return };
            self.next(starved);
        }
    }

    /// Answers a command.
    pub(crate) fn reply(&mut self, key: Key, id: u64, outcome: Outcome, then: Then) {
        self.tell(key, vec![Message::Reply { id, outcome }], then);
    }

    fn caller(&self, key: Key) -> Caller {
        let slot = self.slot(key);
        let user = slot.and_then(|slot| self.user(slot.user));
        let stream = slot.and_then(|slot| self.stream_of(slot.room));
        let allows = stream.as_ref().and_then(|stream| user.map(|user| user.allows(stream)));
        Caller { author: user.and_then(User::author), stream, allows }
    }
}

/// The answer to a command that needs a stream.
fn not_joined() -> Failure {
    Failure::new(Problem::NotJoined, "this command is about a stream: send `join` first")
}

/// The answer to a command that needs a user.
fn not_signed_in() -> Failure {
    Failure::new(
        Problem::Unauthenticated,
        "this command needs a user: send `authenticate` with a token first",
    )
}

/// The command's type on the wire.
fn name(command: &Command) -> &'static str {
    match command {
        Command::Authenticate(_) => "authenticate",
        Command::Refresh(_) => "refresh",
        Command::Join { .. } => "join",
        Command::Leave => "leave",
        Command::Comment { .. } => "comment",
        Command::Edit { .. } => "edit",
        Command::Delete(_) => "delete",
        Command::React { .. } => "react",
        Command::Emoji { .. } => "emoji",
        Command::Pin(_) => "pin",
        Command::Settings(_) => "settings",
        Command::Moderate { .. } => "moderate",
    }
}
