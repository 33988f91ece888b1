//! Walks, digests and mirrors folders.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{OnFile, Result};
use crate::signing::write_if_changed;

/// All files below `folder`, sorted, without what lies in folders named in `skip`. Links are not followed.
pub(crate) fn files_below(folder: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).on_file("list", &folder)? {
            let entry = entry.on_file("list", &folder)?;
            let kind = entry.file_type().on_file("look at", &entry.path())?;
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && !skip.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A digest of the names (below `root`) and contents of `files`, in hexadecimal.
pub(crate) fn digest(root: &Path, files: &[PathBuf]) -> Result<String> {
    let mut sum = Sha256::new();
    for file in files {
        let content = std::fs::read(file).on_file("read", file)?;
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
        // Lengths first: no two lists of files then give the same bytes.
        sum.update((name.len() as u64).to_le_bytes());
        sum.update(name);
        sum.update((content.len() as u64).to_le_bytes());
        sum.update(content);
    }
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Makes `to` hold exactly the files of `from`; those that are equal already are not touched.
pub(crate) fn mirror(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).on_file("create", to)?;
    let mut kept = Vec::new();
    for file in files_below(from, &[])? {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).on_file("create", folder)?;
        }
        let content = std::fs::read(&file).on_file("read", &file)?;
        write_if_changed(&target, &content)?;
        kept.push(target);
    }
    for file in files_below(to, &[])? {
        if !kept.contains(&file) {
            std::fs::remove_file(&file).on_file("remove", &file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    fn digest_of(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        digest(folder.path(), &files_below(folder.path(), &["node_modules"]).unwrap()).unwrap()
    }

    #[test]
    fn a_digest_tells_names_and_contents_apart_but_not_places_or_skipped_folders() {
        let base = digest_of(&[("a/b.ts", "x"), ("c.ts", "")]);
        assert_eq!(base, digest_of(&[("c.ts", ""), ("a/b.ts", "x"), ("node_modules/d.js", "y")]));
        for other in [
            [("a/b.ts", "y"), ("c.ts", "")],
            [("a/b.tsx", ""), ("c.ts", "x")],
            [("a/b.ts", ""), ("c.ts", "x")],
        ] {
            assert_ne!(base, digest_of(&other), "{other:?}");
        }
    }

    #[test]
    fn a_mirror_has_the_same_files_and_no_more() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(from.path(), &[("index.html", "new"), ("assets/a.js", "a")]);
        write(to.path(), &[("index.html", "old"), ("assets/old.js", "b")]);
        mirror(from.path(), to.path()).unwrap();
        let all = |root: &Path| digest(root, &files_below(root, &[]).unwrap()).unwrap();
        assert_eq!(all(from.path()), all(to.path()));
    }
}
