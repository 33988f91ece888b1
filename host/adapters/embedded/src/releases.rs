//! Components as files named by their digest, releases as files named by their number. A release's file is made
//! with a name that must not exist yet: of two at once, one is told.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ringside_ports::error::{PortError, PortErrorKind, PortResult};
use ringside_ports::releases::{ComponentEntry, Digest, Release};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::database::blocking;
use crate::{OpenError, files};

/// Components and releases in two folders.
pub(crate) struct FileReleases(Arc<Folders>);

struct Folders {
    components: PathBuf,
    releases: PathBuf,
    newest: watch::Sender<u64>,
    _lock: Arc<File>,
}

fn unavailable(operation: &'static str, path: &Path, error: io::Error) -> PortError {
    let detail = format!("`{}` cannot be used", path.display());
    PortError::new(PortErrorKind::Unavailable, operation, detail).because(error)
}

fn digest_of(file: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(file).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Only hexadecimal digits ever become a file's name.
fn checked<'a>(digest: &'a Digest, operation: &'static str) -> PortResult<&'a str> {
    let is_digest = digest.0.len() == 64 && digest.0.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_digest {
        return Ok(&digest.0);
    }
    let shown: String = digest.0.chars().take(80).collect();
    Err(PortError::new(PortErrorKind::Invalid, operation, format!("`{shown}` is no SHA-256 in hexadecimal")))
}

impl FileReleases {
    /// Opens or makes the folders, in a folder that `lock` holds.
    ///
    /// # Errors
    /// [`OpenError::Folder`].
    pub(crate) fn open(folder: &Path, lock: Arc<File>) -> Result<Self, OpenError> {
        let (components, releases) = (folder.join("components"), folder.join("releases"));
        for path in [&components, &releases] {
            files::make_folder(path)
                .and_then(|()| files::discard_drafts(path))
                .map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        }
        let opened = Folders { components, releases, newest: watch::Sender::new(0), _lock: lock };
        let numbers = opened.numbers().map_err(|error| OpenError::Folder {
            path: opened.releases.clone(),
            source: io::Error::other(error),
        })?;
        opened.newest.send_replace(numbers.first().copied().unwrap_or(0));
        Ok(Self(Arc::new(opened)))
    }

    /// Runs work on files on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Folders) -> PortResult<T> + Send + 'static,
    ) -> PortResult<T> {
        let folders = self.0.clone();
        blocking(operation, move || work(&folders)).await
    }
}

impl Folders {
    /// Numbers of all releases, newest first.
    fn numbers(&self) -> PortResult<Vec<u64>> {
        let entries = std::fs::read_dir(&self.releases)
            .map_err(|error| unavailable("releases.history", &self.releases, error))?;
        let mut numbers: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok())
            .collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    fn release(&self, number: u64) -> PortResult<Release> {
        let path = self.releases.join(format!("{number}.json"));
        let bytes = std::fs::read(&path).map_err(|error| unavailable("releases.history", &path, error))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let detail = format!("`{}` is not a release", path.display());
            PortError::new(PortErrorKind::Corrupt, "releases.history", detail).because(error)
        })
    }

    fn entry(&self, digest: &Digest) -> PortResult<ComponentEntry> {
        let name = checked(digest, "releases.component")?;
        let path = self.components.join(format!("{name}.json"));
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PortError::new(
                PortErrorKind::NotFound,
                "releases.component",
                format!("no component has digest {name}"),
            ),
            _ => unavailable("releases.component", &path, error),
        })?;
        let damaged = || format!("`{}` is not the entry of that component: push it again", path.display());
        let corrupt = |detail| PortError::new(PortErrorKind::Corrupt, "releases.component", detail);
        let entry: ComponentEntry =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(damaged()).because(error))?;
        if entry.digest == *digest { Ok(entry) } else { Err(corrupt(damaged())) }
    }

    fn store(&self, entry: &ComponentEntry, file: &[u8]) -> PortResult<()> {
        let name = checked(&entry.digest, "releases.store")?;
        let found = digest_of(file);
        if found != name {
            let detail = format!("the file has digest {found}, the entry says {name}");
            return Err(PortError::new(PortErrorKind::Invalid, "releases.store", detail));
        }
        match self.component(&entry.digest) {
            Ok(_) => return Ok(()),
            // What is damaged is mended by storing it again.
            Err(error) if matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Corrupt) => {}
            Err(error) => return Err(error),
        }
        let file_path = self.components.join(format!("{name}.wasm"));
        files::replace(&file_path, file).map_err(|error| unavailable("releases.store", &file_path, error))?;
        let entry_path = self.components.join(format!("{name}.json"));
        let bytes = serde_json::to_vec_pretty(&entry)
            .map_err(|error| unavailable("releases.store", &entry_path, io::Error::other(error)))?;
        // The entry comes last: a component without one was never stored.
        files::replace(&entry_path, &bytes).map_err(|error| unavailable("releases.store", &entry_path, error))
    }

    fn component(&self, digest: &Digest) -> PortResult<(ComponentEntry, Bytes)> {
        let entry = self.entry(digest)?;
        let path = self.components.join(format!("{}.wasm", entry.digest));
        let gone = |detail| PortError::new(PortErrorKind::Corrupt, "releases.component", detail);
        let file = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                gone(format!("`{}` is gone: push the component again", path.display()))
            }
            _ => unavailable("releases.component", &path, error),
        })?;
        if digest_of(&file) == entry.digest.0 {
            return Ok((entry, file.into()));
        }
        Err(gone(format!("`{}` no longer has its digest: push the component again", path.display())))
    }

    fn components(&self) -> PortResult<Vec<ComponentEntry>> {
        let entries = std::fs::read_dir(&self.components)
            .map_err(|error| unavailable("releases.components", &self.components, error))?;
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(digest) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                found.push(self.entry(&Digest(digest.to_owned()))?);
            }
        }
        found.sort_by(|a: &ComponentEntry, b| b.at_ms.cmp(&a.at_ms).then_with(|| a.digest.cmp(&b.digest)));
        Ok(found)
    }

    fn publish(&self, release: &Release) -> PortResult<()> {
        for slot in &release.slots {
            self.entry(&slot.component)?;
        }
        let newest = self.numbers()?.first().copied().unwrap_or(0);
        let conflict = |detail: String| PortError::new(PortErrorKind::Conflict, "releases.publish", detail);
        if release.number != newest + 1 {
            return Err(conflict(format!(
                "the newest release is {newest}, so the next is not {}",
                release.number
            )));
        }
        let path = self.releases.join(format!("{}.json", release.number));
        let failed = |error| unavailable("releases.publish", &path, error);
        let bytes = serde_json::to_vec_pretty(&release).map_err(|error| failed(io::Error::other(error)))?;
        let draft = files::draft(&path, &bytes).map_err(failed)?;
        // A link fails where the name is taken; a rename would replace the other's release.
        let linked = std::fs::hard_link(&draft, &path);
        files::discard(&draft);
        linked.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                conflict(format!("release {} was published in between", release.number))
            }
            _ => failed(error),
        })?;
        // One that may be gone after a power cut was not published.
        files::sync_folder(&self.releases).inspect_err(|_| files::discard(&path)).map_err(failed)?;
        self.newest.send_if_modified(|newest| {
            let is_newer = release.number > *newest;
            *newest = (*newest).max(release.number);
            is_newer
        });
        Ok(())
    }
}

#[async_trait]
impl ringside_ports::Releases for FileReleases {
    async fn store(&self, entry: ComponentEntry, file: Bytes) -> PortResult<()> {
        self.run("releases.store", move |folders| folders.store(&entry, &file)).await
    }

    async fn component(&self, digest: &Digest) -> PortResult<(ComponentEntry, Bytes)> {
        let digest = digest.clone();
        self.run("releases.component", move |folders| folders.component(&digest)).await
    }

    async fn components(&self) -> PortResult<Vec<ComponentEntry>> {
        self.run("releases.components", Folders::components).await
    }

    async fn publish(&self, release: Release) -> PortResult<()> {
        self.run("releases.publish", move |folders| folders.publish(&release)).await
    }

    async fn history(&self, most: usize) -> PortResult<Vec<Release>> {
        self.run("releases.history", move |folders| {
            folders.numbers()?.into_iter().take(most).map(|number| folders.release(number)).collect()
        })
        .await
    }

    async fn wait_after(&self, after: u64) -> PortResult<Release> {
        let mut newest = self.0.newest.subscribe();
        let number = *newest.wait_for(|newest| *newest > after).await.map_err(|_| {
            PortError::new(PortErrorKind::Unavailable, "releases.wait_after", "the releases are closed")
        })?;
        self.run("releases.wait_after", move |folders| folders.release(number)).await
    }
}
