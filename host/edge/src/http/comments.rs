//! Routes about comments.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_core::wire::Review;
use ringside_core::{CommentId, Failure, Reaction, limits};
use ringside_ports::comments::{NewComment, Posted, Reacted};
use ringside_ports::store::{Anchor, PageOf, PageQuery, Reader};
use serde::Deserialize;
use std::time::Duration;

use super::HttpServices;
use super::cached::{self, Keep};
use super::caller::{Body, Caller, Place, comment_id, query, unavailable};
use super::problem::ProblemResponse;
use super::render::{CommentBody, PageBody};
use crate::submitted::submitted;

/// What the query of a page takes.
const PARAMS: &str = "cursor, direction, page_size and of";

type Answer = Result<Response, ProblemResponse>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    cursor: Option<String>,
    direction: Option<String>,
    page_size: Option<String>,
    of: Option<String>,
}

pub(super) async fn list(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place(stream): Place<String>,
    params: Result<Query<PageParams>, QueryRejection>,
) -> Answer {
    let params = query(params, PARAMS)?;
    let of = match params.of.as_deref() {
        None | Some("all") => PageOf::Stream,
        Some("review") => PageOf::Review,
        Some(other) => {
            return Err(ProblemResponse::new(
                Problem::InvalidField,
                format!("of=`{other}` is neither `all` nor `review`"),
            ));
        }
    };
    page(&services, &caller, &asked, &stream, of, &params).await
}

pub(super) async fn replies(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place((stream, comment)): Place<(String, String)>,
    params: Result<Query<PageParams>, QueryRejection>,
) -> Answer {
    let of = PageOf::Replies(comment_id(&comment)?);
    page(&services, &caller, &asked, &stream, of, &query(params, PARAMS)?).await
}

async fn page(
    services: &HttpServices,
    caller: &Caller,
    asked: &HeaderMap,
    stream: &str,
    of: PageOf,
    params: &PageParams,
) -> Answer {
    let entry = services.comments.stream(stream).await?;
    let reader = caller.reader(&entry)?;
    let for_moderator = reader == Reader::Moderator;
    if of == PageOf::Review && !for_moderator {
        return Err(ProblemResponse::new(Problem::Forbidden, "only moderators see the review queue"));
    }
    let query = PageQuery { stream: entry.id, of, reader, anchor: anchor(params)?, size: page_size(params)? };
    let page = services.comments.page(query).await?.page;
    let keep = Keep::page(&page, !caller.is_signed_in(), (services.now_ms)());
    Ok(cached::answer(asked, keep, &PageBody::new(page, for_moderator)))
}

fn anchor(params: &PageParams) -> Result<Anchor, Failure> {
    let direction = params.direction.as_deref().unwrap_or("before");
    let cursor = params.cursor.as_deref().map(comment_id).transpose()?;
    match (direction, cursor) {
        ("before", None) => Ok(Anchor::Newest),
        ("before", Some(cursor)) => Ok(Anchor::Before(cursor)),
        ("after", Some(cursor)) => Ok(Anchor::After(cursor)),
        ("after", None) => {
            Err(Failure::new(Problem::InvalidField, "direction=after needs a cursor to be after"))
        }
        (other, _) => Err(Failure::new(
            Problem::InvalidField,
            format!("direction=`{other}` is neither `before` nor `after`"),
        )),
    }
}

fn page_size(params: &PageParams) -> Result<u32, Failure> {
    let Some(text) = params.page_size.as_deref() else { return Ok(limits::PAGE_SIZE) };
    text.parse().ok().filter(|size| (1..=limits::PAGE_SIZE_MAX).contains(size)).ok_or_else(|| {
        Failure::new(
            Problem::InvalidField,
            format!("page_size=`{text}` is not a number from 1 to {}", limits::PAGE_SIZE_MAX),
        )
    })
}

pub(super) async fn popular(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place(stream): Place<String>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    caller.reader(&entry)?;
    let items = services.comments.popular(&entry.id, limits::PAGE_SIZE).await?;
    let items: Vec<_> = items.into_iter().map(|stored| CommentBody::new(stored, false)).collect();
    let keep = if caller.is_signed_in() { Keep::No } else { Keep::Popular };
    let body = serde_json::json!({ "items": items, "next": null, "previous": null });
    Ok(cached::answer(&asked, keep, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReactionParams {
    comments: Option<String>,
}

/// What the caller thinks of comments: pages and batches are the same for everyone and have totals only.
pub(super) async fn own_reactions(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place(stream): Place<String>,
    params: Result<Query<ReactionParams>, QueryRejection>,
) -> Answer {
    let params = query(params, "comments")?;
    let entry = services.comments.stream(&stream).await?;
    let user = caller.user(&entry.id)?;
    let named = params.comments.unwrap_or_default();
    let comments =
        named.split(',').filter(|id| !id.is_empty()).map(comment_id).collect::<Result<Vec<_>, _>>()?;
    let most = limits::PAGE_SIZE_MAX as usize;
    if comments.is_empty() || comments.len() > most {
        let detail = format!("comments= names {} comments: name 1 to {most}, with commas", comments.len());
        return Err(ProblemResponse::new(Problem::InvalidField, detail));
    }
    let found = services.store.reactions_of(&entry.id, &user.id, &comments).await;
    let found = found.map_err(|error| unavailable(&error))?;
    let items: Vec<_> = found
        .into_iter()
        .map(|(comment, reaction)| serde_json::json!({ "comment": comment, "reaction": reaction }))
        .collect();
    Ok(cached::answer(&asked, Keep::No, &serde_json::json!({ "items": items })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    text: String,
    reply_to: Option<CommentId>,
    reference: Option<String>,
}

pub(super) async fn create(
    State(services): State<HttpServices>,
    caller: Caller,
    headers: HeaderMap,
    Place(stream): Place<String>,
    Body(body): Body<CreateBody>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    let author = caller.user(&entry.id)?;
    let asked = headers.get("traceparent").and_then(|header| header.to_str().ok());
    let mut span = services.traces.asked(asked, "submit");
    let trace = span.as_ref().map(|span| span.trace().clone());
    let new = NewComment { text: body.text, reply_to: body.reply_to, reference: body.reference, trace };
    let posted = services.comments.post(author, &entry.id, new).await;
    if let Some(span) = &mut span {
        submitted(span, &services.host, &entry.id, "rest", &posted);
    }
    let mut response = answer(posted?, StatusCode::CREATED)?;
    if let Some(id) = response.extensions_mut().remove::<CommentId>()
        && let Ok(location) = format!("/v1/streams/{}/comments/{id}", entry.id).parse()
    {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// 201 (or 200 for an edit) with the comment; 202 when a moderator must approve it first.
fn answer(posted: Posted, accepted: StatusCode) -> Answer {
    let (status, comment) = match posted {
        Posted::Accepted(comment) => (accepted, comment),
        Posted::Held(comment) => (StatusCode::ACCEPTED, comment),
        Posted::Rejected(reason) => return Err(ProblemResponse::new(Problem::Rejected, reason)),
        Posted::RateLimited(ms) => return Err(rate_limited(ms)),
    };
    let id = comment.id;
    let mut response = (status, Json(CommentBody::posted(*comment))).into_response();
    response.extensions_mut().insert(id);
    Ok(response)
}

pub(super) fn rate_limited(ms: u32) -> ProblemResponse {
    let wait = Duration::from_millis(u64::from(ms));
    Failure::retry(Problem::RateLimited, format!("wait {ms} ms, then try again"), wait).into()
}

pub(super) async fn show(
    State(services): State<HttpServices>,
    caller: Caller,
    asked: HeaderMap,
    Place((stream, comment)): Place<(String, String)>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    let for_moderator = caller.reader(&entry)? == Reader::Moderator;
    let reader = caller.0.as_ref().map(|identity| &identity.author);
    let stored = services.comments.comment(reader, &entry.id, comment_id(&comment)?).await?;
    // One comment is asked for to see how it stands, and seldom by many.
    Ok(cached::answer(&asked, Keep::No, &CommentBody::new(stored, for_moderator)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditBody {
    text: String,
}

pub(super) async fn edit(
    State(services): State<HttpServices>,
    caller: Caller,
    Place((stream, comment)): Place<(String, String)>,
    Body(body): Body<EditBody>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    let author = caller.user(&entry.id)?;
    let posted = services.comments.edit(author, &entry.id, comment_id(&comment)?, body.text).await?;
    answer(posted, StatusCode::OK)
}

pub(super) async fn delete(
    State(services): State<HttpServices>,
    caller: Caller,
    Place((stream, comment)): Place<(String, String)>,
) -> Answer {
    let entry = services.comments.stream(&stream).await?;
    services.comments.delete(caller.user(&entry.id)?, &entry.id, comment_id(&comment)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReactionBody {
    reaction: Reaction,
}

pub(super) async fn react(
    State(services): State<HttpServices>,
    caller: Caller,
    Place((stream, comment)): Place<(String, String)>,
    Body(body): Body<ReactionBody>,
) -> Answer {
    set_reaction(&services, &caller, &stream, &comment, body.reaction).await
}

pub(super) async fn unreact(
    State(services): State<HttpServices>,
    caller: Caller,
    Place((stream, comment)): Place<(String, String)>,
) -> Answer {
    set_reaction(&services, &caller, &stream, &comment, Reaction::None).await
}

async fn set_reaction(
    services: &HttpServices,
    caller: &Caller,
    stream: &str,
    comment: &str,
    reaction: Reaction,
) -> Answer {
    let entry = services.comments.stream(stream).await?;
    let user = caller.user(&entry.id)?;
    reacted(&services.comments.react(user, &entry.id, comment_id(comment)?, reaction).await?)
}

pub(super) fn reacted(reacted: &Reacted) -> Answer {
    match reacted {
        Reacted::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Reacted::RateLimited(ms) => Err(rate_limited(*ms)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewBody {
    review: String,
}

pub(super) async fn review(
    State(services): State<HttpServices>,
    caller: Caller,
    Place((stream, comment)): Place<(String, String)>,
    Body(body): Body<ReviewBody>,
) -> Answer {
    let review = match body.review.as_str() {
        "approve" => Review::Approve,
        "remove" => Review::Remove,
        other => {
            return Err(ProblemResponse::new(
                Problem::InvalidField,
                format!("review `{other}` is neither `approve` nor `remove`"),
            ));
        }
    };
    let entry = services.comments.stream(&stream).await?;
    services.comments.moderate(caller.user(&entry.id)?, &entry.id, comment_id(&comment)?, review).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
