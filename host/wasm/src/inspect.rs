//! Looking at a component's file before anything of it is compiled or run: is it a component, whose world does it
//! implement, and what does it ask for?

use ringside_ports::releases::World;
use wasmtime::wasmparser::{
    ComponentTypeRef, Encoding, Parser, Payload, TypeBounds, Validator, WasmFeatures,
};

use crate::limits;

/// The WIT package and version of this host.
pub(crate) const PACKAGE: &str = "ringside:edge";
/// See [`PACKAGE`].
pub(crate) const PACKAGE_VERSION: &str = "0.1.0";

/// Why a file is not a component that this host can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum InspectError {
    #[error("the file has {bytes} bytes: at most {} are accepted", limits::COMPONENT_BYTES_MAX)]
    TooLarge { bytes: usize },
    #[error("this is not WebAssembly: build the component for the target wasm32-wasip2")]
    NotWasm,
    #[error(
        "this is a core module, not a component: build it for the target wasm32-wasip2, not wasm32-wasip1 or \
             wasm32-unknown-unknown"
    )]
    CoreModule,
    #[error("the file ends too early, at byte {at}: copy or build it again")]
    Truncated { at: usize },
    #[error("the file is not valid WebAssembly: {0}")]
    Invalid(String),
    #[error(
        "it exports {found}: a component exports all of one world, throttle (admit, plan), moderator (judge) or \
             codec (format, encode, decode), each with describe and examples"
    )]
    UnknownWorld { found: String },
    #[error(
        "of the world `{world}` it lacks the exports {missing}: build it against wit/world.wit of this host"
    )]
    MissingExports { world: &'static str, missing: String },
    #[error(
        "it was built for {found}, this host has {PACKAGE}@{PACKAGE_VERSION}: build it against that version"
    )]
    WrongVersion { found: String },
    #[error(
        "it imports {0}, which this host does not offer: a component has {PACKAGE}/host and nothing else"
    )]
    ForbiddenImports(String),
}

/// What a look at the file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspected {
    pub(crate) world: World,
    pub(crate) imports: Vec<String>,
}

/// The name of a world as the WIT package has it.
pub(crate) fn world_name(world: World) -> &'static str {
    match world {
        World::Throttle => "throttle",
        World::Moderator => "moderator",
        World::Codec => "codec",
    }
}

/// The world told by an export that no other has, and all exports of it.
const WORLDS: [(World, &str, &[&str]); 3] = [
    (World::Throttle, "admit", &["describe", "configure", "admit", "plan", "examples"]),
    (World::Moderator, "judge", &["describe", "configure", "judge", "examples"]),
    (World::Codec, "encode", &["describe", "format", "encode", "decode", "examples"]),
];

/// Looks at a file.
///
/// # Errors
/// [`InspectError`].
pub(crate) fn inspect(file: &[u8]) -> Result<Inspected, InspectError> {
    if file.len() > limits::COMPONENT_BYTES_MAX {
        return Err(InspectError::TooLarge { bytes: file.len() });
    }
    match file.get(..4) {
        None if b"\0asm".starts_with(file) && !file.is_empty() => {
            return Err(InspectError::Truncated { at: file.len() });
        }
        Some(b"\0asm") => {}
        _ => return Err(InspectError::NotWasm),
    }
    let (imports, exports) = names(file)?;
    // What the file declares is told first, since a wrong world is the mistake that people make.
    let world = world_of(&exports)?;
    check_imports(&imports)?;
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(file)
        .map_err(|error| invalid(file, &error))?;
    Ok(Inspected { world, imports })
}

fn invalid(file: &[u8], error: &wasmtime::wasmparser::BinaryReaderError) -> InspectError {
    let message = error.message();
    if message.contains("unexpected end")
        || (message.contains("out of bounds") && error.offset() >= file.len())
    {
        InspectError::Truncated { at: file.len() }
    } else {
        InspectError::Invalid(format!("{message} (at byte {})", error.offset()))
    }
}

/// Names of the outermost component's imports and exports.
fn names(file: &[u8]) -> Result<(Vec<String>, Vec<String>), InspectError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(file) {
        match payload.map_err(|error| invalid(file, &error))? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                if depth == 1 && encoding == Encoding::Module {
                    return Err(InspectError::CoreModule);
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(|error| invalid(file, &error))?;
                    // The world's own words for types (`submission`) are imports too; nothing can be called by them.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export.map_err(|error| invalid(file, &error))?;
                    exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn world_of(exports: &[String]) -> Result<World, InspectError> {
    let has = |name: &str| exports.iter().any(|export| export == name);
    let mut worlds = WORLDS.iter().filter(|(_, telling, _)| has(telling));
    let (Some((world, _, all)), None) = (worlds.next(), worlds.next()) else {
        let found: Vec<String> = exports.iter().take(10).map(|name| format!("`{}`", shown(name))).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        return Err(InspectError::UnknownWorld { found });
    };
    let missing: Vec<String> = all.iter().filter(|name| !has(name)).map(|name| format!("`{name}`")).collect();
    if missing.is_empty() {
        Ok(*world)
    } else {
        Err(InspectError::MissingExports { world: world_name(*world), missing: missing.join(", ") })
    }
}

/// Ours in this version; WASI, whose functions trap when called; nothing else.
fn check_imports(imports: &[String]) -> Result<(), InspectError> {
    let mut forbidden = Vec::new();
    for import in imports {
        if let Some(rest) = import.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/')) {
            let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
            if version != PACKAGE_VERSION {
                let found = format!("{PACKAGE}@{}", if version.is_empty() { "no version" } else { version });
                return Err(InspectError::WrongVersion { found: shown(&found) });
            }
            if !["host", "types", "throttling", "moderation", "wire"].contains(&interface) {
                forbidden.push(format!("`{}`", shown(import)));
            }
        } else if !import.starts_with("wasi:") {
            forbidden.push(format!("`{}`", shown(import)));
        }
    }
    if forbidden.is_empty() { Ok(()) } else { Err(InspectError::ForbiddenImports(forbidden.join(", "))) }
}

fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}
