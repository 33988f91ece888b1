//! `cargo xtask components`: builds the guests, signs them and lays them into the bundle that a PoP loads.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::context::{Context, GUEST_TARGET};
use crate::failure::{Failure, OnFile, Result};
use crate::pop::{Pop, Role};
use crate::process::{Fate, Output};
use crate::signing::{DevelopmentKey, write_if_changed};

/// Name of the public key's file beside the components; a PoP trusts the keys that came with its bundle.
const PUBLIC_KEY: &str = "development.pub";

/// Builds the components into `<bundle>/components`, signed, with the public key beside them.
pub(crate) fn bundle(context: &Context) -> Result<Vec<PathBuf>> {
    let built = build(context, "guests", &context.components())?;
    lay_signed(context, &built, &context.places.bundle().join("components"))
}

/// Builds the guests that misbehave on purpose into the cache's `hostile` folder, signed like the good ones.
pub(crate) fn hostile(context: &Context) -> Result<Vec<PathBuf>> {
    let built = build(context, "hostile-guests", &context.hostile_guests())?;
    lay_signed(context, &built, &context.places.hostile())
}

fn lay_signed(context: &Context, built: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let key = DevelopmentKey::in_folder(&context.places.keys())?;
    let laid = lay(built, folder)?;
    key.sign_all(&laid)?;
    let public = std::fs::read(&key.public_file).on_file("read", &key.public_file)?;
    write_if_changed(&folder.join(PUBLIC_KEY), &public)?;
    Ok(laid)
}

/// Builds a workspace of guests and gives the components' files, as cargo named them.
fn build(context: &Context, log: &str, workspace: &Path) -> Result<Vec<PathBuf>> {
    if !workspace.join("Cargo.toml").is_file() {
        return Err(Failure::Usage(format!("{} is no cargo workspace", workspace.display())));
    }
    let arguments = ["build", "--workspace", "--release", "--target", GUEST_TARGET];
    let mut cargo = context.cargo_guests(workspace, arguments);
    cargo.arg("--message-format=json-render-diagnostics");
    let mut built = Vec::new();
    context.run().to_success_seeing(log, &mut cargo, |output, line| match output {
        Output::Standard => {
            built.extend(component_in(line));
            Fate::Taken
        }
        Output::Error => Fate::Pass,
    })?;
    built.sort();
    built.dedup();
    Ok(built)
}

/// The component's file, where a message of cargo's tells of one. Libraries that guests share have none.
fn component_in(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message.get("reason")?.as_str()? != "compiler-artifact" {
        return None;
    }
    let kinds = message.get("target")?.get("kind")?.as_array()?;
    if !kinds.iter().any(|kind| kind == "cdylib" || kind == "bin") {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
}

/// Copies `built` into `folder` under their names (`codec-json.wasm`) and drops what is no longer built.
/// Files that hold the same bytes already are not touched.
fn lay(built: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).on_file("create", folder)?;
    let mut laid = Vec::with_capacity(built.len());
    for file in built {
        // Cargo writes the library `codec-json` to `codec_json.wasm`; its name has the hyphen.
        let name = file.file_name().unwrap_or_default().to_string_lossy().replace('_', "-");
        let target = folder.join(name);
        let content = std::fs::read(file).on_file("read", file)?;
        write_if_changed(&target, &content)?;
        laid.push(target);
    }
    for entry in std::fs::read_dir(folder).on_file("list", folder)? {
        let path = entry.on_file("list", folder)?.path();
        let text = path.to_string_lossy().into_owned();
        let component = PathBuf::from(text.trim_end_matches(".minisig"));
        if component.extension().is_some_and(|end| end == "wasm") && !laid.contains(&component) {
            std::fs::remove_file(&path).on_file("remove", &path)?;
        }
    }
    Ok(laid)
}

/// The verb: says what was built and how large it is.
pub(crate) fn verb(context: &Context, with_hostile: bool) -> Result<()> {
    tell(context, &bundle(context)?)?;
    if with_hostile {
        tell(context, &hostile(context)?)?;
    }
    Ok(())
}

/// Releases the built component `name` to a running PoP, as its operator.
pub(crate) fn push(context: &Context, pop: &Pop, name: &str) -> Result<()> {
    let file = context.places.bundle().join("components").join(format!("{name}.wasm"));
    if !file.is_file() {
        return Err(Failure::Usage(format!("no component is named {name}: {} is not there", file.display())));
    }
    let mut push = pop.push(&file, &pop.token(Role::Operator)?);
    context.run().to_success_seeing("push", &mut push, |_, _| Fate::Print)
}

fn tell(context: &Context, files: &[PathBuf]) -> Result<()> {
    for file in files {
        let bytes = std::fs::metadata(file).on_file("look at", file)?.len();
        context.console.say(format_args!("{:>6} KB  {}", bytes.div_ceil(1_000), file.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_component_is_taken_from_cargos_messages() {
        let artifact = |kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"kind":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        for (message, taken) in [
            (artifact("cdylib", "/t/codec_json.wasm"), Some("/t/codec_json.wasm")),
            (artifact("lib", "/t/libshared.rlib"), None),
            (artifact("custom-build", "/t/build-script-build"), None),
            (r#"{"reason":"build-finished","success":true}"#.to_owned(), None),
            ("no json".to_owned(), None),
        ] {
            assert_eq!(component_in(&message).as_deref(), taken.map(Path::new), "{message}");
        }
    }

    #[test]
    fn the_folder_holds_what_was_built_and_nothing_older() {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("codec_json.wasm");
        std::fs::write(&built, "new").unwrap();
        let bundle = folder.path().join("bundle");
        std::fs::create_dir(&bundle).unwrap();
        for old in ["gone.wasm", "gone.wasm.minisig", "codec-json.wasm.minisig", "notes.txt"] {
            std::fs::write(bundle.join(old), "old").unwrap();
        }
        let laid = lay(&[built], &bundle).unwrap();
        assert_eq!(laid, [bundle.join("codec-json.wasm")]);
        let mut names: Vec<_> = std::fs::read_dir(&bundle)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["codec-json.wasm", "codec-json.wasm.minisig", "notes.txt"]);
    }
}
