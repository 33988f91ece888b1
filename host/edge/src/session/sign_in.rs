//! Sign-in and its renewal on a live connection (R12).

use ringside_core::close::CloseCode;
use ringside_core::error::Problem;
use ringside_core::wire::Outcome;
use ringside_core::{Author, Failure};

use crate::auth::Identity;
use crate::hub::Hub;
use crate::hub::signal::Finished;
use crate::hub::slot::Key;
use crate::pump::Then;
use crate::services::{Services, now_ms};

type Checked = Result<Identity, (Failure, Option<CloseCode>)>;

/// Checks a token and that its user is not banned.
pub(crate) async fn check(services: &Services, token: &str) -> Checked {
    let now = now_ms();
    let identity =
        services.verifier.verify(token, now).map_err(|failure| (failure, Some(CloseCode::InvalidToken)))?;
    match services.audit.banned(now, &identity.author.id).await {
        Ok(None) => Ok(identity),
        Ok(Some(ban)) => {
            let detail = match ban.until_ms {
                Some(until) => format!("banned for another {} s", until.saturating_sub(now).div_ceil(1_000)),
                None => "banned for good".to_owned(),
            };
            Err((Failure::new(Problem::Banned, detail), Some(CloseCode::Banned)))
        }
        Err(error) => {
            // Who is not known to be banned comes in: an audit log that is away must not keep everyone out.
            tracing::warn!(%error, "bans cannot be read: the user comes in");
            Ok(identity)
        }
    }
}

/// The first token of a connection, or another of the same user.
pub(super) async fn authenticate(
    services: Services,
    id: u64,
    token: String,
    current: Option<Author>,
) -> Finished {
    let result = check(&services, &token).await;
    Finished::SignedIn { id, result: result.and_then(|identity| same_user(identity, current.as_ref())) }
}

/// A new token of the user who is signed in. A bad one does not end the connection: the old one still holds.
pub(super) async fn refresh(services: Services, id: u64, token: String, current: Option<Author>) -> Finished {
    let Some(current) = current else {
        return Finished::Reply(id, Outcome::Failed(super::not_signed_in()));
    };
    let result = check(&services, &token).await.and_then(|identity| same_user(identity, Some(&current)));
    let result =
        result.map_err(|(failure, close)| (failure, close.filter(|code| *code == CloseCode::Banned)));
    Finished::SignedIn { id, result }
}

fn same_user(identity: Identity, current: Option<&Author>) -> Checked {
    match current.filter(|current| current.id != identity.author.id) {
        None => Ok(identity),
        Some(current) => {
            let detail = format!(
                "this connection is `{}`'s: open another one for `{}`",
                current.id, identity.author.id
            );
            Err((Failure::new(Problem::InvalidToken, detail), None))
        }
    }
}

impl Hub {
    pub(super) fn signed_in(&mut self, key: Key, id: u64, result: Checked) {
        match result {
            Ok(identity) => {
                let (user, expires_at_ms) = (identity.author.clone(), identity.expires_at_ms);
                self.sign_in(key, identity);
                self.reply(key, id, Outcome::Authenticated { user, expires_at_ms }, Then::Nothing);
            }
            Err((failure, close)) => {
                let then = close.map_or(Then::Nothing, Then::Close);
                self.reply(key, id, Outcome::Failed(failure), then);
            }
        }
    }
}
