//! Tokens: what is accepted, and what each refusal says.
#![allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ringside_core::error::Problem;
use ringside_core::{Role, StreamId};
use ringside_edge::auth::{AuthOptions, Claims, InvalidKeys, Verifier, sign};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW_MS: u64 = 1_800_000_000_000;
const ED_PRIVATE: &str = include_str!("keys/ed25519.pem");
const ED_PUBLIC: &str = include_str!("keys/ed25519.pub.pem");
const EC_PRIVATE: &str = include_str!("keys/p256.pem");
const EC_PUBLIC: &str = include_str!("keys/p256.pub.pem");
const RSA_PRIVATE: &str = include_str!("keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");

fn claims() -> Claims {
    Claims {
        sub: "ann".into(),
        name: Some("Ann B".into()),
        role: Role::Viewer,
        member: true,
        streams: None,
        exp: NOW_MS / 1_000 + 60,
        nbf: None,
        iss: None,
        aud: None,
    }
}

fn hs256() -> Verifier {
    Verifier::new(&AuthOptions { secret: Some(SECRET.to_vec()), ..Default::default() }).unwrap()
}

#[test]
fn a_good_token_says_who_one_is() {
    let claims = Claims { streams: Some(vec![StreamId::new("s1").unwrap()]), ..claims() };
    let identity = hs256().verify(&sign(&claims, SECRET).unwrap(), NOW_MS).unwrap();
    assert_eq!(identity.author.name, "Ann B");
    assert_eq!(identity.author.handle(), "annb");
    assert!(identity.author.member);
    assert_eq!(identity.expires_at_ms, NOW_MS + 60_000);
    assert!(
        identity.allows(&StreamId::new("s1").unwrap()) && !identity.allows(&StreamId::new("s2").unwrap())
    );
}

#[test]
fn every_bad_token_is_refused_with_what_is_wrong() {
    let good = sign(&claims(), SECRET).unwrap();
    let with = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        sign(&claims, SECRET).unwrap()
    };
    let unsigned = {
        let head = jsonwebtoken::Header::new(Algorithm::HS384);
        jsonwebtoken::encode(&head, &claims(), &EncodingKey::from_secret(SECRET)).unwrap()
    };
    for (token, expected) in [
        ("", "not a JWT"),
        ("a.b.c", "not a JWT"),
        (&good[..good.len() - 2], "cannot be read"),
        (&sign(&claims(), &[7; 32]).unwrap(), "not by a key of this host"),
        (&with(|c| c.exp = 1), "expired"),
        (&with(|c| c.nbf = Some(c.exp)), "counts only in"),
        (&with(|c| c.sub = "a b".into()), "claim `sub`"),
        (&with(|c| c.role = Role::Anonymous), "needs no token"),
        (&unsigned, "HS384 is not accepted"),
        (&"x".repeat(5_000), "at most"),
    ] {
        let failure = hs256().verify(token, NOW_MS).unwrap_err();
        assert_eq!(failure.problem, Problem::InvalidToken);
        assert!(failure.detail.contains(expected), "{expected}: {}", failure.detail);
    }
}

#[test]
fn a_token_of_each_public_key_algorithm_is_accepted_and_no_other_key_is() {
    let cases = [
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap(), ED_PUBLIC),
        (Algorithm::ES256, EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap(), EC_PUBLIC),
        (Algorithm::RS256, EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap(), RSA_PUBLIC),
    ];
    for (algorithm, private, public) in &cases {
        let token = jsonwebtoken::encode(&Header::new(*algorithm), &claims(), private).unwrap();
        let verifier =
            Verifier::new(&AuthOptions { public_keys_pem: vec![(*public).into()], ..Default::default() })
                .unwrap();
        assert_eq!(verifier.verify(&token, NOW_MS).unwrap().author.id.as_str(), "ann", "{algorithm:?}");
        assert!(hs256().verify(&token, NOW_MS).unwrap_err().detail.contains("is known here"));
    }
    // A public key used as an HS256 secret is the classic forgery.
    let forged = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims(),
        &EncodingKey::from_secret(RSA_PUBLIC.as_bytes()),
    )
    .unwrap();
    let verifier =
        Verifier::new(&AuthOptions { public_keys_pem: vec![RSA_PUBLIC.into()], ..Default::default() })
            .unwrap();
    assert!(verifier.verify(&forged, NOW_MS).is_err());
}

#[test]
fn keys_of_a_jwks_are_picked_by_id_and_can_be_replaced_live() {
    let private = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some("k1".into());
    let document = |jwk: &jsonwebtoken::jwk::Jwk| serde_json::json!({ "keys": [jwk] }).to_string();
    let verifier = Verifier::new(&AuthOptions { jwks: Some(document(&jwk)), ..Default::default() }).unwrap();
    let token = |kid: &str| {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims(), &private).unwrap()
    };
    assert!(verifier.verify(&token("k1"), NOW_MS).is_ok());
    assert!(verifier.verify(&token("k2"), NOW_MS).unwrap_err().detail.contains("`k2`"));
    jwk.common.key_id = Some("k2".into());
    assert_eq!(verifier.replace_jwks(&document(&jwk)).unwrap(), 1);
    assert!(verifier.verify(&token("k2"), NOW_MS).is_ok());
    assert!(verifier.verify(&token("k1"), NOW_MS).is_err());
    assert!(verifier.replace_jwks("{}").is_err());
    assert!(verifier.verify(&token("k2"), NOW_MS).is_ok(), "the keys before stay");
}

#[test]
fn issuer_and_audience_are_checked_when_configured() {
    let options = AuthOptions {
        secret: Some(SECRET.to_vec()),
        issuer: Some("https://id.example".into()),
        audience: Some("ringside".into()),
        ..Default::default()
    };
    let verifier = Verifier::new(&options).unwrap();
    let token = |iss: Option<&str>, aud: Option<&str>| {
        let claims =
            Claims { iss: iss.map(Into::into), aud: aud.map(|aud| serde_json::json!([aud])), ..claims() };
        sign(&claims, SECRET).unwrap()
    };
    assert!(verifier.verify(&token(Some("https://id.example"), Some("ringside")), NOW_MS).is_ok());
    for bad in [(None, Some("ringside")), (Some("x"), Some("ringside")), (Some("https://id.example"), None)] {
        assert!(verifier.verify(&token(bad.0, bad.1), NOW_MS).is_err(), "{bad:?}");
    }
    assert!(hs256().verify(&token(Some("x"), Some("y")), NOW_MS).is_ok(), "not configured, not checked");
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let short = AuthOptions { secret: Some(vec![1; 8]), ..Default::default() };
    assert_eq!(Verifier::new(&short).unwrap_err(), InvalidKeys::ShortSecret(8));
    let pem = AuthOptions { public_keys_pem: vec!["nonsense".into()], ..Default::default() };
    assert_eq!(Verifier::new(&pem).unwrap_err(), InvalidKeys::Pem(1));
    assert_eq!(Verifier::new(&AuthOptions::default()).unwrap_err(), InvalidKeys::None);
}
