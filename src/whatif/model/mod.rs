//! The planner model as a cost source: needs a snapshot and nothing else, and answers in microseconds.
//!
//! In: a snapshot. Out: what [`crate::planner`] would choose. Statements are shared out among worker threads, each with
//! planning states of its own that outlive a question; a statement always goes to the same one, and no answer depends
//! on another statement, so the number of threads shows in nothing but the time.

mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use super::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::planner::{Plan, PlannerError};
use crate::snapshot::{IndexSpec, Snapshot};
use crate::sql;

/// The cost source.
#[derive(Debug)]
pub struct ModelSource {
    workers: Vec<Worker>,
    asked: u64,
}

#[derive(Debug)]
struct Worker {
    /// Gone once the source is dropped, which ends the thread.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker is asked.
enum Job {
    Register(Arc<Vec<(CandidateId, IndexSpec)>>, mpsc::Sender<Vec<Result<Registered, CostError>>>),
    Cost(Vec<(usize, CostRequest)>, mpsc::Sender<Vec<(usize, Result<Costed, CostError>)>>),
    AsWritten(Vec<usize>, mpsc::Sender<Vec<(usize, Result<f64, CostError>)>>),
    Explain(CostRequest, mpsc::Sender<Result<Plan, CostError>>),
}

impl ModelSource {
    /// A source over a snapshot with so many worker threads (at least one). An error where the system gives none.
    pub fn new(snapshot: &Arc<Snapshot>, threads: usize) -> Result<Self, CostError> {
        let workers = (0..threads.max(1)).map(|_| Worker::start(Arc::clone(snapshot))).collect::<Result<_, _>>()?;
        Ok(Self { workers, asked: 0 })
    }
}

impl ModelSource {
    /// The plan behind an answer.
    pub fn explain(&self, request: &CostRequest) -> Result<Plan, CostError> {
        let worker = self.workers.get(request.statement % self.workers.len().max(1)).ok_or_else(ended)?;
        let (reply, answer) = mpsc::channel();
        worker.send(Job::Explain(request.clone(), reply))?;
        answer.recv().map_err(|_| ended())?
    }

    /// The total costs of statements as their texts stand, with the indexes that exist: what the plans of a snapshot can
    /// be compared with. [`CostSource::cost`] puts likely rows in the place of a parameterised LIMIT.
    pub fn as_written(&mut self, statements: &[usize]) -> BTreeMap<usize, Result<f64, CostError>> {
        self.asked += statements.len() as u64;
        let count = self.workers.len().max(1);
        let mut waiting = Vec::new();
        for (position, worker) in self.workers.iter().enumerate() {
            let share: Vec<usize> = statements.iter().copied().filter(|s| s % count == position).collect();
            let (reply, answer) = mpsc::channel();
            if !share.is_empty() && worker.send(Job::AsWritten(share, reply)).is_ok() {
                waiting.push(answer);
            }
        }
        let mut answers: BTreeMap<usize, _> = statements.iter().map(|s| (*s, Err(ended()))).collect();
        answers.extend(waiting.into_iter().flat_map(|answer| answer.recv().unwrap_or_default()));
        answers
    }
}

impl Worker {
    fn start(snapshot: Arc<Snapshot>) -> Result<Self, CostError> {
        let (jobs, queue) = mpsc::channel();
        // Planning recurses over expressions as deep as the parser accepts.
        let work = move || {
            sql::on_large_stack(|| worker::run(&snapshot, queue));
        };
        let thread = thread::Builder::new().name("pgwise-model".to_owned()).spawn(work);
        let thread = thread.map_err(|error| CostError::Lost(format!("no thread for the planner model: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn send(&self, job: Job) -> Result<(), CostError> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job).is_ok());
        if sent == Some(true) { Ok(()) } else { Err(ended()) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has been reported as lost already.
            let _ = thread.join();
        }
    }
}

fn ended() -> CostError {
    CostError::Lost("the planner model's thread has ended".to_owned())
}

/// What the model makes of one text, with the indexes that exist.
pub fn explain(snapshot: &Snapshot, text: &str) -> Result<Plan, PlannerError> {
    sql::on_large_stack(|| worker::explain(snapshot, text))
        .unwrap_or_else(|| Err(PlannerError::Unsupported("without a thread of its own".to_owned())))
}

impl CostSource for ModelSource {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Model
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        let shared = Arc::new(candidates.to_vec());
        let mut answers = Vec::new();
        for worker in &self.workers {
            let (reply, answer) = mpsc::channel();
            let asked = worker.send(Job::Register(Arc::clone(&shared), reply));
            answers.push(asked.and_then(|()| answer.recv().map_err(|_| ended())));
        }
        // Every worker says the same.
        match answers.into_iter().reduce(|first, other| first.and_then(|f| other.map(|_| f))) {
            Some(Ok(answers)) => answers,
            Some(Err(error)) => candidates.iter().map(|_| Err(error.clone())).collect(),
            None => candidates.iter().map(|_| Err(ended())).collect(),
        }
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.asked += requests.len() as u64;
        let mut shares: Vec<Vec<(usize, CostRequest)>> = self.workers.iter().map(|_| Vec::new()).collect();
        let count = shares.len().max(1);
        for (position, request) in requests.iter().enumerate() {
            if let Some(share) = shares.get_mut(request.statement % count) {
                share.push((position, request.clone()));
            }
        }
        let mut answers: Vec<Result<Costed, CostError>> = requests.iter().map(|_| Err(ended())).collect();
        let mut waiting = Vec::new();
        for (worker, share) in self.workers.iter().zip(shares).filter(|(_, share)| !share.is_empty()) {
            let (reply, answer) = mpsc::channel();
            if worker.send(Job::Cost(share, reply)).is_ok() {
                waiting.push(answer);
            }
        }
        for answer in waiting {
            for (position, costed) in answer.recv().unwrap_or_default() {
                if let Some(slot) = answers.get_mut(position) {
                    *slot = costed;
                }
            }
        }
        answers
    }

    fn questions_asked(&self) -> u64 {
        self.asked
    }

    fn can_hide(&self) -> bool {
        true
    }
}
