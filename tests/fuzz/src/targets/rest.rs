//! Requests to the public address, to every route, through the real intake, components and stores.
//!
//! An input is a request as text: method and target, headers, an empty line, the body. `$viewer`, `$moderator` and
//! `$other` in a header are tokens; `$comment` and `$held` anywhere are comments that are there.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use fastrand::Rng;
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use ringside_core::error::TABLE;
use ringside_core::{Role, limits};
use serde_json::Value;

use crate::stage::components::Failures;
use crate::stage::pop::Pop;
use crate::stage::tokens::token;
use crate::{Shape, Target};

/// Largest answer: a page of 200 comments of 500 four-byte characters, each escaped, with their judgements.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Longest detail of a problem: it is shown to people.
const DETAIL_CHARS_MAX: usize = 500;
/// An event stream's first event comes at once; it has no end to wait for.
const FIRST_EVENT_MAX: Duration = Duration::from_secs(10);

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

pub(super) struct Rest {
    pop: Pop,
    service: TowerToHyperService<Router>,
    names: Vec<(&'static str, String)>,
    failures: Failures,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Rest {
    pub(super) fn start() -> Self {
        let pop = Pop::start();
        let service = TowerToHyperService::new(pop.router.clone());
        let names = vec![
            ("$viewer", token("ann", Role::Viewer)),
            ("$other", token("bob", Role::Viewer)),
            ("$moderator", token("mona", Role::Moderator)),
        ];
        let mut rest = Self { pop, service, names, failures: Failures::default() };
        let comment = rest.say("lobby");
        let settings =
            "PATCH /v1/streams/strict\nauthorization: Bearer $moderator\n\n{\"hold_for_review\":true}";
        assert_eq!(rest.ask(rest.request(settings.as_bytes()).unwrap()).status, StatusCode::OK);
        let held = rest.say("strict");
        rest.names.extend([("$comment", comment), ("$held", held)]);
        rest
    }

    /// Posts a comment; gives its id.
    fn say(&self, stream: &str) -> String {
        let request = format!(
            "POST /v1/streams/{stream}/comments\nauthorization: Bearer $viewer\n\n{{\"text\":\"hi\"}}"
        );
        let answer = self.ask(self.request(request.as_bytes()).unwrap());
        assert!(answer.status.is_success(), "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["id"].as_str().unwrap().to_owned()
    }

    /// The request of an input; none where no HTTP client could send it.
    fn request(&self, input: &[u8]) -> Option<Request<Body>> {
        let mut text = input.to_vec();
        for (name, value) in &self.names {
            while let Some(at) = text.windows(name.len()).position(|window| window == name.as_bytes()) {
                text.splice(at..at + name.len(), value.bytes());
            }
        }
        let (head, body) = match text.windows(2).position(|window| window == b"\n\n") {
            Some(at) => (&text[..at], &text[at + 2..]),
            None => (text.as_slice(), &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next()?;
        let space = first.iter().position(|byte| *byte == b' ')?;
        let method = Method::from_bytes(&first[..space]).ok()?;
        let uri = Uri::try_from(&first[space + 1..]).ok()?;
        let mut request = Request::new(Body::from(body.to_vec()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
            request.headers_mut().append(name, value);
        }
        Some(request)
    }

    fn ask(&self, request: Request<Body>) -> Answer {
        self.pop.runtime.block_on(async {
            let response = self.service.call(request).await.unwrap();
            let (head, mut body) = response.into_parts();
            let is_stream = is(&head.headers, "text/event-stream");
            let mut bytes = Vec::new();
            loop {
                let frame = tokio::time::timeout(FIRST_EVENT_MAX, body.frame()).await.expect("an answer");
                let Some(frame) = frame else { break };
                bytes.extend_from_slice(frame.unwrap().data_ref().map_or(&[][..], |data| data));
                assert!(bytes.len() <= ANSWER_BYTES_MAX, "an answer of more than {ANSWER_BYTES_MAX} bytes");
                if is_stream {
                    break;
                }
            }
            Answer { status: head.status, headers: head.headers, body: bytes }
        })
    }
}

fn is(headers: &HeaderMap, content_type: &str) -> bool {
    headers.get("content-type").is_some_and(|value| value.as_bytes().starts_with(content_type.as_bytes()))
}

impl Answer {
    /// Holds an answer to the protocol page; gives the problem's number, or 0.
    fn check(&self, is_head: bool) -> u64 {
        let Self { status, headers, body } = self;
        let shown = || String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert!(!status.is_server_error(), "{status}: {}", shown());
        assert!(!status.is_redirection() && !status.is_informational(), "{status}");
        if is_head {
            return 0;
        }
        if status.is_success() {
            if is(headers, "text/event-stream") {
                assert!(body.starts_with(b"event: joined\n"), "{}", shown());
            } else if *status == StatusCode::NO_CONTENT {
                assert!(body.is_empty(), "{}", shown());
            } else {
                assert!(is(headers, "application/json"), "{headers:?}");
                serde_json::from_slice::<Value>(body).expect("an answer is JSON");
            }
            return 0;
        }
        assert!(is(headers, "application/problem+json"), "{status} {headers:?}: {}", shown());
        let problem: Value = serde_json::from_slice(body).expect("a problem is JSON");
        let number = problem["number"].as_u64().expect("a number");
        let row = TABLE.iter().find(|row| u64::from(row.problem.number()) == number);
        let row = row.unwrap_or_else(|| panic!("number {number} is not documented"));
        assert_eq!((row.status, problem["status"].as_u64()), (status.as_u16(), Some(u64::from(row.status))));
        assert_eq!(problem["title"], row.title);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!((1..=DETAIL_CHARS_MAX).contains(&detail.chars().count()), "{}", shown());
        assert_eq!(*status == StatusCode::UNAUTHORIZED, headers.contains_key("www-authenticate"));
        assert_eq!(problem.get("retry_after_ms").is_some(), headers.contains_key("retry-after"));
        number
    }
}

impl Target for Rest {
    fn seeds(&self) -> Vec<Vec<u8>> {
        let one = "/v1/streams/lobby/comments/$comment";
        let (viewer, moderator) = ("\nauthorization: Bearer $viewer", "\nauthorization: Bearer $moderator");
        let json = "\ncontent-type: application/json";
        [
            "GET /v1/pops".to_owned(),
            "GET /v1/streams/lobby".to_owned(),
            format!("PATCH /v1/streams/lobby{moderator}{json}\n\n{{\"slow_mode_s\":0,\"blocked_terms\":[\"spoiler\"]}}"),
            format!("GET /v1/streams/lobby/comments?page_size=10&direction=before&cursor=$comment{viewer}"),
            format!("GET /v1/streams/strict/comments?of=review{moderator}"),
            format!(
                "POST /v1/streams/lobby/comments{viewer}{json}\n\n\
                 {{\"text\":\"what a goal @bob\",\"reply_to\":\"$comment\",\"reference\":\"r-1\"}}"
            ),
            format!("GET {one}{viewer}"),
            format!("PATCH {one}{viewer}{json}\n\n{{\"text\":\"what a save\"}}"),
            format!("DELETE /v1/streams/strict/comments/$held{viewer}"),
            format!("GET {one}/replies?page_size=200"),
            format!("PUT {one}/reaction{viewer}{json}\n\n{{\"reaction\":\"like\"}}"),
            format!("DELETE {one}/reaction\nauthorization: Bearer $other"),
            format!("POST /v1/streams/strict/comments/$held/review{moderator}{json}\n\n{{\"review\":\"approve\"}}"),
            format!("POST /v1/streams/lobby/emoji{viewer}{json}\n\n{{\"emoji\":\"🎉\",\"count\":3}}"),
            format!("PUT /v1/streams/lobby/pin{moderator}{json}\n\n{{\"comment\":\"$comment\"}}"),
            format!("DELETE /v1/streams/lobby/pin{moderator}"),
            "GET /v1/streams/lobby/popular".to_owned(),
            format!("GET /v1/streams/lobby/events?history=2\nlast-event-id: 1.0.1{viewer}"),
            "GET /v1/streams/lobby/events?token=$viewer&position=1.0.1".to_owned(),
            "OPTIONS /v1/streams/lobby/comments".to_owned(),
            "GET /v1/nothing".to_owned(),
        ]
        .map(String::into_bytes)
        .into()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"%ff",
            b"%00",
            b"%2f",
            b"%2e%2e",
            b"%",
            b"?",
            b"&",
            b"=",
            b"cursor=",
            b"page_size=0",
            b"direction=after",
            b"of=",
            b"history=4294967296",
            b"position=",
            b"/",
            b"//",
            b"GET ",
            b"POST ",
            b"PUT ",
            b"PATCH ",
            b"DELETE ",
            b"HEAD ",
            b"\nauthorization: ",
            b"Bearer ",
            b"bearer ",
            b"Basic ",
            b"$viewer",
            b"$moderator",
            b"$comment",
            b"$held",
            b"$other",
            b"\nlast-event-id: ",
            b"\ncontent-length: ",
            b"\n\n",
            b"null",
            b"true",
            b"[]",
            b"{}",
            b"\\u0000",
            b"\\ud800",
            b"\"text\":",
            b"\"reply_to\":",
            b"\"reference\":",
            b"\"emoji\":\":wave:\"",
            b"\"reaction\":\"none\"",
            b"1e999",
            b"\xf0\x9f\x8e\x89",
            b"\xe2\x80\xae",
            b"\xcc\xb7",
            b"[[[[[[[[",
            b"comments",
            b"strict",
            b"\xff",
        ]
    }

    fn bytes_max(&self) -> usize {
        2 * limits::BODY_BYTES_MAX
    }

    fn mend(&mut self, input: &mut Vec<u8>, random: &mut Rng) {
        // Something that changed everything else has a good way in again: another seed's head over this body.
        let seeds = self.seeds();
        let seed = &seeds[random.usize(..seeds.len())];
        let end = |text: &[u8]| text.windows(2).position(|window| window == b"\n\n");
        if let (Some(head), Some(body)) = (end(seed), end(input)) {
            *input = [&seed[..head], &input[body..]].concat();
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let Some(request) = self.request(input) else { return Shape::default() };
        let is_head = request.method() == Method::HEAD;
        // Methods and paths that clients make up are one way each.
        let method = METHODS.iter().position(|method| method == request.method());
        let parts = request.uri().path().split('/').count().min(8);
        let answer = self.ask(request);
        let number = answer.check(is_head);
        assert_eq!(self.failures.since(&self.pop.components), 0, "a request broke a component");
        let shape = Shape::default().with(answer.status.as_u16()).with(number);
        if matches!(number, 0 | 202 | 209) {
            return shape.with(method).with(parts).with_count(answer.body.len() / 64);
        }
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        shape.with_words(problem["detail"].as_str().unwrap_or_default(), 10)
    }
}
