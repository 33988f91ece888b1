//! The workers between the log and everything else: intake, coordinator, writer, judge.
