//! People who talk through everything: posters who try again until they are answered, viewers who reconnect and resume,
//! and an account of what each was told and saw.
//!
//! What must hold whatever is killed meanwhile: every acknowledged comment is seen by every viewer, once, in one order
//! for all, and every gap is announced.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::pop::Pop;

/// A connection on which nothing came for this long is given up, as the protocol page tells clients: the server pings
/// every 25 to 30 s.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// Time for the last comments to reach everyone once all is well again: resuming after [`SILENCE_MAX`] included.
const REST_MAX: Duration = Duration::from_secs(90);
/// Who has seen all that was acknowledged listens for so long after the last comment, for what nobody was told of.
const QUIET: Duration = Duration::from_secs(2);
/// Wait before a host that refused is tried again.
const PAUSE: Duration = Duration::from_millis(100);
/// A request that is not answered for this long is made again: longer than the host's own bounds.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A host, as people find it.
#[derive(Debug, Clone)]
struct Door {
    address: String,
    token: String,
}

/// Everybody.
pub struct Talk {
    stop: Arc<AtomicBool>,
    /// Ids of acknowledged comments by stream.
    accepted: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    /// Comments that each viewer has seen so far.
    seen: Arc<Mutex<Vec<usize>>>,
    posters: Vec<JoinHandle<()>>,
    viewers: Vec<(String, JoinHandle<Vec<String>>)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Account {
    /// Comments by stream in the order in which all viewers saw them.
    pub said: BTreeMap<String, Vec<String>>,
}

impl Account {
    /// Comments on all streams.
    #[must_use]
    pub fn count(&self) -> usize {
        self.said.values().map(Vec::len).sum()
    }
}

impl Talk {
    /// On each stream one viewer on each host, and one poster who says something every `pace`, on each host in turn.
    #[must_use]
    pub fn begin(hosts: &[&Pop], streams: &[&str], pace: Duration) -> Self {
        let doors: Arc<[Door]> = hosts
            .iter()
            .map(|host| {
                // Who moderates may say as much as they like.
                Door { address: host.address().to_owned(), token: host.token("talker", "moderator") }
            })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let accepted: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
        let seen = Arc::new(Mutex::new(vec![0; streams.len() * hosts.len()]));
        // Nobody speaks before everybody listens.
        let listening = Arc::new(Barrier::new(streams.len() * hosts.len() + 1));
        let mut viewers = Vec::new();
        for (number, stream) in streams.iter().flat_map(|stream| vec![stream; hosts.len()]).enumerate() {
            let viewer = Viewer {
                doors: doors.clone(),
                at: number % hosts.len(),
                number,
                stream: (*stream).to_owned(),
                stop: stop.clone(),
                accepted: accepted.clone(),
                seen: seen.clone(),
                listening: listening.clone(),
            };
            viewers.push(((*stream).to_owned(), std::thread::spawn(move || viewer.run())));
        }
        listening.wait();
        let posters = streams.iter().enumerate().map(|(number, stream)| {
            let poster = Poster {
                doors: doors.clone(),
                number,
                stream: (*stream).to_owned(),
                stop: stop.clone(),
                accepted: accepted.clone(),
            };
            std::thread::spawn(move || poster.run(pace))
        });
        Self { posters: posters.collect(), stop, accepted, seen, viewers }
    }

    /// Acknowledged comments so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().values().map(Vec::len).sum()
    }

    /// Waits until so many more comments were acknowledged.
    pub fn go_on_for(&self, comments: usize) {
        let wanted = self.accepted() + comments;
        crate::eventually("comments to be acknowledged", || (self.accepted() >= wanted).then_some(()));
    }

    /// Waits until every viewer saw so many more comments.
    pub fn watch_for(&self, comments: usize) {
        let wanted: Vec<usize> = self.seen.lock().unwrap().iter().map(|seen| seen + comments).collect();
        crate::eventually("every viewer to see more", || {
            self.seen.lock().unwrap().iter().zip(&wanted).all(|(seen, wanted)| seen >= wanted).then_some(())
        });
    }

    /// Ends the posting, waits until every viewer saw all of it, and holds what they saw against what was acknowledged.
    ///
    /// # Panics
    /// When something was lost, seen twice, or seen in another order.
    #[must_use]
    pub fn end(self) -> Account {
        self.stop.store(true, Ordering::SeqCst);
        for poster in self.posters {
            poster.join().unwrap();
        }
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (stream, viewer) in self.viewers {
            let saw = viewer.join().unwrap();
            let before = said.entry(stream.clone()).or_insert_with(|| saw.clone());
            assert_eq!(*before, saw, "two viewers of `{stream}` saw different things, or in another order");
        }
        for (stream, accepted) in self.accepted.lock().unwrap().iter() {
            let saw: HashSet<&String> = said[stream].iter().collect();
            assert_eq!(saw.len(), said[stream].len(), "something was seen twice on `{stream}`");
            let missing: Vec<&String> = accepted.iter().filter(|id| !saw.contains(id)).collect();
            assert!(missing.is_empty(), "acknowledged on `{stream}` and never seen: {missing:?}");
            // More may have been said than was acknowledged: an answer that was lost on its way, and never asked again.
        }
        Account { said }
    }
}

struct Poster {
    doors: Arc<[Door]>,
    number: usize,
    stream: String,
    stop: Arc<AtomicBool>,
    accepted: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Poster {
    /// Says one thing after the other; each until it is answered, under the same reference on whichever host answers.
    fn run(&self, pace: Duration) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .http_status_as_error(false)
            .build()
            .into();
        let mut at = self.number;
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let reference = format!("p{}-{n}", self.number);
            let body =
                json!({ "text": format!("number {n} of poster {}", self.number), "reference": reference });
            let began = Instant::now();
            let id = loop {
                let door = &self.doors[at % self.doors.len()];
                match self.post(&agent, door, &body) {
                    Ok(id) => break id,
                    Err(why) => {
                        assert!(began.elapsed() < REST_MAX, "never answered: {why}");
                        at += 1;
                        std::thread::sleep(PAUSE);
                    }
                }
            };
            self.accepted.lock().unwrap().entry(self.stream.clone()).or_default().push(id);
            at += 1;
            std::thread::sleep(pace);
        }
    }

    fn post(&self, agent: &ureq::Agent, door: &Door, body: &Value) -> Result<String, String> {
        let url = format!("http://{}/v1/streams/{}/comments", door.address, self.stream);
        let request = agent.post(url).header("authorization", format!("Bearer {}", door.token));
        let mut answer = request.send_json(body).map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        match status {
            // 200: it was said before, under this reference.
            200 | 201 => {
                let body: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
                Ok(body["id"].as_str().ok_or(text)?.to_owned())
            }
            502..=504 | 500 | 429 => Err(format!("{status} {text}")),
            _ => panic!("{url} answered {status} {text}", url = door.address),
        }
    }
}

struct Viewer {
    doors: Arc<[Door]>,
    at: usize,
    number: usize,
    stream: String,
    stop: Arc<AtomicBool>,
    accepted: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    seen: Arc<Mutex<Vec<usize>>>,
    listening: Arc<Barrier>,
}

impl Viewer {
    fn run(mut self) -> Vec<String> {
        let mut saw: Vec<String> = Vec::new();
        let mut position: Option<String> = None;
        let mut stopped: Option<Instant> = None;
        let mut last = Instant::now();
        loop {
            let door = self.doors[self.at % self.doors.len()].clone();
            let Some((mut client, joined)) =
                Client::try_join(&door.address, &door.token, &self.stream, position.as_deref())
            else {
                self.at += 1;
                std::thread::sleep(PAUSE);
                self.check_rest(&saw, stopped);
                continue;
            };
            if position.is_some() {
                assert_eq!(joined["resumed"], "recovered", "viewer {} of `{}`", self.number, self.stream);
            } else {
                // Nothing was said before these came.
                assert_eq!(joined["history"], json!([]), "viewer {} of `{}`", self.number, self.stream);
                position.clone_from(&client.position);
                self.listening.wait();
            }
            let mut heard = Instant::now();
            while client.closed.is_none() && heard.elapsed() < SILENCE_MAX {
                for event in client.drain(Duration::from_millis(20)) {
                    heard = Instant::now();
                    assert!(event["type"] != "left_out", "something was sampled out: {event}");
                    if event["type"] == "comment" {
                        last = Instant::now();
                        saw.push(event["id"].as_str().unwrap().to_owned());
                    }
                }
                position.clone_from(&client.position);
                self.seen.lock().unwrap()[self.number] = saw.len();
                if self.stop.load(Ordering::SeqCst) {
                    stopped.get_or_insert_with(Instant::now);
                    if self.has_all(&saw) && last.elapsed() > QUIET {
                        return saw;
                    }
                    self.check_rest(&saw, stopped);
                }
            }
            self.at += 1;
        }
    }

    /// All that was acknowledged.
    fn has_all(&self, saw: &[String]) -> bool {
        let accepted = self.accepted.lock().unwrap();
        let Some(accepted) = accepted.get(&self.stream) else { return true };
        let saw: HashSet<&String> = saw.iter().collect();
        accepted.iter().all(|id| saw.contains(id))
    }

    fn check_rest(&self, saw: &[String], stopped: Option<Instant>) {
        assert!(
            stopped.is_none_or(|stopped| stopped.elapsed() < REST_MAX),
            "viewer {} of `{}` saw {} and never the rest",
            self.number,
            self.stream,
            saw.len()
        );
    }
}
