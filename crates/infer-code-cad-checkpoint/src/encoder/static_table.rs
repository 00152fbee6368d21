use std::path::{Path, PathBuf};

use half::{bf16, f16};
use infer_code_cad_decode::TokenId;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::EncoderTokenizer;
use super::layout::{missing, read_optional};
use crate::CheckpointError;
use crate::fields::Fields;
use crate::file_bytes::FileBytes;
use crate::lfs::refuse_pointer;

const WEIGHTS: &str = "model.safetensors";

/// A vector per token, whose mean stands for a text: a directory of
/// [Model2Vec](https://github.com/MinishLab/model2vec).
///
/// `model.safetensors` holds `embeddings`, `(rows, dimension)`, and, where several tokens share a row, `mapping` from
/// tokens to rows and `weights` of the tokens. `config.json` may name `max_length`.
#[derive(Debug)]
#[non_exhaustive]
pub struct StaticTable {
    /// The vector of every token with its weight in it, `(tokens, dimension)`.
    pub vectors: Vec<f32>,
    /// Values of a vector.
    pub dimension: usize,
    /// Text to tokens; nothing is added around them.
    pub tokenizer: EncoderTokenizer,
    /// The token for what is in no vocabulary; it counts as no token.
    pub unknown: Option<TokenId>,
    /// The most tokens of a text that are read, unknown ones included.
    pub max_tokens: Option<usize>,
    /// A text is cut after this many characters before it becomes tokens.
    pub max_chars: Option<usize>,
    /// The file of weights.
    pub weights: PathBuf,
}

impl StaticTable {
    /// The most tokens of a text where `config.json` says nothing.
    pub const MAX_TOKENS: usize = 512;

    /// Reads a directory.
    ///
    /// # Errors
    /// [`CheckpointError::MissingFile`], [`CheckpointError::MissingTensor`], [`CheckpointError::TensorShape`],
    /// [`CheckpointError::TensorDtype`], [`CheckpointError::Weights`] for a damaged file or a mapping beyond the
    /// rows, [`CheckpointError::NotFinite`], [`CheckpointError::VocabularyMismatch`], and the errors of
    /// [`EncoderTokenizer::from_bytes`].
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        let read = |name: &str| {
            let path = dir.join(name);
            read_optional(&path)?.ok_or_else(|| missing(&path))
        };
        let config = read("config.json")?;
        let fields = Fields::of("config.json", &config)?;
        let max_tokens = match fields.names("max_length") {
            true => fields.read("max_length", "a whole number or null")?,
            false => Some(Self::MAX_TOKENS),
        };
        let tokenizer = EncoderTokenizer::from_bytes(&read("tokenizer.json")?)?;
        let path = dir.join(WEIGHTS);
        if !path.is_file() {
            return Err(missing(&path));
        }
        let (vectors, dimension) = vectors(&path, tokenizer.vocab_size())?;
        let unknown = tokenizer.unknown_token()?;
        let max_chars =
            max_tokens.map(|tokens: usize| tokens.saturating_mul(median_len(&tokenizer)));
        Ok(Self { vectors, dimension, tokenizer, unknown, max_tokens, max_chars, weights: path })
    }
}

/// The length in characters that half of the vocabulary is not longer than, rounded down as the package does.
fn median_len(tokenizer: &EncoderTokenizer) -> usize {
    let mut lens: Vec<usize> =
        tokenizer.vocabulary().map(|(token, _)| token.chars().count()).collect();
    lens.sort_unstable();
    match lens.len() {
        0 => 0,
        n => (lens[(n - 1) / 2] + lens[n / 2]) / 2,
    }
}

/// The vector of each token with its weight in it, and the number of its values.
fn vectors(path: &Path, tokens: usize) -> Result<(Vec<f32>, usize), CheckpointError> {
    let file = path.display().to_string();
    let bytes = FileBytes::map(path)?;
    refuse_pointer(&file, &bytes)?;
    let damaged = |source: Box<dyn std::error::Error + Send + Sync>| CheckpointError::Weights {
        file: file.clone(),
        source,
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.into()))?;
    let table = Stored { file: &file, name: "embeddings", tensors: &tensors };
    let view = table.find()?.ok_or_else(|| CheckpointError::MissingTensor {
        tensor: "embeddings".into(),
        files: file.clone(),
    })?;
    let &[rows, dimension] = view.shape() else {
        return Err(table.shape_error(&view, &[tokens, 1]));
    };
    if rows == 0 || dimension == 0 {
        return Err(table.shape_error(&view, &[tokens, 1]));
    }
    let table = table.numbers(&view)?;
    let per_token = |name| {
        let stored = Stored { file: &file, name, tensors: &tensors };
        let Some(view) = stored.find()? else { return Ok(None) };
        match view.shape() {
            [len] if *len >= tokens => stored.numbers(&view).map(Some),
            _ => Err(stored.shape_error(&view, &[tokens])),
        }
    };
    let (weights, mapping) = (per_token("weights")?, per_token("mapping")?);
    if mapping.is_none() && rows < tokens {
        return Err(CheckpointError::VocabularyMismatch { tokens, vocab_size: rows });
    }
    let mut vectors = Vec::with_capacity(tokens * dimension);
    for token in 0..tokens {
        let row = mapping.as_ref().map_or(token as f64, |mapping| mapping[token]);
        let weight = weights.as_ref().map_or(1.0, |weights| weights[token]);
        if !(0.0..rows as f64).contains(&row) {
            return Err(damaged(format!("token {token} is mapped to row {row} of {rows}").into()));
        }
        let row = &table[row as usize * dimension..][..dimension];
        vectors.extend(row.iter().map(|value| (value * weight) as f32));
    }
    match vectors.iter().position(|value| !value.is_finite()) {
        None => Ok((vectors, dimension)),
        Some(index) => {
            let (tensor, value) = ("embeddings".to_owned(), vectors[index]);
            Err(CheckpointError::NotFinite { tensor, index, value })
        }
    }
}

/// A tensor by its name in a file.
struct Stored<'a> {
    file: &'a str,
    name: &'a str,
    tensors: &'a SafeTensors<'a>,
}

impl<'a> Stored<'a> {
    fn find(&self) -> Result<Option<TensorView<'a>>, CheckpointError> {
        if !self.tensors.names().contains(&self.name) {
            return Ok(None);
        }
        self.tensors.tensor(self.name).map(Some).map_err(|source| CheckpointError::Weights {
            file: self.file.into(),
            source: source.into(),
        })
    }

    fn shape_error(&self, view: &TensorView<'_>, expected: &[usize]) -> CheckpointError {
        CheckpointError::TensorShape {
            tensor: self.name.into(),
            file: self.file.into(),
            expected: expected.into(),
            actual: view.shape().into(),
        }
    }

    /// Its values: those types that numpy saves and f64 holds.
    fn numbers(&self, view: &TensorView<'_>) -> Result<Vec<f64>, CheckpointError> {
        fn each<const N: usize>(bytes: &[u8], f: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|&value| f(value)).collect()
        }
        let bytes = view.data();
        Ok(match view.dtype() {
            Dtype::F64 => each(bytes, f64::from_le_bytes),
            Dtype::F32 => each(bytes, |b| f32::from_le_bytes(b).into()),
            Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).into()),
            Dtype::BF16 => each(bytes, |b| bf16::from_le_bytes(b).into()),
            Dtype::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
            Dtype::I32 => each(bytes, |b| i32::from_le_bytes(b).into()),
            Dtype::I8 => each(bytes, |b| i8::from_le_bytes(b).into()),
            other => {
                return Err(CheckpointError::TensorDtype {
                    tensor: self.name.into(),
                    file: self.file.into(),
                    dtype: other.to_string(),
                });
            }
        })
    }
}
