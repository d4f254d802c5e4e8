//! Relations' files: made as long as production's, without writing their blocks.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::pages;
use crate::snapshot::GinCounts;
use crate::throwaway::{Files, ServerError};

/// Blocks in one file (`RELSEG_SIZE`): 1 GiB.
const SEGMENT_PAGES: u64 = 131_072;
/// `BLCKSZ`.
pub(super) const PAGE: u64 = 8192;

/// A relation's file and what it has to look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sized {
    /// `pg_relation_filenode`.
    pub(super) filenode: u32,
    /// Blocks of the main fork.
    pub(super) pages: u64,
    /// What the planner reads of it.
    pub(super) content: Content,
}

/// What a relation's first pages have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Whatever is there.
    Nothing,
    /// A table: its first page makes every scan of it fail.
    Heap,
    /// A B-tree of this height.
    Btree {
        /// Levels above the leaves.
        height: u32,
    },
    /// A GIN index.
    Gin {
        /// What its meta page counts.
        counts: GinCounts,
    },
    /// A BRIN index of a table with so many pages.
    Brin {
        /// The table's pages.
        heap_pages: u64,
    },
}

impl Content {
    /// Whether anything is written.
    pub(super) fn is_written(self) -> bool {
        self != Self::Nothing
    }
}

/// What a table's first page begins with. It is no valid page, so that reading a table fails instead of finding it
/// empty ("invalid page in block 0"); EXPLAIN reads no table.
pub(super) const NO_ROWS: &[u8] = b"A pgwise twin has no rows: only EXPLAIN makes sense here. ";

/// The first pages of a relation's file, given those that are there; `None` where they stay.
pub(super) fn head(relation: &Sized, there: &[u8]) -> Option<Vec<u8>> {
    let mut pages = there.to_vec();
    match relation.content {
        Content::Nothing => return None,
        Content::Heap if relation.pages == 0 => return None,
        Content::Heap => {
            let text = NO_ROWS.iter().copied().cycle().take(pages::PAGE);
            pages = text.chain(there.iter().copied().skip(pages::PAGE)).collect();
        }
        // Of one page: a meta page without a root, as CREATE INDEX has left it.
        Content::Btree { height } => {
            if relation.pages < 2 || !pages::set_btree_meta(&mut pages, height) {
                return None;
            }
            pages.truncate(pages::PAGE);
            pages.extend(pages::btree_chain(height));
        }
        Content::Gin { counts } => {
            if !pages::set_gin_meta(&mut pages, counts) {
                return None;
            }
        }
        Content::Brin { heap_pages } => {
            if !pages::set_brin_meta(&mut pages, heap_pages) {
                return None;
            }
        }
    }
    Some(pages)
}

/// The files of a relation of so many pages: number of the segment, and length in bytes.
pub(super) fn segments(pages: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..pages.div_ceil(SEGMENT_PAGES)).map(move |n| (n, (pages - n * SEGMENT_PAGES).min(SEGMENT_PAGES) * PAGE))
}

/// Gives the files of a database, to which nobody has connected yet, their sizes.
pub(super) fn resize(files: &Files, database: u32, relations: &[Sized]) -> Result<(), ServerError> {
    let folder = files.data().join("base").join(database.to_string());
    for relation in relations {
        let first = folder.join(relation.filenode.to_string());
        let io = |path: &Path| ServerError::io(format!("size {}", path.display()));
        write_head(&first, relation).map_err(io(&first))?;
        for (segment, length) in segments(relation.pages) {
            let path = if segment == 0 { first.clone() } else { extension(&first, segment) };
            let file =
                OpenOptions::new().write(true).create(segment > 0).truncate(false).open(&path).map_err(io(&path))?;
            // A file is never made shorter: its first pages hold what the access method put there.
            if file.metadata().map_err(io(&path))?.len() < length {
                file.set_len(length).map_err(io(&path))?;
            }
            if segment > 0 {
                files.give(&path)?;
            }
        }
    }
    Ok(())
}

fn extension(first: &Path, segment: u64) -> PathBuf {
    let mut name = first.as_os_str().to_owned();
    name.push(format!(".{segment}"));
    PathBuf::from(name)
}

fn write_head(path: &Path, relation: &Sized) -> std::io::Result<()> {
    if !relation.content.is_written() {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut there = Vec::new();
    file.read_to_end(&mut there)?;
    let Some(pages) = head(relation, &there) else { return Ok(()) };
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_relation_has_several_files() {
        assert_eq!(segments(0).count(), 0);
        assert_eq!(segments(3).collect::<Vec<_>>(), [(0, 3 * PAGE)]);
        assert_eq!(segments(SEGMENT_PAGES + 1).collect::<Vec<_>>(), [(0, 1 << 30), (1, PAGE)]);
    }

    #[test]
    fn a_table_cannot_be_taken_for_an_empty_one() {
        let table = Sized { filenode: 1, pages: 5, content: Content::Heap };
        let pages = head(&table, &[]).unwrap_or_default();
        assert_eq!(pages.len(), 8192);
        // pd_upper, beyond the page's end: no valid header.
        assert!(u16::from_le_bytes([pages[14], pages[15]]) > 8192);
        assert_eq!(head(&Sized { pages: 0, ..table }, &[]), None);
    }
}
