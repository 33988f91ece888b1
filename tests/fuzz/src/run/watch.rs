//! What a property cannot see from inside: an input that takes too long, and memory that grows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the watch looks.
const LOOK: Duration = Duration::from_millis(50);

/// What an input may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time for one input.
    pub time_max: Duration,
    /// Bytes by which the process may grow over what it had when the watch began.
    pub memory_max: u64,
}

/// Told of an input that went past a bound, with what it did. The input goes on meanwhile: a thread cannot be stopped.
pub type Alarm = Box<dyn Fn(&[u8], String) + Send>;

#[derive(Default)]
struct Now {
    began: Option<Instant>,
    input: Vec<u8>,
}

/// Watches the input that is being taken.
pub struct Watch {
    now: Arc<Mutex<Now>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch; `alarm` is called once for an input at most.
    #[must_use]
    pub fn start(bounds: Bounds, alarm: Alarm) -> Self {
        let (now, stop): (Arc<Mutex<Now>>, Arc<AtomicBool>) = Default::default();
        let (seen, ended) = (now.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let least = resident_bytes().unwrap_or(0);
            let mut told = None;
            while !ended.load(Ordering::Relaxed) {
                std::thread::park_timeout(LOOK);
                let (began, input) = {
                    let now = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(began) = now.began else { continue };
                    let slow = began.elapsed() > bounds.time_max;
                    let grown = resident_bytes().is_some_and(|bytes| bytes > least + bounds.memory_max);
                    if told == Some(began) || !(slow || grown) {
                        continue;
                    }
                    let what = if slow {
                        format!("it takes longer than {} s", bounds.time_max.as_secs_f64())
                    } else {
                        format!("the process grew by more than {} MB", bounds.memory_max >> 20)
                    };
                    (began, (now.input.clone(), what))
                };
                told = Some(began);
                alarm(&input.0, input.1);
            }
        });
        Self { now, stop, thread: Some(thread) }
    }

    /// An input begins.
    pub fn begin(&self, input: &[u8]) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.began = Some(Instant::now());
        now.input.clear();
        now.input.extend_from_slice(input);
    }

    /// It ended.
    pub fn end(&self) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).began = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// What this process has in memory; none where the system does not say.
fn resident_bytes() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
