//! The command line: one file per command, and what they share.
//!
//! In: raw arguments. Out: an exit code, reports on stdout or in files, one clear message on stderr when the job could
//! not be done. Commands hold no logic that another command could want: they turn settings into options, call the
//! library and write what comes back. Exit codes: 0 nothing at or above `--fail-on`, 1 something at or above it, 2 the
//! job could not be done.

mod analyze;
mod args;
mod check;
mod collect;
mod cost_source;
mod demo;
mod doctor;
mod explain;
mod failure;
mod output;
mod progress;
mod rules;
mod session;
mod twin;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::connect::Env;

use args::{Arguments, Color, Command};
use failure::Failure;

/// What a command came to, when it could do its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing at or above `--fail-on`.
    Clean,
    /// Something at or above it.
    Flagged,
}

/// The process's exit code: 0, 1 or 2 as DESIGN's command line promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus(pub u8);

/// Could not do the job.
const FAILED: ExitStatus = ExitStatus(2);

/// Parses the process's arguments, runs the command, reports a failure on stderr.
pub fn main() -> ExitStatus {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // --help and --version are "errors" to clap, and no failures.
            let status = if error.use_stderr() { FAILED } else { ExitStatus(0) };
            // A closed pipe while printing help is nobody's problem.
            let _ = error.print();
            return status;
        }
    };
    match arguments.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    if arguments.global.debug {
        start_logging();
    }
    match run(arguments) {
        Ok(Outcome::Clean) => ExitStatus(0),
        Ok(Outcome::Flagged) => ExitStatus(1),
        Err(failure) if failure.is_broken_pipe() => ExitStatus(0),
        Err(failure) => {
            failure.print();
            FAILED
        }
    }
}

/// The whole command line as clap knows it: help, manual page, completions and docs/cli.md come from it.
pub fn command() -> clap::Command {
    Arguments::command()
}

fn run(arguments: Arguments) -> Result<Outcome, Failure> {
    let env = Env::from_process();
    match arguments.command {
        Command::Analyze(args) => analyze::run(*args, &env),
        Command::Explain(args) => explain::run(*args, &env),
        Command::Collect(args) => collect::run(*args, &env),
        Command::Doctor(args) => doctor::run(&args, &env),
        Command::Demo(args) => demo::run(&args, &env),
        Command::Twin(args) => twin::run(&args, &env),
        Command::Rules(args) => rules::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "pgwise", &mut script);
            output::stdout(&script)?;
            Ok(Outcome::Clean)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command()).render(&mut page).map_err(Failure::from)?;
            output::stdout(&page)?;
            Ok(Outcome::Clean)
        }
    }
}

fn start_logging() {
    let filter = EnvFilter::new("pgwise=debug");
    // A second subscriber cannot be set; the first one then goes on logging.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
