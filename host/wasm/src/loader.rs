//! From a component's file to a component whose imports are resolved: inspected, compiled or found in the cache,
//! and linked with what the host offers.

use std::path::Path;

use ringside_ports::releases::Digest;
use wasmtime::component::{Component as Code, HasSelf, InstancePre, Linker};

use crate::bindings::throttle::ringside::edge::host;
use crate::cache::{Cache, CacheError};
use crate::compiler::Compiler;
use crate::digest::digest_of;
use crate::engine::Runtime;
use crate::guest::GuestState;
use crate::inspect::{InspectError, Inspected, inspect};
use crate::native;

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LoadError {
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the file is {found}, not {expected}: fetch it again")]
    WrongDigest { found: Digest, expected: Digest },
    #[error("component {0} is neither compiled here nor given: fetch its file")]
    Absent(Digest),
    #[error("it cannot be linked: {0}")]
    Link(String),
}

/// Loads components for one engine.
pub(crate) struct Loader {
    pub(crate) runtime: Runtime,
    cache: Cache,
}

impl Loader {
    /// # Errors
    /// [`CacheError`].
    pub(crate) fn new(runtime: Runtime, folder: &Path, compiler: Compiler) -> Result<Self, CacheError> {
        let cache = Cache::open(folder, &runtime.engine, compiler)?;
        Ok(Self { runtime, cache })
    }

    /// True when a component can be loaded without its file.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        matches!(self.cache.find(digest), Ok(Some(_)))
    }

    /// Loads a component: from the cache, or else from its file.
    ///
    /// # Errors
    /// [`LoadError`].
    pub(crate) fn load(
        &self,
        digest: &Digest,
        file: Option<&[u8]>,
    ) -> Result<InstancePre<GuestState>, LoadError> {
        if let Some(code) = self.cache.find(digest)? {
            match native::take_over(&self.runtime.engine, &code) {
                Ok(code) => return self.link(&code),
                Err(error) => {
                    tracing::warn!(%digest, "machine code does not fit and will be made anew: {error:#}");
                }
            }
        }
        let file = file.ok_or_else(|| LoadError::Absent(digest.clone()))?;
        let found = digest_of(file);
        if found != *digest {
            return Err(LoadError::WrongDigest { found, expected: digest.clone() });
        }
        inspect(file)?;
        let code = self.cache.compile(digest, file)?;
        let code = native::take_over(&self.runtime.engine, &code)
            .map_err(|error| LoadError::Link(format!("{error:#}")))?;
        self.link(&code)
    }

    /// Looks at a file and loads it.
    ///
    /// # Errors
    /// [`LoadError`].
    pub(crate) fn inspect(
        &self,
        file: &[u8],
    ) -> Result<(Inspected, Digest, InstancePre<GuestState>), LoadError> {
        let inspected = inspect(file)?;
        let digest = digest_of(file);
        let component = self.load(&digest, Some(file))?;
        Ok((inspected, digest, component))
    }

    /// Our own interface is there; WASI's functions, which `inspect` let pass, trap when called.
    fn link(&self, code: &Code) -> Result<InstancePre<GuestState>, LoadError> {
        let mut linker: Linker<GuestState> = Linker::new(&self.runtime.engine);
        host::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)
            .and_then(|()| linker.define_unknown_imports_as_traps(code))
            .and_then(|()| linker.instantiate_pre(code))
            .map_err(|error| LoadError::Link(format!("{error:#}")))
    }
}
