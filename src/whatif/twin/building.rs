//! A twin that is being built while something else goes on.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};

use super::build::Twin;
use super::{NotRecreated, TwinError, TwinOptions, TwinSource};
use crate::snapshot::Snapshot;
use crate::whatif::live;

/// The work under way, on a runtime's threads. Whoever drops it unfinished waits until it is broken off.
pub struct Building {
    task: Option<JoinHandle<Result<Twin, TwinError>>>,
    snapshot: Arc<Snapshot>,
    runtime: Handle,
}

impl Building {
    /// Begins. `runtime` must have several threads.
    pub fn begin(snapshot: &Arc<Snapshot>, options: &TwinOptions, runtime: Handle) -> Self {
        let (whole, options) = (Arc::clone(snapshot), options.clone());
        let task = runtime.spawn(async move { Box::pin(Twin::build(&whole, &options)).await });
        Self { task: Some(task), snapshot: Arc::clone(snapshot), runtime }
    }

    /// What breaks it off from elsewhere.
    pub fn abort_handle(&self) -> Option<AbortHandle> {
        self.task.as_ref().map(JoinHandle::abort_handle)
    }

    /// Waits for the end. With what the twin lacks.
    pub fn finish(mut self) -> Result<(TwinSource, Vec<NotRecreated>), TwinError> {
        let task = self.task.take().ok_or(TwinError::Ended)?;
        let joined = live::wait(&self.runtime, task).map_err(|_| TwinError::Ended)?;
        let twin = joined.map_err(|_| TwinError::Ended)??;
        let lacks = twin.left_out().to_vec();
        Ok((TwinSource::new(twin, &self.snapshot, self.runtime.clone()), lacks))
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // Gone when the runtime is.
            let _ = live::wait(&self.runtime, task);
        }
    }
}
