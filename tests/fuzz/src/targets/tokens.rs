//! Tokens as clients send them, and the key documents that operators give.
//!
//! The first byte says what the rest is: a token as it stands; a header and claims on a line each, signed with a key
//! of the host or with another; a PEM; a JWKS document.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fastrand::Rng;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey};
use ringside_core::error::Problem;
use ringside_core::limits::NAME_BYTES_MAX;
use ringside_edge::auth::{AuthOptions, Identity, LEEWAY_S, Verifier};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::stage::tokens::SECRET;
use crate::{Shape, Target};

const NOW_MS: u64 = 1_800_000_000_000;
const KEYS: [(&str, &str); 3] = [
    (
        include_str!("../../../../host/edge/tests/keys/ed25519.pem"),
        include_str!("../../../../host/edge/tests/keys/ed25519.pub.pem"),
    ),
    (
        include_str!("../../../../host/edge/tests/keys/p256.pem"),
        include_str!("../../../../host/edge/tests/keys/p256.pub.pem"),
    ),
    (
        include_str!("../../../../host/edge/tests/keys/rsa.pem"),
        include_str!("../../../../host/edge/tests/keys/rsa.pub.pem"),
    ),
];
/// Longest refusal: one line on a screen or in a log.
const DETAIL_CHARS_MAX: usize = 300;
/// Pieces of a token from this length on are its secrets; shorter ones may stand in any text.
const SECRET_BYTES_MIN: usize = 16;

/// What the rest of an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AsItIs,
    /// Signed with the host's key of this number.
    Signed(usize),
    /// Signed with a key that is not the host's.
    Foreign(usize),
    Pem,
    Jwks,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte % 9 {
            0 => Self::AsItIs,
            n @ 1..=4 => Self::Signed(usize::from(n) - 1),
            n @ 5..=6 => Self::Foreign(usize::from(n) - 5),
            7 => Self::Pem,
            _ => Self::Jwks,
        }
    }
}

pub(super) struct Tokens {
    verifier: Verifier,
    ours: Vec<(Algorithm, EncodingKey)>,
    foreign: Vec<(Algorithm, EncodingKey)>,
    /// Head and claims of every token that was signed for the seeds.
    signed: HashSet<String>,
}

/// A token over this head and these claims, whatever they are.
fn sign(head: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, algorithm).unwrap();
    format!("{input}.{signature}")
}

fn algorithm_name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

impl Tokens {
    pub(super) fn new() -> Self {
        let options = AuthOptions {
            secret: Some(SECRET.to_vec()),
            public_keys_pem: KEYS.iter().map(|(_, public)| (*public).to_owned()).collect(),
            ..AuthOptions::default()
        };
        let ours = vec![
            (Algorithm::HS256, EncodingKey::from_secret(SECRET)),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(KEYS[0].0.as_bytes()).unwrap()),
            (Algorithm::ES256, EncodingKey::from_ec_pem(KEYS[1].0.as_bytes()).unwrap()),
            (Algorithm::RS256, EncodingKey::from_rsa_pem(KEYS[2].0.as_bytes()).unwrap()),
        ];
        // Another secret, and the classic forgery: the public key that everyone has, used as a secret.
        let foreign = vec![
            (Algorithm::HS256, EncodingKey::from_secret(&[7; 32])),
            (Algorithm::HS256, EncodingKey::from_secret(KEYS[2].1.as_bytes())),
        ];
        let mut made =
            Self { verifier: Verifier::new(&options).unwrap(), ours, foreign, signed: HashSet::new() };
        let tokens: Vec<String> = made.good_tokens().collect();
        made.signed.extend(tokens.iter().map(|token| token.rsplit_once('.').unwrap().0.to_owned()));
        made
    }

    fn good_tokens(&self) -> impl Iterator<Item = String> {
        let claims = CLAIMS[0];
        self.ours.iter().map(move |(algorithm, key)| {
            let head = format!(r#"{{"typ":"JWT","alg":"{}"}}"#, algorithm_name(*algorithm));
            sign(&head, claims, key, *algorithm)
        })
    }

    fn take_token(&self, kind: Kind, token: &str) -> Shape {
        let taken = self.verifier.verify(token, NOW_MS);
        assert_eq!(self.verifier.verify(token, NOW_MS), taken, "asked twice, it answers otherwise");
        match &taken {
            Ok(identity) => {
                match kind {
                    Kind::AsItIs => {
                        let input = token.rsplit_once('.').unwrap().0;
                        assert!(self.signed.contains(input), "nobody signed `{input}`");
                    }
                    Kind::Signed(key) => {
                        let Head { alg } = part(token, 0);
                        assert_eq!(alg, algorithm_name(self.ours[key].0), "another algorithm's key");
                    }
                    other => panic!("a token that is {other:?} passed"),
                }
                self.check_identity(identity, token);
                Shape::default().with(identity.streams.is_some()).with(identity.author.role)
            }
            Err(failure) => {
                assert_eq!(failure.problem, Problem::InvalidToken);
                let detail = &failure.detail;
                let chars = detail.chars().count();
                assert!((1..=DETAIL_CHARS_MAX).contains(&chars), "{chars} characters: {detail}");
                assert!(!detail.chars().any(char::is_control), "control characters in {detail:?}");
                for secret in std::iter::once(token).chain(token.split('.')) {
                    assert!(secret.len() < SECRET_BYTES_MIN || !detail.contains(secret), "repeats: {detail}");
                }
                Shape::default().with_message(detail)
            }
        }
    }

    /// Keys of whatever making: refused with a reason, or tokens are checked with them.
    fn take_keys(&self, options: &AuthOptions) -> Shape {
        match Verifier::new(options) {
            Ok(verifier) => {
                let refused = self.good_tokens().filter(|token| verifier.verify(token, NOW_MS).is_err());
                Shape::default().with_count(refused.count())
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                Shape::default().with_message(&error.to_string())
            }
        }
    }

    /// Who one is, is what the claims say, and ends when they say.
    fn check_identity(&self, identity: &Identity, token: &str) {
        let Said { sub, exp: ends_s } = part(token, 1);
        assert_eq!(sub, identity.author.id.as_str());
        let name = &identity.author.name;
        assert!(
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control),
            "{name:?}"
        );
        assert!(ends_s.saturating_add(LEEWAY_S) > NOW_MS / 1_000);
        assert_eq!(identity.expires_at_ms, ends_s.saturating_mul(1_000));
        if let Some(past_ms) = identity.expires_at_ms.checked_add((LEEWAY_S + 1) * 1_000) {
            let later = self.verifier.verify(token, past_ms);
            assert!(later.is_err(), "it passes after its end");
        }
    }
}

/// What a head says that counts here; read by itself, since what nobody reads may be anything.
#[derive(Deserialize)]
struct Head {
    alg: String,
}

/// The same of claims.
#[derive(Deserialize)]
struct Said {
    sub: String,
    exp: u64,
}

/// A part of a token.
fn part<T: DeserializeOwned>(token: &str, number: usize) -> T {
    let text = token.split('.').nth(number).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON")
}

const CLAIMS: [&str; 5] = [
    r#"{"sub":"ann","name":"Ann B","role":"viewer","member":true,"exp":1800000060}"#,
    r#"{"sub":"mona","role":"moderator","streams":["s1","s2"],"exp":1900000000,"nbf":1700000000}"#,
    r#"{"sub":"op","role":"operator","exp":1800003600,"iss":"https://id.example","aud":["ringside"]}"#,
    r#"{"sub":"late","exp":1799999000}"#,
    r#"{"sub":"anonymous","role":"anonymous","exp":1800003600}"#,
];

impl Target for Tokens {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds: Vec<Vec<u8>> =
            self.good_tokens().map(|token| [&[0], token.as_bytes()].concat()).collect();
        for (kind, algorithm) in
            [(1, "HS256"), (2, "EdDSA"), (3, "ES256"), (4, "RS256"), (5, "HS256"), (6, "HS256")]
        {
            for claims in CLAIMS {
                let head = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":"k1"}}"#);
                seeds.push([&[kind], head.as_bytes(), b"\n", claims.as_bytes()].concat());
            }
        }
        seeds.extend(KEYS.iter().map(|(_, public)| [&[7], public.as_bytes()].concat()));
        let keys =
            self.ours.iter().filter_map(|(algorithm, key)| Jwk::from_encoding_key(key, *algorithm).ok());
        let set = JwkSet { keys: keys.collect() };
        seeds.push([vec![8], serde_json::to_vec(&set).unwrap()].concat());
        seeds
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"\"alg\":\"none\"",
            b"\"alg\":\"HS384\"",
            b"\"alg\":\"RS256\"",
            b"\"alg\":\"EdDSA\"",
            b"\"crit\":[\"exp\"]",
            b"\"kid\":",
            b"\"jwk\":{}",
            b"\"b64\":false",
            b"\"zip\":\"DEF\"",
            b"\"exp\":1e300",
            b"\"exp\":-1",
            b"\"nbf\":18446744073709551615",
            b"\"role\":\"operator\"",
            b"\"sub\":\"\"",
            b"\"streams\":[]",
            b"\"aud\":null",
            b"\"name\":\"\\u0000\\ud83d\\ude00\"",
            b"null",
            b"\\ud800",
            b"=",
            b".",
            b"..",
            b"\"x5c\":[\"AA==\"]",
            b"\"kty\":\"oct\"",
            b"\"crv\":\"P-384\"",
            b"\"n\":\"\"",
            b"-----BEGIN CERTIFICATE-----",
        ]
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        // Another key over the same head and claims, most often one of ours.
        if let Some(kind) = input.first_mut()
            && !matches!(Kind::of(*kind), Kind::Pem | Kind::Jwks | Kind::AsItIs)
        {
            *kind = random.u8(1..7);
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some((kind, rest)) = input.split_first() else { return Shape::default() };
        let kind = Kind::of(*kind);
        // Tokens come in frames and headers, which are text.
        let text = String::from_utf8_lossy(rest);
        let shape = match kind {
            Kind::AsItIs => self.take_token(kind, &text),
            Kind::Signed(number) | Kind::Foreign(number) => {
                let keys = if matches!(kind, Kind::Signed(_)) { &self.ours } else { &self.foreign };
                let (head, claims) = text.split_once('\n').unwrap_or((&text, "{}"));
                let (algorithm, key) = &keys[number];
                self.take_token(kind, &sign(head, claims, key, *algorithm))
            }
            Kind::Pem => {
                let options =
                    AuthOptions { public_keys_pem: vec![text.into_owned()], ..AuthOptions::default() };
                self.take_keys(&options)
            }
            Kind::Jwks => {
                self.take_keys(&AuthOptions { jwks: Some(text.into_owned()), ..AuthOptions::default() })
            }
        };
        shape.with(std::mem::discriminant(&kind))
    }
}
