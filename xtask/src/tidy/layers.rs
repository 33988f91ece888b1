//! Invariant 7, one direction: the core knows nobody, the ports know the core, adapters and the rest know the ports,
//! and nobody knows a sibling.

use std::path::{Path, PathBuf};

use super::{Finding, Text};
use crate::context::Context;
use crate::failure::Result;
use crate::workspace::{Package, Workspace};

/// What packages below a folder may depend on, of this repository. The first row that fits a package counts.
struct Layer {
    folder: &'static str,
    /// Folders; `""` is the whole repository.
    may_use: &'static [&'static str],
    why: &'static str,
}

const LAYERS: &[Layer] = &[
    Layer { folder: "host/core", may_use: &[], why: "the domain knows nobody" },
    Layer { folder: "host/ports", may_use: &["host/core"], why: "the ports know the core only" },
    Layer {
        folder: "host/adapters",
        may_use: &["host/core", "host/ports"],
        why: "an adapter knows core and ports, never a sibling",
    },
    Layer {
        folder: "host/wasm",
        may_use: &["host/core", "host/ports"],
        why: "the component host knows core and ports",
    },
    Layer {
        folder: "host/edge",
        may_use: &["host/core", "host/ports"],
        why: "the edge knows core and ports",
    },
    Layer {
        folder: "host/roles",
        may_use: &["host/core", "host/ports"],
        why: "the roles know core and ports",
    },
    Layer {
        folder: "host/load",
        may_use: &["host/core"],
        why: "the load generator is a client: it knows the core only",
    },
    Layer {
        folder: "host/ringside",
        may_use: &["host"],
        why: "the binary is put together from the host's crates",
    },
    Layer {
        folder: "components",
        may_use: &["components"],
        why: "a guest knows the WIT package, not the host",
    },
    Layer {
        folder: "xtask",
        may_use: &["tests/services"],
        why: "xtask is built before everything, from itself and the services that it starts",
    },
    Layer { folder: "tests/services", may_use: &[], why: "xtask is built from it" },
    Layer {
        folder: "tests/checker",
        may_use: &[],
        why: "the checker knows the public protocol and nothing else",
    },
    Layer {
        folder: "tests/chaos",
        may_use: &["tests/checker", "tests/services", "tests/testkit"],
        why: "what is broken is known from outside only",
    },
    Layer { folder: "tests", may_use: &[""], why: "" },
];

/// Crates that bring in what only some folders may know.
struct Owned {
    names: &'static [&'static str],
    folders: &'static [&'static str],
    why: &'static str,
}

const OWNED: &[Owned] = &[
    Owned {
        names: &[
            "tokio",
            "tokio-util",
            "mio",
            "rustix",
            "socket2",
            "ureq",
            "tempfile",
            "tracing-subscriber",
            "fastrand",
        ],
        folders: &[
            "host/ports",
            "host/adapters",
            "host/wasm",
            "host/edge",
            "host/load",
            "host/roles",
            "host/ringside",
            "tests",
            "xtask",
        ],
        why: "the domain knows no I/O, no clock, no runtime",
    },
    Owned {
        names: &["wasmtime", "wasmtime-wasi"],
        folders: &["host/wasm", "tests"],
        why: "only the component host knows the engine",
    },
    Owned {
        names: &["redb"],
        folders: &["host/adapters/embedded", "tests"],
        why: "only the embedded adapter knows its store",
    },
    Owned {
        names: &["axum", "hyper", "hyper-util", "tungstenite", "jsonwebtoken"],
        folders: &["host/edge", "host/load", "host/ringside", "tests"],
        why: "only the edge and its clients speak HTTP and WebSocket",
    },
];

/// Ways to the outside that the domain's sources must not name: invariant 7.
const OUTSIDE: [&str; 7] =
    ["std::fs", "std::net", "std::env", "std::thread", "std::process", "SystemTime::now", "Instant::now"];
const DOMAIN: &str = "host/core/src";

pub(super) fn findings(context: &Context, texts: &[Text]) -> Result<Vec<Finding>> {
    let root = &context.places.root;
    let mut found = outside(texts);
    for folder in [root.clone(), context.components(), context.hostile_guests()] {
        if folder.join("Cargo.toml").is_file() {
            let workspace = Workspace::read(context, &folder)?;
            found.extend(workspace.packages.iter().flat_map(|package| judge(package, root, texts)));
        }
    }
    Ok(found)
}

fn outside(texts: &[Text]) -> Vec<Finding> {
    let domain = texts.iter().filter(|text| text.is_in(DOMAIN) && text.end() == "rs" && !text.is_tests());
    domain
        .flat_map(|text| {
            text.lines()
                .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
                .filter(|(_, line)| !line.trim_start().starts_with("//"))
                .flat_map(|(number, line)| {
                    OUTSIDE.iter().filter(|way| line.contains(**way)).map(move |way| (number, way))
                })
                .map(|(number, way)| {
                    Finding::at(&text.path, number, format!("`{way}`: the domain knows no I/O and no clock"))
                })
        })
        .collect()
}

fn judge(package: &Package, root: &Path, texts: &[Text]) -> Vec<Finding> {
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    let manifest = below(&package.manifest);
    let home = manifest.parent().map_or_else(PathBuf::new, Path::to_owned);
    let Some(layer) = LAYERS.iter().find(|layer| home.starts_with(layer.folder)) else {
        let message =
            format!("`{}` lies in no known layer: add its folder to xtask/src/tidy/layers.rs", package.name);
        return vec![Finding::at(&manifest, 1, message)];
    };
    let mut found = Vec::new();
    // Tests may stand on whatever they like.
    for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
        let line = line_of(&manifest, &dependency.name, texts);
        let mut tell = |why: &str| {
            found.push(Finding::at(
                &manifest,
                line,
                format!("`{}` depends on `{}`: {why}", package.name, dependency.name),
            ));
        };
        if let Some(path) = dependency.path.as_deref().map(below) {
            let same_folder = layer.may_use.iter().any(|folder| path.starts_with(folder));
            if !same_folder {
                tell(layer.why);
            }
        } else if let Some(owned) = OWNED.iter().find(|owned| owned.names.contains(&dependency.name.as_str()))
            && !owned.folders.iter().any(|folder| home.starts_with(folder))
        {
            tell(owned.why);
        }
    }
    found
}

/// Where the manifest names the dependency.
fn line_of(manifest: &Path, name: &str, texts: &[Text]) -> usize {
    texts
        .iter()
        .find(|text| text.path == manifest)
        .and_then(|text| {
            text.lines().find(|(_, line)| {
                line.trim().strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            })
        })
        .map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn found(home: &str, dependency: &str, path: Option<&str>, dev: bool) -> Vec<Finding> {
        let package = Package {
            name: "judged".into(),
            manifest: Path::new("/r").join(home).join("Cargo.toml"),
            targets: Vec::new(),
            dependencies: vec![Dependency {
                name: dependency.into(),
                dev,
                path: path.map(|path| Path::new("/r").join(path)),
            }],
        };
        let manifest = Text {
            path: Path::new(home).join("Cargo.toml"),
            content: format!(
                "[package]\nname = \"judged\"\n\n[dependencies]\n{dependency}.workspace = true\n"
            ),
        };
        judge(&package, Path::new("/r"), &[manifest])
    }

    #[test]
    fn a_dependency_against_the_direction_is_found_in_its_line() {
        for (home, dependency, path, allowed) in [
            ("host/core", "serde", None, true),
            ("host/core", "tokio", None, false),
            ("host/core", "ringside-ports", Some("host/ports"), false),
            ("host/ports", "ringside-core", Some("host/core"), true),
            ("host/ports", "redb", None, false),
            ("host/adapters/embedded", "ringside-ports", Some("host/ports"), true),
            ("host/adapters/embedded", "redb", None, true),
            ("host/adapters/kafka", "ringside-embedded", Some("host/adapters/embedded"), false),
            ("host/edge", "ringside-wasm", Some("host/wasm"), false),
            ("host/edge", "axum", None, true),
            ("host/roles", "axum", None, false),
            ("host/load", "hyper", None, true),
            ("host/load", "ringside-edge", Some("host/edge"), false),
            ("host/ringside", "ringside-wasm", Some("host/wasm"), true),
            ("host/ringside", "ringside-testkit", Some("tests/testkit"), false),
            ("components/words", "ringside-core", Some("host/core"), false),
            ("components/words", "ringside-moderator", Some("components/shared/moderator"), true),
            ("xtask", "ringside-core", Some("host/core"), false),
            ("xtask", "ringside-services", Some("tests/services"), true),
            ("tests/edge", "ringside-core", Some("host/core"), true),
            ("tests/checker", "ringside-core", Some("host/core"), false),
            ("tests/checker", "ringside-testkit", Some("tests/testkit"), false),
            ("tests/chaos", "ringside", Some("host/ringside"), false),
        ] {
            let found = found(home, dependency, path, false);
            assert_eq!(found.is_empty(), allowed, "{home} on {dependency}: {found:?}");
            assert!(found.iter().all(|finding| finding.line == 5), "{found:?}");
        }
    }

    #[test]
    fn tests_may_depend_on_anything_and_a_new_folder_must_find_its_layer() {
        assert!(found("host/core", "tokio", None, true).is_empty());
        assert_eq!(found("elsewhere/thing", "serde", None, false).len(), 1);
    }

    #[test]
    fn the_domain_may_not_name_the_outside_but_in_its_tests() {
        let text =
            |path: &str, line: &str| Text { path: path.into(), content: format!("//! Opens.\n{line}\n") };
        for (path, line, count) in [
            ("host/core/src/ids.rs", "let now = std::time::SystemTime::now();", 1),
            ("host/core/src/ids.rs", "// std::fs is not used", 0),
            ("host/core/src/ids.rs", "#[cfg(test)] mod tests { use std::fs; }", 0),
            ("host/edge/src/hub.rs", "use std::net::TcpListener;", 0),
        ] {
            assert_eq!(outside(&[text(path, line)]).len(), count, "{path}: {line}");
        }
    }
}
