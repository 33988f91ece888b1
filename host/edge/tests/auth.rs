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
fn what_a_refusal_quotes_of_a_token_is_one_short_line() {
    let key = EncodingKey::from_secret(SECRET);
    let long = Header { kid: Some("k\n".repeat(500)), ..Header::new(Algorithm::EdDSA) };
    let by_unknown_key =
        jsonwebtoken::encode(&long, &claims(), &EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap());
    let role =
        serde_json::json!({ "sub": "ann", "exp": 1, "role": format!("oper\u{7f}{}", "x".repeat(2_000)) });
    let unknown_role = jsonwebtoken::encode(&Header::default(), &role, &key);
    let sub = serde_json::json!({ "sub": "a\u{1b}[31m", "exp": NOW_MS });
    let bad_sub = jsonwebtoken::encode(&Header::default(), &sub, &key);
    for (token, part) in
        [(by_unknown_key, "is known here"), (unknown_role, "unknown variant"), (bad_sub, "is not a user id")]
    {
        let detail = hs256().verify(&token.unwrap(), NOW_MS).unwrap_err().detail;
        assert!(detail.chars().count() <= 300 && !detail.chars().any(char::is_control), "{detail:?}");
        assert!(detail.contains(part), "{detail}");
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
fn a_jwks_key_that_cannot_be_used_is_left_out_and_costs_the_others_nothing() {
    let private = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let good = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::EdDSA).unwrap();
    let good = serde_json::to_value(&good).unwrap();
    let ed = |x: &str| serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    for bad in [
        ed(""),
        ed("kGF5e5yEkw"),
        ed(&"A".repeat(100)),
        serde_json::json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }),
        serde_json::json!({ "kty": "oct", "k": "c2hvcnQ" }),
        serde_json::json!({ "kty": "oct", "k": "" }),
    ] {
        let document = serde_json::json!({ "keys": [bad, good] }).to_string();
        let verifier =
            Verifier::new(&AuthOptions { jwks: Some(document.clone()), ..Default::default() }).unwrap();
        assert_eq!(verifier.replace_jwks(&document).unwrap(), 1, "{bad}");
        let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims(), &private).unwrap();
        assert!(verifier.verify(&token, NOW_MS).is_ok(), "beside {bad}");
        let alone = serde_json::json!({ "keys": [bad] }).to_string();
        assert!(matches!(verifier.replace_jwks(&alone), Err(InvalidKeys::Jwks(_))), "{bad}");
    }
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
