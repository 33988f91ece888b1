//! Every bound of the component host in one place, each with its reason.

use std::time::Duration;

/// Time between two epochs: the resolution of deadlines. A shorter one costs wake-ups, a longer one accuracy.
pub const EPOCH_TICK: Duration = Duration::from_millis(1);
/// Longest call of a warm instance, in epochs (50 ms). Measured: 5 ms fires falsely nine times in 199,000 calls on
/// a busy machine, 20 ms still does during warm-up.
pub const CALL_TICKS_MAX: u64 = 50;
/// Longest first call of any kind (describe, configure, examples), in epochs (2 s): lists are parsed there.
pub const START_TICKS_MAX: u64 = 2_000;
/// How often an instance is tried on its own examples when it misses a deadline there. Seen on two cores that compiled
/// beside it: the first try of the word list failed at a load of 6, and with it the host's start.
pub const SELF_TESTS_MAX: u32 = 5;
/// Longest configuring of an instance that replaces a broken one, in epochs (250 ms): comments wait meanwhile.
pub const RESTART_TICKS_MAX: u64 = 250;
/// Memory of one instance, in bytes: a JavaScript guest with its heap needs 12 MB.
pub const MEMORY_BYTES_MAX: usize = 16 << 20;
/// Elements of one table of an instance: a Python guest has 10,000 functions in its table.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Stack of one call, in bytes; worker threads have [`WORKER_STACK_BYTES`].
pub const STACK_BYTES_MAX: usize = 512 << 10;
/// Stack of a thread that calls guests, in bytes: the guest's, and as much again for the host beneath it.
pub const WORKER_STACK_BYTES: usize = 2 << 20;
/// What one answer of a guest may make the host allocate, in bytes. Lists in a guest's memory may overlap, so
/// its memory cap alone does not bound them.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Frames of a trap's backtrace: enough to see where, and a deep recursion costs no more.
pub const BACKTRACE_FRAMES_MAX: usize = 16;

/// Largest component file, in bytes; Python guests have 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 32 << 20;
/// Longest configuration of a slot, in bytes: 20,000 words with their languages.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Slots of one release: each has an instance on every worker.
pub const SLOTS_MAX: usize = 24;
/// Examples of one component that are run as its self-test; further ones are an error.
pub const EXAMPLES_MAX: usize = 4_096;
/// Longest compiling of one component: a JavaScript guest takes 12 s, on a busy machine five times that.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(120);
/// Address space of the compiling process, in bytes, so that a hostile file cannot eat the machine.
pub const COMPILE_MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Compiled components kept on disk; the ones used longest ago go first. Some 100 KB to 30 MB each.
pub const CACHE_FILES_MAX: usize = 128;

/// Most comments judged in one call. Measured: from 64 on the boundary's share no longer falls, the wait grows.
pub const BATCH_COMMENTS_MAX: usize = 64;
/// Comments that wait for the chain: 20 ms of work at 200,000 comments/s; more would only be waiting.
pub const CHAIN_QUEUE_MAX: usize = 4_096;
/// Messages and frames that wait for the codecs: 5 ms of work at 0.6 µs each.
pub const CODEC_QUEUE_MAX: usize = 8_192;
/// Most frames or messages in one call of a codec.
pub const BATCH_FRAMES_MAX: usize = 64;
/// Most comments within the messages of one encoding call, unless one message has more by itself: at 500 four-byte
/// characters each 2.2 MB go in and three times that comes out, well within the memory cap.
pub const BATCH_ENCODED_COMMENTS_MAX: usize = 1_024;
/// When a caller who found a queue full may try again: time to work off a quarter of it.
pub const BUSY_RETRY: Duration = Duration::from_millis(5);

/// Epochs spent on judging a broken batch comment by comment, for one slot (400 ms). What is not judged by then
/// gets the slot's policy. Eight endless loops in one batch; traps cost microseconds and never reach it.
pub const ISOLATION_TICKS_MAX: u64 = 8 * CALL_TICKS_MAX;
/// Batches that a component may break within [`INCIDENT_WINDOW`] before the chain goes back to the previous
/// generation, where that has another component.
pub const INCIDENTS_MAX: usize = 5;
/// The sliding window of [`INCIDENTS_MAX`] and [`INCIDENT_LOSS_MAX`].
pub const INCIDENT_WINDOW: Duration = Duration::from_secs(10);
/// Incidents remembered: at 10 ms each they reach [`INCIDENT_LOSS_MAX`], cheaper ones need not be counted.
pub const INCIDENTS_KEPT: usize = 256;
/// Incidents within the window that are logged one by one; further ones are only counted.
pub const INCIDENTS_LOGGED_MAX: usize = 10;
/// Time that workers may lose on one component's incidents within [`INCIDENT_WINDOW`] before its slot is left out
/// for [`SUSPENSION`]. Endless loops reach it after twenty comments; traps, which cost microseconds, never.
pub const INCIDENT_LOSS_MAX: Duration = Duration::from_secs(2);
/// How long a component that costs too much is not called; its slot's policy holds meanwhile.
pub const SUSPENSION: Duration = Duration::from_secs(5);

/// Labels of one verdict, as the WIT package says.
pub const LABELS_MAX: usize = 8;
/// Longest name of a label, in bytes; a longer one is cut.
pub const LABEL_BYTES_MAX: usize = 64;
/// Longest reason or banner, in bytes; a longer one is cut. It goes into the log with every comment.
pub const REASON_BYTES_MAX: usize = 512;
/// Longest wait that a throttle may impose, in milliseconds: the longest slow mode, six hours.
pub const WAIT_MS_MAX: u32 = ringside_core::limits::SLOW_MODE_S_MAX * 1_000;
/// Longest line that a guest writes into the host's log, in bytes; the rest is cut (WIT package).
pub const LOG_BYTES_MAX: usize = 1_024;
/// Lines a second of one component; further ones are dropped and counted (WIT package).
pub const LOG_LINES_PER_SECOND: u32 = 100;
/// Counters of one component; further names are dropped (WIT package).
pub const COUNTERS_MAX: usize = 32;
/// Longest name of a guest's counter, in bytes; a longer one is dropped.
pub const COUNTER_NAME_BYTES_MAX: usize = 64;
/// Longest summary and version of a component, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 256;
