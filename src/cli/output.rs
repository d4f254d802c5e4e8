//! Bytes to stdout and files, and what kind of place stdout is.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::report::{self, Format, Report, Style};

use super::args::{FormatArg, OutputArgs};
use super::failure::Failure;

/// Width of a table that goes to no terminal.
const PIPE_WIDTH: u16 = 120;

/// Writes to stdout; a closed pipe is told apart by [`Failure::is_broken_pipe`].
pub(super) fn stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::from)
}

/// A remark on stderr.
pub(super) fn note(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Text that may carry colour to stdout: anstream takes the colour out where it does not belong.
pub(super) fn styled(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::from)
}

/// Checks that a file's folder is there: before any work is done, so that a mistyped one costs nothing.
pub(super) fn check_folder(path: &Path) -> Result<(), Failure> {
    let folder = folder_of(path);
    let found = folder.metadata().map_err(|e| unwritable(path, e))?;
    if found.is_dir() { Ok(()) } else { Err(unwritable(path, io::ErrorKind::NotADirectory.into())) }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, why: io::Error) -> Failure {
    Failure::new(format!("cannot write {}", path.display()))
        .because(why)
        .hint("choose a folder that exists and that you may write to")
}

/// Writes a file whole or not at all: to a temporary neighbour, then renamed.
pub(super) fn file(path: &Path, write: impl FnOnce(&mut File) -> Result<(), Failure>) -> Result<(), Failure> {
    let context = |why: io::Error| unwritable(path, why);
    let folder = folder_of(path);
    // Devices and pipes (/dev/stdout, a FIFO) are written in place: a rename would replace them.
    if path.exists() && !path.is_file() {
        return write(&mut File::create(path).map_err(context)?);
    }
    let mut temporary = tempfile::Builder::new()
        .prefix(".pgwise-")
        .permissions(permissions_of(path))
        .tempfile_in(folder)
        .map_err(context)?;
    write(temporary.as_file_mut())?;
    temporary.persist(path).map_err(|e| context(e.error))?;
    Ok(())
}

/// The permissions of the file that is replaced, or what a new file gets before the umask.
fn permissions_of(path: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().map_or_else(|_| std::fs::Permissions::from_mode(0o666), |m| m.permissions())
}

/// Where each rendering of a report goes. Checked before any work is done, so that a wrong extension costs nothing.
#[derive(Debug)]
pub(super) struct Destinations {
    places: Vec<(Option<PathBuf>, Format)>,
    all: bool,
}

impl Destinations {
    /// Resolves `--format` and `-o`.
    pub(super) fn resolve(args: &OutputArgs) -> Result<Self, Failure> {
        let wanted = args.format.map(format);
        let mut places = Vec::new();
        for path in &args.output {
            if path.as_os_str() == "-" {
                places.push((None, wanted.unwrap_or(Format::Table)));
                continue;
            }
            check_folder(path)?;
            let by_extension = path.extension().and_then(|e| e.to_str()).and_then(Format::from_extension);
            match by_extension.or(wanted) {
                Some(format) => places.push((Some(path.clone()), format)),
                None => {
                    return Err(Failure::new(format!("no report format has the extension of {}", path.display()))
                        .hint("end the file's name in .json, .sql, .md or .txt, or say --format"));
                }
            }
        }
        if places.is_empty() {
            places.push((None, wanted.unwrap_or(Format::Table)));
        }
        Ok(Self { places, all: args.all })
    }

    /// Renders and writes the report to every place.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        for (path, format) in &self.places {
            match path {
                Some(path) => {
                    let text =
                        report::render(report, *format, &Style { width: PIPE_WIDTH, colour: false, all: self.all });
                    file(path, |file| file.write_all(text.as_bytes()).map_err(Failure::from))?;
                }
                None => styled(&report::render(report, *format, &self.terminal_style(*format)))?,
            }
        }
        Ok(())
    }

    fn terminal_style(&self, format: Format) -> Style {
        Style { width: stdout_width(), colour: format == Format::Table && stdout_colour(), all: self.all }
    }
}

/// Columns of the terminal, or [`PIPE_WIDTH`].
pub(super) fn stdout_width() -> u16 {
    if io::stdout().is_terminal() { console_width().unwrap_or(PIPE_WIDTH) } else { PIPE_WIDTH }
}

fn console_width() -> Option<u16> {
    comfy_table::Table::new().width()
}

/// Whether stdout takes colour: a terminal without NO_COLOR, or `--color always`.
pub(super) fn stdout_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

fn format(arg: FormatArg) -> Format {
    match arg {
        FormatArg::Table => Format::Table,
        FormatArg::Json => Format::Json,
        FormatArg::Sql => Format::Sql,
        FormatArg::Markdown => Format::Markdown,
    }
}
