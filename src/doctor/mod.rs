//! What is missing on a database for pgwise to see and judge all it could, and the exact SQL that mends it.
//!
//! In: a pool on the database ([`examine`]), or [`Facts`] gathered otherwise ([`judge()`]). Out: [`Check`]s, in a fixed
//! order, and their text ([`render_text`]). Reading is apart from judging: the latter is a plain function of the facts.

mod check;
mod facts;
mod gather;
mod judge;
mod text;

pub use check::{Check, Need, Status};
pub use facts::{Facts, Preload, StatementsView, TableNames};
pub use gather::gather;
pub use judge::judge;
pub use text::render_text;

use crate::connect::{Error, Pool};

/// Reads the facts and judges them.
pub async fn examine(pool: &Pool) -> Result<Vec<Check>, Error> {
    Ok(judge(&gather(pool).await?))
}
