//! Sign-in: what a token must be, and who it says one is (R12).
//!
//! Tokens are JWTs of the algorithms HS256, RS256, ES256 and EdDSA. Keys come from the configuration or from a
//! JWKS document that is read again while the host runs ([`Verifier::replace_jwks`]).

use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ringside_core::error::Problem;
use ringside_core::{Author, Failure, Role, StreamId, UserId, limits};
use serde::{Deserialize, Serialize};
use std::sync::RwLock;

/// Longest accepted token in bytes: it must fit a frame beside the command's own fields.
pub const TOKEN_BYTES_MAX: usize = limits::FRAME_BYTES_MAX - 256;
/// Shortest shared secret in bytes: as long as the hash of HS256 (RFC 7518, 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// Bytes of an Ed25519 public key (RFC 8032).
const ED25519_BYTES: usize = 32;
/// Of what a refusal says, so many characters are kept: a token's own words may be in it, and they have no bound.
const DETAIL_CHARS_MAX: usize = 300;
/// Clocks of token issuers may be off by this much, in seconds.
pub const LEEWAY_S: u64 = 5;
/// Algorithms a token may have; `none` and the rest are refused by name.
pub const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// What a token claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// The name others see; the id where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `viewer` (the default), `moderator` or `operator`.
    #[serde(default)]
    pub role: Role,
    /// Counted among the members.
    #[serde(default)]
    pub member: bool,
    /// Streams this token is for; missing: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<StreamId>>,
    /// Seconds since 1970 when it ends. Required.
    pub exp: u64,
    /// Seconds since 1970 before which it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Who issued it; checked when the configuration names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// For whom it was issued; checked when the configuration names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<serde_json::Value>,
}

/// Who a token says one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub author: Author,
    /// Milliseconds since 1970 when the token ends.
    pub expires_at_ms: u64,
    /// Streams the token is for; none: all.
    pub streams: Option<Box<[StreamId]>>,
}

impl Identity {
    /// True where the token is for this stream.
    #[must_use]
    pub fn allows(&self, stream: &StreamId) -> bool {
        self.streams.as_ref().is_none_or(|streams| streams.contains(stream))
    }
}

/// Where keys come from.
#[derive(Debug, Clone, Default)]
pub struct AuthOptions {
    /// Shared secret for HS256, at least 32 bytes.
    pub secret: Option<Vec<u8>>,
    /// Public keys in PEM, for RS256, ES256 or EdDSA.
    pub public_keys_pem: Vec<String>,
    /// A JWKS document.
    pub jwks: Option<String>,
    /// `iss` that tokens must have.
    pub issuer: Option<String>,
    /// `aud` that tokens must have.
    pub audience: Option<String>,
}

/// Keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// The secret is short enough to be guessed.
    #[error("the token secret has {0} bytes: HS256 needs at least 32, such as `openssl rand -hex 32` gives")]
    ShortSecret(usize),
    /// A PEM that is no public key.
    #[error("public key {0} is not a PEM of an RSA, P-256 or Ed25519 public key")]
    Pem(usize),
    /// A JWKS that is none.
    #[error("the JWKS document cannot be read: {0}")]
    Jwks(String),
    /// Nothing to verify with.
    #[error("no key to verify tokens with: give a secret, a public key or a JWKS")]
    None,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Checks tokens. Cheap to share; checking takes 3 µs (HS256) to 150 µs (ES256) of the caller's thread.
pub struct Verifier {
    fixed: Vec<Arc<Key>>,
    jwks: RwLock<Arc<[Arc<Key>]>>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("fixed", &self.fixed.len()).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Makes a verifier from configured keys.
    ///
    /// # Errors
    /// [`InvalidKeys`] names the key that cannot be used.
    pub fn new(options: &AuthOptions) -> Result<Self, InvalidKeys> {
        let mut fixed = Vec::new();
        if let Some(secret) = &options.secret {
            if secret.len() < SECRET_BYTES_MIN {
                return Err(InvalidKeys::ShortSecret(secret.len()));
            }
            let key = DecodingKey::from_secret(secret);
            fixed.push(Arc::new(Key { id: None, algorithm: Algorithm::HS256, key }));
        }
        for (index, pem) in options.public_keys_pem.iter().enumerate() {
            let (algorithm, key) = public_key(pem.as_bytes()).ok_or(InvalidKeys::Pem(index + 1))?;
            fixed.push(Arc::new(Key { id: None, algorithm, key }));
        }
        let verifier = Self {
            fixed,
            jwks: RwLock::new(Arc::from(Vec::new())),
            issuer: options.issuer.clone(),
            audience: options.audience.clone(),
        };
        match &options.jwks {
            Some(document) => {
                verifier.replace_jwks(document)?;
            }
            None if verifier.fixed.is_empty() => return Err(InvalidKeys::None),
            None => {}
        }
        Ok(verifier)
    }

    /// Takes the keys of a JWKS document in place of those of the last one. Keys of algorithms that are not
    /// accepted here and keys that cannot be used are left out; returns how many are used.
    ///
    /// # Errors
    /// [`InvalidKeys::Jwks`]; the keys before stay.
    pub fn replace_jwks(&self, document: &str) -> Result<usize, InvalidKeys> {
        let set: JwkSet =
            serde_json::from_str(document).map_err(|error| InvalidKeys::Jwks(error.to_string()))?;
        let keys: Vec<Arc<Key>> = set.keys.iter().filter_map(jwk).map(Arc::new).collect();
        if keys.is_empty() {
            return Err(InvalidKeys::Jwks(format!(
                "none of its {} keys can be used for RS256, ES256, EdDSA or HS256",
                set.keys.len()
            )));
        }
        let count = keys.len();
        *self.jwks.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys.into();
        Ok(count)
    }

    /// Checks a token at `now_ms`.
    ///
    /// # Errors
    /// [`Problem::InvalidToken`] with what is wrong and how to mend it.
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<Identity, Failure> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid(format!("the token has {} bytes, at most {TOKEN_BYTES_MAX}", token.len())));
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| invalid("not a JWT: expected three parts of base64url with dots between".into()))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid(format!(
                "algorithm {:?} is not accepted: use HS256, RS256, ES256 or EdDSA",
                header.alg
            )));
        }
        let jwks = self.jwks.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let candidates = self.fixed.iter().chain(jwks.iter()).filter(|key| {
            // A key with an id is asked only for tokens that name it, or that name none.
            key.algorithm == header.alg && (key.id.is_none() || header.kid.is_none() || key.id == header.kid)
        });
        let mut tried = false;
        for key in candidates {
            tried = true;
            match jsonwebtoken::decode::<Claims>(token, &key.key, &self.validation(header.alg)) {
                Ok(data) => return identity(data.claims, now_ms),
                Err(error) => match error.kind() {
                    jsonwebtoken::errors::ErrorKind::InvalidSignature => {}
                    _ => return Err(invalid(explain(&error))),
                },
            }
        }
        Err(invalid(if tried {
            "the signature is not by a key of this host".into()
        } else {
            match header.kid {
                Some(kid) => {
                    let kid: String = kid.chars().take(80).collect();
                    format!("no {:?} key `{kid}` is known here", header.alg)
                }
                None => format!("no {:?} key is known here", header.alg),
            }
        }))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        // Times are compared in `identity`, with the caller's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims::<&str>(&[]);
        match &self.issuer {
            Some(issuer) => {
                validation.set_issuer(&[issuer]);
                validation.required_spec_claims.insert("iss".into());
            }
            None => validation.iss = None,
        }
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".into());
            }
            None => validation.validate_aud = false,
        }
        validation
    }
}

fn explain(error: &jsonwebtoken::errors::Error) -> String {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidIssuer => "the token's `iss` is not the one this host expects".into(),
        ErrorKind::InvalidAudience => "the token's `aud` is not this host's".into(),
        ErrorKind::MissingRequiredClaim(claim) => format!("the token lacks the claim `{claim}`"),
        ErrorKind::Json(json) => format!("the token's claims cannot be read: {json}"),
        _ => format!("the token cannot be read: {error}"),
    }
}

/// A refusal. What it quotes of a token is anyone's to write: it goes into logs and onto screens as one short line.
fn invalid(detail: String) -> Failure {
    let is_plain = detail.chars().nth(DETAIL_CHARS_MAX).is_none() && !detail.chars().any(char::is_control);
    let detail = if is_plain {
        detail
    } else {
        let one_line = detail.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
        one_line.take(DETAIL_CHARS_MAX).collect()
    };
    Failure::new(Problem::InvalidToken, detail)
}

fn identity(claims: Claims, now_ms: u64) -> Result<Identity, Failure> {
    let now_s = now_ms / 1_000;
    if claims.exp.saturating_add(LEEWAY_S) <= now_s {
        return Err(invalid(format!("the token expired {} s ago: get a new one", now_s - claims.exp)));
    }
    if let Some(nbf) = claims.nbf.filter(|nbf| *nbf > now_s + LEEWAY_S) {
        return Err(invalid(format!("the token counts only in {} s", nbf - now_s)));
    }
    if claims.role == Role::Anonymous {
        return Err(invalid("role `anonymous` needs no token: leave the token out".into()));
    }
    let id = UserId::new(&claims.sub).map_err(|error| invalid(format!("claim `sub`: {error}")))?;
    let mut name = claims.name.unwrap_or_default();
    name.retain(|c| !c.is_control());
    let mut name = name.trim().to_owned();
    if name.is_empty() {
        name = id.as_str().to_owned();
    }
    while name.len() > limits::NAME_BYTES_MAX {
        name.pop();
    }
    Ok(Identity {
        author: Author { id, name, role: claims.role, member: claims.member },
        expires_at_ms: claims.exp.saturating_mul(1_000),
        streams: claims.streams.map(Vec::into_boxed_slice),
    })
}

fn public_key(pem: &[u8]) -> Option<(Algorithm, DecodingKey)> {
    DecodingKey::from_rsa_pem(pem)
        .map(|key| (Algorithm::RS256, key))
        .or_else(|_| DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)))
        .or_else(|_| DecodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key)))
        .ok()
        .filter(|(algorithm, key)| is_usable(*algorithm, key))
}

/// True where signatures can be checked with a key. One that cannot be used must not wait for the first token: it
/// would refuse what other keys signed, and the cryptography below reads the first 32 bytes of an Ed25519 key
/// whether they are there or not.
fn is_usable(algorithm: Algorithm, key: &DecodingKey) -> bool {
    let length_fits = key.try_get_as_bytes().map_or(true, |bytes| match algorithm {
        Algorithm::HS256 => bytes.len() >= SECRET_BYTES_MIN,
        Algorithm::EdDSA => bytes.len() == ED25519_BYTES,
        _ => true,
    });
    // That no signature fits is an answer; that there can be none is not.
    length_fits && jsonwebtoken::crypto::verify("", b"", key, algorithm).is_ok()
}

fn jwk(jwk: &Jwk) -> Option<Key> {
    use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok().filter(|key| is_usable(algorithm, key))?;
    Some(Key { id: jwk.common.key_id.clone(), algorithm, key })
}

/// Signs claims with a shared secret (HS256), for `ringside token` and for tests.
///
/// # Errors
/// [`InvalidKeys::ShortSecret`].
pub fn sign(claims: &Claims, secret: &[u8]) -> Result<String, InvalidKeys> {
    if secret.len() < SECRET_BYTES_MIN {
        return Err(InvalidKeys::ShortSecret(secret.len()));
    }
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret))
        .map_err(|error| InvalidKeys::Jwks(error.to_string()))
}
