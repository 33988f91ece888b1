//! `cargo xtask dev`: builds everything and runs a PoP on embedded stores, with a page to comment on.

pub(crate) mod region;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::console::{Steps, seconds};
use crate::context::Context;
use crate::failure::{Failure, OnFile, Result};
use crate::pop::{Pop, Role};
use crate::prerequisites::{Need, check};
use crate::suites::BUILD_RINGSIDE;
use crate::{components, web};

/// The first start compiles every component to machine code; on a slow machine that is most of a minute.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// A PoP drains its viewers when it is told to stop; past this it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
const LOG_TAIL_BYTES: usize = 4_000;

/// The verb: returns when the PoP has stopped.
pub(crate) fn verb(context: &Context, pop: &Pop) -> Result<()> {
    let mut steps = Steps::new(&context.console, 5);
    steps.run("look for what this machine must have", || {
        check(context, &[Need::C, Need::Node, Need::GuestTarget])?;
        is_free("--listen", &pop.address)?;
        is_free("--operators", &pop.operators)
    })?;
    steps.run("build the components", || components::bundle(context))?;
    steps.run("build the page", || web::bundle(context))?;
    steps.run("build ringside", || {
        context.run().to_success("build", &mut context.cargo(BUILD_RINGSIDE.iter().copied()))
    })?;
    let asked_to_stop = stop_flag()?;
    let log = pop.data.join("server.log");
    let mut server = steps.run("start a PoP and wait until it is ready", || {
        let mut child = start(pop.serve(), &pop.data)?;
        let ready = wait_until_ready(&mut child, &pop.address, &asked_to_stop).map_err(|why| {
            Failure::Checked(format!("{why}\n{}\nthe whole log: {}", tail_of(&log), log.display()))
        });
        if let Err(failure) = ready {
            stop(&mut child);
            return Err(failure);
        }
        Ok(child)
    })?;
    let greeting = greet(context, pop, steps.elapsed());
    let ended = match greeting {
        Ok(()) => wait(&mut server, &asked_to_stop),
        Err(failure) => Err(failure),
    };
    stop(&mut server);
    ended.inspect(|()| context.console.say("stopped"))
}

/// Starts a process of `ringside` that logs into `server.log` of its folder.
fn start(mut command: Command, data: &Path) -> Result<Child> {
    std::fs::create_dir_all(data).on_file("create", data)?;
    let log = data.join("server.log");
    let out = File::create(&log).on_file("write", &log)?;
    let errors = out.try_clone().on_file("write", &log)?;
    // A group of its own: Ctrl-C then reaches only xtask, which stops it once, with patience.
    let child = command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0).spawn();
    child.map_err(|source| Failure::Start { command: crate::process::written(&command), source })
}

/// Fails when another program listens at `address` already.
fn is_free(flag: &str, address: &str) -> Result<()> {
    let parsed: SocketAddr = address.parse().map_err(|_| {
        Failure::Usage(format!("{flag} {address} is no address: write it like 127.0.0.1:8080"))
    })?;
    TcpListener::bind(parsed).map(drop).map_err(|error| {
        Failure::Usage(format!(
            "cannot listen on {address} ({error}): stop what runs there, or choose with {flag}"
        ))
    })
}

/// Set by Ctrl-C and by `kill`.
fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|source| Failure::Start { command: "a signal handler".into(), source })?;
    }
    Ok(flag)
}

fn wait_until_ready(child: &mut Child, address: &str, stop: &AtomicBool) -> std::result::Result<(), String> {
    let began = Instant::now();
    while began.elapsed() < READY_LIMIT {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("`ringside serve` ended ({status}) before it was ready"));
        }
        if stop.load(Ordering::Relaxed) {
            return Err("stopped before it was ready".into());
        }
        if answers_ready(address) {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    Err(format!("no answer of 200 from http://{address}/readyz within {}", seconds(READY_LIMIT)))
}

/// True when `GET /readyz` answers 200.
fn answers_ready(address: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(
            format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut start = [0; b"HTTP/1.1 200".len()];
        stream.read_exact(&mut start)?;
        Ok(start.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

fn greet(context: &Context, pop: &Pop, took: Duration) -> Result<()> {
    let viewer = pop.link(&pop.token(Role::Viewer)?);
    let moderator = pop.link(&pop.token(Role::Moderator)?);
    context.console.say(format_args!(
        "\n\
         Ringside runs at http://{address} (ready after {took}).\n\n\
         as a viewer:    {viewer}\n\
         as a moderator: {moderator}\n\n\
         Try next, in a second terminal:\n\
         1. Open both links side by side. Comment, answer, react; remove a comment as the moderator.\n\
         2. Change a rule while you chat: add a word to a list in components/words/words.json, then\n\
         \x20     {push}\n\
         \x20  and write that word. No connection drops; the next comment meets the new rule.\n\
         3. Fill the room:\n\
         \x20     {load}\n\n\
         Log: {log}. Ctrl-C stops it; its comments are kept in {data}.",
        address = pop.address,
        took = seconds(took),
        push = pop.push_line("words"),
        load = pop.load_line(),
        log = pop.data.join("server.log").display(),
        data = pop.data.display(),
    ));
    Ok(())
}

/// Returns when the user asks to stop; an error when the server ends by itself.
fn wait(server: &mut Child, asked_to_stop: &AtomicBool) -> Result<()> {
    loop {
        if asked_to_stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Ok(Some(status)) = server.try_wait() {
            return Err(Failure::Checked(format!(
                "`ringside serve` ended by itself ({status}); its log says why"
            )));
        }
        std::thread::sleep(POLL);
    }
}

/// Asks the server to end, and kills it when it has not within its time.
fn stop(server: &mut Child) {
    let pid = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    if let (Ok(None), Some(pid)) = (server.try_wait(), pid) {
        let _ = kill_process(pid, Signal::TERM);
    }
    let began = Instant::now();
    while began.elapsed() < STOP_LIMIT {
        if !matches!(server.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(POLL);
    }
    let _ = server.kill();
    let _ = server.wait();
}

fn tail_of(log: &std::path::Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(text.get(text.len().saturating_sub(LOG_TAIL_BYTES)..).unwrap_or_default())
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request with `answer` and gives the address to ask.
    fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_an_answer_of_200_means_ready() {
        assert!(answers_ready(&answering("HTTP/1.1 200 OK\r\n\r\n")));
        assert!(!answers_ready(&answering("HTTP/1.1 503 Service Unavailable\r\n\r\n")));
        assert!(!answers_ready(&answering("nonsense")));
    }

    #[test]
    fn an_address_in_use_is_told_with_the_flag_that_changes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let failure = is_free("--listen", &address).unwrap_err().to_string();
        assert!(failure.contains(&address) && failure.contains("--listen"), "{failure}");
        drop(taken);
        assert!(is_free("--listen", &address).is_ok());
        assert!(is_free("--listen", "localhost").unwrap_err().to_string().contains("localhost"));
    }

    #[test]
    fn a_server_that_ends_by_itself_is_an_error_and_one_that_was_stopped_is_not() {
        let mut server = Command::new("false").spawn().unwrap();
        assert!(wait(&mut server, &AtomicBool::new(false)).is_err());
        assert!(wait(&mut server, &AtomicBool::new(true)).is_ok());
    }

    #[test]
    fn a_server_is_asked_to_stop_before_it_is_killed() {
        let mut server = Command::new("sh")
            .args(["-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut up = [0; 3];
        server.stdout.take().unwrap().read_exact(&mut up).unwrap();
        stop(&mut server);
        assert_eq!(server.wait().unwrap().code(), Some(7));
    }
}
