//! Which weights a model has, and how they are held.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use infer_code_cad_checkpoint::{Checkpoint, CheckpointError};
use infer_code_cad_decode::Settings;

use crate::LoadOptions;
use crate::fingerprint::Fingerprint;

/// What a file's beginning, which says what is in it, may take.
const BEGINNING: u64 = 16 << 20;
/// Looks into the rest of a file, evenly spread.
const LOOKS: u64 = 64;
/// Bytes of each.
const LOOK: u64 = 4 << 10;

/// What a checkpoint holds and how it is loaded.
pub(super) fn of_checkpoint(checkpoint: &Checkpoint, options: &LoadOptions) -> Settings {
    let LoadOptions { weights, kv, device, .. } = options;
    let mut tensors = checkpoint.tensors();
    tensors.sort_by(|a, b| a.name.cmp(&b.name)); // a checkpoint lists them in any order
    let tensors = tensors.iter().fold(Fingerprint::new(), |hash, tensor| {
        let shape = tensor.shape.iter().map(|dim| *dim as u64);
        hash.text(&tensor.name).text(&tensor.format).numbers(shape)
    });
    Settings::new("checkpoint")
        .with("stored", checkpoint.stored_dtype().unwrap_or("unknown"))
        .with("weights", weights.map_or_else(|| "stored".to_owned(), |format| format.to_string()))
        .with("kv", kv.map_or_else(|| "auto".to_owned(), |format| format.to_string()))
        .with("device", device)
        .with("tensors", tensors)
}

/// A fingerprint of the files of weights: of each its size, its first 16 MiB and 64 looks into the rest.
pub(super) fn of_files(path: &Path) -> Result<String, CheckpointError> {
    let files = files(path).map_err(|source| CheckpointError::Io { path: path.into(), source })?;
    let add = |hash, file: PathBuf| {
        of_file(hash, &file).map_err(|source| CheckpointError::Io { path: file, source })
    };
    Ok(files.into_iter().try_fold(Fingerprint::new(), add)?.to_string())
}

/// The commit of a snapshot in the hub's cache, `.../snapshots/COMMIT/...`.
pub(super) fn commit(path: &Path) -> Option<String> {
    let mut parts = path.components().map(|part| part.as_os_str());
    parts.find(|part| *part == OsStr::new("snapshots"))?;
    let commit = parts.next()?.to_str()?;
    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit.to_owned())
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(parts(path));
    }
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension() == Some(OsStr::new("safetensors")));
    files.sort();
    Ok(files)
}

/// The parts of a model in several GGUF files, `NAME-00001-of-00003.gguf` and so on; else the file alone.
fn parts(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(OsStr::to_str);
    let count = || {
        let (front, total) = name?.strip_suffix(".gguf")?.rsplit_once("-of-")?;
        let (front, _) = front.rsplit_once('-')?;
        Some((front, total, total.parse::<u32>().ok()?))
    };
    let Some((front, total, count)) = count() else { return vec![path.to_owned()] };
    let part = |number| path.with_file_name(format!("{front}-{number:05}-of-{total}.gguf"));
    let parts: Vec<PathBuf> = (1..=count).map(part).filter(|part| part.is_file()).collect();
    if parts.is_empty() { vec![path.to_owned()] } else { parts }
}

fn of_file(hash: Fingerprint, path: &Path) -> io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut hash = read(hash.number(size), &mut file, BEGINNING)?;
    let rest = size.saturating_sub(BEGINNING);
    let looks = if rest <= LOOKS * LOOK { rest.div_ceil(LOOK) } else { LOOKS };
    for look in 0..looks {
        // As far apart as they can be, the last one at the end.
        let place = (rest - LOOK.min(rest)) * look / (looks - 1).max(1);
        file.seek(SeekFrom::Start(BEGINNING + place))?;
        hash = read(hash, &mut file, LOOK)?;
    }
    Ok(hash)
}

fn read(hash: Fingerprint, file: &mut File, most: u64) -> io::Result<Fingerprint> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(hash.bytes(&bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn other_weights_have_another_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.safetensors");
        let (beginning, size) = (BEGINNING as usize, (BEGINNING + LOOKS * LOOK + 999) as usize);
        let mut found = vec![];
        for changed in [None, Some(0), Some(beginning - 1), Some(beginning), Some(size - 1)] {
            let mut bytes = vec![7u8; size];
            if let Some(place) = changed {
                bytes[place] = 8;
            }
            fs::write(&path, &bytes).unwrap();
            found.push(of_files(dir.path()).unwrap());
        }
        fs::File::options().append(true).open(&path).unwrap().write_all(&[7]).unwrap();
        found.push(of_files(&path).unwrap());
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn all_parts_of_a_model_count() {
        let dir = tempfile::tempdir().unwrap();
        let part = |n: u32| dir.path().join(format!("m-Q4-{n:05}-of-00002.gguf"));
        for n in [1, 2] {
            fs::write(part(n), [n as u8]).unwrap();
        }
        assert_eq!(parts(&part(1)), [part(1), part(2)]);
        assert_eq!(parts(Path::new("a.gguf")), [PathBuf::from("a.gguf")]);
    }

    #[test]
    fn a_snapshot_tells_its_commit() {
        let commit_of = |path: &str| commit(Path::new(path));
        let hash = "0123456789abcdef0123456789abcdef01234567";
        let snapshot = format!("/hub/models--org--name/snapshots/{hash}");
        assert_eq!(commit_of(&snapshot).as_deref(), Some(hash));
        assert_eq!(commit_of(&format!("{snapshot}/m.gguf")).as_deref(), Some(hash));
        assert_eq!(commit_of("/models/snapshots/new"), None);
        assert_eq!(commit_of("/models/name"), None);
    }
}
