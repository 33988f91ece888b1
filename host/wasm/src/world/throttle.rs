//! Calls of the world `throttle`.

use bumpalo::Bump;
use ringside_core::{Author, Role, Settings, sampling};
use ringside_ports::policy::{Activity, Admission, Admitted, StreamLoad};
use ringside_ports::releases::World as WorldName;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::describe::Description;
use super::{Guest, Throttle, World, tickets, too_many};
use crate::bindings::throttle::ThrottlePre;
use crate::bindings::throttle::ringside::edge::{throttling as wit, types};
use crate::call::CallError;
use crate::guest::GuestState;
use crate::limits;
use crate::text::cut;

impl World for Throttle {
    const NAME: WorldName = WorldName::Throttle;
    type Pre = ThrottlePre<GuestState>;

    fn pre(component: InstancePre<GuestState>) -> wasmtime::Result<Self::Pre> {
        ThrottlePre::new(component)
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<GuestState>) -> wasmtime::Result<Self> {
        pre.instantiate(store)
    }

    fn describe(&self, store: &mut Store<GuestState>) -> wasmtime::Result<Description> {
        let types::Description { name, version, summary } = self.call_describe(store)?;
        Ok(Description { name, version, summary })
    }

    fn configure(&self, store: &mut Store<GuestState>, config: &str) -> wasmtime::Result<Result<(), String>> {
        let answer = self.call_configure(&mut *store, config)?;
        Ok(answer.map(|wants| store.data_mut().wants = wants))
    }

    fn self_test(guest: &mut Guest<Self>) -> Result<Result<usize, String>, CallError> {
        let examples = guest.call(limits::START_TICKS_MAX, |world, store| world.call_examples(store))?;
        if let Some(problem) = too_many(examples.len()) {
            return Ok(Err(problem));
        }
        let arena = Bump::new();
        for (number, example) in (1..).zip(&examples) {
            let terms =
                arena.alloc_slice_fill_iter(example.settings.blocked_terms.iter().map(String::as_str));
            let settings = settings_again(&example.settings, terms);
            let request = request_again(&example.request, &arena);
            let author_of = |_| example.request.author.as_ref().map(author_again);
            let got = guest.admit(&settings, std::slice::from_ref(&request), author_of)?.pop();
            let expected = admitted(example.admission.clone());
            // The length of a wait may depend on the clock.
            let fits = match (&got, &expected) {
                (Some(Admitted::Wait(_)), Admitted::Wait(_)) => true,
                (got, expected) => got.as_ref() == Some(expected),
            };
            if !fits {
                let got = got.map_or_else(|| "nothing".to_owned(), |got| format!("{got:?}"));
                let request = &example.request;
                return Ok(Err(format!(
                    "example {number} ({:?}, {} in {} ms): expected {expected:?}, got {got}",
                    request.activity, request.count_in_window, request.window_ms
                )));
            }
        }
        guest.plan(&wit::StreamLoad { stream_id: "example", comments_per_second: 1, viewers: 1 })?;
        Ok(Ok(examples.len()))
    }
}

impl Guest<Throttle> {
    /// Decisions on requests of one stream, in order. Tickets are below [`limits::BATCH_COMMENTS_MAX`], distinct.
    /// Whose a request is it is told if it wants authors.
    ///
    /// # Errors
    /// [`CallError`]; the instance must not be called again.
    pub(crate) fn admit<'a>(
        &mut self,
        settings: &types::SettingsParam<'_>,
        requests: &[wit::RequestParam<'a>],
        author_of: impl Fn(u32) -> Option<types::AuthorParam<'a>>,
    ) -> Result<Vec<Admitted>, CallError> {
        let with_author =
            |one: &wit::RequestParam<'a>| wit::RequestParam { author: author_of(one.ticket), ..one.clone() };
        let with_authors: Vec<_>;
        let told = if self.wants().authors {
            with_authors = requests.iter().map(with_author).collect();
            &with_authors
        } else {
            requests
        };
        let decisions = self
            .call(limits::CALL_TICKS_MAX, |world, store| world.call_admit(store, settings.clone(), told))?;
        let decisions = tickets::align(
            decisions,
            "decisions",
            |decision| decision.ticket,
            requests.iter().map(|request| request.ticket),
        )?;
        Ok(decisions.into_iter().map(|decision| admitted(decision.admission)).collect())
    }

    /// What viewers of a stream are shown.
    ///
    /// # Errors
    /// [`CallError`], also for a plan out of its ranges; the instance must not be called again.
    pub(crate) fn plan(&mut self, load: &wit::StreamLoad<'_>) -> Result<sampling::Plan, CallError> {
        let plan = self.call(limits::CALL_TICKS_MAX, |world, store| world.call_plan(store, load.clone()))?;
        if !(1..=100).contains(&plan.shown_percent)
            || plan.tick_ms > ringside_core::limits::TICK_MS_MAX as u32
        {
            return Err(CallError::malformed(format!(
                "planned to show {} % with a tick of {} ms: 1 to 100 % and at most {} ms are allowed",
                plan.shown_percent,
                plan.tick_ms,
                ringside_core::limits::TICK_MS_MAX
            )));
        }
        Ok(sampling::Plan {
            shown_percent: plan.shown_percent,
            cap_per_second: plan.cap_per_second,
            tick_ms: plan.tick_ms,
            banner: plan.banner.map(|banner| cut(banner, limits::REASON_BYTES_MAX)),
        })
    }
}

fn admitted(admission: wit::Admission) -> Admitted {
    match admission {
        wit::Admission::Admit => Admitted::Yes,
        wit::Admission::Wait(ms) => Admitted::Wait(ms.min(limits::WAIT_MS_MAX)),
        wit::Admission::Refuse(reason) => Admitted::Refused(cut(reason, limits::REASON_BYTES_MAX)),
    }
}

/// A question as it is put to components that want no authors.
pub(crate) fn request(ticket: u32, admission: &Admission) -> wit::RequestParam<'_> {
    wit::RequestParam {
        ticket,
        role: role(admission.author.role),
        member: admission.author.member,
        author: None,
        activity: match admission.activity {
            Activity::Comment => wit::Activity::Comment,
            Activity::Reply => wit::Activity::Reply,
            Activity::Edit => wit::Activity::Edit,
            Activity::Reaction => wit::Activity::Reaction,
            Activity::Emoji => wit::Activity::Emoji,
        },
        count_in_window: admission.count_in_window,
        window_ms: admission.window_ms,
        oldest_age_ms: admission.oldest_age_ms,
        since_last_ms: admission.since_last_ms,
        comments_per_second: admission.comments_per_second,
        attributes: None,
    }
}

pub(crate) fn load(load: &StreamLoad) -> wit::StreamLoad<'_> {
    wit::StreamLoad {
        stream_id: load.stream.as_str(),
        comments_per_second: load.comments_per_second,
        viewers: load.viewers,
    }
}

pub(super) fn role(role: Role) -> types::Role {
    match role {
        Role::Anonymous => types::Role::Anonymous,
        Role::Viewer => types::Role::Viewer,
        Role::Moderator => types::Role::Moderator,
        Role::Operator => types::Role::Operator,
    }
}

pub(crate) fn author(author: &Author) -> types::AuthorParam<'_> {
    types::AuthorParam {
        id: author.id.as_str(),
        name: &author.name,
        role: role(author.role),
        member: author.member,
    }
}

/// Settings as the component is told them; `terms` are the blocked ones.
pub(crate) fn settings<'a>(settings: &'a Settings, terms: &'a [&'a str]) -> types::SettingsParam<'a> {
    types::SettingsParam {
        slow_mode_s: settings.slow_mode_s,
        members_only: settings.members_only,
        emoji_only: settings.emoji_only,
        links_allowed: settings.links_allowed,
        hold_for_review: settings.hold_for_review,
        closed: settings.closed,
        anonymous_read: settings.anonymous_read,
        blocked_terms: terms,
    }
}

fn settings_again<'a>(settings: &'a types::SettingsResult, terms: &'a [&'a str]) -> types::SettingsParam<'a> {
    types::SettingsParam {
        slow_mode_s: settings.slow_mode_s,
        members_only: settings.members_only,
        emoji_only: settings.emoji_only,
        links_allowed: settings.links_allowed,
        hold_for_review: settings.hold_for_review,
        closed: settings.closed,
        anonymous_read: settings.anonymous_read,
        blocked_terms: terms,
    }
}

fn request_again<'a>(request: &'a wit::RequestResult, arena: &'a Bump) -> wit::RequestParam<'a> {
    wit::RequestParam {
        ticket: 0,
        role: request.role,
        member: request.member,
        author: None,
        activity: request.activity,
        count_in_window: request.count_in_window,
        window_ms: request.window_ms,
        oldest_age_ms: request.oldest_age_ms,
        since_last_ms: request.since_last_ms,
        comments_per_second: request.comments_per_second,
        attributes: attributes_again(request.attributes.as_deref(), arena),
    }
}

/// Attributes in the shape that goes to a component.
pub(super) fn attributes_again<'a>(
    attributes: Option<&'a [(String, String)]>,
    arena: &'a Bump,
) -> Option<&'a [(&'a str, &'a str)]> {
    let attributes = attributes?.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Some(arena.alloc_slice_fill_iter(attributes))
}

pub(super) fn author_again(author: &types::AuthorResult) -> types::AuthorParam<'_> {
    types::AuthorParam { id: &author.id, name: &author.name, role: author.role, member: author.member }
}
