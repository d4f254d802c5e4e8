//! `pgwise check`: migration files, for CI.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::{self, InputFile, Options};
use crate::config::{AnalyzeSettings, CollectSettings};
use crate::report::{Severity, render_check};
use crate::whatif::CostSource;
use crate::whatif::model::ModelSource;

use super::args::CheckArgs;
use super::failure::Failure;
use super::{Outcome, analyze, output, session};

/// Threads of the planner model that compare plans.
const MODEL_THREADS: usize = 2;

pub(super) fn run(args: &CheckArgs) -> Result<Outcome, Failure> {
    let settings = session::settings(CollectSettings::default(), AnalyzeSettings::default(), &args.config)?;
    let files = read_files(&args.paths)?;
    let snapshot = args.snapshot.as_deref().map(analyze::read_snapshot).transpose()?;
    let options = Options {
        transaction: args.transaction,
        pg_version: args.pg_version,
        settings: settings.rules,
        assume_lock_timeout: args.assume_lock_timeout,
    };
    let snapshot = snapshot.map(Arc::new);
    let mut model = snapshot
        .as_ref()
        .map(|s| ModelSource::new(s, MODEL_THREADS))
        .transpose()
        .map_err(|e| Failure::new("the planner model cannot run").because(e))?;
    let costs = model.as_mut().map(|m| m as &mut (dyn CostSource + Send));
    let report = check::check(&files, snapshot.as_deref(), costs, &options);
    let sources = files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
    let colour = args.output.is_none() && output::stdout_colour();
    let text = render_check(&report, args.format.into(), &sources, colour);
    match &args.output {
        Some(path) => output::file(path, |file| file.write_all(text.as_bytes()).map_err(Failure::from))?,
        None => output::styled(&text)?,
    }
    let fail_on = args.fail_on.unwrap_or(Severity::Error);
    Ok(if report.reaches(fail_on) && !args.exit_zero { Outcome::Flagged } else { Outcome::Clean })
}

/// The files that the paths name, folders in the order in which a migration tool runs them.
fn read_files(paths: &[PathBuf]) -> Result<Vec<InputFile>, Failure> {
    let mut files = vec![];
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = vec![];
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|e| Failure::new("cannot read standard input").because(e))?;
            files.push(InputFile { path: "-".to_owned(), text: decode(&bytes, "-")?, judged: true });
        } else if path.is_dir() {
            let mut found = vec![];
            sql_files(path, &mut found)?;
            if found.is_empty() {
                return Err(Failure::new(format!("there is no .sql file in {}", path.display()))
                    .hint("name the folder that holds the migrations"));
            }
            check::in_running_order(&mut found);
            for path in found {
                files.push(read_file(Path::new(&path))?);
            }
        } else {
            files.push(read_file(path)?);
        }
    }
    Ok(files)
}

fn sql_files(folder: &Path, found: &mut Vec<String>) -> Result<(), Failure> {
    let context = |e| Failure::new(format!("cannot read the folder {}", folder.display())).because(e);
    for entry in std::fs::read_dir(folder).map_err(context)? {
        let path = entry.map_err(context)?.path();
        if path.is_dir() {
            sql_files(&path, found)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("sql")) {
            found.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<InputFile, Failure> {
    let name = path.to_string_lossy().replace('\\', "/");
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::new(format!("cannot read {}", path.display()))
            .because(e)
            .hint("name a file, a folder, or - for standard input")
    })?;
    Ok(InputFile { text: decode(&bytes, &name)?, path: name, judged: true })
}

/// Text from bytes: UTF-8, or Latin-1 where the bytes are text but not UTF-8.
fn decode(bytes: &[u8], name: &str) -> Result<String, Failure> {
    if bytes.contains(&0) {
        return Err(Failure::new(format!("{name} is no text file: it holds a zero byte"))
            .hint("leave it out, or convert it to UTF-8"));
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    })
}
