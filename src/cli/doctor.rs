//! `pgwise doctor`: what is missing on this database, and the SQL that fixes it.

use crate::config::CollectSettings;
use crate::connect::Env;
use crate::doctor::{self, Status};

use super::args::DoctorArgs;
use super::failure::Failure;
use super::{Outcome, output, session};

pub(super) fn run(args: &DoctorArgs, env: &Env) -> Result<Outcome, Failure> {
    let checks = session::runtime()?.block_on(async {
        let pool = session::connect(args.connection.url.as_deref(), &CollectSettings::default(), env).await?;
        let checks = doctor::examine(&pool).await.map_err(Failure::from);
        pool.close();
        checks
    })?;
    if args.json {
        let mut json = serde_json::to_vec_pretty(&checks)
            .map_err(|e| Failure::new("cannot write the checks as JSON").because(e))?;
        json.push(b'\n');
        output::stdout(&json)?;
    } else {
        output::styled(&doctor::render_text(&checks, usize::from(output::stdout_width()), output::stdout_colour()))?;
    }
    let missing = checks.iter().any(|c| c.status == Status::Missing);
    Ok(if missing { Outcome::Flagged } else { Outcome::Clean })
}
