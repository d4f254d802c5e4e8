//! HypoPG on the monitored database: a real planner's word on indexes that do not exist.
//!
//! In: a pool of guarded sessions, a snapshot, and cost questions. Out: what EXPLAIN says under the hypothetical
//! indexes. Nothing but EXPLAIN, PREPARE and HypoPG's own functions is sent; HypoPG keeps its indexes in the session's
//! memory, and a session that leaves here is cleaned by the pool (or closed), so that none is left behind.
//!
//! A batch is sorted by configuration and spread over the pool's sessions; the questions of one configuration go out
//! together, in one round trip. Sessions stay with the source until it is dropped.

mod danger;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::answer;
use super::ddl::{self, Build, Names};
use super::live::{self, Desk};
use super::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::connect::Pool;
use crate::snapshot::{Catalog, IndexMethod, IndexSpec, Oid, Snapshot};
use crate::sql::quote;
use session::{Failure, WhatIfSession};

/// Questions that one session takes at a time, and sends in one round trip where they share a configuration.
const CHUNK: usize = 16;
/// Candidates that a session has HypoPG create before it resets: HypoPG has about 2,500 object identifiers to give.
const REGISTER_CHUNK: usize = 256;
/// How often a question is asked whose session an administrator ends.
const ATTEMPTS: usize = 3;
/// The first version that hides existing indexes.
const HIDING_SINCE: (u32, u32) = (1, 4);

/// Why HypoPG cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The extension is not in the database.
    #[error("the extension hypopg is not installed in the database")]
    NotInstalled,
    /// The runtime has one thread, which a blocking question would stop.
    #[error("HypoPG needs a tokio runtime with several threads")]
    SingleThreaded,
    /// The role may not call HypoPG's functions, or HypoPG does not work.
    #[error("{0}")]
    Unusable(String),
    /// No session could be had, or it was lost.
    #[error("{0}")]
    Lost(String),
}

/// The live cost source.
pub struct Hypopg {
    shared: Arc<Shared>,
    desk: Desk,
}

/// What the sessions' tasks read.
struct Shared {
    pool: Pool,
    /// HypoPG's schema, quoted.
    schema: String,
    can_hide: bool,
    search_path: Vec<String>,
    statements: Vec<String>,
    candidates: Mutex<BTreeMap<CandidateId, Arc<Candidate>>>,
    /// The number of parameters of each statement asked about so far, or why the server does not take it.
    arities: Mutex<BTreeMap<usize, Result<usize, String>>>,
    /// Sessions between batches.
    idle: Mutex<Vec<WhatIfSession>>,
    catalog: Catalog,
}

/// A candidate that HypoPG took.
struct Candidate {
    ddl: String,
    /// Its name in descriptions of plans.
    name: String,
}

impl Hypopg {
    /// Opens the source and proves that HypoPG answers. `runtime` drives the sessions; the methods of the source block
    /// the calling thread, so it must have several threads.
    pub async fn open(pool: Pool, snapshot: &Snapshot, runtime: Handle) -> Result<Self, OpenError> {
        let installed = |e: &&crate::snapshot::Extension| e.name == "hypopg" && e.installed_version.is_some();
        let extension = snapshot.server.extensions.iter().find(installed).ok_or(OpenError::NotInstalled)?;
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            return Err(OpenError::SingleThreaded);
        }
        let shared = Arc::new(Shared {
            pool,
            schema: quote::ident(extension.schema.as_deref().unwrap_or("public")),
            can_hide: extension.installed_version.as_deref().is_some_and(|v| version(v) >= HIDING_SINCE),
            search_path: snapshot.server.search_path.clone(),
            statements: snapshot.statements.items.iter().map(live::text).collect(),
            candidates: Mutex::default(),
            arities: Mutex::default(),
            idle: Mutex::default(),
            catalog: snapshot.catalog.clone(),
        });
        let session = shared.lease().await.map_err(|failure| match failure {
            Failure::Lost { why, .. } => OpenError::Lost(why),
            Failure::Statement(why) | Failure::Index(why) => OpenError::Unusable(why),
        })?;
        shared.keep(session);
        Ok(Self { shared, desk: Desk::new(runtime) })
    }
}

impl CostSource for Hypopg {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Hypopg
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        let (shared, asked) = (Arc::clone(&self.shared), candidates.to_vec());
        self.desk.answers(candidates.len(), async move { Ok(shared.register(&asked).await) })
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.desk.count(requests.len());
        let (shared, batch): (_, Arc<[CostRequest]>) = (Arc::clone(&self.shared), requests.into());
        self.desk.answers(requests.len(), async move { Ok(shared.cost(batch).await) })
    }

    fn questions_asked(&self) -> u64 {
        self.desk.asked()
    }

    fn can_hide(&self) -> bool {
        self.shared.can_hide
    }
}

impl Drop for Hypopg {
    fn drop(&mut self) {
        // Returning a session to the pool spawns its cleaning, for which a runtime must be at hand.
        let _entered = self.desk.runtime().enter();
        lock(&self.shared.idle).clear();
    }
}

/// The DDL of a candidate, unless HypoPG cannot imagine it or had better not.
fn prepare(spec: &IndexSpec, catalog: &Catalog) -> Result<Arc<Candidate>, CostError> {
    if !matches!(spec.method, IndexMethod::Btree | IndexMethod::Hash | IndexMethod::Brin) {
        let method = spec.method.as_str().to_uppercase();
        return Err(CostError::Inexpressible(format!("HypoPG cannot imagine {method} indexes")));
    }
    let Some(table) = catalog.table(spec.table) else {
        return Err(CostError::Inexpressible(format!("the snapshot has no table {}", spec.table)));
    };
    if let Some(danger) = danger::of(spec, catalog) {
        return Err(CostError::Inexpressible(danger));
    }
    Ok(Arc::new(Candidate {
        ddl: ddl::create_index(spec, table, None, Build::Plain),
        name: Names::default().choose(spec, table),
    }))
}

/// The identifier in `<13556>btree_orders_customer_id`.
fn hypothetical_oid(index: &str) -> Option<Oid> {
    index.strip_prefix('<')?.split_once('>')?.0.parse().ok()
}

/// Major and minor version of `1.4.1`.
fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// A poisoned lock only means that another task panicked; what it guards is whole after every statement here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Answer = Result<Costed, CostError>;

impl Shared {
    /// A session with nothing hypothetical in it that anyone relies on.
    async fn lease(&self) -> Result<WhatIfSession, Failure> {
        loop {
            match lock(&self.idle).pop() {
                Some(session) if session.is_open() => return Ok(session),
                // Given up before a new one is asked for: the pool has no place for both.
                Some(broken) => drop(broken),
                None => break,
            }
        }
        WhatIfSession::open(&self.pool, &self.schema, self.can_hide, &self.search_path).await
    }

    fn keep(&self, session: WhatIfSession) {
        lock(&self.idle).push(session);
    }

    async fn register(&self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        let prepared: Vec<Result<Arc<Candidate>, CostError>> =
            candidates.iter().map(|(_, spec)| prepare(spec, &self.catalog)).collect();
        let possible: Vec<Arc<Candidate>> = prepared.iter().filter_map(|p| p.as_ref().ok().cloned()).collect();
        let mut sizes = self.try_candidates(&possible).await.into_iter();
        let mut known = lock(&self.candidates);
        let answers = candidates.iter().zip(prepared).map(|((id, _), candidate)| {
            let candidate = candidate?;
            let estimated_bytes = sizes.next().unwrap_or_else(|| Err(CostError::Lost("no answer".to_owned())))?;
            known.insert(*id, candidate);
            Ok(Registered { estimated_bytes })
        });
        answers.collect()
    }

    /// Has HypoPG create every candidate once, and reads the sizes that it gives them.
    async fn try_candidates(&self, candidates: &[Arc<Candidate>]) -> Vec<Result<Option<u64>, CostError>> {
        let mut answers = Vec::with_capacity(candidates.len());
        for chunk in candidates.chunks(REGISTER_CHUNK) {
            let ddl: Vec<&str> = chunk.iter().map(|c| c.ddl.as_str()).collect();
            let mut tried = self.try_chunk(&ddl).await;
            for _ in 1..ATTEMPTS {
                if !tried.iter().any(|t| matches!(t, Err(failure) if failure.may_retry())) {
                    break;
                }
                tried = self.try_chunk(&ddl).await;
            }
            answers.extend(tried.into_iter().map(|answer| answer.map_err(Failure::of_index)));
        }
        answers
    }

    async fn try_chunk(&self, ddl: &[&str]) -> Vec<Result<Option<u64>, Failure>> {
        match self.lease().await {
            Ok(mut session) => {
                let answers = session.try_indexes(ddl).await;
                if answers.iter().any(|a| matches!(a, Err(failure) if failure.is_lost())) {
                    session.discard();
                } else {
                    self.keep(session);
                }
                answers
            }
            Err(failure) => ddl.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    /// Answers a batch: work is handed out in chunks, in the order of configurations.
    async fn cost(self: Arc<Self>, batch: Arc<[CostRequest]>) -> Vec<Answer> {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by(|a, b| {
            let key = |i: usize| batch.get(i).map(|r| (&r.configuration, r.statement));
            key(*a).cmp(&key(*b))
        });
        let workers = self.pool.size().min(order.len().div_ceil(CHUNK)).max(1);
        let work = Work { batch: &batch, chunks: Mutex::new(order.chunks(CHUNK)) };
        let answered = join_all((0..workers).map(|_| self.work(&work))).await;
        let mut answers: BTreeMap<usize, Answer> = answered.into_iter().flatten().collect();
        (0..batch.len())
            .map(|i| answers.remove(&i).unwrap_or_else(|| Err(CostError::Lost("not answered".to_owned()))))
            .collect()
    }

    /// One session's share of a batch.
    async fn work(&self, work: &Work<'_>) -> Vec<(usize, Answer)> {
        let mut answers = Vec::new();
        let mut session: Option<WhatIfSession> = None;
        let mut lost: Option<CostError> = None;
        while let Some(chunk) = work.next() {
            for same in chunk.chunk_by(|a, b| work.configuration(*a) == work.configuration(*b)) {
                if let Some(error) = &lost {
                    answers.extend(same.iter().map(|i| (*i, Err(error.clone()))));
                    continue;
                }
                let answered = self.ask(&mut session, work, same).await;
                lost = answered.iter().find_map(|(_, a)| match a {
                    Err(error @ CostError::Lost(_)) => Some(error.clone()),
                    _ => None,
                });
                answers.extend(answered);
            }
        }
        if let Some(session) = session {
            self.keep(session);
        }
        answers
    }

    /// Asks questions that share a configuration; again on a new session where the old one was ended by hand.
    async fn ask(&self, session: &mut Option<WhatIfSession>, work: &Work<'_>, group: &[usize]) -> Vec<(usize, Answer)> {
        let mut attempt = self.ask_once(session, work, group).await;
        for _ in 1..ATTEMPTS {
            if !attempt.iter().any(|(_, a)| matches!(a, Err(failure) if failure.may_retry())) {
                break;
            }
            attempt = self.ask_once(session, work, group).await;
        }
        attempt.into_iter().map(|(i, answer)| (i, answer.map_err(CostError::from))).collect()
    }

    async fn ask_once(
        &self,
        slot: &mut Option<WhatIfSession>,
        work: &Work<'_>,
        group: &[usize],
    ) -> Vec<(usize, Result<Costed, Failure>)> {
        let all = |failure: &Failure| group.iter().map(|i| (*i, Err(failure.clone()))).collect();
        let mut session = match slot.take() {
            Some(session) => session,
            None => match self.lease().await {
                Ok(session) => session,
                Err(failure) => return all(&failure),
            },
        };
        let answers = self.ask_session(&mut session, work, group).await;
        match answers {
            Ok(answers) => {
                if answers.iter().any(|(_, a)| matches!(a, Err(failure) if failure.is_lost())) {
                    session.discard();
                } else {
                    *slot = Some(session);
                }
                answers
            }
            Err(failure) => {
                // The session may hold half a configuration.
                session.discard();
                all(&failure)
            }
        }
    }

    async fn ask_session(
        &self,
        session: &mut WhatIfSession,
        work: &Work<'_>,
        group: &[usize],
    ) -> Result<Vec<(usize, Result<Costed, Failure>)>, Failure> {
        let statements: BTreeSet<usize> = group.iter().filter_map(|i| work.statement(*i)).collect();
        self.learn_arities(session, &statements).await?;
        if let Some(configuration) = group.first().and_then(|i| work.configuration(*i)) {
            if !configuration.without.is_empty() && !self.can_hide {
                let why = "HypoPG before 1.4 cannot hide existing indexes".to_owned();
                return Ok(group.iter().map(|i| (*i, Err(Failure::Index(why.clone())))).collect());
            }
            let mut with = Vec::new();
            {
                let known = lock(&self.candidates);
                for id in &configuration.with {
                    let Some(candidate) = known.get(id) else {
                        let why = format!("candidate {id} is not registered");
                        return Ok(group.iter().map(|i| (*i, Err(Failure::Index(why.clone())))).collect());
                    };
                    with.push((*id, Arc::clone(candidate)));
                }
            }
            let ddl: Vec<(CandidateId, &str)> = with.iter().map(|(id, c)| (*id, c.ddl.as_str())).collect();
            let without: Vec<Oid> = configuration.without.iter().copied().collect();
            session.assume(configuration, &ddl, &without).await?;
        }
        let names: BTreeMap<CandidateId, Arc<Candidate>> = lock(&self.candidates).clone();
        let name = |id: CandidateId| names.get(&id).map_or("", |c| c.name.as_str());
        let session = &*session;
        let questions = group.iter().map(|i| async move {
            let arity = match work.statement(*i).and_then(|s| lock(&self.arities).get(&s).cloned().map(|a| (s, a))) {
                Some((statement, Ok(arity))) => Ok((statement, arity)),
                Some((_, Err(why))) => Err(Failure::Statement(why)),
                None => Err(Failure::Statement("the snapshot has no such statement".to_owned())),
            };
            let answer = match arity {
                Ok((statement, arity)) => {
                    let text = self.statements.get(statement).map_or("", String::as_str);
                    session.explain(*i, text, arity).await
                }
                Err(failure) => Err(failure),
            };
            (*i, answer)
        });
        let plans = join_all(questions).await;
        let candidate = |index: &str| session.hypothetical().get(&hypothetical_oid(index)?).copied();
        let read = |json: &serde_json::Value| answer::read(json, &candidate, &name, CostSourceKind::Hypopg);
        Ok(plans
            .into_iter()
            .map(|(i, plan)| (i, plan.and_then(|json| read(&json).map_err(Failure::Statement))))
            .collect())
    }

    /// Asks the server how many parameters statements have, for those that it has not been asked about.
    async fn learn_arities(&self, session: &WhatIfSession, statements: &BTreeSet<usize>) -> Result<(), Failure> {
        let unknown: Vec<(usize, &str)> = {
            let known = lock(&self.arities);
            let missing = statements.iter().filter(|s| !known.contains_key(s));
            missing.filter_map(|s| Some((*s, self.statements.get(*s)?.as_str()))).collect()
        };
        let learnt = join_all(unknown.iter().map(|(s, text)| session.arity(*s, text))).await;
        for ((statement, _), arity) in unknown.iter().zip(learnt) {
            let entry = match arity {
                Ok(arity) => Ok(arity),
                Err(Failure::Statement(why)) => Err(why),
                Err(failure) => return Err(failure),
            };
            lock(&self.arities).insert(*statement, entry);
        }
        Ok(())
    }
}

/// A batch while it is being answered.
struct Work<'a> {
    batch: &'a [CostRequest],
    chunks: Mutex<std::slice::Chunks<'a, usize>>,
}

impl<'a> Work<'a> {
    fn next(&self) -> Option<&'a [usize]> {
        lock(&self.chunks).next()
    }

    fn configuration(&self, request: usize) -> Option<&'a super::Configuration> {
        self.batch.get(request).map(|r| &r.configuration)
    }

    fn statement(&self, request: usize) -> Option<usize> {
        self.batch.get(request).map(|r| r.statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_index_with_an_odd_name_stays_itself() {
        assert_eq!(hypothetical_oid("<x>btree"), None);
        assert_eq!(hypothetical_oid("orders_pkey"), None);
        assert_eq!(hypothetical_oid("<12>btree_t"), Some(12));
    }

    #[test]
    fn hiding_came_with_1_4() {
        assert!(version("1.3.1") < HIDING_SINCE);
        assert!(version("1.4.0") >= HIDING_SINCE);
        assert!(version("2.0") >= HIDING_SINCE);
    }
}
