//! Reading what is older than the end in memory: a few consumers, each of one partition at a time, which go on where
//! they stopped when the next call asks for what follows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::log::Record;
use tokio::sync::Semaphore;

use crate::client::{self, ANSWER_MAX, Consumer, Reporter, aside};
use crate::failure;
use crate::options::KafkaOptions;
use crate::tail::{Partition, offset, record};

/// Consumers at most, each with threads and memory of its own. A host that starts has all its partitions read from
/// their groups' places; with four at a time and some ten milliseconds a call that is done in seconds.
const READERS_MAX: usize = 4;
/// How long a call waits for one of them.
const TURN_MAX: Duration = Duration::from_secs(1);
/// How long is waited for more where there is something to answer with.
const MORE_MAX: Duration = Duration::from_millis(250);
/// A consumer that was not asked for so long stops fetching ahead.
const REST: Duration = Duration::from_secs(5);
/// How long a probe waits behind damage for a record that can be read.
const PROBE_MAX: Duration = Duration::from_millis(500);

/// The consumers that are at rest.
pub(crate) struct CatchUp {
    options: KafkaOptions,
    resting: Mutex<Vec<Reader>>,
    turns: Arc<Semaphore>,
    /// True while a task looks for those that fetch what nobody asks for.
    looked_for: AtomicBool,
}

/// What one call asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) partition: Partition,
    pub(crate) from: u64,
    pub(crate) max_records: usize,
    pub(crate) max_bytes: usize,
}

impl CatchUp {
    pub(crate) fn new(options: &KafkaOptions) -> Self {
        let turns = Arc::new(Semaphore::new(READERS_MAX));
        Self {
            options: options.clone(),
            resting: Mutex::default(),
            turns,
            looked_for: AtomicBool::new(false),
        }
    }

    /// Records from an offset on, up to the partition's end; none when there are none.
    pub(crate) async fn read(self: &Arc<Self>, wanted: Wanted) -> PortResult<Vec<Record>> {
        let Ok(Ok(turn)) = tokio::time::timeout(TURN_MAX, self.turns.clone().acquire_owned()).await else {
            let detail = format!("{READERS_MAX} reads of older records are under way already: try again");
            let busy = PortError::new(PortErrorKind::Busy, "log.read", detail);
            return Err(busy.after(failure::BUSY_RETRY_AFTER));
        };
        let all = self.clone();
        let reads = move || {
            let _turn = turn;
            let mut reader = all.reader(&wanted)?;
            let read = reader.read(&wanted);
            all.resting.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            read
        };
        let read = tokio::task::spawn_blocking(reads).await;
        self.look_later();
        read.unwrap_or_else(|error| Err(failure::unavailable("log.read", error.to_string())))
    }

    /// The one that stands where it is wanted, or any, or a new one.
    fn reader(&self, wanted: &Wanted) -> PortResult<Reader> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = resting.iter().position(|reader| reader.stands_at(wanted)) {
            return Ok(resting.swap_remove(at));
        }
        if let Some(any) = resting.pop() {
            return Ok(any);
        }
        let consumer = client::catch_up(&self.options).create_with_context(Reporter::default());
        let consumer: Consumer = consumer.map_err(|error| failure::of("log.read", "no consumer", &error))?;
        Ok(Reader { consumer, at: None, ahead: None, rested_at: Instant::now() })
    }

    /// Looks after a while for those that rest, until none of them fetches any more.
    fn look_later(self: &Arc<Self>) {
        if self.looked_for.swap(true, Ordering::AcqRel) {
            return;
        }
        let all = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REST).await;
                let Some(all) = all.upgrade() else { return };
                let mut resting = all.resting.lock().unwrap_or_else(PoisonError::into_inner);
                resting.iter_mut().filter(|one| one.rested_at.elapsed() >= REST).for_each(Reader::leave);
                if resting.iter().all(|one| one.at.is_none()) {
                    all.looked_for.store(false, Ordering::Release);
                    return;
                }
            }
        });
    }
}

impl Drop for CatchUp {
    fn drop(&mut self) {
        aside(std::mem::take(&mut *self.resting.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}

struct Reader {
    consumer: Consumer,
    /// What it fetches, and the next offset it gives.
    at: Option<(Partition, u64)>,
    /// A record that came and did not fit into the last answer.
    ahead: Option<Record>,
    rested_at: Instant,
}

/// What a poll brought.
enum Came {
    Record(Record),
    End,
    Damage,
    Nothing(Option<KafkaError>),
}

impl Reader {
    fn stands_at(&self, wanted: &Wanted) -> bool {
        self.at
            .as_ref()
            .is_some_and(|(partition, next)| *partition == wanted.partition && *next == wanted.from)
    }

    fn leave(&mut self) {
        self.ahead = None;
        if self.at.take().is_some() {
            // It ends with the client or with the next assignment at the latest.
            let _ = self.consumer.unassign();
        }
    }

    fn go_to(&mut self, partition: &Partition, from: u64) -> KafkaResult<()> {
        self.ahead = None;
        self.at = None;
        self.consumer.assign(&partition.list(offset(from))?)?;
        self.at = Some((partition.clone(), from));
        Ok(())
    }

    /// What comes next within a time.
    fn next(&mut self, within: Duration) -> Came {
        if let Some(ahead) = self.ahead.take() {
            return Came::Record(ahead);
        }
        let Some((partition, next)) = &mut self.at else { return Came::End };
        let last = Instant::now() + within;
        let mut failure = None;
        loop {
            let left = last.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    let record = record(&message);
                    // What an earlier assignment had fetched is not what is asked for.
                    if message.partition() == partition.number
                        && message.topic() == &*partition.topic
                        && record.offset >= *next
                    {
                        *next = record.offset + 1;
                        return Came::Record(record);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(number))) if number == partition.number => {
                    return Came::End;
                }
                Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::BadMessage))) => {
                    return Came::Damage;
                }
                Some(Err(error)) => failure = Some(error),
                None => {}
            }
            if left.is_zero() {
                return Came::Nothing(failure);
            }
        }
    }

    fn read(&mut self, wanted: &Wanted) -> PortResult<Vec<Record>> {
        let failed = |error: KafkaError| failure::of("log.read", &wanted.place(), &error);
        if !self.stands_at(wanted) {
            self.go_to(&wanted.partition, wanted.from).map_err(failed)?;
        }
        let mut records: Vec<Record> = Vec::new();
        let mut bytes = 0;
        let last = Instant::now() + ANSWER_MAX;
        while records.len() < wanted.max_records.max(1) {
            let within =
                if records.is_empty() { last.saturating_duration_since(Instant::now()) } else { MORE_MAX };
            match self.next(within) {
                Came::Record(record) => {
                    bytes += record.key.len() + record.payload.len();
                    if bytes > wanted.max_bytes && !records.is_empty() {
                        if let Some((_, next)) = &mut self.at {
                            *next = record.offset;
                        }
                        self.ahead = Some(record);
                        break;
                    }
                    records.push(record);
                }
                Came::End => {
                    // The end is followed elsewhere.
                    self.leave();
                    break;
                }
                Came::Damage if records.is_empty() => return Err(self.damaged(wanted)),
                Came::Damage => {
                    // The next call begins with it.
                    self.leave();
                    break;
                }
                Came::Nothing(error) if records.is_empty() => {
                    self.leave();
                    let reason = error.or_else(|| self.consumer.context().last().map(|(error, _)| error));
                    let seconds = ANSWER_MAX.as_secs();
                    let detail = format!("{}: nothing came within {seconds} s", wanted.place());
                    let failure = failure::unavailable("log.read", detail);
                    return Err(match reason {
                        Some(reason) => failure.because(reason),
                        None => failure,
                    });
                }
                Came::Nothing(_) => break,
            }
        }
        self.rested_at = Instant::now();
        Ok(records)
    }

    /// The error for damaged records, with the next offset that can be read.
    fn damaged(&mut self, wanted: &Wanted) -> PortError {
        let resume_at = self.behind_damage(wanted);
        self.leave();
        let detail = format!(
            "{}: the brokers' copy is damaged, its checksum is wrong; restore the partition from another copy",
            wanted.place()
        );
        let failure = PortError::new(PortErrorKind::Corrupt, "log.read", detail);
        match resume_at {
            Some(at) => failure.resuming_at(at),
            None => failure,
        }
    }

    /// The least offset behind damage at `wanted.from` that can be read, or the partition's end. A damaged batch does
    /// not say how many records it had: where nothing readable follows it in the same fetch, it is searched for.
    fn behind_damage(&mut self, wanted: &Wanted) -> Option<u64> {
        let Partition { topic, number } = &wanted.partition;
        let (_, end) = self.consumer.fetch_watermarks(topic, *number, ANSWER_MAX).ok()?;
        let end = u64::try_from(end).ok()?;
        let (mut damaged, mut step) = (wanted.from, 1u64);
        let mut whole = loop {
            let at = wanted.from.saturating_add(step);
            if at >= end {
                break end;
            }
            match self.probe(&wanted.partition, at)? {
                Some(readable) if readable > at => return Some(readable),
                Some(_) => break at,
                None => (damaged, step) = (at, step.saturating_mul(2)),
            }
        };
        while damaged + 1 < whole {
            let at = damaged + (whole - damaged) / 2;
            match self.probe(&wanted.partition, at)? {
                Some(readable) if readable > at => return Some(readable),
                Some(_) => whole = at,
                None => damaged = at,
            }
        }
        Some(whole)
    }

    /// The first offset that can be read from `from` on; none inside where there is only damage.
    fn probe(&mut self, partition: &Partition, from: u64) -> Option<Option<u64>> {
        self.go_to(partition, from).ok()?;
        let mut damage = 0;
        loop {
            match self.next(PROBE_MAX) {
                Came::Record(record) => return Some(Some(record.offset)),
                Came::End => return Some(None),
                // The same batch comes again for as long as nothing readable follows it.
                Came::Damage if damage > 0 => return Some(None),
                Came::Damage => damage += 1,
                Came::Nothing(_) => return None,
            }
        }
    }
}

impl Wanted {
    fn place(&self) -> String {
        format!("{}/{} from offset {} on", self.partition.topic, self.partition.number, self.from)
    }
}
