//! Where things are: the repository, and the cache outside it that holds all that is built.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, OnFile, Result};

/// The folders that the verbs work with, all absolute.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    /// `$RINGSIDE_CACHE`, else `$XDG_CACHE_HOME/ringside`, else `~/.cache/ringside`.
    pub(crate) cache: PathBuf,
    /// Cargo's target folder for the workspace: `$CARGO_TARGET_DIR`, else `target` in the cache.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Reads them from the environment and makes sure that the cache can be written.
    pub(crate) fn find() -> Result<Self> {
        let places = Self::from_environment(|name| std::env::var_os(name).map(PathBuf::from))?;
        std::fs::create_dir_all(&places.cache).on_file("create the cache folder", &places.cache)?;
        Ok(places)
    }

    fn from_environment(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.as_os_str().is_empty());
        // Cargo sets it for `cargo xtask`; the built-in one serves a binary that is started by hand.
        let manifest = set("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = manifest.parent().map_or_else(|| manifest.clone(), Path::to_owned);
        let cache = match (set("RINGSIDE_CACHE"), set("XDG_CACHE_HOME"), set("HOME")) {
            (Some(cache), _, _) => cache,
            (None, Some(caches), _) => caches.join("ringside"),
            (None, None, Some(home)) => home.join(".cache/ringside"),
            (None, None, None) => {
                return Err(Failure::Usage(
                    "no cache folder: set RINGSIDE_CACHE to a folder that can be written (HOME is not set)"
                        .into(),
                ));
            }
        };
        let absolute = |path: PathBuf| if path.is_absolute() { path } else { root.join(path) };
        let cache = absolute(cache);
        let target = set("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), absolute);
        Ok(Self { root, cache, target })
    }

    /// Cargo's target folder for all guests; theirs is another workspace with another profile.
    pub(crate) fn guests_target(&self) -> PathBuf {
        self.cache.join("guests-target")
    }

    /// What `ringside serve --bundle` loads: `components/` and `web/`.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.cache.join("bundle")
    }

    /// Components that misbehave on purpose, for the tests.
    pub(crate) fn hostile(&self) -> PathBuf {
        self.cache.join("hostile")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.cache.join("keys")
    }

    pub(crate) fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// The whole output of each command of the last run.
    pub(crate) fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }

    /// A built program of the workspace.
    pub(crate) fn program(&self, profile_folder: &str, name: &str) -> PathBuf {
        self.target.join(profile_folder).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(set: &[(&str, &str)]) -> Result<Places> {
        Places::from_environment(|name| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_cache_is_the_first_of_the_three_variables_that_is_set() {
        for (set, cache) in [
            (&[("RINGSIDE_CACHE", "/c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")][..], "/c"),
            (&[("RINGSIDE_CACHE", ""), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")][..], "/x/ringside"),
            (&[("HOME", "/h")][..], "/h/.cache/ringside"),
        ] {
            let places = places(set).unwrap();
            assert_eq!(places.cache, Path::new(cache));
            assert_eq!(places.target, Path::new(cache).join("target"));
        }
    }

    #[test]
    fn without_any_variable_the_error_names_the_one_to_set() {
        assert!(places(&[]).unwrap_err().to_string().contains("RINGSIDE_CACHE"));
    }

    #[test]
    fn relative_folders_are_taken_from_the_repository() {
        let set = [("CARGO_MANIFEST_DIR", "/r/xtask"), ("RINGSIDE_CACHE", "c"), ("CARGO_TARGET_DIR", "t")];
        let places = places(&set).unwrap();
        assert_eq!(places.root, Path::new("/r"));
        assert_eq!(places.cache, Path::new("/r/c"));
        assert_eq!(places.target, Path::new("/r/t"));
    }
}
