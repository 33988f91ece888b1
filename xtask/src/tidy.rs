//! `cargo xtask tidy`: the rules of the house that neither the compiler nor clippy knows. Also a test of this crate.

mod layers;
mod links;
mod sources;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::failure::{Failure, OnFile, Result};
use crate::files::files_below;

/// Folders with nothing that a person wrote.
const MADE: [&str; 8] =
    [".git", ".ringside", ".vite", "dist", "node_modules", "playwright-report", "target", "test-results"];

/// One broken rule. Shown as `file:line: message`, which editors and terminals make clickable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Below the repository's root.
    file: PathBuf,
    /// From 1; 1 where the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn at(file: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// A text file of the repository.
struct Text {
    /// Below the repository's root.
    path: PathBuf,
    content: String,
}

impl Text {
    /// The end of its name: `rs` for `lib.rs`.
    fn end(&self) -> &str {
        self.path.extension().and_then(|end| end.to_str()).unwrap_or_default()
    }

    /// The lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.content.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    /// True for tests and settings in a file of their own; what it is for, its name says.
    fn is_tests(&self) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let module = self.path.iter().skip_while(|part| *part != "src").any(|part| part == "tests");
        name == "tests.rs" || module || name.contains(".test.") || name.contains(".config.")
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

/// Everything that breaks a rule, in the order of files and lines.
pub(crate) fn findings(context: &Context) -> Result<Vec<Finding>> {
    let root = &context.places.root;
    let texts = read(root)?;
    let mut findings = sources::findings(&texts);
    findings.extend(links::findings(&texts, root));
    findings.extend(layers::findings(context, &texts)?);
    findings.sort();
    Ok(findings)
}

/// The verb.
pub(crate) fn verb(context: &Context) -> Result<()> {
    let findings = findings(context)?;
    findings.iter().for_each(|finding| context.console.say(finding));
    match findings.len() {
        0 => Ok(()),
        count => Err(Failure::Checked(format!("tidy: {count} findings"))),
    }
}

fn read(root: &Path) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for file in files_below(root, &MADE)? {
        let bytes = std::fs::read(&file).on_file("read", &file)?;
        // What is not text (a picture, a recorded segment) has no lines to judge.
        if let Ok(content) = String::from_utf8(bytes) {
            let path = file.strip_prefix(root).unwrap_or(&file).to_owned();
            texts.push(Text { path, content });
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;

    #[test]
    fn the_repository_is_tidy() {
        let context = Context::new(Console::on_stderr()).unwrap();
        let findings: Vec<String> = findings(&context).unwrap().iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    #[test]
    fn a_finding_reads_like_a_compilers() {
        assert_eq!(Finding::at(Path::new("a/b.rs"), 7, "too long").to_string(), "a/b.rs:7: too long");
    }
}
