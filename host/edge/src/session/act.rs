//! Commands about the joined stream, carried out by [`Comments`](ringside_ports::Comments).

use ringside_core::error::Problem;
use ringside_core::wire::{Command, Outcome};
use ringside_core::{Author, Failure, StreamId};
use ringside_ports::comments::{NewComment, Posted, Reacted};

use super::Caller;
use crate::hub::signal::Finished;
use crate::services::Services;
use crate::submitted::submitted;

/// Carries a command out.
pub(super) async fn act(services: Services, id: u64, command: Command, caller: Caller) -> Finished {
    let outcome = match who_and_where(caller) {
        Ok((author, stream)) => carry_out(&services, command, &author, &stream).await,
        Err(failure) => Err(failure),
    };
    Finished::Reply(id, outcome.unwrap_or_else(Outcome::Failed))
}

fn who_and_where(caller: Caller) -> Result<(Author, StreamId), Failure> {
    let author = caller.author.ok_or_else(super::not_signed_in)?;
    let stream = caller.stream.ok_or_else(super::not_joined)?;
    // Someone who joined without a token may have signed in with one that is for other streams.
    if caller.allows == Some(false) {
        let detail = format!("the token is not for `{stream}`: get one that is");
        return Err(Failure::new(Problem::Forbidden, detail));
    }
    Ok((author, stream))
}

async fn carry_out(
    services: &Services,
    command: Command,
    author: &Author,
    stream: &StreamId,
) -> Result<Outcome, Failure> {
    let comments = &services.comments;
    Ok(match command {
        Command::Comment { text, reply_to, reference } => {
            let mut span = services.traces.draw("submit");
            let trace = span.as_ref().map(|span| span.trace().clone());
            let outcome =
                comments.post(author, stream, NewComment { text, reply_to, reference, trace }).await;
            if let Some(span) = &mut span {
                submitted(span, &services.host, stream, "websocket", &outcome);
            }
            posted(outcome?)
        }
        Command::Edit { comment, text } => posted(comments.edit(author, stream, comment, text).await?),
        Command::Delete(comment) => {
            comments.delete(author, stream, comment).await?;
            Outcome::Done
        }
        Command::React { comment, reaction } => {
            reacted(&comments.react(author, stream, comment, reaction).await?)
        }
        Command::Emoji { emoji, count } => reacted(&comments.emoji(author, stream, emoji, count).await?),
        Command::Pin(comment) => {
            comments.pin(author, stream, comment).await?;
            Outcome::Done
        }
        Command::Settings(patch) => {
            comments.change_settings(author, stream, patch).await?;
            Outcome::Done
        }
        Command::Moderate { comment, review } => {
            comments.moderate(author, stream, comment, review).await?;
            Outcome::Done
        }
        // Carried out by the session itself.
        Command::Authenticate(_) | Command::Refresh(_) | Command::Join { .. } | Command::Leave => {
            Outcome::Done
        }
    })
}

fn posted(posted: Posted) -> Outcome {
    match posted {
        Posted::Accepted(comment) => Outcome::Accepted(comment.id),
        Posted::Held(comment) => Outcome::Held(comment.id),
        Posted::Rejected(reason) => Outcome::Rejected(reason),
        Posted::RateLimited(ms) => Outcome::RateLimited(ms),
    }
}

fn reacted(reacted: &Reacted) -> Outcome {
    match reacted {
        Reacted::Done => Outcome::Done,
        Reacted::RateLimited(ms) => Outcome::RateLimited(*ms),
    }
}
