//! The pgwise binary: run the command, turn the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pgwise::cli::main().0)
}
