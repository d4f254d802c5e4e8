//! What the sources that ask a server share.

use std::sync::mpsc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::CostError;
use crate::snapshot::Statement;
use crate::sql;

/// Runs a task on the runtime and waits for it.
pub(super) fn wait<T: Send + 'static>(
    runtime: &Handle,
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, CostError> {
    let (reply, answer) = mpsc::channel();
    runtime.spawn(async move {
        // The receiver goes only with the thread that waits.
        let _ = reply.send(task.await);
    });
    let receive = || answer.recv().map_err(|_| CostError::Lost("the runtime has ended".to_owned()));
    match Handle::try_current() {
        // Lets the runtime's other tasks move off this thread.
        Ok(here) if here.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(receive),
        _ => receive(),
    }
}

/// Rows assumed at least where a LIMIT is a parameter: fewer may have come because fewer were there.
const LEAST_LIMIT: u64 = 10;

/// The statement's text, with the rows that its calls returned on average in the place of a parameterised LIMIT.
pub(super) fn text(statement: &Statement) -> String {
    let rows = statement.rows.div_ceil(statement.calls.max(1)).max(LEAST_LIMIT);
    sql::assume_limit(&statement.query, rows).unwrap_or_else(|| statement.query.clone())
}
