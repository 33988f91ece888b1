//! What the edge's tests share: ports in memory, with the faults that tests ask for, and a client of raw sockets.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

pub mod client;
pub mod codecs;
pub mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringside_core::{HostId, RegionId, Role};
use ringside_edge::auth::{AuthOptions, Claims, Verifier, sign};
use ringside_edge::{Edge, EdgeConfig, Services, Timings, now_ms};

pub use client::Client;
pub use codecs::JsonCodecs;
pub use world::World;

/// Longest wait for anything that must happen.
pub const WAIT: Duration = Duration::from_secs(60);

const SECRET: &[u8] = b"a secret of the edge's tests, 32+";

/// An edge on loopback with everything behind it in memory.
pub struct Stage {
    pub edge: Option<Edge>,
    pub world: Arc<World>,
    pub codecs: Arc<JsonCodecs>,
    pub runtime: tokio::runtime::Runtime,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn timed(change: impl FnOnce(&mut Timings)) -> Self {
        Self::with(|config| change(&mut config.timings))
    }

    pub fn with(change: impl FnOnce(&mut EdgeConfig)) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = Arc::new(World::default());
        let codecs = Arc::new(JsonCodecs::default());
        let options = AuthOptions { secret: Some(SECRET.to_vec()), ..AuthOptions::default() };
        let services = Services {
            codecs: codecs.clone(),
            comments: world.clone(),
            log: world.clone(),
            relay: world.clone(),
            store: world.clone(),
            audit: world.clone(),
            directory: world.clone(),
            verifier: Arc::new(Verifier::new(&options).unwrap()),
            region: RegionId::new("local").unwrap(),
            host: HostId::new("test").unwrap(),
            traces: ringside_ports::Traces::off(),
            runtime: runtime.handle().clone(),
        };
        let mut config = EdgeConfig::new("127.0.0.1:0".parse().unwrap());
        config.shards = 2;
        change(&mut config);
        let edge = Edge::start(config, &services, |_| axum::Router::new()).unwrap();
        Self { edge: Some(edge), world, codecs, runtime }
    }

    pub fn edge(&self) -> &Edge {
        self.edge.as_ref().unwrap()
    }

    /// A connection without compression, nothing sent yet.
    pub fn connect(&self) -> Client {
        Client::connect(self.edge().address())
    }

    /// A signed-in member of a stream.
    pub fn member(&self, user: &str, stream: &str) -> Client {
        self.member_as(user, Role::Viewer, stream)
    }

    pub fn member_as(&self, user: &str, role: Role, stream: &str) -> Client {
        let mut client = self.connect();
        client.sign_in(&token(user, role));
        client.join(stream);
        client
    }

    /// Something is published on behalf of another user.
    pub fn say(&self, stream: &str, user: &str, text: &str) {
        self.runtime.block_on(self.world.say(stream, user, text));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(edge) = self.edge.take() {
            self.runtime.block_on(edge.shutdown());
        }
    }
}

pub fn token(user: &str, role: Role) -> String {
    token_for(user, role, 3_600_000)
}

/// A token that ends in so many milliseconds, rounded to seconds.
pub fn token_for(user: &str, role: Role, ms: u64) -> String {
    let claims = Claims {
        sub: user.to_owned(),
        name: None,
        role,
        member: false,
        streams: None,
        exp: (now_ms() + ms).div_ceil(1_000),
        nbf: None,
        iss: None,
        aud: None,
    };
    sign(&claims, SECRET).unwrap()
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < WAIT, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
