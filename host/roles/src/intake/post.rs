//! Posting and editing: checks, counters, chain, log.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use ringside_core::error::Problem;
use ringside_core::{
    Action, Author, Comment, CommentId, EventKind, Failure, Judgement, Reference, Restriction, Settings,
    StreamId, Visibility, limits, text,
};
use ringside_ports::comments::{NewComment, Posted};
use ringside_ports::counters::{Hit, Window};
use ringside_ports::policy::{Activity, Admission, Admitted, CommentCounters, Decision, Submission};
use ringside_ports::traces::{Span, Trace};

use super::attempts::Attempted;
use super::references::Claim;
use super::restricted::shadowed;
use super::{Intake, lock, needs_sign_in, unavailable};
use crate::metrics::OutcomeLabel;

/// Window of the limits (R16).
pub(super) const WINDOW_MS: u32 = 60_000;
/// Window in which the same text by anyone on a stream is counted.
const STREAM_TEXT_WINDOW_MS: u32 = 10_000;

impl Intake {
    pub(super) async fn post_comment(
        &self,
        author: &Author,
        stream: &StreamId,
        mut new: NewComment,
    ) -> Result<Posted, Failure> {
        let mut span = new.trace.take().map(|trace| trace.begin("intake"));
        let posted = self.take_comment(author, stream, new, span.as_ref().map(Span::trace)).await;
        if let (Some(span), Err(failure)) = (&mut span, &posted) {
            span.fail(failure);
        }
        self.count_failure(posted)
    }

    async fn take_comment(
        &self,
        author: &Author,
        stream: &StreamId,
        new: NewComment,
        trace: Option<&Trace>,
    ) -> Result<Posted, Failure> {
        needs_sign_in(author)?;
        let started = Instant::now();
        let reference =
            new.reference.as_deref().map(Reference::new).transpose().map_err(|error| {
                Failure::new(Problem::InvalidField, format!("field `reference`: {error}"))
            })?;
        let text = check_text(&new.text)?;
        let (claimed, attempt) = match &reference {
            None => (None, None),
            Some(reference) => match self.references.claim(stream, &author.id, reference).await {
                Claim::Known(comment) => return Ok(posted(comment.as_ref().clone())),
                Claim::Mine(claimed) => match self.attempt(stream, &author.id, reference).await? {
                    Attempted::Made(comment) => {
                        claimed.done(comment.as_ref().clone());
                        return Ok(posted(*comment));
                    }
                    Attempted::First(attempt) => (Some(claimed), attempt),
                },
            },
        };
        let comment = match self.draft(author, stream, text, new.reply_to, reference, trace).await {
            Ok(Ok(comment)) => comment,
            ended => {
                self.give_up(attempt).await;
                return ended.map(|ended| ended.map_or_else(|posted| posted, posted));
            }
        };
        let span = trace.map(|trace| trace.begin("append"));
        let event = self.append_in(author, stream, EventKind::CommentAccepted(comment), span).await?;
        self.services.metrics.submission_seconds.observe(started.elapsed().as_secs_f64());
        let EventKind::CommentAccepted(comment) = event.kind else {
            return Err(Failure::new(Problem::Internal, "the log gave back another event"));
        };
        self.judged(&comment.judgement);
        if let Some(claimed) = claimed {
            claimed.done(comment.clone());
        }
        Ok(posted(comment))
    }

    /// A comment as the chain lets it be said, before it has its place in the log; else the answer to its author.
    async fn draft(
        &self,
        author: &Author,
        stream: &StreamId,
        text: String,
        reply_to: Option<CommentId>,
        reference: Option<Reference>,
        trace: Option<&Trace>,
    ) -> Result<Result<Comment, Posted>, Failure> {
        let shadow = self.may_act(author, stream).await?;
        if let Some(parent) = reply_to {
            self.find(Some(author), stream, parent).await?;
        }
        let activity = if reply_to.is_some() { Activity::Reply } else { Activity::Comment };
        let judgement = match self.judge(author, stream, &text, activity, shadow.as_ref(), trace).await? {
            Decision::Judged(judgement) => judgement,
            Decision::NotAdmitted(admitted) => return Ok(Err(self.not_admitted(admitted))),
        };
        let Some(visibility) = judgement.action.visibility() else {
            self.judged(&judgement);
            return Ok(Err(Posted::Rejected(judgement.reason)));
        };
        Ok(Ok(Comment {
            // Id and time are given by the appender, in the log's order.
            id: CommentId::from_halves(0, 0),
            at_ms: 0,
            stream: stream.clone(),
            author: author.clone(),
            mentions: text::mentions(&text),
            text,
            reply_to,
            reference,
            edited_at_ms: None,
            visibility,
            judgement,
        }))
    }

    pub(super) async fn edit_comment(
        &self,
        author: &Author,
        stream: &StreamId,
        id: CommentId,
        text: String,
    ) -> Result<Posted, Failure> {
        let posted = self.change_comment(author, stream, id, &text).await;
        self.count_failure(posted)
    }

    async fn change_comment(
        &self,
        author: &Author,
        stream: &StreamId,
        id: CommentId,
        new_text: &str,
    ) -> Result<Posted, Failure> {
        let shadow = self.may_act(author, stream).await?;
        let text = check_text(new_text)?;
        let mut comment = self.find_current(Some(author), stream, id).await?.comment;
        if comment.author.id != author.id {
            return Err(Failure::new(Problem::Forbidden, "only its author may edit a comment"));
        }
        let judgement = match self.judge(author, stream, &text, Activity::Edit, shadow.as_ref(), None).await?
        {
            Decision::Judged(judgement) => judgement,
            Decision::NotAdmitted(admitted) => return Ok(self.not_admitted(admitted)),
        };
        if let Some(reason) = edit_refused(&judgement, comment.visibility) {
            self.judged(&judgement);
            return Ok(Posted::Rejected(reason));
        }
        let kind = EventKind::CommentEdited {
            comment: id,
            mentions: text::mentions(&text),
            text: text.clone(),
            judgement: judgement.clone(),
        };
        let event = self.append(author, stream, kind).await?;
        self.judged(&judgement);
        comment.text = text;
        comment.judgement = judgement;
        comment.edited_at_ms = Some(event.at_ms);
        Ok(posted(comment))
    }

    /// Counters, throttle and moderators. What was not admitted does not count.
    async fn judge(
        &self,
        author: &Author,
        stream: &StreamId,
        text: &str,
        activity: Activity,
        shadow: Option<&Restriction>,
        trace: Option<&Trace>,
    ) -> Result<Decision, Failure> {
        let settings = self.streams.settings(stream).await?;
        if settings.emoji_only && !author.role.moderates() && !text::is_emoji_only(text) {
            self.outcome("refuse", "settings");
            let reason = "only emoji may be said here just now".to_owned();
            return Ok(Decision::NotAdmitted(Admitted::Refused(reason)));
        }
        let folded = text::fold(text);
        let now_ms = self.services.clock.now_ms();
        let hits = hits(stream, author, activity, &settings, &folded);
        let windows = match self.services.counters.hit(now_ms, &hits).await {
            Ok(windows) => windows,
            Err(error) => {
                // Limits lapse rather than comments: the chain still judges.
                tracing::warn!(%error, "the counters do not answer, going on without them");
                vec![Window::default(); hits.len()]
            }
        };
        let window = |index: usize| windows.get(index).copied().unwrap_or_default();
        let (limit, slow) = (window(0), windows.get(3).copied());
        let counters = if activity == Activity::Edit {
            // A new text is like the old one by nature: that is no repetition.
            CommentCounters::default()
        } else {
            CommentCounters {
                author_comments: limit.count,
                author_same_text: window(1).count,
                author_likeness: lock(&self.recent).likeness(stream, &author.id, &folded, now_ms),
                stream_same_text: window(2).count,
            }
        };
        let mut span = trace.map(|trace| trace.begin("chain"));
        let submission = Submission {
            admission: Some(Admission {
                stream: stream.clone(),
                settings: settings.clone(),
                author: author.clone(),
                activity,
                count_in_window: limit.count,
                window_ms: WINDOW_MS,
                oldest_age_ms: limit.oldest_age_ms,
                since_last_ms: slow.unwrap_or(limit).newest_age_ms,
                comments_per_second: self.pace(stream, 1),
            }),
            stream: stream.clone(),
            settings: settings.clone(),
            author: author.clone(),
            text: text.to_owned(),
            folded,
            counters,
            trace: span.as_ref().map(|span| span.trace().clone()),
        };
        let decision = match self.services.policy.judge(vec![submission]).await {
            Ok(mut decisions) => decisions.pop(),
            Err(error) => {
                self.take_back(&hits).await;
                return Err(unavailable(&error));
            }
        };
        match decision {
            Some(Decision::Judged(judgement)) => {
                if let Some(span) = &mut span {
                    span.set(
                        "ringside.generation",
                        judgement.generation.map_or(0, |generation| generation.0),
                    );
                    span.set("ringside.action", judgement.action.as_str());
                    span.set("ringside.slot", judgement.slot.as_str());
                }
                Ok(Decision::Judged(shadowed(hold_for_review(judgement, &settings, author), shadow)))
            }
            Some(not_admitted) => {
                self.take_back(&hits).await;
                Ok(not_admitted)
            }
            None => Err(Failure::new(Problem::Internal, "the chain gave no decision")),
        }
    }

    pub(super) async fn take_back(&self, hits: &[Hit]) {
        let keys: Vec<String> = hits.iter().map(|hit| hit.key.clone()).collect();
        if let Err(error) = self.services.counters.take_back(&keys).await {
            tracing::debug!(%error, "a refused comment counts towards its author's limit");
        }
    }

    fn not_admitted(&self, admitted: Admitted) -> Posted {
        match admitted {
            Admitted::Wait(ms) => {
                self.outcome("wait", "throttle");
                Posted::RateLimited(ms)
            }
            Admitted::Refused(reason) => {
                self.outcome("refuse", "throttle");
                Posted::Rejected(reason)
            }
            Admitted::Yes => Posted::RateLimited(0),
        }
    }

    /// What the chain decided, of a comment that is answered.
    fn judged(&self, judgement: &Judgement) {
        self.outcome(judgement.action.as_str(), &judgement.slot);
    }

    /// Counts what failed because of us. What was refused because of what it is counts as nothing.
    fn count_failure(&self, posted: Result<Posted, Failure>) -> Result<Posted, Failure> {
        if let Err(failure) = &posted
            && matches!(failure.problem, Problem::Unavailable | Problem::Internal)
        {
            self.outcome("failed", "");
        }
        posted
    }

    fn outcome(&self, outcome: &'static str, slot: &str) {
        let label = OutcomeLabel { outcome, slot: slot.to_owned() };
        self.services.metrics.submissions.get_or_create(&label).inc();
    }
}

/// What is counted for a comment, in the order in which `judge` reads it.
fn hits(
    stream: &StreamId,
    author: &Author,
    activity: Activity,
    settings: &Arc<Settings>,
    folded: &str,
) -> Vec<Hit> {
    let user = &author.id;
    let text = {
        let mut hasher = DefaultHasher::new();
        folded.hash(&mut hasher);
        hasher.finish()
    };
    // Replies share the comments' limit.
    let kind = if activity == Activity::Edit { "edit" } else { "comment" };
    let mut hits = vec![
        Hit { key: format!("{kind}/{stream}/{user}"), window_ms: WINDOW_MS },
        Hit { key: format!("text/{stream}/{user}/{text:x}"), window_ms: WINDOW_MS },
        Hit { key: format!("text/{stream}/{text:x}"), window_ms: STREAM_TEXT_WINDOW_MS },
    ];
    let slow_ms = settings.slow_mode_s.saturating_mul(1_000);
    if slow_ms > WINDOW_MS && activity != Activity::Edit {
        hits.push(Hit { key: format!("slow/{stream}/{user}"), window_ms: slow_ms });
    }
    hits
}

fn hold_for_review(mut judgement: Judgement, settings: &Settings, author: &Author) -> Judgement {
    if settings.hold_for_review && judgement.action < Action::Hold && !author.role.moderates() {
        judgement.action = Action::Hold;
        judgement.slot = "settings".into();
        judgement.reason = "a moderator looks at every comment here before it is shown".into();
    }
    judgement
}

/// Why an edit is not taken; none where it is. A new text cannot wait unseen while the old one is shown under the same
/// id, so one that would not be shown is refused and the old text stays. What is not shown yet may change freely.
fn edit_refused(judgement: &Judgement, shown_as: Visibility) -> Option<String> {
    const ADVICE: &str = "the edited text would need a moderator's review; post it as a new comment";
    match (judgement.action.visibility(), shown_as) {
        (None, _) => Some(judgement.reason.clone()),
        (Some(Visibility::Held), Visibility::Shown) if !judgement.reason.is_empty() => {
            Some(format!("{}: {ADVICE}", judgement.reason))
        }
        // One who is shadow-banned is not told why.
        (Some(Visibility::Held | Visibility::Shadow | Visibility::Removed), Visibility::Shown) => {
            Some(ADVICE.into())
        }
        (Some(_), _) => None,
    }
}

/// Control characters go, line breaks become spaces; what is left must be 1 to 500 characters.
fn check_text(text: &str) -> Result<String, Failure> {
    let cleaned: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    let cleaned = cleaned.trim();
    let chars = cleaned.chars().count();
    if chars == 0 {
        return Err(Failure::new(Problem::InvalidText, "the text is empty: say something"));
    }
    if chars > limits::TEXT_CHARS_MAX {
        let detail = format!("the text has {chars} characters, at most {}", limits::TEXT_CHARS_MAX);
        return Err(Failure::new(Problem::InvalidText, detail));
    }
    Ok(cleaned.to_owned())
}

/// A shadow-banned author is told what everyone is told.
fn posted(comment: Comment) -> Posted {
    match comment.visibility {
        Visibility::Held => Posted::Held(Box::new(comment)),
        _ => Posted::Accepted(Box::new(comment)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_would_not_be_shown_is_refused_with_advice_while_the_old_text_is() {
        let advice = "the edited text would need a moderator's review; post it as a new comment";
        let cases = [
            (Action::Accept, Visibility::Shown, None),
            (Action::Flag, Visibility::Shown, None),
            (Action::Hold, Visibility::Shown, Some(format!("a link: {advice}"))),
            (Action::ShadowBan, Visibility::Shown, Some(advice.to_owned())),
            (Action::Reject, Visibility::Shown, Some("a link".to_owned())),
            (Action::Hold, Visibility::Held, None),
            (Action::Accept, Visibility::Held, None),
            (Action::ShadowBan, Visibility::Shadow, None),
            (Action::Reject, Visibility::Held, Some("a link".to_owned())),
        ];
        for (action, shown_as, expected) in cases {
            let judgement = Judgement { action, reason: "a link".into(), ..Judgement::default() };
            assert_eq!(edit_refused(&judgement, shown_as), expected, "{action:?} on {shown_as:?}");
        }
        let silent = Judgement { action: Action::Hold, ..Judgement::default() };
        assert_eq!(edit_refused(&silent, Visibility::Shown).as_deref(), Some(advice));
    }

    #[test]
    fn texts_are_cleaned_and_measured_in_characters() {
        assert_eq!(check_text("  a\nb\u{7}c ").unwrap(), "a bc");
        assert_eq!(check_text(&"ä".repeat(500)).unwrap().chars().count(), 500);
        for bad in ["", " \n ", "\u{0}", &"ä".repeat(501)] {
            assert_eq!(check_text(bad).unwrap_err().problem, Problem::InvalidText, "{bad:?}");
        }
    }
}
