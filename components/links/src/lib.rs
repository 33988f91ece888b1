//! Links in comments, also those written so that they should not be found.
//!
//! [`find`] says which hosts a text links to and how the links are written; [`Config`] says what follows.

mod config;
mod endings;
mod examples;
mod find;

use ringside_moderator::{
    Action, Description, Example, Label, Moderator, Role, StreamInfo, Submission, Verdict, accepted,
};

use config::Domains;
pub use config::{Config, List};
use endings::Endings;
use find::{Form, Link};

/// Lists and endings, ready to be asked.
#[derive(Debug)]
pub struct Rules {
    config: Config,
    domains: Domains,
    endings: Endings,
}

impl Moderator for Rules {
    fn description() -> Description {
        Description {
            name: "links".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Links: where a stream allows none, to listed domains, and spelled out or disguised."
                .into(),
        }
    }

    fn from_json(config: &str) -> Result<Self, String> {
        let config = Config::from_json(config)?;
        Ok(Self { domains: Domains::new(&config), endings: Endings::new(), config })
    }

    fn judge(&self, stream: &StreamInfo, submission: &Submission) -> Verdict {
        let mut verdict = accepted(submission.ticket);
        let mut links = find::links(&submission.folded, &self.endings);
        links.retain(|link| !self.domains.is_allowed(&link.host));
        if links.is_empty() {
            return verdict;
        }
        verdict.labels.push(Label { name: "link".into(), score: 1.0 });
        let moderates = matches!(submission.role, Role::Moderator | Role::Operator);
        if moderates && self.config.moderators_exempt {
            return verdict;
        }
        for link in &links {
            for (action, label, reason) in self.findings(link, stream.links_allowed) {
                raise(&mut verdict, action, label, reason);
            }
        }
        let links_max = self.config.links_max;
        if links_max > 0 && u32::try_from(links.len()).is_ok_and(|links| links > links_max) {
            let reason = format!("{} links in one comment; up to {links_max} pass", links.len());
            raise(&mut verdict, self.config.too_many.into(), "many-links", reason);
        }
        verdict
    }

    fn examples(&self) -> Vec<Example> {
        examples::of(&self.config)
    }
}

impl Rules {
    /// All that speaks against one link.
    fn findings(&self, link: &Link, links_allowed: bool) -> Vec<(Action, &'static str, String)> {
        let host = &link.host;
        let config = &self.config;
        let mut findings = Vec::new();
        if !links_allowed {
            let reason = format!("links are not allowed on this stream: `{host}`");
            findings.push((config.when_links_forbidden.into(), "forbidden-link", reason));
        }
        if let Some(list) = self.domains.list(host).and_then(|list| config.lists.get(list)) {
            let reason = format!("`{host}` is on the link list `{}`", list.name);
            findings.push((list.action.into(), "listed-link", reason));
        }
        match link.form {
            Form::Usual => {}
            Form::SpelledOut => {
                let reason = format!("`{host}` is a link that is spelled out");
                findings.push((config.spelled_out.into(), "spelled-out-link", reason));
            }
            Form::Address => {
                let reason = format!("`{host}` is a link to a number instead of a name");
                findings.push((config.addresses.into(), "address-link", reason));
            }
            Form::Disguised => {
                let reason = format!("the link to `{host}` reads like another one");
                findings.push((config.disguised.into(), "disguised-link", reason));
            }
        }
        findings
    }
}

/// Notes a finding; the strictest gives the reason.
fn raise(verdict: &mut Verdict, action: Action, label: &'static str, reason: String) {
    if verdict.labels.iter().all(|known| known.name != label) {
        verdict.labels.push(Label { name: label.into(), score: 1.0 });
    }
    if action > verdict.action {
        verdict.action = action;
        verdict.reason = reason;
    }
}

ringside_moderator::export_moderator!(crate::Rules);

#[cfg(test)]
mod tests;
