//! FAISS's files: what can be known of one before FAISS reads it, and writing one in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use faiss::index::IndexImpl;
use twox_hash::XxHash3_128;

use super::FaissError;
use crate::replace::replace_by;

/// Bytes of an index's head: code, i32 dimension, i64 vectors, two i64 of no use, u8 trained, i32 metric.
const HEAD: usize = 37;

/// Begins the checksum after FAISS's bytes: these 8, u64 length of FAISS's bytes, u128 their XXH3.
const SEAL: &[u8; 8] = b"\0iccsum\x01";
const SEAL_BYTES: u64 = 32;

/// What a file says of its index.
pub(super) struct Found {
    pub dimension: usize,
    pub vectors: usize,
    /// The codes of the outer index and, under a map of numbers, of the inner one.
    pub kind: String,
    /// The numbers of a map.
    pub ids: Option<Vec<i64>>,
}

/// The head of an index within a file.
struct Head {
    code: String,
    dimension: i32,
    vectors: i64,
    metric: i32,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD] = bytes.first_chunk()?;
        let i32_at = |at: usize| i32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
        let vectors = i64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[8 + i]));
        let code = bytes[..4].iter().map(|&byte| char::from(byte)).collect::<String>();
        let known = code.chars().all(|c| c.is_ascii_alphanumeric());
        known.then(|| Self { code, dimension: i32_at(4), vectors, metric: i32_at(33) })
    }

    fn is_map(&self) -> bool {
        matches!(self.code.as_str(), "IxMp" | "IxM2")
    }
}

/// Looks through a file and checks what can be checked, so that FAISS is not given a truncated one or a stranger.
pub(super) fn inspect(path: &Path) -> Result<Found, FaissError> {
    let io = |source| FaissError::Io { file: path.display().to_string(), source };
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut start = Vec::new();
    (&file).take(2 * HEAD as u64).read_to_end(&mut start).map_err(io)?;
    let head = Head::parse(&start).ok_or_else(|| damaged(path, "it has no head"))?;
    let length = unseal(&mut file, length).map_err(io)?;
    let length = length.ok_or_else(|| damaged(path, "its checksum does not fit"))?;
    let inner = if head.is_map() { Head::parse(&start[HEAD..]) } else { None };
    let vectors = check(path, &head, inner.as_ref(), length)?;
    let ids = if head.is_map() { Some(read_ids(path, &mut file, vectors, length)?) } else { None };
    let kind =
        inner.map_or_else(|| head.code.clone(), |inner| head.code.clone() + "+" + &inner.code);
    Ok(Found { dimension: head.dimension as usize, vectors, kind, ids })
}

/// The number of vectors, if head and length can be true.
fn check(path: &Path, head: &Head, inner: Option<&Head>, length: u64) -> Result<usize, FaissError> {
    if head.metric != 0 {
        let file = path.display().to_string();
        return Err(FaissError::Metric { file, metric: head.metric });
    }
    let sizes = |head: &Head| (head.dimension, head.vectors);
    let vectors = u64::try_from(head.vectors).ok().filter(|vectors| *vectors <= length);
    let vectors = vectors.filter(|_| head.dimension > 0);
    let vectors = vectors.ok_or_else(|| damaged(path, "its sizes cannot be true"))?;
    if inner.is_some_and(|inner| sizes(inner) != sizes(head)) {
        return Err(damaged(path, "its parts differ in size"));
    }
    let flat = inner.unwrap_or(head).code == "IxFI";
    let heads =
        (HEAD + 8) as u64 + if inner.is_some() { (HEAD + 8) as u64 + 8 * vectors } else { 0 };
    let floats = 4 * u128::from(vectors) * u128::from(head.dimension.unsigned_abs());
    if flat && u128::from(heads) + floats != u128::from(length) {
        return Err(damaged(path, "its length is not that of its vectors"));
    }
    usize::try_from(vectors).map_err(|_| damaged(path, "its sizes cannot be true"))
}

/// The numbers at the end of a map: their count, then themselves.
fn read_ids(
    path: &Path,
    file: &mut File,
    vectors: usize,
    length: u64,
) -> Result<Vec<i64>, FaissError> {
    let io = |source| FaissError::Io { file: path.display().to_string(), source };
    let bytes = 8 + 8 * vectors as u64;
    let start =
        length.checked_sub(bytes).ok_or_else(|| damaged(path, "its numbers are cut off"))?;
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut read = Vec::new();
    file.take(bytes).read_to_end(&mut read).map_err(io)?;
    let (count, ids) =
        read.split_first_chunk().ok_or_else(|| damaged(path, "its numbers are cut off"))?;
    if u64::from_le_bytes(*count) != vectors as u64 || ids.len() != 8 * vectors {
        return Err(damaged(path, "its numbers are cut off"));
    }
    let ids = ids.chunks_exact(8).map(|id| id.try_into().expect("chunks of 8"));
    Ok(ids.map(i64::from_le_bytes).collect())
}

/// The length of FAISS's bytes: all of a file without checksum; `None` where the checksum does not fit.
fn unseal(file: &mut File, length: u64) -> io::Result<Option<u64>> {
    let Some(body) = length.checked_sub(SEAL_BYTES) else { return Ok(Some(length)) };
    let mut seal = [0; SEAL_BYTES as usize];
    file.seek(SeekFrom::Start(body))?;
    file.read_exact(&mut seal)?;
    if !seal.starts_with(SEAL) {
        return Ok(Some(length));
    }
    Ok((seal == self::seal(file, body)?).then_some(body))
}

/// The checksum of the first `body` bytes.
fn seal(file: &mut File, body: u64) -> io::Result<[u8; SEAL_BYTES as usize]> {
    file.rewind()?;
    let (mut hash, mut buffer) = (XxHash3_128::new(), vec![0; 1 << 16]);
    let mut rest = file.take(body);
    loop {
        match rest.read(&mut buffer)? {
            0 => break,
            read => hash.write(&buffer[..read]),
        }
    }
    let mut seal = [0; SEAL_BYTES as usize];
    seal[..8].copy_from_slice(SEAL);
    seal[8..16].copy_from_slice(&body.to_le_bytes());
    seal[16..].copy_from_slice(&hash.finish_128().to_le_bytes());
    Ok(seal)
}

/// Has FAISS read a file that [`inspect`] found nothing against.
pub(super) fn read(path: &Path) -> Result<IndexImpl, FaissError> {
    faiss::read_index(utf8(path)?).map_err(|error| damaged(path, &error.to_string()))
}

/// Writes beside the path and renames.
pub(super) fn write(path: &Path, index: &IndexImpl) -> Result<(), FaissError> {
    let io = |source| FaissError::Io { file: path.display().to_string(), source };
    replace_by(path, io, |part| write_at(part, index))
}

fn write_at(path: &Path, index: &IndexImpl) -> Result<(), FaissError> {
    let io = |source| FaissError::Io { file: path.display().to_string(), source };
    // FAISS says only that it could not open it.
    File::create(path).map_err(io)?;
    faiss::write_index(index, utf8(path)?).map_err(FaissError::native("write the file"))?;
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    // FAISS does not say whether its last bytes found room. A flat index has a length to be checked against; where
    // there is room for a checksum after the others, there was for them.
    if !inspect(path)?.kind.ends_with("IxFI") {
        let seal = seal(&mut file, length).map_err(io)?;
        file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&seal)).map_err(io)?;
    }
    file.sync_all().map_err(io)
}

fn utf8(path: &Path) -> Result<&str, FaissError> {
    let text = path.to_str().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| FaissError::Path { file: path.display().to_string() })
}

pub(super) fn damaged(path: &Path, reason: &str) -> FaissError {
    FaissError::Damaged { file: path.display().to_string(), reason: reason.into() }
}
