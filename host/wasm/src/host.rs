//! The component host as the composition root sees it: started, given releases, asked through two ports, stopped.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ringside_core::Generation as Number;
use ringside_ports::releases::{Digest, Release};
use ringside_ports::{Codecs, Policy};
use tokio::sync::watch;

use crate::cache::CacheError;
use crate::chain::Chain;
use crate::check::{CheckError, Checked, check};
use crate::codecs::CodecPool;
use crate::compiler::Compiler;
use crate::engine::{Clock, Runtime, serving_engine};
use crate::generations::{AutomaticRollback, Generations, SwapError};
use crate::loader::Loader;
use crate::metrics::Metrics;
use crate::prepare::{PrepareError, Prepared, Preparer};
use crate::status::{Status, status};

/// Threads that judge: two keep 200,000 comments/s, which is more than a host's sockets bring.
pub const WORKERS: usize = 2;
/// Threads that encode and decode: each message is encoded once for a room, so one keeps a host busy.
pub const CODEC_WORKERS: usize = 1;
/// Most threads of one kind: each has an instance of every component, whose memory is reserved.
pub const WORKERS_MAX: usize = 32;

/// How a component host is set up.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Threads that judge, 1 to [`WORKERS_MAX`].
    pub workers: usize,
    /// Threads that encode and decode, 1 to [`WORKERS_MAX`].
    pub codec_workers: usize,
    /// Where compiled components are kept; this user's alone.
    pub cache_dir: PathBuf,
    /// Who compiles.
    pub compiler: Compiler,
}

impl HostOptions {
    /// The defaults, with a place for compiled components.
    #[must_use]
    pub fn new(cache_dir: &Path, compiler: Compiler) -> Self {
        Self { workers: WORKERS, codec_workers: CODEC_WORKERS, cache_dir: cache_dir.to_owned(), compiler }
    }
}

/// Why a component host does not start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum StartError {
    #[error("{name} is {value}: give 1 to {WORKERS_MAX}")]
    Workers { name: &'static str, value: usize },
    #[error(
        "the WebAssembly engine does not start: {0} (each worker reserves 4 GiB of address space a slot; is \
             `ulimit -v` set?)"
    )]
    Engine(String),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Runs components: judges, admits, plans, encodes and decodes with the release that was published last.
pub struct ComponentHost {
    chain: Arc<Chain>,
    codecs: Arc<CodecPool>,
    generations: Arc<Generations>,
    loader: Arc<Loader>,
    metrics: Metrics,
    workers: usize,
    codec_workers: usize,
}

impl ComponentHost {
    /// Starts the threads. Nothing is judged until a release is published.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(options: &HostOptions, metrics: &Metrics) -> Result<Self, StartError> {
        let HostOptions { workers, codec_workers, .. } = *options;
        for (name, value) in [("workers", workers), ("codec_workers", codec_workers)] {
            if !(1..=WORKERS_MAX).contains(&value) {
                return Err(StartError::Workers { name, value });
            }
        }
        let engine = serving_engine(workers + codec_workers)
            .map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let clock = Arc::new(Clock::start(&engine)?);
        let loader =
            Arc::new(Loader::new(Runtime { engine, clock }, &options.cache_dir, options.compiler.clone())?);
        let generations = Arc::new(Generations::new(metrics.clone()));
        let chain = Arc::new(Chain::start(workers, &generations, metrics)?);
        let codecs = Arc::new(CodecPool::start(codec_workers, &generations, metrics)?);
        let metrics = metrics.clone();
        Ok(Self { chain, codecs, generations, loader, metrics, workers, codec_workers })
    }

    /// Checks a component as publishing it would, without publishing. Blocks for as long as compiling takes.
    ///
    /// # Errors
    /// [`CheckError`], the first thing that is wrong.
    pub fn check(&self, file: &[u8], config: &str) -> Result<Checked, CheckError> {
        check(&self.loader, file, config)
    }

    /// Components of a release whose files [`ComponentHost::prepare`] needs: those that are not at work and not
    /// compiled here.
    #[must_use]
    pub fn missing(&self, release: &Release) -> Vec<Digest> {
        let wanted: BTreeSet<&Digest> = release.slots.iter().map(|slot| &slot.component).collect();
        wanted.into_iter().filter(|digest| !self.loader.has(digest)).cloned().collect()
    }

    /// Makes a release ready, off the hot path: compiles what is new, makes and tests an instance on every worker.
    /// What runs meanwhile is not disturbed. `files` must have those that [`ComponentHost::missing`] names, and
    /// may have all.
    ///
    /// # Errors
    /// [`PrepareError`] names the slot.
    pub async fn prepare(
        &self,
        release: &Release,
        files: &HashMap<Digest, Bytes>,
    ) -> Result<Prepared, PrepareError> {
        let (loader, metrics) = (self.loader.clone(), self.metrics.clone());
        let (workers, codec_workers) = (self.workers, self.codec_workers);
        let alive: Vec<_> =
            self.generations.current().into_iter().chain(self.generations.previous()).collect();
        let (release, files) = (release.clone(), files.clone());
        let task = tokio::task::spawn_blocking(move || {
            let (loader, metrics, files) = (&*loader, &metrics, &files);
            Preparer { loader, metrics, workers, codec_workers, alive, files, loaded: 0 }.prepare(&release)
        });
        task.await.map_err(|_| PrepareError::Ended)?
    }

    /// Lets a prepared generation take over at each worker's next batch. The one before stays warm.
    ///
    /// # Errors
    /// [`SwapError::NotNewer`].
    pub fn publish(&self, prepared: &Prepared) -> Result<(), SwapError> {
        self.generations.publish(prepared.number, prepared.slots.clone())
    }

    /// Publishes the previous generation's slots under a new number, at once: its instances are still warm.
    ///
    /// # Errors
    /// [`SwapError`].
    pub fn rollback(&self, number: Number) -> Result<(), SwapError> {
        self.generations.rollback(number)
    }

    /// Changes when the host went back to the previous generation by itself. Whoever keeps the releases records
    /// that as a release of its own, with a new number.
    #[must_use]
    pub fn automatic_rollbacks(&self) -> watch::Receiver<Option<AutomaticRollback>> {
        self.generations.rollbacks()
    }

    /// The port that judges.
    #[must_use]
    pub fn policy(&self) -> Arc<dyn Policy> {
        self.chain.clone()
    }

    /// The port that encodes and decodes.
    #[must_use]
    pub fn codecs(&self) -> Arc<dyn Codecs> {
        self.codecs.clone()
    }

    /// What runs.
    #[must_use]
    pub fn status(&self) -> Status {
        status(self.generations.current().as_deref(), self.generations.previous().as_deref())
    }

    /// Judges what waits, ends the threads and takes all instances down. Later calls of the ports fail with
    /// `Unavailable`. Blocks until the threads ended.
    pub fn shutdown(&self) {
        self.chain.stop();
        self.codecs.stop();
        self.generations.clear();
    }
}

impl Drop for ComponentHost {
    fn drop(&mut self) {
        self.shutdown();
    }
}
