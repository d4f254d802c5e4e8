//! The snapshot as a file: JSON, optionally compressed by zstd. Compression is recognised by content, not by name.

use std::io::{self, Read, Write};

use serde::Deserialize;

use super::{SCHEMA_VERSION, Snapshot};

/// The four bytes every zstd frame begins with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// zstd's own default level: a 40 MB snapshot shrinks tenfold in a fraction of a second.
const ZSTD_LEVEL: i32 = 3;

/// Why a snapshot could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The bytes could not be read or written.
    #[error("could not read or write the snapshot")]
    Io(#[from] io::Error),
    /// It is not JSON, or ends too soon.
    #[error("this is not a pgwise snapshot, or it is damaged")]
    Json(#[source] serde_json::Error),
    /// It begins like a compressed file and does not go on like one.
    #[error("this is not a pgwise snapshot, or it is damaged")]
    Compressed(#[source] io::Error),
    /// A newer pgwise wrote it.
    #[error(
        "the snapshot has format version {found}, and this pgwise reads up to {SCHEMA_VERSION}: update pgwise, or \
         collect again with this one"
    )]
    TooNew {
        /// The version in the file.
        found: u32,
    },
}

#[derive(Deserialize)]
struct VersionOnly {
    schema_version: u32,
}

/// Reads a snapshot, compressed or not.
pub fn read(mut input: impl Read) -> Result<Snapshot, FileError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    if bytes.starts_with(&ZSTD_MAGIC) {
        bytes = zstd::decode_all(bytes.as_slice()).map_err(FileError::Compressed)?;
    }
    // The version is looked at first, so that a newer file is called newer and not damaged.
    let version: VersionOnly = serde_json::from_slice(&bytes).map_err(FileError::Json)?;
    if version.schema_version > SCHEMA_VERSION {
        return Err(FileError::TooNew { found: version.schema_version });
    }
    serde_json::from_slice(&bytes).map_err(FileError::Json)
}

/// Writes a snapshot as indented JSON, through zstd if asked. The same snapshot gives the same bytes.
pub fn write(snapshot: &Snapshot, output: impl Write, compress: bool) -> Result<(), FileError> {
    if compress {
        let mut encoder = zstd::Encoder::new(output, ZSTD_LEVEL)?;
        serde_json::to_writer(&mut encoder, snapshot).map_err(FileError::Json)?;
        encoder.finish()?.flush()?;
    } else {
        let mut output = io::BufWriter::new(output);
        serde_json::to_writer_pretty(&mut output, snapshot).map_err(FileError::Json)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
