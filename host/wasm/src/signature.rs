//! Signatures: who may bring components to this region.
//!
//! The format is minisign's: an Ed25519 signature over the file's BLAKE2b hash. A component whose key is not
//! among the region's trusted keys is refused before a byte of it is read as WebAssembly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{PublicKey, Signature};

/// A key whose signatures are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    id: String,
    key: PublicKey,
}

/// A text that is not a public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a minisign public key: give the line that begins with `RW`, or the whole .pub file")]
pub struct InvalidKey(String);

/// Why a component is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SignatureError {
    #[error("the component has no signature: sign it with `ringside component sign`")]
    Missing,
    #[error("the signature cannot be read ({0}): give the text of the .minisig file as it is")]
    Unreadable(String),
    #[error(
        "signed with key {id}, which this region does not trust (it trusts {trusted}): sign with one of those, \
             or add the public key to the region's configuration"
    )]
    UntrustedKey { id: String, trusted: String },
    #[error(
        "the signature of key {id} does not fit the file: the file or the signature was changed, sign it again"
    )]
    Damaged { id: String },
}

impl TrustedKey {
    /// Reads a public key: its base64 line, or a whole `.pub` file with its comment.
    ///
    /// # Errors
    /// [`InvalidKey`] names the text.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let invalid = || InvalidKey(text.trim().chars().take(80).collect());
        let key = PublicKey::from_base64(line).map_err(|_| invalid())?;
        let id = key_id(line).ok_or_else(invalid)?;
        Ok(Self { id, key })
    }

    /// The key's id as minisign prints it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Accepts a file whose signature is by one of the trusted keys, and returns that key's id.
///
/// # Errors
/// [`SignatureError`] says which of key, signature and file does not fit.
pub fn verify(file: &[u8], signature: &str, trusted: &[TrustedKey]) -> Result<String, SignatureError> {
    if signature.trim().is_empty() {
        return Err(SignatureError::Missing);
    }
    let parsed =
        Signature::decode(signature).map_err(|error| SignatureError::Unreadable(error.to_string()))?;
    let id = signature
        .lines()
        .nth(1)
        .and_then(key_id)
        .ok_or_else(|| SignatureError::Unreadable("its second line has no key id".into()))?;
    let mut known = false;
    for key in trusted.iter().filter(|key| key.id == id) {
        known = true;
        if key.key.verify(file, &parsed, false).is_ok() {
            return Ok(id);
        }
    }
    if known {
        return Err(SignatureError::Damaged { id });
    }
    let ids: Vec<&str> = trusted.iter().map(TrustedKey::id).collect();
    let trusted = if ids.is_empty() { "no key at all".to_owned() } else { ids.join(", ") };
    Err(SignatureError::UntrustedKey { id, trusted })
}

/// Bytes 2 to 10 of a key or signature are the key's id, least significant byte first.
fn key_id(line: &str) -> Option<String> {
    let bytes = STANDARD.decode(line.trim()).ok()?;
    let id: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    fn pair() -> (KeyPair, TrustedKey) {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let key = TrustedKey::parse(&pair.pk.to_box().unwrap().to_string()).unwrap();
        (pair, key)
    }

    fn sign(pair: &KeyPair, file: &[u8]) -> String {
        minisign::sign(Some(&pair.pk), &pair.sk, file, Some("words.wasm"), None).unwrap().into_string()
    }

    #[test]
    fn only_what_a_trusted_key_signed_is_accepted() {
        let ((ours, key), (theirs, _)) = (pair(), pair());
        let file = b"a component".as_slice();
        let signed = sign(&ours, file);
        assert_eq!(verify(file, &signed, std::slice::from_ref(&key)).unwrap(), key.id());

        let by_another = sign(&theirs, file);
        let truncated: String = signed.lines().take(2).collect::<Vec<_>>().join("\n");
        for (file, signature, part) in [
            (file, "", "has no signature"),
            (file, "  \n", "has no signature"),
            (file, "not a signature", "cannot be read"),
            (file, truncated.as_str(), "cannot be read"),
            (file, by_another.as_str(), "which this region does not trust"),
            (b"a changed component".as_slice(), signed.as_str(), "does not fit the file"),
        ] {
            let error = verify(file, signature, std::slice::from_ref(&key)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_untrusted_key_is_named_beside_the_trusted_ones() {
        let ((_, ours), (theirs, other)) = (pair(), pair());
        let signed = sign(&theirs, b"x");
        let error = verify(b"x", &signed, std::slice::from_ref(&ours)).unwrap_err().to_string();
        assert!(error.contains(other.id()) && error.contains(ours.id()), "{error}");
        assert!(verify(b"x", &signed, &[]).unwrap_err().to_string().contains("no key at all"));
    }

    #[test]
    fn the_trusted_comment_is_part_of_what_is_signed() {
        let (ours, key) = pair();
        let signed = sign(&ours, b"x");
        let forged = signed.replace("trusted comment: ", "trusted comment: of the operator, ");
        assert_ne!(forged, signed);
        assert!(verify(b"x", &forged, std::slice::from_ref(&key)).is_err());
    }

    #[test]
    fn texts_that_are_no_keys_are_named() {
        for bad in ["", "RW", "hello"] {
            assert!(TrustedKey::parse(bad).unwrap_err().to_string().contains("is not a minisign"), "{bad}");
        }
    }
}
