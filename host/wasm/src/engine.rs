//! The wasmtime engine: what is compiled in, how much there may be of everything, and the clock of deadlines.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits;

/// Generations whose instances are alive at once: the current, the previous, the next, and one that is let go.
const GENERATIONS_ALIVE: u32 = 4;
/// Instances beside the workers': components being checked, and fresh ones that replace broken ones.
const INSTANCES_SPARE: u32 = 32;
/// Core modules in one component: a Rust guest has 3 (itself and two shims), a Python guest about 20.
const CORE_INSTANCES_PER_COMPONENT: u32 = 32;
/// Memories and tables in one component; a Python guest shares one memory over its libraries.
const MEMORIES_PER_COMPONENT: u32 = 2;
/// See [`MEMORIES_PER_COMPONENT`]; shims bring a table of their own.
const TABLES_PER_COMPONENT: u32 = 4;

/// How the machine code is made. Serving and compiling processes must agree on all of it.
fn code_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(limits::STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(NonZeroUsize::new(limits::BACKTRACE_FRAMES_MAX));
    config
}

/// The engine of a serving process, whose instances live in a pool that is laid out once: making one
/// takes microseconds, and there cannot be more than were reckoned with.
///
/// # Errors
/// When the machine lacks the address space or wasmtime does not know it.
pub(crate) fn serving_engine(workers: usize) -> wasmtime::Result<Engine> {
    let places = u32::try_from(workers.saturating_mul(limits::SLOTS_MAX)).unwrap_or(u32::MAX);
    let instances = places.saturating_mul(GENERATIONS_ALIVE).saturating_add(INSTANCES_SPARE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(3))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .max_memory_size(limits::MEMORY_BYTES_MAX);
    let mut config = code_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// The engine of a compiling process: the same code, no pool.
///
/// # Errors
/// When wasmtime does not know the machine.
pub(crate) fn compiling_engine() -> wasmtime::Result<Engine> {
    Engine::new(&code_config())
}

/// What instances need to run: the engine, and the clock of their deadlines.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
}

/// The clock of deadlines: one thread that moves the engine's epoch on while a call is in flight, and rests while
/// there is none, so that an idle host does not wake up a thousand times a second.
pub(crate) struct Clock {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    calls: AtomicUsize,
    epochs: AtomicU64,
    stop: AtomicBool,
}

/// While one is held, epochs pass.
pub(crate) struct Ticking<'a>(&'a Shared);

impl Clock {
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, seen) = (engine.clone(), shared.clone());
        let thread = std::thread::Builder::new().name("epoch".into()).spawn(move || {
            while !seen.stop.load(Ordering::Acquire) {
                if seen.calls.load(Ordering::Acquire) == 0 {
                    // Whoever begins the first call wakes it; one that did so just before is not missed.
                    std::thread::park();
                    continue;
                }
                // A delayed wake-up moves the epoch once, so a busy machine lengthens deadlines.
                std::thread::sleep(limits::EPOCH_TICK);
                engine.increment_epoch();
                seen.epochs.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Epochs that passed: time as deadlines see it, which slows down with the machine.
    pub(crate) fn epochs(&self) -> u64 {
        self.shared.epochs.load(Ordering::Relaxed)
    }

    /// Lets epochs pass until the guard is dropped.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        if self.shared.calls.fetch_add(1, Ordering::AcqRel) == 0
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Ticking(&self.shared)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::engine_hash;

    #[test]
    fn a_compiling_process_makes_code_that_a_serving_one_takes() {
        let (serving, compiling) = (serving_engine(3).unwrap(), compiling_engine().unwrap());
        assert_eq!(engine_hash(&serving), engine_hash(&compiling));
    }
}
