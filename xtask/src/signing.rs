//! Signs components with a key of this machine, so that a development PoP takes them by the same door as any other.

use std::fs::OpenOptions;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use minisign::{KeyPair, PError, PublicKey, SecretKey, SecretKeyBox, SignatureBox};

use crate::failure::{Failure, OnFile, Result};

/// The file name, without its end, of the pair in the cache's `keys` folder.
const NAME: &str = "development";
const COMMENT: &str = "ringside development key of this machine: never trust it elsewhere";

/// A password-less minisign key pair, made once and kept in the cache.
pub(crate) struct DevelopmentKey {
    public: PublicKey,
    secret: SecretKey,
    /// The public half's file.
    pub(crate) public_file: PathBuf,
}

impl DevelopmentKey {
    /// Reads the pair in `folder`, or makes one there.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let secret_file = folder.join(format!("{NAME}.key"));
        let public_file = folder.join(format!("{NAME}.pub"));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source: PError| Failure::Key { path, source }
        };
        if !secret_file.exists() {
            std::fs::create_dir_all(folder).on_file("create", folder)?;
            let pair = KeyPair::generate_unencrypted_keypair().map_err(at(&secret_file))?;
            let text = pair.sk.to_box(Some(COMMENT)).map_err(at(&secret_file))?.into_string();
            write_private(&secret_file, &text)?;
        }
        let text = std::fs::read_to_string(&secret_file).on_file("read", &secret_file)?;
        let secret = SecretKeyBox::from_string(&text)
            .and_then(SecretKeyBox::into_unencrypted_secret_key)
            .map_err(at(&secret_file))?;
        // Derived anew each time: the two files can then never disagree.
        let public = PublicKey::from_secret_key(&secret).map_err(at(&secret_file))?;
        let text = format!("{}\n", public.to_box().map_err(at(&public_file))?.into_string().trim_end());
        write_if_changed(&public_file, text.as_bytes())?;
        Ok(Self { public, secret, public_file })
    }

    /// Puts `NAME.wasm.minisig` beside each of `files`, and leaves those that are signed already as they are.
    pub(crate) fn sign_all<'f>(&self, files: impl IntoIterator<Item = &'f PathBuf>) -> Result<()> {
        files.into_iter().try_for_each(|file| self.sign(file))
    }

    fn sign(&self, file: &Path) -> Result<()> {
        let content = std::fs::read(file).on_file("read", file)?;
        let signature_file = signature_of(file);
        if self.has_signed(&content, &signature_file) {
            return Ok(());
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let signature = minisign::sign(
            Some(&self.public),
            &self.secret,
            Cursor::new(&content),
            Some(&name),
            Some(COMMENT),
        )
        .map_err(|source| Failure::Key { path: self.public_file.clone(), source })?;
        std::fs::write(&signature_file, signature.into_string()).on_file("write", &signature_file)
    }

    fn has_signed(&self, content: &[u8], signature_file: &Path) -> bool {
        std::fs::read_to_string(signature_file)
            .ok()
            .and_then(|text| SignatureBox::from_string(&text).ok())
            .is_some_and(|signature| {
                minisign::verify(&self.public, &signature, Cursor::new(content), true, false, false).is_ok()
            })
    }
}

/// The signature's file of a component's file.
pub(crate) fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// Writes `content` unless the file holds it already, and says whether it wrote.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if std::fs::read(path).is_ok_and(|present| present == content) {
        return Ok(false);
    }
    std::fs::write(path, content).on_file("write", path)?;
    Ok(true)
}

#[cfg(unix)]
fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).on_file("create", path)?;
    file.write_all(text.as_bytes()).on_file("write", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::PublicKeyBox;

    fn signed(folder: &Path, content: &[u8]) -> (DevelopmentKey, PathBuf) {
        let key = DevelopmentKey::in_folder(&folder.join("keys")).unwrap();
        let file = folder.join("words.wasm");
        std::fs::write(&file, content).unwrap();
        key.sign_all([&file]).unwrap();
        (key, file)
    }

    #[test]
    fn a_signed_component_verifies_and_a_changed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = signed(folder.path(), b"component");
        assert!(key.has_signed(b"component", &signature_of(&file)));
        assert!(!key.has_signed(b"Component", &signature_of(&file)));
    }

    #[test]
    fn the_pair_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (first, file) = signed(folder.path(), b"component");
        let second = DevelopmentKey::in_folder(&folder.path().join("keys")).unwrap();
        assert_eq!(first.public, second.public);
        assert!(second.has_signed(b"component", &signature_of(&file)));
        let text = std::fs::read_to_string(&second.public_file).unwrap();
        let read_back = PublicKeyBox::from_string(&text).unwrap().into_public_key().unwrap();
        assert_eq!(read_back, first.public);
    }

    #[test]
    fn a_signature_that_still_holds_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = signed(folder.path(), b"component");
        let before = std::fs::read(signature_of(&file)).unwrap();
        key.sign_all([&file]).unwrap();
        assert_eq!(std::fs::read(signature_of(&file)).unwrap(), before);
        std::fs::write(&file, b"another").unwrap();
        key.sign_all([&file]).unwrap();
        assert_ne!(std::fs::read(signature_of(&file)).unwrap(), before);
    }

    #[test]
    fn only_its_owner_can_read_the_secret_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        DevelopmentKey::in_folder(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join("development.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
