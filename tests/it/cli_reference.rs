//! docs/cli.md is the command line's own help, written down; this test keeps it so.

use std::path::Path;

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE_DOCS says whether to write")]
fn the_command_line_reference_is_current() {
    let mut page = String::from(
        "# Command line\n\nGenerated from the program's own help: `UPDATE_DOCS=1 cargo test cli_reference` rewrites it.\n\n\
         Exit codes: 0 nothing at or above `--fail-on`; 1 something at or above it; 2 the job could not be done (usage,\n\
         connection, privileges, unreadable file), with one message on stderr that says what to do.\n",
    );
    let mut command = pgwise::cli::command().term_width(100);
    command.build();
    section(&mut page, &mut command);
    for sub in command.get_subcommands_mut() {
        if sub.get_name() != "help" {
            section(&mut page, sub);
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs/cli.md can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/cli.md is out of date: run UPDATE_DOCS=1 cargo test cli_reference");
}

fn section(page: &mut String, command: &mut clap::Command) {
    let name = command.get_display_name().unwrap_or("pgwise").replace('-', " ");
    let help = command.render_long_help().to_string();
    let help = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    page.extend(["\n## ", &name, "\n\n```text\n", help.trim_end(), "\n```\n"]);
}
