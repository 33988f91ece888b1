//! Checking a component before it is stored: everything that publishing would find wrong with it, found first.

use ringside_ports::codecs::Format;
use ringside_ports::releases::{Digest, World as WorldName};
use wasmtime::component::InstancePre;

use crate::call::{CallError, FailureKind};
use crate::guest::{GuestState, Offer};
use crate::inspect::InspectError;
use crate::limits;
use crate::loader::{LoadError, Loader};
use crate::world::{Codec, Guest, Moderator, Throttle, World};

/// What is known of a component that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What it implements.
    pub world: WorldName,
    /// What it says of itself.
    pub name: String,
    /// What it says of itself.
    pub version: String,
    /// What it says of itself.
    pub summary: String,
    /// A codec's wire format.
    pub format: Option<Format>,
    /// Size of the file.
    pub bytes: usize,
    /// What it imports; functions of `wasi:...` trap when called.
    pub imports: Vec<String>,
    /// How many of its own examples it passed.
    pub examples: usize,
}

/// Why a component does not pass.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CheckError {
    #[error(transparent)]
    Inspect(InspectError),
    #[error(transparent)]
    Load(LoadError),
    #[error("its exports have other types than the world's: {0}")]
    Types(String),
    #[error("the configuration has {bytes} bytes: at most {} are accepted", limits::CONFIG_BYTES_MAX)]
    ConfigTooLarge { bytes: usize },
    #[error("it does not start: {during} {error}")]
    Start { during: &'static str, error: CallError },
    #[error("it starts too slowly: {during} took longer than {} ms", limits::START_TICKS_MAX)]
    SlowStart { during: &'static str },
    #[error("it refuses its configuration: {0}")]
    Config(String),
    #[error("it fails its own {0}")]
    Example(String),
}

impl From<LoadError> for CheckError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Inspect(error) => Self::Inspect(error),
            other => Self::Load(other),
        }
    }
}

/// Checks a file with the configuration it is to have.
///
/// # Errors
/// [`CheckError`], the first thing that is wrong.
pub(crate) fn check(loader: &Loader, file: &[u8], config: &str) -> Result<Checked, CheckError> {
    if config.len() > limits::CONFIG_BYTES_MAX {
        return Err(CheckError::ConfigTooLarge { bytes: config.len() });
    }
    let (inspected, digest, component) = loader.inspect(file)?;
    let mut checked = Checked {
        digest,
        world: inspected.world,
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        format: None,
        bytes: file.len(),
        imports: inspected.imports,
        examples: 0,
    };
    match inspected.world {
        WorldName::Throttle => drop(run::<Throttle>(loader, component, config, &mut checked)?),
        WorldName::Moderator => drop(run::<Moderator>(loader, component, config, &mut checked)?),
        WorldName::Codec => {
            let mut guest = run::<Codec>(loader, component, config, &mut checked)?;
            checked.format = Some(guest.format().map_err(failed("`format`"))?);
        }
    }
    Ok(checked)
}

fn run<W: World>(
    loader: &Loader,
    component: InstancePre<GuestState>,
    config: &str,
    checked: &mut Checked,
) -> Result<Guest<W>, CheckError> {
    let types = |error: wasmtime::Error| CheckError::Types(format!("{error:#}"));
    let pre = W::pre(component).map_err(types)?;
    let offer = Offer::new("candidate", None);
    let mut guest =
        Guest::<W>::start(&loader.runtime, &pre, &offer, limits::START_TICKS_MAX).map_err(|error| {
            // The types of exports are compared at the first instantiation.
            if error.kind == FailureKind::Malformed {
                CheckError::Types(error.detail)
            } else {
                failed("making an instance")(error)
            }
        })?;
    let description = guest.describe().map_err(failed("`describe`"))?;
    guest
        .configure(config, limits::START_TICKS_MAX)
        .map_err(failed("`configure`"))?
        .map_err(CheckError::Config)?;
    checked.examples =
        W::self_test(&mut guest).map_err(failed("running its examples"))?.map_err(CheckError::Example)?;
    checked.name = description.name;
    checked.version = description.version;
    checked.summary = description.summary;
    Ok(guest)
}

fn failed(during: &'static str) -> impl Fn(CallError) -> CheckError {
    move |error| {
        if error.kind == FailureKind::Deadline {
            CheckError::SlowStart { during }
        } else {
            CheckError::Start { during, error }
        }
    }
}
