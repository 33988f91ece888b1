//! Finds a Chromium for the browser tests, or gets one: from the system's packages, else from npm.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::context::Context;
use crate::failure::{Failure, OnFile, Result};
use crate::web::npm;

/// Set it to use a browser of your own; tests read the same name.
pub(crate) const VARIABLE: &str = "RINGSIDE_CHROMIUM";
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// A Chromium inside an npm package, with the libraries it needs. Pinned, since its layout is relied on.
const PACKAGE: &str = "@sparticuz/chromium@147.0.0";
/// Unpacks the packaged browser and prints where it lies.
const UNPACK: &str =
    "import('@sparticuz/chromium').then(async m => console.log(await m.default.executablePath()))";

/// The browser's program.
pub(crate) fn find_or_install(context: &Context) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Failure::Usage(format!(
                "{VARIABLE} is {}, which is no file: set it to a Chromium, or unset it",
                path.display()
            )))
        };
    }
    if let Some(path) = on_path() {
        return Ok(path);
    }
    if root_on_debian() {
        context.console.say("      installing Debian's chromium");
        match install_debian(context) {
            Ok(()) => {
                return on_path().ok_or_else(|| Failure::Missing("apt-get installed no `chromium`".into()));
            }
            Err(failure) => context.console.say(format_args!("      apt-get could not: {failure}")),
        }
    }
    context.console.say("      getting a Chromium from npm");
    from_npm(context).map_err(|failure| {
        Failure::Missing(format!(
            "the browser tests need Chromium: install it (on Debian `apt-get install chromium`) or set \
             {VARIABLE} to its program; getting one from npm failed: {failure}"
        ))
    })
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    NAMES
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

fn root_on_debian() -> bool {
    rustix::process::geteuid().is_root() && std::path::Path::new("/etc/debian_version").exists()
}

fn install_debian(context: &Context) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut apt = context.command("apt-get", &context.places.root);
        apt.args(["-qq", "-o", "DPkg::Lock::Timeout=120"]).args(arguments);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    context.run().to_success("apt-update", &mut apt(&["update"]))?;
    context
        .run()
        .to_success("apt-chromium", &mut apt(&["install", "-y", "--no-install-recommends", "chromium"]))
}

/// Unpacks the packaged browser below the cache's `tools` and gives a script that starts it with its libraries.
fn from_npm(context: &Context) -> Result<PathBuf> {
    let folder = context.places.tools().join("chromium");
    let script = folder.join("chromium");
    if script.is_file() {
        return Ok(script);
    }
    let unpacked = folder.join("unpacked");
    std::fs::create_dir_all(&unpacked).on_file("create", &unpacked)?;
    let mut install = npm(context, ["install", "--no-save", "--no-audit", "--no-fund", PACKAGE]);
    context.run().to_success("npm-chromium", install.arg("--prefix").arg(&folder).current_dir(&folder))?;
    let mut node = context.command("node", &folder);
    // It unpacks its libraries only where it takes the machine for the one that it was made for.
    node.args(["--eval", UNPACK]).env("TMPDIR", &unpacked).env("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs22.x");
    context.run().to_success("unpack-chromium", &mut node)?;
    if !unpacked.join("chromium").is_file() {
        return Err(Failure::Missing(format!("{PACKAGE} left no program in {}", unpacked.display())));
    }
    let fonts = unpacked.join("fonts.conf");
    let fonts_text = format!(
        "<fontconfig><dir>{0}/fonts</dir><cachedir>{0}/fonts-cache</cachedir></fontconfig>\n",
        unpacked.display()
    );
    std::fs::write(&fonts, fonts_text).on_file("write", &fonts)?;
    let script_text = format!(
        "#!/bin/sh\n\
         export LD_LIBRARY_PATH=\"{0}/al2023/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         [ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE=\"{0}/fonts.conf\"\n\
         exec \"{0}/chromium\" \"$@\"\n",
        unpacked.display()
    );
    std::fs::write(&script, script_text).on_file("write", &script)?;
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).on_file("make executable", &script)?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;

    #[test]
    #[ignore = "long: gets 60 MB from npm"]
    fn the_chromium_from_npm_starts() {
        let folder = tempfile::tempdir().unwrap();
        let mut context = Context::new(Console::on_stderr()).unwrap();
        context.places.cache = folder.path().to_owned();
        let script = from_npm(&context).unwrap();
        let output = std::process::Command::new(&script).arg("--version").output().unwrap();
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && version.contains("147."), "{version} {output:?}");
        assert_eq!(from_npm(&context).unwrap(), script, "what is there already is taken");
    }
}
