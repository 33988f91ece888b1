//! A TCP proxy between a client and a service, for faults of the network: late, cut, or swallowed without a word.

use std::collections::BTreeMap;
use std::io::{Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One read's bytes.
const CHUNK_BYTES: usize = 16 * 1_024;
/// Chunks on their way in one direction; past it the sender is not read any more, as on a full line. 4 MB.
const CHUNKS_MAX: usize = 256;
/// A proxy is for a test's clients. More are refused: something opens connections without an end.
const CONNECTIONS_MAX: usize = 1_024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A proxy on loopback. Dropped, it closes what goes through it and listens no more.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
}

/// What all connections share.
#[derive(Debug)]
struct Line {
    state: Mutex<State>,
    /// Called when the state changes.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    target: String,
    delay: Duration,
    passing: Passing,
    next: u64,
    /// Both ends of each connection.
    open: BTreeMap<u64, [TcpStream; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    All,
    /// Connections stay open, new ones are taken, and no byte arrives.
    Nothing,
    /// Connections are closed, new ones at once.
    Closed,
    /// The proxy is gone.
    Ended,
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to `target`, an address such as `127.0.0.1:9092`.
    pub fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = State {
            target: target.to_owned(),
            delay: Duration::ZERO,
            passing: Passing::All,
            next: 0,
            open: BTreeMap::new(),
        };
        let line = Arc::new(Line { state: Mutex::new(state), changed: Condvar::new() });
        let of_thread = Arc::clone(&line);
        std::thread::spawn(move || accept(&listener, &of_thread));
        Ok(Self { address, line })
    }

    /// Where clients connect to.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Passes new connections on to another target: for a service that learns the proxy's address when it starts.
    pub fn aim(&self, target: &str) {
        self.line.change(|state| target.clone_into(&mut state.target));
    }

    /// From now on every byte arrives this much later, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.line.change(|state| state.delay = delay);
    }

    /// Closes every connection, and each new one at once, until [`Proxy::pass`].
    pub fn cut(&self) {
        self.line.change(|state| {
            state.passing = Passing::Closed;
            state.close_all();
        });
    }

    /// Keeps connections open and lets nothing through, until [`Proxy::pass`]; what was sent meanwhile comes then.
    pub fn black_hole(&self) {
        self.line.change(|state| state.passing = Passing::Nothing);
    }

    /// Lets everything through again.
    pub fn pass(&self) {
        self.line.change(|state| state.passing = Passing::All);
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.line.state().open.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.change(|state| {
            state.passing = Passing::Ended;
            state.close_all();
        });
        // Wakes the thread that waits for a connection, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn close_all(&mut self) {
        for end in std::mem::take(&mut self.open).into_values().flatten() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits for the time at which a chunk may go on; false where it never may.
    fn wait(&self, read_at: Instant) -> bool {
        let mut state = self.state();
        loop {
            let left = (read_at + state.delay).saturating_duration_since(Instant::now());
            state = match state.passing {
                Passing::Closed | Passing::Ended => return false,
                Passing::All if left.is_zero() => return true,
                Passing::All => {
                    self.changed.wait_timeout(state, left).map_or_else(|e| e.into_inner().0, |w| w.0)
                }
                Passing::Nothing => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

fn accept(listener: &TcpListener, line: &Arc<Line>) {
    loop {
        let Ok((client, _)) = listener.accept() else { return };
        let (target, passing, open) = {
            let state = line.state();
            (state.target.clone(), state.passing, state.open.len())
        };
        match passing {
            Passing::Ended => return,
            Passing::Closed => continue,
            _ if open >= CONNECTIONS_MAX => continue,
            // A target that is down is a connection closed at once, as without a proxy.
            Passing::All | Passing::Nothing => drop(join(client, &target, line)),
        }
    }
}

/// Connects the client to the target, with two threads for each direction: one reads on while the other waits.
fn join(client: TcpStream, target: &str, line: &Arc<Line>) -> Result<()> {
    let address: SocketAddr = target.parse().map_err(|_| crate::wire::bad("no address"))?;
    let server = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
    }
    let number = {
        let mut state = line.state();
        state.next += 1;
        let number = state.next;
        state.open.insert(number, [client.try_clone()?, server.try_clone()?]);
        number
    };
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let (send, receive) = sync_channel(CHUNKS_MAX);
        let line = Arc::clone(line);
        std::thread::spawn(move || take_in(from, &send));
        std::thread::spawn(move || {
            give_out(&receive, to, &line);
            line.state().open.remove(&number);
        });
    }
    Ok(())
}

fn take_in(mut from: TcpStream, send: &SyncSender<(Instant, Vec<u8>)>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        let bytes = chunk.get(..count).unwrap_or_default().to_vec();
        if send.send((Instant::now(), bytes)).is_err() {
            return;
        }
    }
}

/// Ends with one direction's end, which ends the other.
fn give_out(receive: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream, line: &Line) {
    while let Ok((read_at, bytes)) = receive.recv() {
        if !line.wait(read_at) || to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
