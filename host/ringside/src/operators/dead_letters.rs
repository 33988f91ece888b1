//! Routes about records that could not be read.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ringside_core::error::Problem;
use ringside_edge::http::ProblemResponse;
use ringside_roles::dead_letters as letters;
use ringside_roles::deeds::{self, Change};

use super::OperatorServices;
use super::access::Operator;

type Answer = Result<Response, ProblemResponse>;

/// Dead letters shown at once.
const SHOWN_MAX: usize = 200;

fn unavailable(error: &ringside_ports::PortError) -> ProblemResponse {
    ProblemResponse::new(Problem::Unavailable, error.to_string())
}

pub(super) async fn list(State(services): State<OperatorServices>, _: Operator) -> Answer {
    let items = letters::list(&services.log, SHOWN_MAX).await.map_err(|error| unavailable(&error))?;
    Ok(Json(serde_json::json!({ "items": items })).into_response())
}

pub(super) async fn replay(State(services): State<OperatorServices>, Operator(operator): Operator) -> Answer {
    let replayed = letters::replay(&services.log).await.map_err(|error| unavailable(&error))?;
    tracing::info!(by = %operator.id, replayed = replayed.replayed, unreadable = replayed.unreadable, "replayed dead letters");
    let change = Change {
        what: "dead-letters.replay",
        subject: "dead-letters",
        after: serde_json::to_value(replayed).ok(),
        ..Change::default()
    };
    deeds::note(&*services.audit, deeds::by(&operator, services.clock.now_ms(), ""), change).await;
    Ok(Json(replayed).into_response())
}
