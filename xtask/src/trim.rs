//! Keeps the cache bounded: a clone at another path builds the workspace's own crates beside those of all clones before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::context::Context;
use crate::failure::{OnFile, Result};
use crate::workspace::Workspace;

/// Past this the oldest builds of our own crates go. A whole build is about 4 GB, so two or three clones fit.
const TARGET_BYTES_MAX: u64 = 12_000_000_000;
/// The folders of a profile that hold one entry for each build of a crate.
const UNIT_FOLDERS: [&str; 4] = ["deps", ".fingerprint", "incremental", "build"];

/// What one build of one crate left behind.
#[derive(Debug, Default)]
struct Unit {
    paths: Vec<PathBuf>,
    bytes: u64,
    newest: Option<SystemTime>,
}

/// Drops the oldest builds of the workspace's own crates until the target folder is within its bound.
/// What is dropped by mistake is built again; what others download is never touched.
pub(crate) fn target(context: &Context) -> Result<()> {
    let crates = Workspace::read(context, &context.places.root)?.crate_names();
    for profile in ["debug", "release"] {
        let freed = folder(&context.places.target.join(profile), &crates, TARGET_BYTES_MAX)?;
        if freed > 0 {
            context
                .console
                .say(format_args!("      {} MB of older builds dropped from the cache", freed / 1_000_000));
        }
    }
    Ok(())
}

fn folder(profile: &Path, crates: &[String], bytes_max: u64) -> Result<u64> {
    let mut total = 0;
    let mut units: BTreeMap<(String, String), Unit> = BTreeMap::new();
    for name in UNIT_FOLDERS {
        let folder = profile.join(name);
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).on_file("list", &folder)? {
            let path = entry.on_file("list", &folder)?.path();
            let (bytes, newest) = size(&path)?;
            total += bytes;
            if let Some(key) = unit_of(&path).filter(|(name, _)| crates.contains(name)) {
                let unit = units.entry(key).or_default();
                unit.paths.push(path);
                unit.bytes += bytes;
                unit.newest = unit.newest.max(newest);
            }
        }
    }
    let mut units: Vec<Unit> = units.into_values().collect();
    units.sort_by_key(|unit| unit.newest);
    let mut freed = 0;
    for unit in units {
        if total - freed <= bytes_max {
            break;
        }
        for path in &unit.paths {
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
            removed.on_file("remove", path)?;
        }
        freed += unit.bytes;
    }
    Ok(freed)
}

/// Crate and build of an entry: `libringside_core-0a1b.rlib` and `ringside-core-0a1b` are (`ringside_core`, `0a1b`).
fn unit_of(path: &Path) -> Option<(String, String)> {
    let stem = path.file_name()?.to_str()?.split('.').next()?;
    let (name, build) = stem.rsplit_once('-')?;
    let name = name.replace('-', "_");
    let name = match name.strip_prefix("lib") {
        Some(library) if path.extension().is_some_and(|end| end != "d" && end != "o") => library.to_owned(),
        _ => name,
    };
    Some((name, build.to_owned()))
}

/// Bytes and newest change of a file, or of all below a folder.
fn size(path: &Path) -> Result<(u64, Option<SystemTime>)> {
    let meta = path.symlink_metadata().on_file("look at", path)?;
    if !meta.is_dir() {
        return Ok((meta.len(), meta.modified().ok()));
    }
    let mut sum = (0, meta.modified().ok());
    for entry in std::fs::read_dir(path).on_file("list", path)? {
        let (bytes, newest) = size(&entry.on_file("list", path)?.path())?;
        sum = (sum.0 + bytes, sum.1.max(newest));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn entries_of_one_build_are_found_in_all_folders() {
        for (entry, unit) in [
            ("deps/libringside_core-0a.rlib", Some(("ringside_core", "0a"))),
            ("deps/libringside_core-0a.rmeta", Some(("ringside_core", "0a"))),
            ("deps/ringside_core-0a.d", Some(("ringside_core", "0a"))),
            ("deps/ringside_core-0a", Some(("ringside_core", "0a"))),
            (".fingerprint/ringside-core-0a", Some(("ringside_core", "0a"))),
            ("deps/plain", None),
        ] {
            let unit = unit.map(|(name, build)| (name.to_owned(), build.to_owned()));
            assert_eq!(unit_of(Path::new(entry)), unit, "{entry}");
        }
    }

    #[test]
    fn the_oldest_build_of_our_own_goes_first_and_others_crates_stay() {
        let root = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        for (entry, age_s) in [
            ("deps/libours-01.rlib", 300),
            (".fingerprint/ours-01/invoked", 300),
            ("deps/libours-02.rlib", 200),
            ("deps/libtheirs-03.rlib", 900),
        ] {
            let path = root.path().join(entry);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, [0; 1_000]).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age_s)).unwrap();
        }
        // A folder's own age is that of its newest entry's making: set it back, too.
        let folder_of = root.path().join(".fingerprint/ours-01");
        std::fs::File::open(&folder_of).unwrap().set_modified(now - Duration::from_secs(300)).unwrap();

        let ours = ["ours".to_owned()];
        assert_eq!(folder(root.path(), &ours, 4_000).unwrap(), 0);
        assert_eq!(folder(root.path(), &ours, 3_999).unwrap(), 2_000);
        for (entry, stays) in [
            ("deps/libours-01.rlib", false),
            (".fingerprint/ours-01", false),
            ("deps/libours-02.rlib", true),
            ("deps/libtheirs-03.rlib", true),
        ] {
            assert_eq!(root.path().join(entry).exists(), stays, "{entry}");
        }
        // Nothing of ours is left to drop: others' crates stay even over the bound.
        assert_eq!(folder(root.path(), &ours, 0).unwrap(), 1_000);
        assert!(root.path().join("deps/libtheirs-03.rlib").exists());
    }
}
