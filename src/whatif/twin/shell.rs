//! Work on a server's files by SQL alone: from another database, `COPY … TO PROGRAM` pipes a script into the server's
//! shell. It needs what POSIX, coreutils and busybox have in common: sh, base64, tee, truncate, rm.

use std::collections::{BTreeMap, BTreeSet};

use super::TwinError;
use super::files::{PAGE, Sized, head, segments};
use crate::connect::Session;
use crate::snapshot::Oid;
use crate::sql::quote;

/// Files looked at by one query.
const LOOK: usize = 1000;
/// File names of one command: well below the least limit for a command's length.
const NAMES: usize = 200;
/// Lines of one script, which the server keeps in memory as a query.
const LINES: usize = 2000;
/// More than an access method writes into an empty index.
const HEAD: i64 = 16 * 8192;
/// Where what the programs complain about goes, as the server tells only that they failed.
const COMPLAINTS: &str = "pgwise.err";
/// Offset of `pd_checksum`.
const CHECKSUM: usize = 8;

/// What has to be done to a database's files.
#[derive(Default)]
struct Work {
    /// First pages, and the files that begin so.
    heads: BTreeMap<Vec<u8>, Vec<String>>,
    /// Lengths in bytes, and the files that get them.
    lengths: BTreeMap<u64, Vec<String>>,
}

/// Gives the files of a database, to which nobody has connected yet, their sizes.
pub(super) async fn resize(
    admin: &Session,
    database: Oid,
    relations: &[Sized],
    checksums: bool,
) -> Result<(), TwinError> {
    let mut work = Work::default();
    for chunk in relations.chunks(LOOK) {
        look(admin, database, chunk, &mut work).await?;
    }
    if checksums {
        work.heads = with_checksums(admin, work.heads).await?;
    }
    let lines = script(&encode(admin, work.heads).await?, &work.lengths);
    for chunk in chunks(&lines) {
        run(admin, database, chunk).await?;
    }
    Ok(())
}

/// Reads what is there and works out what has to be there.
async fn look(admin: &Session, database: Oid, relations: &[Sized], work: &mut Work) -> Result<(), TwinError> {
    const SQL: &str = "SELECT (pg_catalog.pg_stat_file(f.path)).size, \
            CASE WHEN f.read THEN pg_catalog.pg_read_binary_file(f.path, 0, $4) END \
        FROM (SELECT 'base/' || $1::text || '/' || a.name AS path, a.read, a.position \
            FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::bool[])) \
                WITH ORDINALITY AS a(name, read, position)) AS f ORDER BY f.position";
    let names: Vec<String> = relations.iter().map(|r| r.filenode.to_string()).collect();
    let read: Vec<bool> = relations.iter().map(|r| r.content.is_written()).collect();
    let rows = admin.query(SQL, &[&database.to_string(), &names, &read, &HEAD]).await.map_err(|e| admin.error(e))?;
    for ((relation, name), row) in relations.iter().zip(&names).zip(rows) {
        let mut present = u64::try_from(row.get::<_, i64>(0)).unwrap_or(0);
        if let Some(mut pages) = row.get::<_, Option<Vec<u8>>>(1).and_then(|there| head(relation, &there)) {
            forget_positions(&mut pages);
            present = pages.len() as u64;
            work.heads.entry(pages).or_default().push(name.clone());
        }
        for (segment, length) in segments(relation.pages) {
            let file = if segment == 0 { name.clone() } else { format!("{name}.{segment}") };
            // A file is never made shorter: its first pages hold what the access method put there.
            if segment > 0 || present < length {
                work.lengths.entry(length).or_default().push(file);
            }
        }
    }
    Ok(())
}

/// Zeroes `pd_lsn`, so that files that otherwise begin alike are written together. Position 0 is before any.
fn forget_positions(pages: &mut [u8]) {
    for page in pages.chunks_mut(PAGE_BYTES) {
        let is_page = !page.starts_with(super::files::NO_ROWS);
        if let Some(position) = page.get_mut(..8).filter(|_| is_page) {
            position.fill(0);
        }
    }
}

const PAGE_BYTES: usize = 8192;
const _: () = assert!(PAGE_BYTES as u64 == PAGE);

/// Writes the checksums that the server will look for, with the word of its own extension pageinspect, which is
/// created for no longer than a transaction.
async fn with_checksums(
    admin: &Session,
    heads: BTreeMap<Vec<u8>, Vec<String>>,
) -> Result<BTreeMap<Vec<u8>, Vec<String>>, TwinError> {
    let failed = |error| TwinError::Checksums(admin.error(error).to_string());
    admin.batch_execute("BEGIN; CREATE EXTENSION IF NOT EXISTS pageinspect").await.map_err(failed)?;
    let schema = "SELECT n.nspname::text FROM pg_catalog.pg_extension AS e \
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pageinspect'";
    let schema: String = admin.query_one(schema, &[]).await.map_err(failed)?.get(0);
    let sql = format!("SELECT {}.page_checksum($1, $2::int4)", quote::ident(&schema));
    let mut summed = BTreeMap::new();
    for (mut pages, files) in heads {
        for (number, page) in pages.chunks_mut(PAGE_BYTES).enumerate() {
            let is_empty = page.iter().all(|byte| *byte == 0);
            if is_empty || page.starts_with(super::files::NO_ROWS) {
                continue;
            }
            let number = i32::try_from(number).unwrap_or(i32::MAX);
            let sum: i16 = admin.query_one(&sql, &[&&*page, &number]).await.map_err(failed)?.get(0);
            if let Some(place) = page.get_mut(CHECKSUM..CHECKSUM + 2) {
                place.copy_from_slice(&sum.to_le_bytes());
            }
        }
        summed.entry(pages).or_insert_with(Vec::new).extend(files);
    }
    admin.batch_execute("ROLLBACK").await.map_err(failed)?;
    Ok(summed)
}

/// First pages in base64, by the server's own function.
async fn encode(
    admin: &Session,
    heads: BTreeMap<Vec<u8>, Vec<String>>,
) -> Result<Vec<(String, Vec<String>)>, TwinError> {
    const SQL: &str = "SELECT pg_catalog.translate(pg_catalog.encode($1, 'base64'), E'\\n', '')";
    let mut encoded = Vec::new();
    for (pages, files) in heads {
        encoded.push((admin.query_one(SQL, &[&pages]).await.map_err(|e| admin.error(e))?.get(0), files));
    }
    Ok(encoded)
}

/// The commands, each in a string of one or more lines. No backslash and no tab: COPY would write them as two.
fn script(heads: &[(String, Vec<String>)], lengths: &BTreeMap<u64, Vec<String>>) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for (pages, files) in heads {
        for names in files.chunks(NAMES) {
            commands.push(vec![
                "base64 -d >pgwise.head <<E".to_owned(),
                pages.clone(),
                "E".to_owned(),
                format!("tee {} <pgwise.head >/dev/null", names.join(" ")),
                "rm -f pgwise.head".to_owned(),
            ]);
        }
    }
    for (length, files) in lengths {
        commands.extend(files.chunks(NAMES).map(|names| vec![format!("truncate -s {length} {}", names.join(" "))]));
    }
    commands
}

fn chunks(commands: &[Vec<String>]) -> impl Iterator<Item = &[Vec<String>]> {
    commands.chunks(LINES / 5)
}

async fn run(admin: &Session, database: Oid, commands: &[Vec<String>]) -> Result<(), TwinError> {
    let begin = ["set -eu".to_owned(), format!("cd base/{database}"), format!("exec 2>{COMPLAINTS}")].into_iter();
    let end = [format!("rm -f {COMPLAINTS}")].into_iter();
    let lines: Vec<String> =
        begin.chain(commands.iter().flatten().cloned()).chain(end).map(|line| quote::literal(&line)).collect();
    let copy = format!("COPY (SELECT pg_catalog.unnest(ARRAY[{}]::text[])) TO PROGRAM 'exec sh'", lines.join(","));
    let Err(error) = admin.batch_execute(&copy).await else { return Ok(()) };
    let error = admin.error(error);
    if error.is_lost() {
        return Err(error.into());
    }
    let read = format!("SELECT pg_catalog.pg_read_file('base/{database}/{COMPLAINTS}', 0, 2000, true)");
    let complaint: Option<String> = match admin.query_opt(&read, &[]).await {
        Ok(row) => row.and_then(|row| row.get(0)),
        Err(_) => None,
    };
    let complaints: BTreeSet<&str> = complaint.as_deref().unwrap_or("").lines().filter(|l| !l.is_empty()).collect();
    Err(TwinError::Files(complaints.first().map_or_else(|| error.to_string(), |line| (*line).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_are_written_together() {
        let heads = [("AAAA".to_owned(), vec!["1".to_owned(), "2".to_owned()])];
        let lengths = BTreeMap::from([(8192, vec!["1".to_owned(), "2".to_owned(), "3.1".to_owned()])]);
        let commands = script(&heads, &lengths);
        assert_eq!(commands.len(), 2);
        assert_eq!(commands[0][3], "tee 1 2 <pgwise.head >/dev/null");
        assert_eq!(commands[1], ["truncate -s 8192 1 2 3.1"]);
    }
}
