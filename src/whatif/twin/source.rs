//! The twin as a cost source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::build::Twin;
use super::counts::Counts;
use super::files::{Content, Sized};
use super::session::{Question, TwinSession};
use super::{TwinError, TwinOptions, reach};
use crate::connect::Session;
use crate::snapshot::{IndexMethod, IndexSpec, Oid, Snapshot, Table, TableKind};
use crate::sql::quote;
use crate::whatif::ddl::{self, Build, Names};
use crate::whatif::{
    CandidateId, Configuration, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered, answer,
    live::{self, Desk},
    size,
};

/// Questions sent before the first is answered.
const PIPELINE: usize = 32;
/// Bytes of a page.
const PAGE: u64 = 8192;

/// The cost source.
pub struct TwinSource {
    state: Arc<Mutex<State>>,
    desk: Desk,
}

struct State {
    twin: Twin,
    snapshot: Snapshot,
    texts: Vec<String>,
    /// One on each of the equal copies, or none.
    sessions: Vec<TwinSession>,
    /// The number of parameters of each statement asked about so far, or why it is not asked about: the server does not
    /// take it, or the twin lacks something that could decide its plan.
    arities: BTreeMap<usize, Result<usize, String>>,
    candidates: BTreeMap<CandidateId, Candidate>,
    /// The candidate behind an index's name in the twin.
    by_name: BTreeMap<String, CandidateId>,
    /// Production's indexes and what hangs below them, as indexes of the twin.
    existing: BTreeMap<Oid, Vec<Oid>>,
}

struct Candidate {
    /// Its indexes in the twin: one, or one a partition besides.
    indexes: Vec<Oid>,
    /// Its name in descriptions of plans.
    name: String,
}

/// An index of a candidate, just created.
struct Created {
    index: Oid,
    filenode: u32,
    /// The snapshot's table under it.
    table: Oid,
    /// Whether it has a file: a partitioned index has none.
    stored: bool,
}

/// A batch while it is being answered: requests by their numbers, with the configuration that they share.
struct Work<'a> {
    pieces: Vec<(&'a Configuration, &'a [usize])>,
    /// The piece that the next free session takes.
    next: AtomicUsize,
    requests: &'a [CostRequest],
}

impl TwinSource {
    /// Builds a twin and asks it. Blocks, like the methods.
    pub fn build(snapshot: &Snapshot, options: &TwinOptions, runtime: Handle) -> Result<Self, TwinError> {
        let (whole, options) = (snapshot.clone(), options.clone());
        let built = live::wait(&runtime, async move { Twin::build(&whole, &options).await });
        Ok(Self::new(built.map_err(|_| TwinError::Ended)??, snapshot, runtime))
    }

    /// A source over a twin of this snapshot. `runtime` drives the session; the methods block the calling thread, so it
    /// must have several threads.
    pub fn new(twin: Twin, snapshot: &Snapshot, runtime: Handle) -> Self {
        let state = State {
            existing: existing(&twin, snapshot),
            arities: reach::touched(snapshot, twin.left_out()).into_iter().map(|(s, why)| (s, Err(why))).collect(),
            twin,
            snapshot: snapshot.clone(),
            texts: snapshot.statements.items.iter().map(live::text).collect(),
            sessions: Vec::new(),
            candidates: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), desk: Desk::new(runtime) }
    }

    /// The plan behind an answer, as EXPLAIN (FORMAT JSON) prints it. Candidates have names of the twin's own in it.
    pub fn explain(&mut self, request: &CostRequest) -> Result<Value, CostError> {
        self.desk.count(1);
        let (state, asked) = (Arc::clone(&self.state), request.clone());
        let work = async move { Ok(vec![state.lock().await.explain(&asked).await]) };
        self.desk.answers(1, work).pop().unwrap_or_else(|| Err(lost("no answer")))
    }
}

/// Production's indexes by the twin's, each with those below it.
fn existing(twin: &Twin, snapshot: &Snapshot) -> BTreeMap<Oid, Vec<Oid>> {
    let mut children: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
    for (_, index) in snapshot.catalog.indexes() {
        if let Some(parent) = index.parent {
            children.entry(parent).or_default().push(index.oid);
        }
    }
    let own: BTreeMap<Oid, Oid> = snapshot
        .catalog
        .indexes()
        .filter_map(|(table, index)| Some((index.oid, twin.oid(&table.schema, &index.name)?)))
        .collect();
    let below = |root: Oid| {
        let mut pending = vec![root];
        let mut found = Vec::new();
        while let Some(oid) = pending.pop() {
            found.extend(own.get(&oid));
            pending.extend(children.get(&oid).into_iter().flatten());
        }
        found
    };
    own.keys().map(|oid| (*oid, below(*oid))).collect()
}

impl CostSource for TwinSource {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Twin
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        let (state, asked) = (Arc::clone(&self.state), candidates.to_vec());
        self.desk.answers(candidates.len(), async move { state.lock().await.register(&asked).await })
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.desk.count(requests.len());
        let (state, asked) = (Arc::clone(&self.state), requests.to_vec());
        self.desk.answers(requests.len(), async move { state.lock().await.cost(&asked).await })
    }

    fn questions_asked(&self) -> u64 {
        self.desk.asked()
    }

    fn can_hide(&self) -> bool {
        true
    }
}

impl Drop for TwinSource {
    fn drop(&mut self) {
        // Closing a session spawns what closes it, for which a runtime must be at hand.
        let _entered = self.desk.runtime().enter();
        if let Ok(mut state) = self.state.try_lock() {
            state.sessions.clear();
        }
    }
}

fn lost(error: impl std::fmt::Display) -> CostError {
    CostError::Lost(error.to_string())
}

impl State {
    /// Opens the sessions on the present copies.
    async fn open(&mut self) -> Result<(), CostError> {
        if self.sessions.is_empty() {
            let mut sessions = Vec::new();
            for pool in self.twin.sessions().await.map_err(lost)? {
                sessions.push(
                    TwinSession::open(&pool, &self.snapshot.server.search_path, self.twin.statement_timeout()).await?,
                );
            }
            self.sessions = sessions;
        }
        Ok(())
    }

    /// One of the sessions.
    fn session(&self) -> Result<&TwinSession, CostError> {
        self.sessions.first().ok_or_else(|| lost("no session"))
    }

    async fn register(
        &mut self,
        candidates: &[(CandidateId, IndexSpec)],
    ) -> Result<Vec<Result<Registered, CostError>>, CostError> {
        self.open().await?;
        let mut fractions = BTreeMap::new();
        for (_, spec) in candidates {
            if let Some(predicate) = &spec.predicate {
                for table in self.leaves(spec.table) {
                    let fraction = self.fraction(&table, predicate).await?;
                    fractions.insert((table.oid, predicate.clone()), fraction);
                }
            }
        }
        // The template is copied when nobody is in it, and the sessions are on the copies before.
        self.sessions.clear();
        let pool = self.twin.template().await.map_err(lost)?;
        let session = pool.get().await.map_err(lost)?;
        // CREATE INDEX calls what is immutable in an index's predicate, which may take its time.
        let limit = format!("SET statement_timeout = {}", self.twin.statement_timeout().as_millis());
        session.batch_execute(&limit).await.map_err(|error| lost(session.error(error)))?;
        let mut answers = Vec::with_capacity(candidates.len());
        for (id, spec) in candidates {
            let answer = self.create(&session, *id, spec, &fractions).await;
            if let Err(error @ CostError::Lost(_)) = answer {
                return Err(error);
            }
            answers.push(answer);
        }
        session.discard();
        pool.close();
        self.twin.copy().await.map_err(lost)?;
        Ok(answers)
    }

    fn leaves(&self, table: Oid) -> Vec<Table> {
        ddl::leaves(table, &self.snapshot.catalog).into_iter().cloned().collect()
    }

    /// The share of a table's rows that a predicate keeps, by the planner's word; all of them if it has none.
    async fn fraction(&self, table: &Table, predicate: &str) -> Result<f64, CostError> {
        let name = quote::qualified(&table.schema, &table.name);
        let session = self.session()?;
        let kept = session.rows(&format!("SELECT FROM ONLY {name} WHERE {predicate}")).await;
        let all = session.rows(&format!("SELECT FROM ONLY {name}")).await;
        match (kept, all) {
            (Err(error @ CostError::Lost(_)), _) | (_, Err(error @ CostError::Lost(_))) => Err(error),
            (Ok(kept), Ok(all)) if all > 0.0 => Ok((kept / all).min(1.0)),
            _ => Ok(1.0),
        }
    }

    /// Creates a candidate in the template, out of the planner's sight.
    async fn create(
        &mut self,
        session: &Session,
        id: CandidateId,
        spec: &IndexSpec,
        fractions: &BTreeMap<(Oid, String), f64>,
    ) -> Result<Registered, CostError> {
        let Some(table) = self.snapshot.catalog.table(spec.table).cloned() else {
            return Err(CostError::Inexpressible(format!("the snapshot has no table {}", spec.table)));
        };
        let inexpressible = |error: tokio_postgres::Error| {
            let error = session.error(error);
            if error.is_lost() { lost(error) } else { CostError::Inexpressible(error.to_string()) }
        };
        let name = format!("pgwise_candidate_{id}");
        // Dropped first where the caller registers an id again.
        let drop = format!("DROP INDEX IF EXISTS {}", quote::qualified(&table.schema, &name));
        let create = ddl::create_index(spec, &table, Some(&name), Build::Plain);
        session.batch_execute(&drop).await.map_err(inexpressible)?;
        session.batch_execute(&create).await.map_err(inexpressible)?;
        let created = self.created(session, &table, &name).await?;
        let mut updates = Vec::new();
        let mut bytes = 0;
        let mut relations = Vec::new();
        for (n, index) in created.iter().enumerate() {
            updates
                .push(format!("UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = {}", index.index));
            let known_as = if n == 0 { name.clone() } else { format!("{name}_{n}") };
            if n > 0 {
                updates.push(format!(
                    "UPDATE pg_catalog.pg_class SET relname = {} WHERE oid = {}",
                    quote::literal(&known_as),
                    index.index
                ));
            }
            self.by_name.insert(known_as, id);
            if !index.stored {
                continue;
            }
            let Some(under) = self.snapshot.catalog.table(index.table) else { continue };
            let own = if under.oid == table.oid { Some(spec.clone()) } else { ddl::for_partition(spec, &table, under) };
            let Some(own) = own else { continue };
            let fraction = spec.predicate.as_ref().and_then(|p| fractions.get(&(under.oid, p.clone()))).copied();
            let fraction = fraction.unwrap_or(1.0);
            // CREATE INDEX has counted the empty table's rows (`index_update_stats`).
            let major = self.snapshot.server.major();
            let counts = self.twin.oid(&under.schema, &under.name).map(|oid| Counts::of_table(oid, under));
            updates.extend(counts.map(|counts| counts.sql(major)));
            let size = size::index_bytes(&self.snapshot, &own, under, fraction).unwrap_or(PAGE);
            bytes += size;
            let pages = size.div_ceil(PAGE);
            let tuples = under.rows().map_or(-1.0, |rows| (rows * fraction).round());
            updates.push(Counts::new(index.index, pages, tuples).sql(major));
            relations.push(Sized {
                filenode: index.filenode,
                pages,
                content: content(&self.snapshot, &own, under, fraction, pages),
            });
        }
        session.batch_execute(&updates.join(";")).await.map_err(inexpressible)?;
        self.twin.add(relations);
        let nice = Names::default().choose(spec, &table);
        let indexes = created.into_iter().map(|c| c.index).collect();
        self.candidates.insert(id, Candidate { indexes, name: nice });
        Ok(Registered { estimated_bytes: Some(bytes) })
    }

    /// The indexes that a CREATE INDEX made, the one named first.
    async fn created(&self, session: &Session, table: &Table, name: &str) -> Result<Vec<Created>, CostError> {
        const SQL: &str = "SELECT c.oid, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0) AS filenode, \
            tn.nspname::text AS schema, t.relname::text AS table_name, c.relkind = 'i' AS stored \
            FROM (SELECT $1::text::regclass AS relid, 0 AS level \
                  UNION SELECT relid, level FROM pg_catalog.pg_partition_tree($1::text::regclass)) AS p \
            JOIN pg_catalog.pg_class AS c ON c.oid = p.relid \
            JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid \
            JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid \
            JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace \
            ORDER BY p.level, c.oid";
        let index = quote::qualified(&table.schema, name);
        let rows = session.query(SQL, &[&index]).await.map_err(|error| lost(session.error(error)))?;
        let created = rows.iter().filter_map(|row| {
            let under = self.snapshot.catalog.table_named(row.get("schema"), row.get("table_name"))?;
            Some(Created {
                index: row.get("oid"),
                filenode: row.get("filenode"),
                table: under.oid,
                stored: row.get("stored"),
            })
        });
        Ok(created.collect())
    }

    /// Answers a batch. The copies are equal, so it does not matter who answers what.
    async fn cost(&mut self, requests: &[CostRequest]) -> Result<Vec<Result<Costed, CostError>>, CostError> {
        self.open().await?;
        self.learn_arities(requests).await?;
        let mut groups: BTreeMap<&Configuration, Vec<usize>> = BTreeMap::new();
        for (n, request) in requests.iter().enumerate() {
            groups.entry(&request.configuration).or_default().push(n);
        }
        let pieces = groups.iter().flat_map(|(c, group)| group.chunks(PIPELINE).map(|chunk| (*c, chunk)));
        let work = Work { pieces: pieces.collect(), next: AtomicUsize::new(0), requests };
        let mut answering = Vec::new();
        for session in &self.sessions {
            answering.push(self.work(session, &work));
        }
        let answered = try_join_all(answering).await?;
        let answers: BTreeMap<usize, Result<Costed, CostError>> = answered.into_iter().flatten().collect();
        Ok(answers.into_values().collect())
    }

    async fn explain(&mut self, request: &CostRequest) -> Result<Value, CostError> {
        self.open().await?;
        self.learn_arities(std::slice::from_ref(request)).await?;
        let mut plans = self.plans(self.session()?, &request.configuration, &[request.statement]).await?;
        plans.pop().unwrap_or_else(|| Err(lost("no answer")))
    }

    /// One session's share of a batch.
    async fn work(
        &self,
        session: &TwinSession,
        work: &Work<'_>,
    ) -> Result<Vec<(usize, Result<Costed, CostError>)>, CostError> {
        let mut answers = Vec::new();
        while let Some((configuration, chunk)) = work.pieces.get(work.next.fetch_add(1, Ordering::Relaxed)) {
            let statements: Vec<usize> = chunk.iter().filter_map(|n| Some(work.requests.get(*n)?.statement)).collect();
            answers.extend(chunk.iter().copied().zip(self.ask(session, configuration, &statements).await?));
        }
        Ok(answers)
    }

    /// Answers about several statements under one configuration.
    async fn ask(
        &self,
        session: &TwinSession,
        configuration: &Configuration,
        statements: &[usize],
    ) -> Result<Vec<Result<Costed, CostError>>, CostError> {
        let plans = self.plans(session, configuration, statements).await?;
        let candidate = |index: &str| self.by_name.get(index).copied();
        let name = |id: CandidateId| self.candidates.get(&id).map_or("", |c| c.name.as_str());
        let read =
            |plan: Value| answer::read(&plan, &candidate, &name, CostSourceKind::Twin).map_err(CostError::Statement);
        Ok(plans.into_iter().map(|plan| plan.and_then(read)).collect())
    }

    /// Plans of several statements under one configuration.
    async fn plans(
        &self,
        session: &TwinSession,
        configuration: &Configuration,
        statements: &[usize],
    ) -> Result<Vec<Result<Value, CostError>>, CostError> {
        let mut show = Vec::new();
        for id in &configuration.with {
            let Some(candidate) = self.candidates.get(id) else {
                let error = CostError::Inexpressible(format!("candidate {id} is not registered"));
                return Ok(statements.iter().map(|_| Err(error.clone())).collect());
            };
            show.extend(&candidate.indexes);
        }
        let hide: Vec<Oid> =
            configuration.without.iter().filter_map(|oid| self.existing.get(oid)).flatten().copied().collect();
        let question = |statement: &usize| match self.arities.get(statement) {
            Some(Ok(arity)) => {
                Ok(Question { text: self.texts.get(*statement).map_or("", String::as_str), arity: *arity })
            }
            Some(Err(why)) => Err(CostError::Statement(why.clone())),
            None => Err(CostError::Statement("the snapshot has no such statement".to_owned())),
        };
        let questions: Vec<Result<Question<'_>, CostError>> = statements.iter().map(question).collect();
        let takeable: Vec<Question<'_>> = questions.iter().filter_map(|q| q.as_ref().ok().copied()).collect();
        let mut plans = session.plans(&show, &hide, &takeable).await?.into_iter();
        let answered = questions.into_iter().map(|question| {
            question?;
            plans.next().unwrap_or_else(|| Err(lost("no answer")))
        });
        Ok(answered.collect())
    }

    async fn learn_arities(&mut self, requests: &[CostRequest]) -> Result<(), CostError> {
        let asked: BTreeSet<usize> = requests.iter().map(|r| r.statement).collect();
        let unknown: Vec<usize> =
            asked.into_iter().filter(|s| !self.arities.contains_key(s) && *s < self.texts.len()).collect();
        for chunk in unknown.chunks(PIPELINE) {
            let texts: Vec<&str> = chunk.iter().filter_map(|s| Some(self.texts.get(*s)?.as_str())).collect();
            let learnt = self.session()?.arities(&texts).await;
            for (statement, arity) in chunk.iter().zip(learnt) {
                let entry = match arity {
                    Err(error @ CostError::Lost(_)) => return Err(error),
                    other => other.map_err(|error| error.to_string()),
                };
                self.arities.insert(*statement, entry);
            }
        }
        Ok(())
    }
}

fn content(snapshot: &Snapshot, spec: &IndexSpec, table: &Table, fraction: f64, pages: u64) -> Content {
    match spec.method {
        IndexMethod::Btree => Content::Btree { height: size::btree_height(spec, table, pages) },
        IndexMethod::Gin => Content::Gin { counts: size::gin_counts(snapshot, spec, table, fraction, pages) },
        IndexMethod::Brin if table.kind != TableKind::Partitioned => {
            Content::Brin { heap_pages: u64::from(table.actual_pages.unwrap_or(table.relpages)) }
        }
        _ => Content::Nothing,
    }
}
