//! What operators may set. `links.json` beside the crate is the default, and an example of every key.

use std::collections::{BTreeMap, BTreeSet};

use ringside_moderator::ActionName;
use serde::Deserialize;

use crate::find::fold;

/// The configuration that blank text stands for.
const BUILT_IN: &str = include_str!("../links.json");

/// What follows from links.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// True: the built-in lists and the built-in allowed domains come before these.
    pub built_in: bool,
    /// Any link where the stream allows none.
    pub when_links_forbidden: ActionName,
    /// `example dot com` and the like.
    pub spelled_out: ActionName,
    /// A link to a number instead of a name, outside private networks.
    pub addresses: ActionName,
    /// The name that is read is not the one that is followed.
    pub disguised: ActionName,
    /// Up to so many different hosts in one comment; 0 is any number.
    pub links_max: u32,
    /// More than that.
    pub too_many: ActionName,
    /// True: moderators and operators may post any link.
    pub moderators_exempt: bool,
    /// Domains that never count as links, with all below them.
    pub allow: Vec<String>,
    /// Domains and endings, and what follows.
    pub lists: Vec<List>,
}

/// Domains of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Named in the reason of a verdict.
    pub name: String,
    /// What follows from a link to one of them.
    pub action: ActionName,
    /// Domains, with all below them.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Last parts of names, such as `zip`.
    #[serde(default)]
    pub endings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            built_in: false,
            when_links_forbidden: ActionName::Reject,
            spelled_out: ActionName::Flag,
            addresses: ActionName::Hold,
            disguised: ActionName::Hold,
            links_max: 4,
            too_many: ActionName::Flag,
            moderators_exempt: true,
            allow: Vec::new(),
            lists: Vec::new(),
        }
    }
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// A sentence that names the offending key or value and says what to do.
    pub fn from_json(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return read(BUILT_IN);
        }
        let mut config = read(text)?;
        if config.built_in {
            let built_in = read(BUILT_IN)?;
            config.allow.splice(0..0, built_in.allow);
            config.lists.splice(0..0, built_in.lists);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        for (at, list) in self.lists.iter().enumerate() {
            let name = &list.name;
            if name.is_empty() {
                return Err(format!("list {at} has no name: give it one, it is shown in reasons"));
            }
            if self.lists.iter().skip(at + 1).any(|other| other.name == *name) {
                return Err(format!("two lists are named `{name}`: give each its own name"));
            }
            list.domains.iter().try_for_each(|domain| check_domain(domain, name))?;
            if let Some(ending) = list.endings.iter().find(|ending| !is_label(ending)) {
                return Err(format!(
                    "`{ending}` in list `{name}` is no ending: give it without a dot, as `zip`"
                ));
            }
        }
        self.allow.iter().try_for_each(|domain| check_domain(domain, "allow"))
    }
}

fn read(text: &str) -> Result<Config, String> {
    serde_json::from_str(text).map_err(|problem| format!("the configuration cannot be used: {problem}"))
}

fn check_domain(domain: &str, list: &str) -> Result<(), String> {
    if domain.contains('.') && domain.split('.').all(is_label) {
        return Ok(());
    }
    Err(format!("`{domain}` in list `{list}` is no domain: give a name alone, as `example.com`"))
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

/// The lists, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    allowed: BTreeSet<String>,
    listed: BTreeMap<String, usize>,
    endings: BTreeMap<String, usize>,
}

impl Domains {
    /// Makes names comparable with folded text. Of two lists that have a domain the first keeps it.
    pub(crate) fn new(config: &Config) -> Self {
        let mut domains = Self::default();
        domains.allowed.extend(config.allow.iter().map(|domain| fold(domain)));
        for (at, list) in config.lists.iter().enumerate() {
            for domain in &list.domains {
                domains.listed.entry(fold(domain)).or_insert(at);
            }
            for ending in &list.endings {
                domains.endings.entry(fold(ending)).or_insert(at);
            }
        }
        domains
    }

    /// True for an allowed domain and all below it.
    pub(crate) fn is_allowed(&self, host: &str) -> bool {
        !self.allowed.is_empty() && parents(host).any(|name| self.allowed.contains(name))
    }

    /// The list that has the host, a domain above it, or its ending.
    pub(crate) fn list(&self, host: &str) -> Option<usize> {
        let by_domain = parents(host).find_map(|name| self.listed.get(name));
        let by_ending = || host.rsplit('.').next().and_then(|ending| self.endings.get(ending));
        by_domain.or_else(by_ending).copied()
    }
}

/// `a.b.com`, `b.com`, `com`.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |name| name.split_once('.').map(|(_, parent)| parent))
}
