//! Clients that nobody here wrote, as child processes that are spoken to in lines of JSON.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use ringside_testkit::client::events;
use ringside_testkit::wait::WAIT_MAX;
use ringside_testkit::{Pop, eventually};
use serde_json::{Value, json};

/// A child process whose standard output is read line by line. Dropping it kills the process.
pub struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talk {
    /// Starts a program.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            // Who waits for a line is gone: the pipe need not be read to its end.
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines }
    }

    /// Writes a line. That the program has ended is found by reading.
    pub fn write(&mut self, line: &str) {
        let _ = writeln!(self.stdin.as_mut().unwrap(), "{line}");
    }

    /// The next line; none at the end of the output.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(WAIT_MAX) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("waited {WAIT_MAX:?} in vain for a line"),
        }
    }

    /// Ends the standard input.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end of the program.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("a foreign client to end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // A process that ended already is no failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A chat client of other makers.
pub struct Foreign {
    talk: Talk,
    next_id: u64,
    waiting: VecDeque<Value>,
}

impl Foreign {
    /// `ws` and `@msgpack/msgpack` on Node, with a subprotocol and permessage-deflate or not, as they were agreed on.
    #[must_use]
    pub fn node(pop: &Pop, subprotocol: &str, deflate: bool) -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            package.join("../../web/node_modules/ws").is_dir(),
            "web/node_modules is missing: `cargo xtask test` installs it, or `npm ci` in web/"
        );
        let compression = if deflate { "deflate" } else { "plain" };
        let mut command = Command::new("node");
        command.arg(package.join("clients/node.mjs")).args([&pop.connect_url(), subprotocol, compression]);
        let mut client = Self::start(&mut command);
        let told = client.wait("the connection", |value| value["opened"].is_object());
        let extensions = if deflate { "permessage-deflate" } else { "" };
        assert_eq!(told["opened"], json!({ "subprotocol": subprotocol, "extensions": extensions }));
        client
    }

    /// `websocat` of `RINGSIDE_WEBSOCAT`: JSON, no compression.
    #[must_use]
    pub fn websocat(pop: &Pop) -> Self {
        let program = std::env::var_os("RINGSIDE_WEBSOCAT")
            .expect("RINGSIDE_WEBSOCAT is not set: `cargo xtask test` installs websocat and sets it");
        let mut command = Command::new(program);
        command.args(["--text", "--protocol", "ringside.v1.json"]);
        command.args(["--close-status-code", "1000", "--close-reason", "bye"]).arg(pop.connect_url());
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> Self {
        Self { talk: Talk::start(command), next_id: 1, waiting: VecDeque::new() }
    }

    /// Signs in and joins.
    #[must_use]
    pub fn join(mut self, pop: &Pop, user: &str, stream: &str) -> Self {
        let token = pop.token(user, "viewer");
        let reply = self.command(json!({ "type": "authenticate", "token": token }), "authenticated");
        assert_eq!(reply["user"]["id"], user, "{reply}");
        let reply = self.command(json!({ "type": "join", "stream": stream }), "joined");
        assert_eq!((&reply["stream"], &reply["resumed"]), (&json!(stream), &json!("fresh")), "{reply}");
        self
    }

    /// Sends a command without waiting for its reply.
    pub fn send(&mut self, mut command: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        command["id"] = json!(id);
        self.talk.write(&command.to_string());
        id
    }

    /// Sends a command, and fails unless its reply has this status.
    pub fn command(&mut self, command: Value, status: &str) -> Value {
        let told = command.to_string();
        let id = self.send(command);
        let reply = self.reply(id);
        assert_eq!(reply["status"], status, "{told} answered {reply}");
        reply
    }

    /// The reply to a command that was sent.
    pub fn reply(&mut self, id: u64) -> Value {
        self.wait(&format!("the reply to {id}"), |value| value["type"] == "reply" && value["id"] == id)
    }

    /// Posts a comment and gives its id.
    pub fn comment(&mut self, text: &str) -> String {
        let reply = self.command(json!({ "type": "comment", "text": text }), "accepted");
        reply["comment"].as_str().unwrap().to_owned()
    }

    /// The next event of a type that fits.
    pub fn event_where(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(&format!("an event `{kind}`"), |value| value["type"] == kind && fits(value))
    }

    /// The connection's end as Node's client tells it.
    pub fn closed(&mut self) -> Value {
        self.wait("the end", |value| value["closed"].is_object())["closed"].clone()
    }

    /// Closes the connection; all that came and nobody asked for, and how the program ended.
    pub fn close(mut self) -> (Vec<Value>, ExitStatus) {
        self.talk.hang_up();
        while let Some(line) = self.talk.line() {
            self.take_in(&line);
        }
        (self.waiting.drain(..).collect(), self.talk.ended())
    }

    fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.waiting.iter().position(&fits) {
                return self.waiting.remove(at).unwrap();
            }
            let Some(line) = self.talk.line() else {
                panic!("ended instead of {what}; seen {:?}", self.waiting)
            };
            self.take_in(&line);
        }
    }

    fn take_in(&mut self, line: &str) {
        let message: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error} in what a client wrote: {line}"));
        if message["type"] == "batch" {
            self.waiting.extend(events(message));
        } else {
            self.waiting.push_back(message);
        }
    }
}
