//! REST calls.

use std::time::Duration;

use serde_json::Value;

/// What a call answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body, or null where it is no JSON.
    pub body: Value,
    /// Body as text.
    pub text: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// A header's value, empty where it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Fails unless the status is this one.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "called for the check alone too"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Fails unless it is problem+json of this number, with a detail that contains `detail`.
    pub fn expect_problem(&self, number: u64, detail: &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["number"], number, "{}", self.text);
        assert_eq!(self.body["status"], u64::from(self.status), "{}", self.text);
        assert!(self.body["detail"].as_str().unwrap().contains(detail), "{}", self.text);
    }
}

/// One host, with or without a token.
#[derive(Debug, Clone)]
pub struct Rest {
    base: String,
    token: Option<String>,
    header: Option<(String, String)>,
    agent: ureq::Agent,
}

impl Rest {
    /// Calls `base`, with a token where one is given.
    #[must_use]
    pub fn new(base: String, token: Option<String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .into();
        Self { base, token, header: None, agent }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        Self { header: Some((name.to_owned(), value.to_owned())), ..self }
    }

    /// GET.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    /// All comments of a stream that this caller sees, newest first, read page by page.
    #[must_use]
    pub fn all_comments(&self, stream: &str) -> Vec<Value> {
        let first = format!("/v1/streams/{stream}/comments?page_size=200");
        let (mut items, mut path) = (Vec::new(), first.clone());
        loop {
            let page = self.get(&path).expect(200).body;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => path = format!("{first}&cursor={next}"),
                None => return items,
            }
        }
    }

    /// POST with a JSON body.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body.to_string()))
    }

    /// POST that may find the host gone.
    #[must_use]
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_call("POST", path, Some(body.to_string())).ok()
    }

    /// Any method, any body.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_call(&self, method: &str, path: &str, body: Option<String>) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        let request =
            request.header("content-type", "application/json").body(body.unwrap_or_default()).unwrap();
        let mut response = self.agent.run(request)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status: response.status().as_u16(), body, text, headers })
    }
}
