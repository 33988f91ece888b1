//! The first release, from the components that come with the program.

use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use ringside_core::Failure;
use ringside_ports::releases::{OnFailure, Release, Slot};

use super::{Releaser, failed, refused};

/// Components of the bundle in the order of the chain; others follow by name.
const ORDER: [&str; 4] = ["throttle-standard", "words", "links", "repetition"];
/// Who published a release that no operator asked for.
const BY: &str = "bundle";

/// The folder of components that comes with the program.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    folder: PathBuf,
}

struct Found {
    path: PathBuf,
    file: Bytes,
    signature: String,
}

impl Bundle {
    /// The `components` folder of a bundle.
    pub(crate) fn new(bundle: &Path) -> Self {
        Self { folder: bundle.join("components") }
    }

    /// Public keys that came with the bundle: whoever installed it trusts them, as it trusts the program.
    pub(crate) fn public_keys(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut keys: Vec<PathBuf> = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "pub"))
            .collect();
        keys.sort();
        keys.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    fn components(&self) -> Result<Vec<Found>, Failure> {
        let missing = |detail: String| {
            refused(format!(
                "{detail}; `cargo xtask components` builds the bundle, and `--bundle DIR` says where it is"
            ))
        };
        let entries = std::fs::read_dir(&self.folder)
            .map_err(|error| missing(format!("no components in `{}`: {error}", self.folder.display())))?;
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
            .collect();
        let rank = |path: &PathBuf| {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            (ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len()), name)
        };
        paths.sort_by_key(rank);
        if paths.is_empty() {
            return Err(missing(format!("no components in `{}`", self.folder.display())));
        }
        paths
            .into_iter()
            .map(|path| {
                let mut signature = path.clone().into_os_string();
                signature.push(".minisig");
                let read = |path: &Path| {
                    std::fs::read(path)
                        .map_err(|error| missing(format!("`{}` cannot be read: {error}", path.display())))
                };
                Ok(Found {
                    file: read(&path)?.into(),
                    signature: String::from_utf8_lossy(&read(Path::new(&signature))?).into_owned(),
                    path,
                })
            })
            .collect()
    }
}

impl Releaser {
    /// Publishes the first release from the bundle.
    pub(super) async fn seed(&self, bundle: &Bundle) -> Result<(), Failure> {
        let started = Instant::now();
        let mut slots = Vec::new();
        for found in bundle.components()? {
            slots.push(self.slot(&found).await?);
        }
        self.change(0, slots, "the components that came with the program".into(), BY, started).await?;
        Ok(())
    }

    /// Takes over what was built anew since, in slots that still hold the bundle's component. For development.
    pub(super) async fn upgrade(&self, bundle: &Bundle, release: Release) -> Result<(), Failure> {
        let started = Instant::now();
        let stored = self.releases.components().await.map_err(|error| failed(&error))?;
        let from_bundle =
            |slot: &Slot| stored.iter().any(|entry| entry.digest == slot.component && entry.by == BY);
        let mut slots = release.slots.clone();
        for found in bundle.components()? {
            let new = self.slot(&found).await?;
            match slots.iter_mut().find(|slot| slot.name == new.name) {
                Some(slot) if from_bundle(slot) => slot.component = new.component,
                // What an operator pushed stays, and so does what an operator removed.
                _ => {}
            }
        }
        if slots != release.slots {
            let note = "components were built anew".into();
            self.change(release.number, slots, note, BY, started).await?;
        }
        Ok(())
    }

    async fn slot(&self, found: &Found) -> Result<Slot, Failure> {
        let entry = self.store(&found.file, &found.signature, None, BY).await.map_err(|failure| Failure {
            detail: format!("`{}`: {}", found.path.display(), failure.detail),
            ..failure
        })?;
        Ok(Slot {
            name: entry.name,
            world: entry.world,
            component: entry.digest,
            config: String::new(),
            // A rule that breaks holds its comment: a moderator decides, nothing slips through.
            on_failure: OnFailure::Hold,
        })
    }
}
