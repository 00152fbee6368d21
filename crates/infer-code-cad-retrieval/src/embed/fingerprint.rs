use std::fs::File;
use std::io::Read;
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::EmbedError;

/// What tells the files of models apart: XXH3-128 over their lengths and contents, in 32 hexadecimal digits.
///
/// It guards against mixing vectors of two models up, not against an opponent.
///
/// # Errors
/// [`EmbedError::Io`].
pub(super) fn fingerprint<'a>(
    files: impl IntoIterator<Item = &'a Path>,
) -> Result<String, EmbedError> {
    const BUFFER: usize = 1 << 20;
    let (mut hasher, mut buffer) = (XxHash3_128::new(), vec![0; BUFFER]);
    for path in files {
        let io = |source| EmbedError::Io { path: path.into(), source };
        let mut file = File::open(path).map_err(io)?;
        hasher.write(&file.metadata().map_err(io)?.len().to_le_bytes());
        loop {
            match file.read(&mut buffer).map_err(io)? {
                0 => break,
                read => hasher.write(&buffer[..read]),
            }
        }
    }
    Ok(format!("{:032x}", hasher.finish_128()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_byte_and_where_a_file_ends_counts() {
        let dir = tempfile::tempdir().unwrap();
        let hash = |contents: [&str; 2]| {
            let paths = [dir.path().join("a"), dir.path().join("b")];
            for (path, contents) in paths.iter().zip(contents) {
                fs::write(path, contents).unwrap();
            }
            fingerprint(paths.iter().map(|path| path.as_path())).unwrap()
        };
        assert_eq!(hash(["ab", "c"]), hash(["ab", "c"]));
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_ne!(hash(["ab", "c"]), hash(["ab", "d"]));
    }
}
