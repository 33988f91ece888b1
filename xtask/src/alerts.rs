//! Checks what Prometheus is given to watch a region: that it reads the rules, and that each alert fires when it must.

use std::process::Stdio;

use crate::context::Context;
use crate::failure::Result;
use crate::files::files_below;

/// Checks and tests the rules, or says why that was left out. `Ok(false)` means left out.
pub(crate) fn check(context: &Context) -> Result<bool> {
    let folder = context.places.root.join("infra/observability/prometheus");
    let promtool = |arguments: &[&str]| {
        let mut promtool = context.command("promtool", &folder);
        promtool.args(arguments);
        promtool
    };
    if promtool(&["--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        context.console.say(
            "      skipped: promtool is missing; it comes with Prometheus: on Debian or Ubuntu \
             `apt-get install prometheus`",
        );
        return Ok(false);
    }
    let run = context.run();
    run.to_success("alerts-config", &mut promtool(&["check", "config", "--syntax-only", "prometheus.yaml"]))?;
    let (rules, tests) = (files_below(&folder.join("rules"), &[])?, files_below(&folder.join("tests"), &[])?);
    run.to_success("alerts-rules", promtool(&["check", "rules"]).args(rules))?;
    run.to_success("alerts-tests", promtool(&["test", "rules"]).args(tests))?;
    Ok(true)
}
