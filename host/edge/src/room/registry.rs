//! The rooms of a host: begun at the first join, gone some time after the last leave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringside_core::error::Problem;
use ringside_core::{Failure, StreamId};
use ringside_ports::log::Topic;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::encode::Encoder;
use super::feed::Feed;
use super::log::RoomLog;
use super::{Facts, Published, REQUESTS_MAX, Ring, Room};
use crate::bell::Bell;
use crate::formats::Formats;
use crate::hub::signal::Inboxes;
use crate::metrics::Metrics;
use crate::services::Services;

/// Rooms of one host. Each takes some 20 KB when it is quiet; a host with more streams than this has too few
/// connections to watch them.
pub(super) const ROOMS_MAX: usize = 50_000;

type Ready = watch::Receiver<Option<Result<(), Failure>>>;

struct Open {
    room: Arc<Room>,
    ready: Ready,
}

struct Inner {
    services: Services,
    formats: Arc<Formats>,
    bells: Vec<Arc<Bell>>,
    inboxes: Inboxes,
    host_bytes: Arc<AtomicUsize>,
    metrics: Metrics,
    last_id: AtomicU64,
    open: Mutex<HashMap<StreamId, Open>>,
    stop: CancellationToken,
}

/// The rooms of a host. Cheap to clone.
#[derive(Clone)]
pub struct Rooms(Arc<Inner>);

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").field("open", &self.len()).finish_non_exhaustive()
    }
}

/// Keeps a room open.
#[derive(Debug)]
pub struct RoomHold(Arc<Room>);

impl std::ops::Deref for RoomHold {
    type Target = Arc<Room>;
    fn deref(&self) -> &Arc<Room> {
        &self.0
    }
}

impl RoomHold {
    fn new(room: Arc<Room>) -> Self {
        room.holds.fetch_add(1, Ordering::SeqCst);
        Self(room)
    }
}

impl Clone for RoomHold {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for RoomHold {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Rooms {
    pub(crate) fn new(
        services: Services,
        formats: Arc<Formats>,
        bells: Vec<Arc<Bell>>,
        inboxes: Inboxes,
        metrics: Metrics,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            services,
            formats,
            bells,
            inboxes,
            host_bytes: Arc::default(),
            metrics,
            last_id: AtomicU64::new(0),
            open: Mutex::default(),
            stop,
        }))
    }

    fn open_rooms(&self) -> MutexGuard<'_, HashMap<StreamId, Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn services(&self) -> &Services {
        &self.0.services
    }

    /// Rooms there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open_rooms().len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open_rooms().is_empty()
    }

    /// Bytes of all rooms' logs.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        self.0.host_bytes.load(Ordering::Relaxed)
    }

    /// Members on this host by stream; streams without any are left out.
    #[must_use]
    pub fn viewers(&self) -> Vec<(StreamId, u64)> {
        let open = self.open_rooms();
        open.values()
            .map(|open| (open.room.stream.clone(), open.room.members()))
            .filter(|(_, members)| *members > 0)
            .collect()
    }

    /// A stream's room, if it is open.
    #[must_use]
    pub fn get(&self, stream: &StreamId) -> Option<RoomHold> {
        self.open_rooms().get(stream).map(|open| RoomHold::new(open.room.clone()))
    }

    /// A stream's room, begun if need be.
    ///
    /// # Errors
    /// What [`ringside_ports::Comments::stream`] says of an id; `Unavailable` where a backend does not answer or
    /// the host has [`ROOMS_MAX`] rooms.
    pub async fn open(&self, stream: &StreamId) -> Result<RoomHold, Failure> {
        let (hold, mut ready) = {
            let mut open = self.open_rooms();
            if let Some(open) = open.get(stream) {
                (RoomHold::new(open.room.clone()), open.ready.clone())
            } else {
                if open.len() >= ROOMS_MAX {
                    let detail = format!("this host has {ROOMS_MAX} streams open: try another PoP");
                    return Err(Failure::retry(
                        Problem::Unavailable,
                        detail,
                        std::time::Duration::from_secs(5),
                    ));
                }
                let (room, ready) = self.begin(stream);
                let hold = RoomHold::new(room.clone());
                open.insert(stream.clone(), Open { room, ready: ready.clone() });
                (hold, ready)
            }
        };
        match ready.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Ok(()))) => Ok(hold),
            Ok(Some(Err(failure))) => Err(failure.clone()),
            _ => Err(Failure::retry(
                Problem::Unavailable,
                "the host is shutting down: reconnect",
                std::time::Duration::from_secs(1),
            )),
        }
    }

    fn begin(&self, stream: &StreamId) -> (Arc<Room>, Ready) {
        let Inner { services, formats, bells, inboxes, host_bytes, metrics, last_id, stop, .. } = &*self.0;
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let published = Published { log: RoomLog::new(host_bytes.clone()), next: 0, facts: Facts::default() };
        let ring = |bell: &Arc<Bell>| Ring {
            bell: bell.clone(),
            members: AtomicUsize::new(0),
            rung: false.into(),
            sweep_us: 0.into(),
        };
        let room = Arc::new(Room {
            id: last_id.fetch_add(1, Ordering::Relaxed) + 1,
            stream: stream.clone(),
            partition: services.log.partition_of(Topic::RoomEvents, stream.as_str()),
            epoch: services.log.epoch(),
            published: Mutex::new(published),
            end: watch::Sender::new(0),
            recent: Mutex::default(),
            rings: bells.iter().map(ring).collect(),
            wanted: Mutex::default(),
            requests,
            holds: AtomicUsize::new(0),
            members: AtomicU64::new(0),
            closed: false.into(),
            metrics: metrics.clone(),
        });
        let encoder = Encoder::new(services.codecs.clone(), formats.clone());
        let feed =
            Feed::new(room.clone(), services.clone(), inboxes.clone(), encoder, receiver, stop.clone());
        let (ready, receiver) = watch::channel(None);
        let rooms = self.clone();
        services.runtime.spawn(feed.run(ready, move |room| rooms.close(room)));
        (room, receiver)
    }

    /// Takes a room out, unless someone holds it by now. A room that could not begin goes whoever waits for it.
    fn close(&self, room: &Arc<Room>) -> bool {
        let mut open = self.open_rooms();
        let failed = room.closed.load(Ordering::SeqCst);
        if !failed && room.holds.load(Ordering::SeqCst) > 0 {
            return false;
        }
        if open.get(&room.stream).is_some_and(|open| open.room.id == room.id) {
            open.remove(&room.stream);
        }
        true
    }
}
