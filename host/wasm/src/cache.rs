//! The cache of machine code: a private folder of files by component digest and engine.
//!
//! Nothing is taken from it but what this host compiled: the folder is its user's alone, and beside each file
//! stands its SHA-256. A file that does not fit it (a torn write, a failing disk) is compiled anew.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ringside_ports::releases::Digest;
use wasmtime::Engine;

use crate::compiler::{CompileError, Compiler};
use crate::digest::{digest_of, is_digest};
use crate::limits;
use crate::native::OwnCode;

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CacheError {
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: String, source: std::io::Error },
    #[error(
        "the folder {path} belongs to another user: give a folder of this user's own for compiled components"
    )]
    NotOurs { path: String },
    #[error("`{0}` is not the SHA-256 of a component: expected 64 hexadecimal digits")]
    NotADigest(String),
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    engine: u64,
    compiler: Compiler,
}

/// Tells the temporary files of this process apart, also where several hosts share a folder.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What wasmtime says makes machine code fit an engine.
pub(crate) fn engine_hash(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

impl Cache {
    /// Opens the folder, making it where there is none.
    ///
    /// # Errors
    /// [`CacheError`] when it cannot be made, or is another user's.
    pub(crate) fn open(folder: &Path, engine: &Engine, compiler: Compiler) -> Result<Self, CacheError> {
        let path = || folder.display().to_string();
        let file =
            |action| move |source| CacheError::File { action, path: folder.display().to_string(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file("make"))?;
        let meta = fs::metadata(folder).map_err(file("look at"))?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(CacheError::NotOurs { path: path() });
        }
        if meta.mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
                .map_err(file("close to others"))?;
        }
        let cache = Self { folder: folder.to_owned(), engine: engine_hash(engine), compiler };
        cache.prune();
        Ok(cache)
    }

    /// Where the machine code of a component is kept.
    pub(crate) fn path_of(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", self.engine))
    }

    /// The machine code of a component, if it is here and whole.
    ///
    /// # Errors
    /// [`CacheError::NotADigest`].
    pub(crate) fn find(&self, digest: &Digest) -> Result<Option<OwnCode>, CacheError> {
        if !is_digest(digest) {
            return Err(CacheError::NotADigest(digest.0.chars().take(80).collect()));
        }
        let path = self.path_of(digest);
        let (Ok(code), Ok(expected)) = (fs::read(&path), fs::read_to_string(sum_of(&path))) else {
            return Ok(None);
        };
        if digest_of(&code).0 != expected.trim() {
            tracing::warn!(path = %path.display(), "a compiled component is damaged and will be compiled anew");
            return Ok(None);
        }
        // Used now: what is used longest ago is pruned first.
        if let Ok(file) = fs::File::open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(Some(OwnCode(code)))
    }

    /// Compiles a component and keeps its machine code.
    ///
    /// # Errors
    /// [`CacheError`]; nothing is kept then.
    pub(crate) fn compile(&self, digest: &Digest, component: &[u8]) -> Result<OwnCode, CacheError> {
        if !is_digest(digest) {
            return Err(CacheError::NotADigest(digest.0.chars().take(80).collect()));
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!("{}-{number}.tmp", std::process::id()));
        let (input, output) = (temporary.with_extension("in.tmp"), temporary.with_extension("out.tmp"));
        let result = self.compile_to(digest, component, &input, &output);
        for leftover in [&input, &output] {
            let _ = fs::remove_file(leftover);
        }
        self.prune();
        result
    }

    fn compile_to(
        &self,
        digest: &Digest,
        component: &[u8],
        input: &Path,
        output: &Path,
    ) -> Result<OwnCode, CacheError> {
        let file = |action, path: &Path| {
            let path = path.display().to_string();
            move |source| CacheError::File { action, path, source }
        };
        fs::write(input, component).map_err(file("write", input))?;
        self.compiler.compile(input, output)?;
        let code = fs::read(output).map_err(file("read", output))?;
        let path = self.path_of(digest);
        let sum = sum_of(&path);
        // Code first, sum last: in between the old sum does not fit, and the file counts as damaged.
        fs::rename(output, &path).map_err(file("write", &path))?;
        fs::write(input, digest_of(&code).0).map_err(file("write", input))?;
        fs::rename(input, &sum).map_err(file("write", &sum))?;
        Ok(OwnCode(code))
    }

    /// Deletes what is used longest ago past [`limits::CACHE_FILES_MAX`], and what a crash left behind.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let modified =
                entry.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("cwasm") => kept.push((modified, path)),
                Some("tmp") if modified.elapsed().is_ok_and(|age| age > limits::COMPILE_TIME_MAX * 2) => {
                    let _ = fs::remove_file(path);
                }
                _ => {}
            }
        }
        kept.sort();
        for (_, path) in kept.iter().take(kept.len().saturating_sub(limits::CACHE_FILES_MAX)) {
            let _ = fs::remove_file(path);
            let _ = fs::remove_file(sum_of(path));
        }
    }
}

fn sum_of(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compiling_engine;

    #[test]
    fn the_folder_is_closed_to_others_and_digests_cannot_leave_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let engine = compiling_engine().unwrap();
        let cache = Cache::open(&path, &engine, Compiler::InProcess).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let outside = Digest("../outside".into());
        assert!(matches!(cache.find(&outside), Err(CacheError::NotADigest(_))));
        assert!(matches!(cache.compile(&outside, b""), Err(CacheError::NotADigest(_))));
    }

    #[test]
    fn what_was_used_longest_ago_is_pruned_first() {
        let folder = tempfile::tempdir().unwrap();
        let engine = compiling_engine().unwrap();
        let cache = Cache::open(folder.path(), &engine, Compiler::InProcess).unwrap();
        let now = SystemTime::now();
        let digests: Vec<Digest> =
            (0..=limits::CACHE_FILES_MAX).map(|i| digest_of(&i.to_le_bytes())).collect();
        for (age, digest) in (0u64..).zip(&digests) {
            let path = cache.path_of(digest);
            fs::write(&path, b"code").unwrap();
            fs::write(sum_of(&path), digest_of(b"code").0).unwrap();
            let at = now - std::time::Duration::from_secs(1_000 - age);
            fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        }
        assert!(cache.find(&digests[0]).unwrap().is_some(), "using it makes it the newest");
        cache.prune();
        assert!(cache.find(&digests[0]).unwrap().is_some());
        assert!(cache.find(&digests[1]).unwrap().is_none());
        assert!(cache.find(&digests[2]).unwrap().is_some());
    }
}
