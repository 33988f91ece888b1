//! Links in the documentation: each that points into the repository must arrive.

use std::path::{Component, Path, PathBuf};

use super::{Finding, Text};

pub(super) fn findings(texts: &[Text], root: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    for text in texts.iter().filter(|text| text.end() == "md") {
        for (line, target) in links(text) {
            if let Some(trouble) = trouble(text, target, texts, root) {
                found.push(Finding::at(&text.path, line, format!("link to `{target}`: {trouble}")));
            }
        }
    }
    found
}

/// The targets of `[words](target)` outside of code, with their lines.
fn links(text: &Text) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            links.extend(targets.map(|target| (number, target)));
        }
        // A link's words may be code themselves: [`a`](b).
        let targets = line.split("`](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        links.extend(targets.map(|target| (number, target)));
    }
    links.sort_unstable();
    links.dedup();
    links
}

fn trouble(text: &Text, target: &str, texts: &[Text], root: &Path) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() {
        text.path.clone()
    } else {
        match within(&text.path.parent().unwrap_or(Path::new("")).join(file)) {
            Some(path) => path,
            None => return Some("leads out of the repository".into()),
        }
    };
    if !root.join(&path).exists() && !texts.iter().any(|text| text.path == path) {
        return Some(format!("{} is not there", path.display()));
    }
    let anchor = anchor?;
    let there = texts.iter().find(|text| text.path == path && text.end() == "md")?;
    (!headings(there).iter().any(|heading| heading == anchor))
        .then(|| format!("{} has no heading of that name", path.display()))
}

/// `path` without its `.` and `..`, unless they lead out of the repository.
fn within(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir if clean.pop() => {}
            _ => return None,
        }
    }
    Some(clean)
}

/// The anchors that a page's headings get: lower case, hyphens for spaces, punctuation dropped, `-1` for the second.
fn headings(text: &Text) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut fenced = false;
    for (_, line) in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced || !line.starts_with('#') {
            continue;
        }
        let anchor: String = line
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect();
        let before = anchors.iter().filter(|one| **one == anchor).count();
        anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, content: &str) -> Text {
        Text { path: path.into(), content: content.to_owned() }
    }

    #[test]
    fn links_that_arrive_are_let_through_and_others_are_found() {
        let root = tempfile::tempdir().unwrap();
        for (link, arrives) in [
            ("[a](protocol.md)", true),
            ("[a](./protocol.md#close-codes)", true),
            ("[a](protocol.md#no-such-heading)", false),
            ("[a](#here)", true),
            ("[a](#nowhere)", false),
            ("[a](../README.md \"title\")", true),
            ("[a](../../outside.md)", false),
            ("[a](missing.md)", false),
            ("[`a`](missing.md)", false),
            ("`[a](missing.md)`", true),
            ("[a](https://example.org/missing)", true),
            ("```\n[a](missing.md)\n```", true),
        ] {
            let texts = [
                text("docs/page.md", &format!("# Here\n\n{link}\n")),
                text("docs/protocol.md", "# Protocol\n## Close codes\n"),
                text("README.md", "# Ringside\n"),
            ];
            let found = findings(&texts, root.path());
            assert_eq!(found.is_empty(), arrives, "{link}: {found:?}");
            assert!(found.iter().all(|finding| finding.line == 3), "{found:?}");
        }
    }

    #[test]
    fn headings_become_anchors_as_readers_of_the_page_see_them() {
        let page =
            text("a.md", "# What it's for: `core` & more\n## Twice\n## Twice\n```\n# no heading\n```\n");
        assert_eq!(headings(&page), ["what-its-for-core--more", "twice", "twice-1"]);
    }
}
