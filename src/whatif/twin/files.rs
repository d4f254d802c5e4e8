//! Relations' files: made as long as production's, without writing their blocks.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::pages;
use crate::throwaway::{Files, ServerError};

/// Blocks in one file (`RELSEG_SIZE`): 1 GiB.
const SEGMENT_PAGES: u64 = 131_072;
const PAGE: u64 = 8192;

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

/// What the planner reads of a relation's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing but their number.
    Nothing,
    /// A B-tree of this height.
    Btree {
        /// Levels above the leaves.
        height: u32,
    },
    /// A BRIN index of a table with so many pages.
    Brin {
        /// The table's pages.
        heap_pages: u64,
    },
}

/// Gives the files of a database, to which nobody has connected yet, their sizes.
pub(super) fn resize(files: &Files, database: u32, relations: &[Sized]) -> Result<(), ServerError> {
    let folder = files.data().join("base").join(database.to_string());
    for relation in relations {
        let first = folder.join(relation.filenode.to_string());
        let io = |path: &Path| ServerError::io(format!("size {}", path.display()));
        write_content(&first, relation).map_err(io(&first))?;
        let mut left = relation.pages;
        let mut segment = 0_u64;
        while left > 0 {
            let pages = left.min(SEGMENT_PAGES);
            let path = if segment == 0 { first.clone() } else { extension(&first, segment) };
            let length = pages * PAGE;
            let file =
                OpenOptions::new().write(true).create(segment > 0).truncate(false).open(&path).map_err(io(&path))?;
            // A file is never made shorter: its first pages hold what the access method put there.
            if file.metadata().map_err(io(&path))?.len() < length {
                file.set_len(length).map_err(io(&path))?;
            }
            if segment > 0 {
                files.give(&path)?;
            }
            left -= pages;
            segment += 1;
        }
    }
    Ok(())
}

fn extension(first: &Path, segment: u64) -> PathBuf {
    let mut name = first.as_os_str().to_owned();
    name.push(format!(".{segment}"));
    PathBuf::from(name)
}

fn write_content(path: &Path, relation: &Sized) -> std::io::Result<()> {
    if relation.content == Content::Nothing {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut meta = vec![0_u8; pages::PAGE];
    file.read_exact(&mut meta)?;
    let rest = match relation.content {
        // Meta page, one page a level, and a leaf.
        Content::Btree { height } if relation.pages >= u64::from(height) + 2 => {
            if !pages::set_btree_meta(&mut meta, height) {
                return Ok(());
            }
            pages::btree_chain(height)
        }
        Content::Nothing | Content::Btree { .. } => return Ok(()),
        Content::Brin { heap_pages } => {
            if !pages::set_brin_meta(&mut meta, heap_pages) {
                return Ok(());
            }
            Vec::new()
        }
    };
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&meta)?;
    file.write_all(&rest)
}
