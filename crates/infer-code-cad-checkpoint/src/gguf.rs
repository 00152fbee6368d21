//! Reading GGUF, the format of llama.cpp: metadata, tensors and what they mean for this crate.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::StoredFormat;

use crate::CheckpointError;
use crate::file_bytes::{FileBytes, Reading};
use crate::tensors::decode;
use crate::token_ids::stands_for_none;
use crate::weights::TensorInfo;

mod config;
mod cursor;
mod ends;
mod header;
mod metadata;
mod names;
mod pre_tokenizer;
mod rope;
mod shards;
mod special_ids;
mod spm;
#[cfg(test)]
mod tests;
mod text;
mod token_metadata;
mod tokenizer;
mod vocabulary;
mod weights;

pub(crate) use config::transformer_config;
use cursor::Cursor;
pub(crate) use ends::{eos_token_ids, marks, text_tokens};
pub(crate) use header::has_magic;
use header::{Header, TensorEntry};
use metadata::{Array, Kind, Value};
pub(crate) use token_metadata::{chat_template, mask_token, tokenizer};
pub(crate) use weights::GgufWeights;

/// A GGUF model: one file, or the shards it was split into, mapped into memory.
#[derive(Debug)]
pub(crate) struct Gguf {
    /// The first has the metadata.
    shards: Vec<Shard>,
    /// Which shard has a tensor.
    place: HashMap<String, usize>,
}

/// One file.
#[derive(Debug)]
struct Shard {
    file: String,
    bytes: FileBytes,
    header: Header,
}

impl Gguf {
    /// Maps a file and, when it is the first of several, the others beside it.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let first = Shard::map(path)?;
        let others = shards::others(path, &first)?;
        Self::join(std::iter::once(first).chain(others).collect())
    }

    /// Takes the contents of one file, copied to where tensors are aligned.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let shard = Shard::hold(bytes)?;
        shards::check_single(&shard)?;
        Self::join(vec![shard])
    }

    fn join(shards: Vec<Shard>) -> Result<Self, CheckpointError> {
        let place = shards::place_tensors(&shards)?;
        Ok(Self { shards, place })
    }

    /// The name of the file with the metadata.
    pub(crate) fn file(&self) -> &str {
        &self.shards[0].file
    }

    /// Every file's name.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().map(|shard| shard.file.as_str())
    }

    /// Every tensor by its GGUF name.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = TensorInfo> {
        let entries = self.shards.iter().flat_map(|shard| &shard.header.tensors);
        entries.map(|(name, entry)| TensorInfo {
            name: name.clone(),
            shape: entry.shape.clone(),
            format: entry.format.to_string(),
            bytes: entry.bytes.len(),
        })
    }

    /// The format that most bytes of the tensors have.
    pub(crate) fn stored_as(&self) -> Option<String> {
        let mut bytes = BTreeMap::new();
        for tensor in self.tensors() {
            *bytes.entry(tensor.format).or_insert(0) += tensor.bytes;
        }
        bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(format, _)| format)
    }

    /// The shape of a tensor, outermost dimension first.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.find(name).map(|(_, entry)| entry.shape.as_slice())
    }

    /// The file that holds a tensor.
    pub(crate) fn file_of(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(shard, _)| shard.file.as_str())
    }

    /// The values of a tensor.
    pub(crate) fn values(&self, name: &str) -> Result<Option<Vec<f32>>, CheckpointError> {
        let Some((shard, entry)) = self.find(name) else {
            return Ok(None);
        };
        if !entry.format.is_decoded() {
            return Err(CheckpointError::TensorFormat {
                tensor: name.into(),
                file: shard.file.clone(),
                format: entry.format.to_string(),
            });
        }
        decode(entry.format, &shard.bytes.read(entry.bytes.clone())).map(Some)
    }

    /// A tensor as it is stored, if its format can be decoded.
    pub(crate) fn raw(&self, name: &str) -> Option<(StoredFormat, Reading<'_>)> {
        let (shard, entry) = self.find(name)?;
        let is_known = entry.format.is_decoded();
        is_known.then(|| (entry.format, shard.bytes.read(entry.bytes.clone())))
    }

    fn find(&self, name: &str) -> Option<(&Shard, &TensorEntry)> {
        let shard = &self.shards[*self.place.get(name)?];
        Some((shard, shard.header.tensors.get(name)?))
    }

    /// Every metadata pair in short form.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = self.shards[0].header.metadata.iter();
        pairs.map(|(key, value)| (key.clone(), value.brief()))
    }

    /// A non-negative integer.
    pub(crate) fn size(&self, key: &str) -> Result<Option<usize>, CheckpointError> {
        self.shards[0].size(key)
    }

    /// A non-negative integer, or one for each layer where they are the same.
    pub(crate) fn size_of_layers(&self, key: &str) -> Result<Option<usize>, CheckpointError> {
        let Some(Value::Array(array)) = self.shards[0].header.metadata.get(key) else {
            return self.size(key);
        };
        let sizes = self.integers(key)?.unwrap_or_default();
        let are_alike = sizes.windows(2).all(|pair| pair[0] == pair[1]);
        match sizes.first().map(|&size| usize::try_from(size)) {
            Some(Ok(size)) if are_alike => Ok(Some(size)),
            _ => Err(CheckpointError::GgufUnsupported {
                file: self.file().into(),
                key: key.into(),
                value: format!("{} numbers that differ", array.len),
                supported: "one number, or the same for every layer",
            }),
        }
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, CheckpointError> {
        self.get(key, "a number", |value| match value {
            Value::Float(x) => Some(*x),
            Value::Integer(n) => Some(*n as f64),
            _ => None,
        })
    }

    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>, CheckpointError> {
        self.get(key, "true or false", |value| match value {
            Value::Bool(x) => Some(*x),
            _ => None,
        })
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<&str>, CheckpointError> {
        self.get(key, "a string", |value| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// An array of strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Option<Vec<String>>, CheckpointError> {
        let strings = self.byte_strings(key)?;
        Ok(strings.map(|strings| strings.into_iter().map(text::text).collect()))
    }

    /// An array of strings, byte for byte.
    pub(crate) fn byte_strings(&self, key: &str) -> Result<Option<Vec<&[u8]>>, CheckpointError> {
        let array = self.get(key, "strings", |value| match value {
            Value::Array(array) if array.kind == Kind::String => Some(array),
            _ => None,
        })?;
        let Some(Array { len, bytes, .. }) = array else {
            return Ok(None);
        };
        let shard = &self.shards[0];
        let mut cursor = Cursor::new(&shard.file, &shard.bytes, bytes.start);
        (0..*len).map(|_| cursor.bytes("a string")).collect::<Result<_, _>>().map(Some)
    }

    /// A token id; none where there is no such token.
    pub(crate) fn token(&self, key: &str) -> Result<Option<TokenId>, CheckpointError> {
        self.get(key, "a token id", |value| match value {
            Value::Integer(id) if stands_for_none(*id) => Some(None),
            Value::Integer(id) => TokenId::try_from(*id).ok().map(Some),
            _ => None,
        })
        .map(Option::flatten)
    }

    /// An array of integers.
    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<i32>>, CheckpointError> {
        self.elements(key, "integers of 32 bits", |value| match value {
            Value::Integer(n) => i32::try_from(n).ok(),
            _ => None,
        })
    }

    /// An array of floats.
    pub(crate) fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, CheckpointError> {
        self.elements(key, "floats", |value| match value {
            Value::Float(x) => Some(x as f32),
            _ => None,
        })
    }

    /// An array of numbers, each taken by `pick`.
    fn elements<T>(
        &self,
        key: &str,
        expected: &str,
        pick: impl Fn(Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, CheckpointError> {
        let array = self.get(key, expected, |value| match value {
            Value::Array(array) => Some(array),
            _ => None,
        })?;
        let Some(Array { kind, len, bytes }) = array else {
            return Ok(None);
        };
        let shard = &self.shards[0];
        let mut cursor = Cursor::new(&shard.file, &shard.bytes, bytes.start);
        let values = (0..*len).map(|_| {
            let value = Value::read(&mut cursor, *kind)?;
            pick(value).ok_or_else(|| shard.unexpected(key, expected))
        });
        values.collect::<Result<_, _>>().map(Some)
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        pick: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, CheckpointError> {
        self.shards[0].get(key, expected, pick)
    }

    /// The error for a value that should be something else.
    pub(crate) fn unexpected(&self, key: &str, expected: &str) -> CheckpointError {
        self.shards[0].unexpected(key, expected)
    }
}

impl Shard {
    fn map(path: &Path) -> Result<Self, CheckpointError> {
        Self::new(path.display().to_string(), FileBytes::map(path)?)
    }

    fn hold(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let file = "GGUF in memory";
        let bytes = FileBytes::copy(bytes);
        let bytes = bytes.map_err(|source| CheckpointError::Io { path: file.into(), source })?;
        Self::new(file.into(), bytes)
    }

    fn new(file: String, bytes: FileBytes) -> Result<Self, CheckpointError> {
        let header = Header::read(&file, &bytes)?;
        Ok(Self { file, bytes, header })
    }

    fn size(&self, key: &str) -> Result<Option<usize>, CheckpointError> {
        self.get(key, "a whole number from 0 on", |value| match value {
            Value::Integer(n) => usize::try_from(*n).ok(),
            _ => None,
        })
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        pick: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, CheckpointError> {
        let Some(value) = self.header.metadata.get(key) else {
            return Ok(None);
        };
        pick(value).map(Some).ok_or_else(|| self.unexpected(key, expected))
    }

    fn unexpected(&self, key: &str, expected: &str) -> CheckpointError {
        let value = self.header.metadata.get(key);
        CheckpointError::GgufValue {
            file: self.file.clone(),
            key: key.into(),
            value: value.map_or_else(|| "absent".into(), Value::brief),
            expected: expected.into(),
        }
    }
}
