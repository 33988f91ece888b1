//! Files and folders that survive a crash whole: written under another name, synced, renamed.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Ends the name of a file that is not whole yet.
pub(crate) const DRAFT: &str = "draft";

/// Replaces a file so that after a crash there is the old one or the new one, never half of one: not even an empty
/// one, which a rename without a sync leaves behind on some file systems.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path, bytes)?;
    std::fs::rename(&draft, path).inspect_err(|_| discard(&draft))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Writes a file beside `path`, synced, under a name that nobody else draws: two may write at once.
pub(crate) fn draft(path: &Path, bytes: &[u8]) -> io::Result<std::path::PathBuf> {
    let draft = path.with_extension(format!("{:016x}.{DRAFT}", fastrand::u64(..)));
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    // What is left of it would take space that a full disk needs.
    written.inspect_err(|_| discard(&draft))?;
    Ok(draft)
}

/// Removes a draft; one that stays is removed with the next [`discard_drafts`].
pub(crate) fn discard(draft: &Path) {
    let _ = std::fs::remove_file(draft);
}

/// Removes what a crash left half-written.
pub(crate) fn discard_drafts(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == DRAFT) {
            discard(&path);
        }
    }
    Ok(())
}

/// Makes a folder, durably: a synced file in a folder whose own name was never synced may be gone after a power cut.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folder(parent)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent.unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
