//! What cargo says about a workspace: its packages, where they lie, what they depend on.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::process::written;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    /// The names of its libraries, programs and tests.
    pub(crate) targets: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only for tests, benchmarks and examples.
    pub(crate) dev: bool,
    /// Its folder, where it is a package of this repository.
    pub(crate) path: Option<PathBuf>,
}

impl Workspace {
    pub(crate) fn read(context: &Context, folder: &Path) -> Result<Self> {
        let target = &context.places.target;
        let mut cargo = context.cargo(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
        cargo.current_dir(folder).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
        let output = cargo.output().map_err(|source| Failure::Start { command: written(&cargo), source })?;
        if !output.status.success() {
            return Err(Failure::Checked(format!(
                "`{}` in {}: {}",
                written(&cargo),
                folder.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            )));
        }
        Ok(Self::from_json(&serde_json::from_slice(&output.stdout)?))
    }

    fn from_json(metadata: &Value) -> Self {
        Self { packages: list(metadata, "packages").map(Package::from_json).collect() }
    }

    /// The names under which rustc writes what it builds of this workspace.
    pub(crate) fn crate_names(&self) -> Vec<String> {
        let names = self.packages.iter().flat_map(|package| package.targets.iter().chain([&package.name]));
        let mut names: Vec<String> = names.map(|name| name.replace('-', "_")).collect();
        names.sort();
        names.dedup();
        // Every package's build script has this name, others' too.
        names.retain(|name| name != "build_script_build");
        names
    }
}

impl Package {
    fn from_json(package: &Value) -> Self {
        Self {
            name: text(package, "name"),
            manifest: text(package, "manifest_path").into(),
            targets: list(package, "targets").map(|target| text(target, "name")).collect(),
            dependencies: list(package, "dependencies")
                .map(|dependency| Dependency {
                    name: text(dependency, "name"),
                    dev: dependency.get("kind").and_then(Value::as_str) == Some("dev"),
                    path: dependency.get("path").and_then(Value::as_str).map(PathBuf::from),
                })
                .collect(),
        }
    }
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_targets_and_dependencies_are_read_from_cargos_words() {
        let metadata = serde_json::json!({"packages": [{
            "name": "ringside-edge", "manifest_path": "/r/host/edge/Cargo.toml",
            "targets": [{"name": "ringside_edge"}, {"name": "build-script-build"}, {"name": "handshake"}],
            "dependencies": [
                {"name": "ringside-core", "kind": null, "path": "/r/host/core"},
                {"name": "proptest", "kind": "dev"},
            ],
        }]});
        let workspace = Workspace::from_json(&metadata);
        assert_eq!(workspace.crate_names(), ["handshake", "ringside_edge"]);
        let dependencies = &workspace.packages[0].dependencies;
        assert_eq!(dependencies[0].path.as_deref(), Some(Path::new("/r/host/core")));
        assert!(!dependencies[0].dev && dependencies[1].dev);
    }
}
