//! Where services keep their data, and who ends them when nobody else can.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cache::Cache;
use crate::error::OnFile;
use crate::{Error, Result};

/// Waits for the end of its owner, which it notices by the end of its standard input: also after SIGKILL. Ends every
/// process that is written down below the folder and is still that one, then removes the folder.
const GUARD: &str = r#"
cat > /dev/null
find "$1" -maxdepth 3 -name process -type f | while read -r file; do
    read -r pid signal started < "$file"
    if [ -r "/proc/$pid/stat" ]; then
        read -r stat < "/proc/$pid/stat"
        set -- "$1" x ${stat##*) }
        now=${22}
    else
        now=$(echo $(ps -o lstart= -p "$pid"))
    fi
    if [ "$now" = "$started" ]; then
        kill -s "$signal" "$pid"
        kill -s CONT "$pid"
    fi
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$1" 2>/dev/null && exit 0
    sleep 1
done
"#;

/// A folder of services; a clone is the same folder.
#[derive(Debug, Clone)]
pub struct Folder {
    kind: Arc<Kind>,
    cache: Cache,
}

#[derive(Debug)]
enum Kind {
    Temporary(Temporary),
    Lasting(PathBuf),
}

impl Folder {
    /// One that is removed with its last clone. Should this process be killed, a guard ends what runs in the folder
    /// and removes it.
    pub fn temporary() -> Result<Self> {
        Self::temporary_with(Cache::find()?)
    }

    /// The same with a cache of the caller's choice.
    pub fn temporary_with(cache: Cache) -> Result<Self> {
        Ok(Self { kind: Arc::new(Kind::Temporary(Temporary::new()?)), cache })
    }

    /// One that stays, and whose services [`Server::leave`](crate::Server::leave) may outlive this process.
    pub fn lasting(path: &Path, cache: Cache) -> Result<Self> {
        fs::create_dir_all(path).on_file("create", path)?;
        let path = fs::canonicalize(path).on_file("find", path)?;
        Ok(Self { kind: Arc::new(Kind::Lasting(path)), cache })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self.kind.as_ref() {
            Kind::Temporary(temporary) => &temporary.path,
            Kind::Lasting(path) => path,
        }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The folder of one process, made where it is not there.
    pub(crate) fn of(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(&path).on_file("create", &path)?;
        Ok(path)
    }
}

#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    guard: Child,
}

impl Temporary {
    fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringside-services-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Of an earlier process with the same number whose guard was killed as well.
        if path.exists() {
            crate::set::down(&path)?;
            fs::remove_dir_all(&path).on_file("remove", &path)?;
        }
        fs::create_dir(&path).on_file("create", &path)?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::null());
        // A group of its own: Ctrl-C ends the owner, and then the guard has work to do.
        let guard = guard.stderr(Stdio::null()).process_group(0).spawn();
        let guard = guard
            .map_err(|source| Error::Process { action: "start", name: "sh".into(), source })
            .inspect_err(|_| drop(fs::remove_dir_all(&path)))?;
        Ok(Self { path, guard })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Its input ends here, and it removes the folder: one way, whether the owner ends or is killed.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
