use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_128;

use super::StoreError;
use super::error::{unreadable, unwritable};
use super::vectors::{Space, floats};
use crate::Embeddings;

/// The first bytes of the file: what it is, and its version.
const MAGIC: &[u8; 8] = b"ICCVLOG1";

/// Vectors that were made for an index that is not finished, so that a run that was killed goes on where it was.
///
/// A header (magic, dimension, XXH3-128 of the embedder's settings), then a record per text: XXH3-128 of the text,
/// tokens cut, values; header and records end with a sum over them. What follows the first record that is torn or
/// damaged is cut off when the file is opened. Numbers are little-endian.
#[derive(Debug)]
pub(super) struct VectorLog {
    path: PathBuf,
    file: File,
    dimension: usize,
    /// Hash of a text to the number of its record.
    records: HashMap<u128, u64>,
    /// Where the next record goes.
    end: u64,
}

/// A vector, and the tokens of its text that were not read.
pub(super) type Embedded = (Vec<f32>, usize);

impl VectorLog {
    /// Opens the log of an embedder, or begins a new one in the place of another embedder's.
    pub(super) fn open(path: &Path, space: &Space) -> Result<Self, StoreError> {
        let mut options = File::options();
        let opened = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(unwritable(path))?;
        let header = header(space);
        let mut log = Self {
            path: path.to_owned(),
            file,
            dimension: space.dimension,
            records: HashMap::new(),
            end: header.len() as u64,
        };
        if log.starts_with(&header)? {
            log.read_records()?;
            log.file.set_len(log.end).map_err(unwritable(path))?;
        } else {
            log.file.set_len(0).map_err(unwritable(path))?;
            log.write_at(0, &header)?;
        }
        Ok(log)
    }

    pub(super) fn contains(&self, text: u128) -> bool {
        self.records.contains_key(&text)
    }

    /// Adds the vectors of some texts; they are on the disk afterwards.
    pub(super) fn append(
        &mut self,
        texts: &[u128],
        embedded: &Embeddings,
    ) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(texts.len() * self.record_bytes());
        let rows = embedded.vectors.rows().into_iter().zip(&embedded.cut_tokens);
        for (text, (vector, cut)) in texts.iter().zip(rows) {
            let start = bytes.len();
            bytes.extend(text.to_le_bytes());
            bytes.extend((*cut as u64).to_le_bytes());
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            let sum = XxHash3_128::oneshot(&bytes[start..]);
            bytes.extend(sum.to_le_bytes());
        }
        self.write_at(self.end, &bytes)?;
        for text in texts {
            self.records.insert(*text, self.end);
            self.end += self.record_bytes() as u64;
        }
        Ok(())
    }

    /// The vector of a text.
    ///
    /// # Panics
    /// For a text that it does not contain.
    pub(super) fn read(&mut self, text: u128) -> Result<Embedded, StoreError> {
        let at = self.records[&text];
        let mut record = vec![0; self.record_bytes()];
        let read =
            self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut record));
        read.map_err(unreadable(&self.path))?;
        let (cut, values) = record[16..record.len() - 16].split_at(8);
        let cut = u64::from_le_bytes(cut.try_into().expect("8 bytes were split off"));
        Ok((floats(values), cut as usize))
    }

    fn record_bytes(&self) -> usize {
        16 + 8 + 4 * self.dimension + 16
    }

    fn starts_with(&mut self, header: &[u8]) -> Result<bool, StoreError> {
        let mut given = Vec::new();
        let read = (&self.file).take(header.len() as u64).read_to_end(&mut given);
        read.map_err(unreadable(&self.path))?;
        Ok(given == header)
    }

    /// Notes the whole records behind the header.
    fn read_records(&mut self) -> Result<(), StoreError> {
        let mut record = vec![0; self.record_bytes()];
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        while is_whole(&mut reader, &mut record).map_err(unreadable(&self.path))? {
            let text = u128::from_le_bytes(record[..16].try_into().expect("a record has 16 bytes"));
            self.records.insert(text, self.end);
            self.end += record.len() as u64;
        }
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let placed = self.file.seek(SeekFrom::Start(at));
        let written = placed.and_then(|_| self.file.write_all(bytes));
        written.and_then(|()| self.file.sync_data()).map_err(unwritable(&self.path))
    }
}

/// Reads the next record; `false` at the end, and where what follows is torn or damaged.
fn is_whole(reader: &mut impl Read, record: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(record) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let (body, sum) = record.split_at(record.len() - 16);
    Ok(XxHash3_128::oneshot(body).to_le_bytes() == *sum)
}

fn header(space: &Space) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend((space.dimension as u64).to_le_bytes());
    header.extend(XxHash3_128::oneshot(space.settings.as_bytes()).to_le_bytes());
    let sum = XxHash3_128::oneshot(&header);
    header.extend(sum.to_le_bytes());
    header
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;

    fn space(settings: &str) -> Space {
        Space { settings: settings.to_owned(), dimension: 3 }
    }

    /// A log of records 0, 1 and so on, and its file.
    fn log(directory: &Path, records: u8) -> (VectorLog, PathBuf) {
        let path = directory.join("log");
        let mut log = VectorLog::open(&path, &space("a")).unwrap();
        for number in 0..records {
            let vectors = Array2::from_elem((1, 3), f32::from(number));
            let embedded = Embeddings { vectors, cut_tokens: vec![number.into()] };
            log.append(&[number.into()], &embedded).unwrap();
        }
        (log, path)
    }

    proptest! {
        #[test]
        fn whole_records_outlive_a_tail_cut_anywhere(cut in any::<prop::sample::Index>()) {
            let directory = tempfile::tempdir().unwrap();
            let (log, path) = log(directory.path(), 4);
            let (record, bytes) = (log.record_bytes(), std::fs::read(&path).unwrap());
            let kept = cut.index(bytes.len() + 1);
            std::fs::write(&path, &bytes[..kept]).unwrap();
            let whole = kept.saturating_sub(bytes.len() - 4 * record) / record;
            let mut again = VectorLog::open(&path, &space("a")).unwrap();
            for number in 0..4_u8 {
                prop_assert_eq!(again.contains(number.into()), usize::from(number) < whole);
                if again.contains(number.into()) {
                    let expected = (vec![f32::from(number); 3], usize::from(number));
                    prop_assert_eq!(again.read(number.into()).unwrap(), expected);
                }
            }
            let embedded = Embeddings { vectors: Array2::zeros((1, 3)), cut_tokens: vec![0] };
            again.append(&[9], &embedded).unwrap();
            let third = VectorLog::open(&path, &space("a")).unwrap();
            prop_assert!(third.contains(9) && third.records.len() == whole + 1);
        }

        #[test]
        fn a_damaged_record_is_never_read(at in any::<prop::sample::Index>(), bit in 0..8) {
            let directory = tempfile::tempdir().unwrap();
            let (log, path) = log(directory.path(), 4);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            std::fs::write(&path, &bytes).unwrap();
            let damaged = at.saturating_sub(bytes.len() - 4 * log.record_bytes()) / log.record_bytes();
            let again = VectorLog::open(&path, &space("a")).unwrap();
            prop_assert!(again.records.len() <= damaged);
        }
    }

    #[test]
    fn another_embedder_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let (_, path) = log(directory.path(), 4);
        assert!(VectorLog::open(&path, &space("b")).unwrap().records.is_empty());
        assert!(VectorLog::open(&path, &space("a")).unwrap().records.is_empty());
    }
}
