//! Tokens for who takes part, and the keys they are signed with.

use ringside_core::Role;
use ringside_edge::auth::{AuthOptions, Claims, Verifier, sign};
use ringside_edge::now_ms;

/// The shared secret of the host under test.
pub(crate) const SECRET: &[u8] = b"a secret of the fuzz targets, 32+";

pub(crate) fn verifier() -> Verifier {
    let options = AuthOptions { secret: Some(SECRET.to_vec()), ..AuthOptions::default() };
    Verifier::new(&options).unwrap()
}

/// A token that outlives every run.
pub(crate) fn token(user: &str, role: Role) -> String {
    let claims = Claims {
        sub: user.to_owned(),
        name: None,
        role,
        member: false,
        streams: None,
        exp: now_ms() / 1_000 + 86_400,
        nbf: None,
        iss: None,
        aud: None,
    };
    sign(&claims, SECRET).unwrap()
}
