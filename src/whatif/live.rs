//! What the sources that ask a server share.

use std::sync::mpsc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::CostError;
use crate::snapshot::Statement;
use crate::sql;

/// EXPLAIN EXECUTE begins execution, and then partitions go by what the parameters are: for NULLs nothing is left to show, so
/// that no index would seem used. A generic plan costs the same without the pruning, which comes after the estimates.
pub(super) const PRUNING_OFF: &str = "SET /* pgwise */ enable_partition_pruning = off";
/// For a statement without parameters: what its constants exclude is not planned for.
pub(super) const PRUNING_ON: &str = "SET /* pgwise */ enable_partition_pruning = on";

/// Where questions are handed in: it has them answered on a runtime, counts them, and asks nothing more once the server
/// was lost.
pub(super) struct Desk {
    runtime: Handle,
    asked: u64,
    /// Why the server was lost.
    lost: Option<String>,
}

impl Desk {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, asked: 0, lost: None }
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Questions handed in.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    pub(super) fn count(&mut self, questions: usize) {
        self.asked += questions as u64;
    }

    /// The answers of a task, as many as told: a failure of the task is the answer to everything.
    pub(super) fn answers<T: Send + 'static>(
        &mut self,
        number: usize,
        task: impl Future<Output = Result<Vec<Result<T, CostError>>, CostError>> + Send + 'static,
    ) -> Vec<Result<T, CostError>> {
        let all = |error: &CostError| (0..number).map(|_| Err(error.clone())).collect();
        if let Some(why) = &self.lost {
            return all(&CostError::Lost(why.clone()));
        }
        let answers = match wait(&self.runtime, task).and_then(|answers| answers) {
            Ok(answers) => answers,
            Err(error) => all(&error),
        };
        let lost = answers.iter().find_map(|answer| match answer {
            Err(CostError::Lost(why)) => Some(why.clone()),
            _ => None,
        });
        self.lost = lost;
        answers
    }
}

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
