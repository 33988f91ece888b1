//! Files that are replaced whole: written under another name, synced, renamed.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces a file so that after a crash there is the old one or the new one, never half of one.
pub(crate) fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    if durable {
        file.sync_all()?;
    }
    std::fs::rename(&draft, path)?;
    if durable { sync_folder(path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
