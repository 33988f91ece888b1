//! Calls to the operators' address of a host.

use std::time::Duration;

use serde_json::Value;

use crate::exit::Exit;

/// Which host, and with which token.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HostArgs {
    /// The operators' address of the host.
    #[arg(long, env = "RINGSIDE_OPERATORS", default_value = "http://127.0.0.1:8081", value_name = "URL")]
    operators: String,
    /// An operator's token, or a moderator's for review, users and audit log; `ringside token --user me --role
    /// operator` prints one.
    #[arg(long, env = "RINGSIDE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Print what the host answers as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A part of a path or query: of what ids may have, `|` alone cannot stand there as it is.
pub(super) fn escaped(id: &str) -> String {
    id.replace('|', "%7C")
}

/// How long a call may take: a push compiles and tests the component before it is answered.
const TIMEOUT: Duration = Duration::from_secs(120);

impl HostArgs {
    /// Calls a route and gives the answer's body.
    ///
    /// # Errors
    /// `Usage` without a token or with one that is refused, `Failed` with the host's detail, `Unavailable` when no
    /// host answers.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Exit> {
        let token = self.token.as_deref().filter(|token| !token.is_empty()).ok_or_else(|| {
            Exit::Usage(
                "no token: give --token or set RINGSIDE_TOKEN; `ringside token --user me --role operator` prints one"
                    .into(),
            )
        })?;
        let url = format!("{}{path}", self.operators.trim_end_matches('/'));
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build()
            .into();
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&url)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(bytes)
            .map_err(|error| Exit::Usage(format!("`{url}` is no address: {error}")))?;
        let mut response = agent.run(request).map_err(|error| {
            Exit::Unavailable(format!("no host answers at `{}`: {error}", self.operators))
        })?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .read_to_string()
            .map_err(|error| Exit::Unavailable(format!("the answer of `{url}` broke off: {error}")))?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        match status {
            200..=299 => Ok(body),
            401 | 403 => Err(Exit::Usage(detail(&body, status))),
            503 => Err(Exit::Unavailable(detail(&body, status))),
            _ => Err(Exit::Failed(detail(&body, status))),
        }
    }
}

fn detail(body: &Value, status: u16) -> String {
    let title = body.get("title").and_then(Value::as_str).unwrap_or("the host answered");
    let detail = body.get("detail").and_then(Value::as_str).unwrap_or("");
    if detail.is_empty() { format!("{title} ({status})") } else { format!("{title}: {detail}") }
}
