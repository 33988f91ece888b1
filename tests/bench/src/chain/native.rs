//! The baseline: the same rules in native code, on as many threads, with nothing in between.

use std::time::{Duration, Instant};

use ringside_core::Action;
use ringside_moderator::Moderator as _;
use ringside_ports::policy::{Decision, Submission};
use ringside_throttle::Throttle as _;

use super::Stage;
use super::load::Load;
use crate::processor;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Comments between two looks at the clock.
const BATCH: usize = 64;
/// Name of the threads, short enough for the kernel.
const THREAD: &str = "native-rules";

/// The rules of the chain.
pub(super) struct Rules {
    throttle: throttle_standard::Policy,
    words: words::Rules,
    links: links::Rules,
    repetition: repetition::Rules,
}

/// A comment as the rules take it.
struct Question {
    settings: ringside_throttle::Settings,
    request: ringside_throttle::Request,
    stream: ringside_moderator::StreamInfo,
    submission: ringside_moderator::Submission,
}

impl Rules {
    pub(super) fn new(words_config: &str) -> Result<Self, String> {
        Ok(Self {
            throttle: throttle_standard::Policy::from_json("")?,
            words: words::Rules::from_json(words_config)?,
            links: links::Rules::from_json("")?,
            repetition: repetition::Rules::from_json("")?,
        })
    }

    /// The most severe action of all rules; none when it is not admitted. A rejected comment goes no further.
    fn judge(&self, question: &Question) -> Option<Action> {
        let admission = self.throttle.admit(&question.settings, &question.request);
        if !matches!(admission, ringside_throttle::Admission::Admit) {
            return None;
        }
        let (stream, submission) = (&question.stream, &question.submission);
        let mut worst = Action::Accept;
        let rules: [&dyn Fn() -> ringside_moderator::Verdict; 3] =
            [&|| self.words.judge(stream, submission), &|| self.links.judge(stream, submission), &|| {
                self.repetition.judge(stream, submission)
            }];
        for rule in rules {
            worst = worst.max(action(rule().action));
            if worst == Action::Reject {
                break;
            }
        }
        Some(worst)
    }
}

fn action(action: ringside_moderator::Action) -> Action {
    match action {
        ringside_moderator::Action::Accept => Action::Accept,
        ringside_moderator::Action::Flag => Action::Flag,
        ringside_moderator::Action::Hold => Action::Hold,
        ringside_moderator::Action::ShadowBan => Action::ShadowBan,
        ringside_moderator::Action::Reject => Action::Reject,
    }
}

/// Judges over and over on so many threads.
///
/// # Errors
/// When a thread cannot be started or breaks.
pub(super) fn measure(
    rules: &Rules,
    submissions: &[Submission],
    threads: usize,
    during: Duration,
) -> Result<Load, Failure> {
    let questions: Vec<Question> = submissions.iter().filter_map(question).collect();
    let (questions, barrier) = (&questions, &std::sync::Barrier::new(threads + 1));
    std::thread::scope(|scope| {
        let mut running = Vec::with_capacity(threads);
        for _ in 0..threads {
            let thread = std::thread::Builder::new().name(THREAD.into()).spawn_scoped(scope, move || {
                let mut comments = 0u64;
                barrier.wait();
                let begun = Instant::now();
                for batch in questions.chunks_exact(BATCH).cycle() {
                    if begun.elapsed() >= during {
                        break;
                    }
                    for question in batch {
                        std::hint::black_box(rules.judge(std::hint::black_box(question)));
                    }
                    comments += BATCH as u64;
                }
                // While they are here their time can be read.
                barrier.wait();
                barrier.wait();
                comments
            })?;
            running.push(thread);
        }
        barrier.wait();
        let begun = Instant::now();
        barrier.wait();
        let (elapsed, cpu) = (begun.elapsed(), processor::time_of_threads(THREAD));
        barrier.wait();
        let mut load = Load { elapsed, cpu: cpu?, ..Load::default() };
        for thread in running {
            load.comments += thread.join().map_err(|_| "a thread of the baseline broke")?;
        }
        Ok(load)
    })
}

/// How many comments the components judge otherwise than the native rules: none, or the ratio says nothing.
///
/// # Errors
/// When the chain fails.
pub(super) async fn compare(
    stage: &Stage,
    rules: &Rules,
    submissions: &[Submission],
) -> Result<u64, Failure> {
    let mut unlike = 0;
    for chunk in submissions.chunks(1_024) {
        let decisions = stage.host.policy().judge(chunk.to_vec()).await?;
        for (submission, decision) in chunk.iter().zip(decisions) {
            let native = question(submission).and_then(|question| rules.judge(&question));
            let component = match decision {
                Decision::Judged(judgement) => Some(judgement.action),
                Decision::NotAdmitted(_) => None,
            };
            unlike += u64::from(native != component);
        }
    }
    Ok(unlike)
}

fn question(from: &Submission) -> Option<Question> {
    let admission = from.admission.as_ref()?;
    let settings = &from.settings;
    Some(Question {
        settings: ringside_throttle::Settings {
            slow_mode_s: settings.slow_mode_s,
            members_only: settings.members_only,
            emoji_only: settings.emoji_only,
            links_allowed: settings.links_allowed,
            hold_for_review: settings.hold_for_review,
            closed: settings.closed,
            anonymous_read: settings.anonymous_read,
            blocked_terms: settings.blocked_terms.clone(),
        },
        request: ringside_throttle::Request {
            ticket: 0,
            role: ringside_throttle::Role::Viewer,
            member: from.author.member,
            author: None,
            activity: ringside_throttle::Activity::Comment,
            count_in_window: admission.count_in_window,
            window_ms: admission.window_ms,
            oldest_age_ms: admission.oldest_age_ms,
            since_last_ms: admission.since_last_ms,
            comments_per_second: admission.comments_per_second,
            attributes: None,
        },
        stream: ringside_moderator::StreamInfo {
            id: from.stream.as_str().to_owned(),
            links_allowed: settings.links_allowed,
            emoji_only: settings.emoji_only,
            blocked_terms: settings.blocked_terms.clone(),
            attributes: Vec::new(),
        },
        submission: ringside_moderator::Submission {
            ticket: 0,
            stream_index: 0,
            role: ringside_moderator::Role::Viewer,
            member: from.author.member,
            author: None,
            folded: from.folded.clone(),
            text: (from.text != from.folded).then(|| from.text.clone()),
            language: None,
            counters: ringside_moderator::Counters {
                author_comments: from.counters.author_comments,
                author_same_text: from.counters.author_same_text,
                author_likeness: from.counters.author_likeness,
                stream_same_text: from.counters.stream_same_text,
            },
            attributes: None,
        },
    })
}
