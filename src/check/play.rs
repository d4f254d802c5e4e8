//! Plays files statement by statement, and has every rule judge each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::report::{CheckReport, CheckedFile, Finding, Location};
use crate::rules::Rule;
use crate::snapshot::{Oid, Snapshot};
use crate::sql::ast::ddl::{self, AlterAction, Command, Ddl};
use crate::sql::{self, ParseError};
use crate::whatif::CostSource;
use crate::workload;

use super::context::{Context, Production, Session, Step, Transaction};
use super::draft::Draft;
use super::ignore::{self, Ignore};
use super::locks::locks;
use super::registry::{ENTRIES, OF_FILES};
use super::replan::{self, IndexChanges, Verdict};
use super::rules::{plan_regression, syntax_error, unused_ignore, unused_new_index};
use super::runner::{Recognised, recognise};
use super::schema::Schema;
use super::script::{Part, cut};
use super::{InputFile, Options, Wrapping};

/// The oldest major version that pgwise supports: what is assumed where nothing says otherwise.
const OLDEST: u32 = 13;

pub(super) fn play(
    files: &[InputFile],
    production: Option<&Snapshot>,
    costs: Option<&mut (dyn CostSource + Send)>,
    options: &Options,
) -> CheckReport {
    let version = options.pg_version.or(production.map(|p| p.server.major())).unwrap_or(OLDEST);
    let mut player = Player {
        schema: Schema::new(production),
        production: production.map(|snapshot| Production { snapshot, workload: workload::bind(snapshot) }),
        options,
        version,
        report: CheckReport::new(production),
        changes: IndexChanges { lost: BTreeMap::new(), made: vec![] },
    };
    for (number, file) in files.iter().enumerate() {
        player.file(number, file);
    }
    if let Some(costs) = costs {
        player.replan(costs, files);
    }
    player.report.finish();
    player.report
}

struct Player<'a> {
    schema: Schema,
    production: Option<Production<'a>>,
    options: &'a Options,
    version: u32,
    report: CheckReport,
    /// Where indexes went and came: file and place.
    changes: IndexChanges<(usize, Range<usize>)>,
}

/// A file while it is played.
struct Page<'a> {
    file: &'a InputFile,
    lines: LineIndex,
    ignores: Vec<Ignore>,
}

impl Player<'_> {
    fn file(&mut self, number: usize, file: &InputFile) {
        let Recognised { forward, in_transaction, .. } = recognise(&file.path, &file.text);
        let wrapped = match self.options.transaction {
            Wrapping::Auto => in_transaction,
            Wrapping::Always => true,
            Wrapping::Never => false,
        };
        let mut page = Page { file, lines: LineIndex::new(&file.text), ignores: ignore::find(&file.text) };
        let steps = self.read(&forward, &mut page);
        let mut transaction = Transaction { open: wrapped, ..Transaction::default() };
        let mut session = Session { lock_timeout: self.options.assume_lock_timeout, statement_timeout: false };
        for position in 0..steps.len() {
            // Locks depend on what the statements before did.
            let step =
                Step { locks: locks(&steps[position].command, &self.schema, self.version), ..steps[position].clone() };
            if file.judged {
                self.judge(&step, &steps, position, &transaction, &session, &mut page);
            }
            if let Command::Ddl(ddl) = &step.command {
                let before = self.production.is_some().then(|| replan::indexes_of(&self.schema));
                self.schema.apply(ddl, file.judged);
                if let Some(before) = before {
                    self.note_indexes(&before, ddl, (number, step.range.clone()));
                }
                follow(ddl, &mut transaction, &mut session, wrapped);
            }
            if transaction.open {
                transaction.locks.extend(step.locks.iter().map(|held| (held.table.clone(), held.mode)));
            }
        }
        if file.judged {
            self.unused_ignores(&mut page);
        }
        self.report.files.push(CheckedFile {
            path: file.path.clone(),
            statements: steps.len() as u64,
            judged: file.judged,
        });
    }

    /// The statements of a file's forward parts; what does not parse becomes a finding.
    fn read(&mut self, forward: &[Range<usize>], page: &mut Page<'_>) -> Vec<Step> {
        let text = page.file.text.as_str();
        let mut steps = vec![];
        for part in forward {
            let Some(section) = text.get(part.clone()) else { continue };
            for piece in cut(section) {
                let place = |r: Range<usize>| r.start + part.start..r.end + part.start;
                match piece {
                    Part::Statement(range) => {
                        let range = place(range);
                        match sql::parse_command(&text[range.clone()]) {
                            Ok(Some(command)) => steps.push(Step { range, command, locks: vec![] }),
                            Ok(None) => {}
                            Err(error) => self.unreadable(&error, range, page),
                        }
                    }
                    Part::Unterminated(range, what) => {
                        let message = format!("{what} begins here and never ends");
                        let draft = Draft { object: page.file.path.clone(), message, ..Draft::default() };
                        let first =
                            range.start..range.start + section[range.start..].chars().next().map_or(0, char::len_utf8);
                        self.write_down(&syntax_error::RULE, draft, place(first), page);
                    }
                    Part::Meta(_) | Part::CopyData(_) => {}
                }
            }
        }
        steps
    }

    fn unreadable(&mut self, error: &ParseError, range: Range<usize>, page: &mut Page<'_>) {
        match error {
            ParseError::Syntax(_) | ParseError::Truncated => {
                let draft = Draft { object: page.file.path.clone(), message: error.to_string(), ..Draft::default() };
                self.write_down(&syntax_error::RULE, draft, range, page);
            }
            other => {
                let line = page.lines.position(&page.file.text, range.start).0;
                self.report.not_evaluate(&format!("{}:{line}", page.file.path), &other.to_string(), None);
            }
        }
    }

    fn judge(
        &mut self,
        step: &Step,
        steps: &[Step],
        position: usize,
        transaction: &Transaction,
        session: &Session,
        page: &mut Page<'_>,
    ) {
        for (rule, run) in ENTRIES {
            let mut drafts = vec![];
            let context = Context {
                schema: &self.schema,
                step,
                text: &page.file.text[step.range.clone()],
                transaction,
                session,
                steps,
                position,
                production: self.production.as_ref(),
                version: self.version,
            };
            run(&context, &mut drafts);
            for draft in drafts {
                self.write_down(rule, draft, step.range.clone(), page);
            }
        }
    }

    /// Completes a finding and keeps it, unless a comment holds it back.
    fn write_down(&mut self, rule: &'static Rule, draft: Draft, statement: Range<usize>, page: &mut Page<'_>) {
        let Some(knobs) = self.options.settings.knobs(rule) else { return };
        if !page.file.judged {
            return;
        }
        if ignore::holds(&mut page.ignores, &page.file.text, &statement, rule.id) {
            self.report.ignored += 1;
            return;
        }
        let overridden = knobs.severity() != rule.severity;
        let severity = if overridden { knobs.severity() } else { draft.severity.unwrap_or(rule.severity) };
        let range = draft.range.unwrap_or(statement);
        self.report.findings.push(Finding {
            rule: rule.id.to_owned(),
            area: rule.area.as_str().to_owned(),
            severity,
            object: draft.object,
            message: draft.message,
            evidence: draft.evidence.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            remedy: draft.remedy,
            queryids: draft.queryids,
            time_at_stake_ms: draft.time_at_stake_ms,
            location: Some(page.location(&range)),
        });
    }

    /// Notes which of production's indexes a statement took, and which it made.
    fn note_indexes(&mut self, before: &BTreeMap<Oid, (String, String)>, ddl: &Ddl, place: (usize, Range<usize>)) {
        let after = replan::indexes_of(&self.schema);
        for (oid, (name, table)) in before {
            if !after.contains_key(oid) {
                self.changes.lost.insert(*oid, (name.clone(), table.clone(), place.clone()));
            }
        }
        if let (Ddl::CreateIndex(create), Some(production)) = (ddl, &self.production)
            && let Some(table) = self.schema.table(&create.table).known()
            && let Some(index) = table.indexes.last()
            && let Some(spec) = replan::spec(index, table, production)
        {
            self.changes.made.push((spec, index.name.clone(), table.display_name(), place));
        }
    }

    /// Costs the workload before and after all files. Tables that are gone take their statements with them:
    /// broken-query speaks of those.
    fn replan(&mut self, costs: &mut dyn CostSource, files: &[InputFile]) {
        let Some(production) = &self.production else { return };
        let present: BTreeSet<Oid> = self.schema.tables.values().filter_map(|t| t.oid).collect();
        let catalog = &production.snapshot.catalog;
        self.changes.lost.retain(|oid, _| {
            catalog.indexes().find(|(_, i)| i.oid == *oid).is_some_and(|(table, _)| present.contains(&table.oid))
        });
        if self.changes.lost.is_empty() && self.changes.made.is_empty() {
            return;
        }
        let (verdicts, unknown) = replan::judge(&self.changes, production, costs);
        for reason in unknown {
            self.report.not_evaluate("plans", &reason, None);
        }
        for ((number, range), verdict) in verdicts {
            let Some(file) = files.get(number) else { continue };
            let mut page = Page { file, lines: LineIndex::new(&file.text), ignores: ignore::find(&file.text) };
            let (rule, draft) = match verdict {
                Verdict::Regression(draft) => (&plan_regression::RULE, draft),
                Verdict::Unused(draft) => (&unused_new_index::RULE, draft),
            };
            self.write_down(rule, draft, range, &mut page);
        }
    }

    fn unused_ignores(&mut self, page: &mut Page<'_>) {
        let known = |name: &str| ENTRIES.iter().any(|(r, _)| r.id == name) || OF_FILES.iter().any(|r| r.id == name);
        for ignore in std::mem::take(&mut page.ignores) {
            let message = match ignore.rules.iter().find(|r| !known(r)) {
                Some(name) => format!("there is no rule {name}"),
                None if ignore.rules.is_empty() => "this comment names no rule".to_owned(),
                // What is judged over all files comes later.
                None if ignore
                    .rules
                    .iter()
                    .any(|r| r == plan_regression::RULE.id || r == unused_new_index::RULE.id) =>
                {
                    continue;
                }
                None if !ignore.used => format!("nothing here breaks {}", ignore.rules.join(", ")),
                None => continue,
            };
            let draft = Draft { object: page.file.path.clone(), message, ..Draft::default() };
            self.write_down(&unused_ignore::RULE, draft, ignore.range, page);
        }
    }
}

/// What a statement changes for those after it.
fn follow(ddl: &Ddl, transaction: &mut Transaction, session: &mut Session, wrapped: bool) {
    match ddl {
        Ddl::Transaction(ddl::Transaction::Begin) => transaction.open = true,
        Ddl::Transaction(ddl::Transaction::Commit | ddl::Transaction::Rollback) => {
            *transaction = Transaction { open: wrapped, ..Transaction::default() };
        }
        Ddl::Set { name, value, .. } => {
            let on = value.as_deref().is_some_and(|v| !matches!(v, "0" | ""));
            match name.as_str() {
                "lock_timeout" => session.lock_timeout = on,
                "statement_timeout" => session.statement_timeout = on,
                _ => {}
            }
        }
        Ddl::AddEnumValue { value, .. } => transaction.enum_values.push(value.clone()),
        Ddl::AlterTable(alter) => {
            for action in &alter.actions {
                if let AlterAction::AddConstraint(constraint) = action
                    && constraint.not_valid
                {
                    transaction.not_valid.extend(constraint.name.clone());
                }
            }
        }
        _ => {}
    }
}

impl Page<'_> {
    fn location(&self, range: &Range<usize>) -> Location {
        let (line, column) = self.lines.position(&self.file.text, range.start);
        let (end_line, end_column) = self.lines.position(&self.file.text, range.end);
        Location { file: self.file.path.clone(), line, column, end_line: Some(end_line), end_column: Some(end_column) }
    }
}

/// Where the lines of a text begin.
struct LineIndex(Vec<usize>);

impl LineIndex {
    fn new(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// Line and column of a byte, both from 1; columns count characters.
    fn position(&self, text: &str, at: usize) -> (u32, u32) {
        let line = self.0.partition_point(|start| *start <= at).max(1);
        let start = self.0.get(line - 1).copied().unwrap_or(0);
        let column = text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}
