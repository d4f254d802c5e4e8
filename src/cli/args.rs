//! The command line as clap parses it: raw arguments, not yet checked against each other.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::check::Wrapping;
use crate::config::{AnalyzeSettings, CollectSettings};
use crate::demo::SampleName;
use crate::report::{CheckFormat, Severity};

/// PostgreSQL query and index advisor
///
/// pgwise reads what a database already knows about its workload and says which indexes to create, which to drop,
/// which not to create, and why. It never writes to the database it looks at.
#[derive(Debug, Parser)]
#[command(name = "pgwise", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub(super) command: Command,
    /// Arguments that every command knows
    #[command(flatten)]
    pub(super) global: GlobalArgs,
}

/// Arguments that every command knows.
#[derive(Debug, Clone, Args)]
pub(super) struct GlobalArgs {
    /// When to colour the output
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, global = true, help_heading = "Output")]
    pub(super) color: Color,
    /// Log what pgwise does on stderr (never secrets, never data)
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) debug: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look at a database or a snapshot and recommend indexes
    Analyze(Box<AnalyzeArgs>),
    /// Show one query's plan: PostgreSQL's own, and what the planner model computes from statistics alone
    Explain(Box<ExplainArgs>),
    /// Read a database into a snapshot file
    Collect(Box<CollectArgs>),
    /// Say what is missing on a database, and the SQL that fixes it; exit with 1 if anything is
    Doctor(DoctorArgs),
    /// Show the whole loop on a throwaway PostgreSQL with a sample workload
    Demo(Box<DemoArgs>),
    /// Run an empty PostgreSQL that plans like the database of a snapshot, until Ctrl-C
    Twin(TwinArgs),
    /// Judge migration files: what they lock, for how long, what they break
    Check(Box<CheckArgs>),
    /// List the rules behind the findings, or explain one of them
    Rules(RulesArgs),
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// Which database.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConnectionArgs {
    /// Connection URL or key=value string [default: DATABASE_URL, else PGHOST and the rest as psql reads them]
    #[arg(long, value_name = "URL", hide_env_values = true, help_heading = "Connection")]
    pub(super) url: Option<String>,
}

/// The configuration file.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigArgs {
    /// Configuration file [default: pgwise.toml in the working directory, where there is one]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(super) config: Option<PathBuf>,
}

/// `pgwise analyze`.
#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The database
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    /// Analyse this snapshot instead of a live database
    #[arg(long, value_name = "FILE", conflicts_with = "url", help_heading = "Connection")]
    pub(super) snapshot: Option<PathBuf>,
    /// Analyse the statements of this SQL file instead of the server's counters (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "What to look at")]
    pub(super) sql: Vec<PathBuf>,
    /// What to collect
    #[command(flatten)]
    pub(super) collect: CollectSettings,
    /// How to judge
    #[command(flatten)]
    pub(super) analyze: AnalyzeSettings,
    /// Configuration file
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Where the report goes
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// `pgwise explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The query, a file with it, or - for standard input
    #[arg(value_name = "QUERY|FILE|-")]
    pub(super) query: String,
    /// The database
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    /// Plan over this snapshot instead of a live database: by the planner model alone
    #[arg(long, value_name = "FILE", conflicts_with = "url", help_heading = "Connection")]
    pub(super) snapshot: Option<PathBuf>,
    /// What to collect
    #[command(flatten)]
    pub(super) collect: CollectSettings,
    /// Configuration file
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Format of the plans on stdout
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ExplainFormat::Text, help_heading = "Output")]
    pub(super) format: ExplainFormat,
}

/// Formats of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    /// Trees for people.
    Text,
    /// JSON for programs.
    Json,
}

/// Where a report goes.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OutputArgs {
    /// Format of the report on stdout [default: table]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub(super) format: Option<FormatArg>,
    /// Write the report to this file, in the format of its extension (.json, .sql, .md, .txt); repeatable; - is stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Vec<PathBuf>,
    /// Show everything: all queries of a recommendation, every rejection, whole query texts
    #[arg(long, help_heading = "Output")]
    pub(super) all: bool,
}

/// Report formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// Tables for people.
    Table,
    /// JSON for programs.
    Json,
    /// A script for psql.
    Sql,
    /// Markdown for tickets and pull requests.
    Markdown,
}

/// `pgwise collect`.
#[derive(Debug, Args)]
pub(super) struct CollectArgs {
    /// The database
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    /// The snapshot file to write: .json, or .json.zst for a compressed one; - is stdout
    #[arg(short, long, value_name = "FILE", required = true, help_heading = "Output")]
    pub(super) output: PathBuf,
    /// What to collect
    #[command(flatten)]
    pub(super) collect: CollectSettings,
    /// Configuration file
    #[command(flatten)]
    pub(super) config: ConfigArgs,
}

/// `pgwise doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The database
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

/// `pgwise demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Which sample workload
    #[arg(long, value_enum, value_name = "NAME", default_value_t, help_heading = "Workload")]
    pub(super) workload: SampleName,
    /// Analyse the sample's own snapshot instead: no data to load, nothing to measure, no server needed
    #[arg(long, conflicts_with_all = ["url", "scale", "output"], help_heading = "Workload")]
    pub(super) from_snapshot: bool,
    /// Use this empty, disposable database instead of starting a server
    #[arg(long, value_name = "URL", hide_env_values = true, help_heading = "Server")]
    pub(super) url: Option<String>,
    /// Folder of the PostgreSQL server's programs [default: PATH and the usual folders]
    #[arg(long, value_name = "DIR", help_heading = "Server")]
    pub(super) pg_bin: Option<PathBuf>,
    /// Share of the sample data to load: 1 is 2.5 million rows of the shop, 3.6 million of saas
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, help_heading = "Workload")]
    pub(super) scale: f64,
    /// Write every figure to this JSON file
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
    /// Write the advice to this file as well, in the format of its extension
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) report: Vec<PathBuf>,
}

/// `pgwise check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Migration files, folders of them, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Judge against this snapshot of production: sizes, statistics, workload
    #[arg(long, value_name = "FILE", help_heading = "Production")]
    pub(super) snapshot: Option<PathBuf>,
    /// The server's major version, where no snapshot says it [default: the oldest supported]
    #[arg(long, value_name = "MAJOR", value_parser = clap::value_parser!(u32).range(10..=18), help_heading = "Production")]
    pub(super) pg_version: Option<u32>,
    /// Whether a file's statements run in one transaction
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Wrapping::Auto, help_heading = "How to judge")]
    pub(super) transaction: Wrapping,
    /// The connection that runs the files has a lock_timeout already
    #[arg(long, help_heading = "How to judge")]
    pub(super) assume_lock_timeout: bool,
    /// Exit with 1 if there is a finding of this severity or worse [default: error]
    #[arg(long, value_name = "SEVERITY", value_enum, help_heading = "How to judge")]
    pub(super) fail_on: Option<Severity>,
    /// Exit with 0 whatever is found
    #[arg(long, conflicts_with = "fail_on", help_heading = "How to judge")]
    pub(super) exit_zero: bool,
    /// Configuration file
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Format of the findings
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = CheckFormatArg::Human, help_heading = "Output")]
    pub(super) format: CheckFormatArg,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

/// Formats of a check's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormatArg {
    /// For people: each finding with its line.
    Human,
    /// JSON for programs.
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

impl From<CheckFormatArg> for CheckFormat {
    fn from(format: CheckFormatArg) -> Self {
        match format {
            CheckFormatArg::Human => Self::Human,
            CheckFormatArg::Json => Self::Json,
            CheckFormatArg::Github => Self::Github,
        }
    }
}

/// `pgwise rules`.
#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// The rule to explain [default: list all]
    #[arg(value_name = "RULE")]
    pub(super) rule: Option<String>,
    /// Format of the list or the page
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RulesFormat::Text, help_heading = "Output")]
    pub(super) format: RulesFormat,
}

/// Formats of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RulesFormat {
    /// Markdown.
    Text,
    /// JSON for programs.
    Json,
}

/// `pgwise twin`.
#[derive(Debug, Args)]
pub(super) struct TwinArgs {
    /// The snapshot to build it from
    #[arg(long, value_name = "FILE", required = true, help_heading = "Connection")]
    pub(super) snapshot: PathBuf,
    /// Folder of the PostgreSQL server's programs, of the snapshot's major version [default: PATH and the usual folders]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["twin_url", "twin_docker"], help_heading = "Server")]
    pub(super) pg_bin: Option<PathBuf>,
    /// Build it on this disposable server, as a superuser, and remove it in the end
    #[arg(long, value_name = "URL", conflicts_with = "twin_docker", help_heading = "Server")]
    pub(super) twin_url: Option<String>,
    /// Run its server in a container [default image: postgres:MAJOR]
    #[arg(
        long,
        value_name = "IMAGE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = "Server"
    )]
    pub(super) twin_docker: Option<String>,
}
