//! The self-test, made from the configuration: its lists, and links that no list has.

use ringside_moderator::{
    Action, Example, Role, StreamInfo, example, stream_info, submission, submission_folded,
};

use crate::config::{Config, Domains};

/// A name that is reserved, so that no list has it.
const HOST: &str = "ringside-self-test.com";

/// So many domains and endings of each list are tried.
const TRIED_A_LIST: usize = 2;

/// The examples for one configuration.
pub(crate) fn of(config: &Config) -> Vec<Example> {
    let domains = Domains::new(config);
    let mut examples = vec![
        of_text("no link here, is there?", Action::Accept, ""),
        of_text("version 1.2.3 of main.rs... ok.so what", Action::Accept, ""),
    ];
    for list in &config.lists {
        let of_ending = list.endings.iter().map(|ending| format!("ringside-self-test.{ending}"));
        let of_list = list.domains.iter().cloned().chain(of_ending);
        // A list may have what is allowed, or what an earlier list has already.
        let decides = |host: &String| {
            let decided = domains.list(&crate::find::fold(host)).and_then(|at| config.lists.get(at));
            !domains.is_allowed(host) && decided.is_some_and(|other| other.name == list.name)
        };
        for host in of_list.filter(decides).take(TRIED_A_LIST) {
            examples.push(of_text(&format!("see https://{host}/x"), list.action.into(), &list.name));
        }
    }
    if domains.list(HOST).is_none() && !domains.is_allowed(HOST) {
        examples.extend(of_unlisted(config));
    }
    examples
}

fn of_unlisted(config: &Config) -> Vec<Example> {
    let plain = submission(&format!("see https://{HOST}/x"));
    let without_links =
        |example| Example { stream_info: StreamInfo { links_allowed: false, ..stream_info() }, ..example };
    let mut moderator = plain.clone();
    moderator.role = Role::Moderator;
    let when_forbidden: Action = config.when_links_forbidden.into();
    let for_moderators = if config.moderators_exempt { Action::Accept } else { when_forbidden };
    let (name, _) = HOST.split_once('.').unwrap_or((HOST, ""));
    let spelled_out = format!("go to {name} dot com now");
    vec![
        example(plain.clone(), Action::Accept, ""),
        without_links(example(plain, when_forbidden, reason(when_forbidden, HOST))),
        without_links(example(moderator, for_moderators, reason(for_moderators, HOST))),
        of_text(&spelled_out, config.spelled_out.into(), "spelled out"),
        of_text("http://134744072/login", config.addresses.into(), "134744072"),
        of_text(&format!("https://bank.example@{HOST}/"), config.disguised.into(), HOST),
    ]
}

fn of_text(text: &str, action: Action, part: &str) -> Example {
    example(submission_folded(text, &crate::find::fold(text)), action, reason(action, part))
}

/// `accept` carries no reason.
fn reason(action: Action, part: &str) -> &str {
    if action == Action::Accept { "" } else { part }
}
