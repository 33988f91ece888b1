//! `ringside token`: signs a token with this host's secret.

use std::time::{SystemTime, UNIX_EPOCH};

use ringside_core::{Role, StreamId};
use ringside_edge::auth::{self, Claims};

use super::{ConfigArgs, print};
use crate::exit::{Exit, Outcome};
use crate::pop::keys;

/// Arguments of `ringside token`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringside token --user ann --name \"Ann B\" --role moderator --expires 24h")]
pub(crate) struct Args {
    /// The user's id (`sub`).
    #[arg(long)]
    user: String,
    /// The name others see; the id where it is left out.
    #[arg(long)]
    name: Option<String>,
    /// What the user may do: viewer, moderator or operator.
    #[arg(long, default_value = "viewer", value_parser = role)]
    role: Role,
    /// The user counts among the members.
    #[arg(long)]
    member: bool,
    /// A stream the token is for; repeatable; left out: all.
    #[arg(long, value_name = "STREAM")]
    stream: Vec<StreamId>,
    /// How long it is valid: a number with s, m, h or d.
    #[arg(long, default_value = "12h", value_parser = seconds)]
    expires: u64,
    /// Print an object with token, user and expiry.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

fn role(text: &str) -> Result<Role, String> {
    [Role::Viewer, Role::Moderator, Role::Operator]
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "use viewer, moderator or operator".into())
}

/// Seconds of a number with s, m, h or d.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no duration: write 90s, 15m, 12h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let scale = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    number.checked_mul(scale).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

/// Prints the token.
pub(crate) fn run(args: &Args) -> Outcome {
    let config = args.config.load(&[])?;
    let secret = keys::signing_secret(&config)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let claims = Claims {
        sub: args.user.clone(),
        name: args.name.clone(),
        role: args.role,
        member: args.member,
        streams: (!args.stream.is_empty()).then(|| args.stream.clone()),
        exp: now_s.saturating_add(args.expires),
        nbf: None,
        iss: config.auth.issuer.clone(),
        aud: config.auth.audience.clone().map(serde_json::Value::String),
    };
    ringside_core::UserId::new(&claims.sub).map_err(|error| Exit::Usage(format!("--user: {error}")))?;
    let token = auth::sign(&claims, &secret).map_err(|error| Exit::Usage(error.to_string()))?;
    if args.json {
        let body = serde_json::json!({
            "token": token, "user": claims.sub, "role": claims.role, "expires_at": claims.exp * 1_000,
        });
        print(&format!("{body}\n"));
    } else {
        print(&format!("{token}\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_need_a_unit() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("2h", Some(7_200)),
            ("7d", Some(604_800)),
            ("5", None),
            ("0s", None),
            ("", None),
            ("xh", None),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
    }
}
