use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::{
    CheckpointError, EncodedText, EncoderCheckpoint, EncoderConfig, EncoderFamily,
    EncoderTokenizer, Pooling,
};
use infer_code_cad_decode::{Settings, TokenId};
use infer_code_cad_native::{Encoder, EncoderOptions, EncoderWeights, Pool};
use ndarray::Array2;

use super::EmbedderOptions;
use super::fingerprint::fingerprint;
use crate::{EmbedError, Embedder, Embeddings, TextRole};

/// Tokens that go through the model together, as far as whole texts allow: enough that weights are read seldom.
const BATCH_TOKENS: usize = 1024;

/// Raised when the same files come to give other vectors.
const NUMERICS: u32 = 2;

/// What the English models of BGE want before a query, which no file of theirs says: their
/// [model card](https://huggingface.co/BAAI/bge-base-en-v1.5), "Usage".
const BGE_QUERY: &str = "Represent this sentence for searching relevant passages: ";

/// BERT or MPNet with pooling: BGE, MiniLM, all-mpnet-base-v2.
///
/// The vector of a text is the same to the last bit whatever other texts are in the call and on any number of threads,
/// with weights of either format: there is no padding, and int8 activations are scaled token by token.
#[derive(Debug)]
pub struct SentenceEmbedder {
    encoder: Encoder,
    tokenizer: EncoderTokenizer,
    pooling: Pooling,
    max_tokens: usize,
    do_lower_case: bool,
    query_prompt: String,
    passage_prompt: String,
    weights: EncoderWeights,
    files: String,
    pool: Arc<Pool>,
}

impl SentenceEmbedder {
    /// Loads a directory in the layout of sentence-transformers, or of transformers alone, whose tokens' vectors are
    /// then averaged.
    ///
    /// Before a query stands the option's instruction; else the prompt that the directory has for `query`, or by
    /// default; else, for the English models of BGE, known by the name of the directory or in `config.json`, the one
    /// their authors document. Before a passage stands the prompt for `document`, `passage` or `corpus`, or by default.
    ///
    /// # Errors
    /// [`EmbedError::Checkpoint`] for files that are missing, damaged or ask for what is not implemented,
    /// [`EmbedError::Native`], [`EmbedError::Io`].
    pub fn load(dir: &Path, options: &EmbedderOptions) -> Result<Self, EmbedError> {
        let checkpoint = EncoderCheckpoint::open(dir)?;
        let layout = checkpoint.layout();
        let prompt = |names: &[&str]| {
            let default = layout.default_prompt_name.as_deref();
            let mut prompts =
                names.iter().copied().chain(default).filter_map(|name| layout.prompts.get(name));
            prompts.find(|prompt| !prompt.is_empty()).cloned()
        };
        let files = checkpoint.weight_files();
        let others = ["config.json", "tokenizer.json"].map(|name| layout.transformer.join(name));
        let files = fingerprint(files.iter().chain(&others).map(|path| path.as_path()))?;
        let EmbedderOptions { weights, query_instruction, pool } = options;
        let encoder_options = EncoderOptions { weights: *weights, pool: Arc::clone(pool) };
        Ok(Self {
            encoder: Encoder::load(&checkpoint, &encoder_options)?,
            pooling: layout.pooling,
            max_tokens: checkpoint.max_tokens(),
            do_lower_case: layout.do_lower_case,
            query_prompt: query_instruction
                .clone()
                .or_else(|| prompt(&["query"]))
                .or_else(|| is_english_bge(dir, checkpoint.name()).then(|| BGE_QUERY.to_owned()))
                .unwrap_or_default(),
            passage_prompt: prompt(&["document", "passage", "corpus"]).unwrap_or_default(),
            weights: *weights,
            files,
            pool: Arc::clone(pool),
            tokenizer: checkpoint.into_tokenizer(),
        })
    }

    /// The text as the tokenizer sees it.
    fn framed(&self, text: &str, role: TextRole) -> String {
        let prompt = match role {
            TextRole::Query => &self.query_prompt,
            TextRole::Passage => &self.passage_prompt,
        };
        format!("{prompt}{text}")
    }

    /// The tokens of each text, cut to the limit, on all threads.
    fn tokens(&self, texts: &[&str], role: TextRole) -> Result<Vec<EncodedText>, CheckpointError> {
        let mut encoded: Vec<Result<EncodedText, CheckpointError>> = Vec::new();
        encoded.resize_with(texts.len(), || Ok(EncodedText { ids: vec![], cut: 0 }));
        self.pool.for_chunks(&mut encoded, 1, |i, out| {
            out[0] = self.tokenizer.encode(&self.framed(texts[i], role), self.max_tokens);
        });
        encoded.into_iter().collect()
    }
}

impl Embedder for SentenceEmbedder {
    fn dimension(&self) -> usize {
        self.encoder.config().hidden_size
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<Embeddings, EmbedError> {
        let encoded = self.tokens(texts, role)?;
        let mut vectors = Array2::zeros((texts.len(), self.dimension()));
        // The longest first: what needs most room is met at once, and texts of one length share a batch.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(encoded[i].ids.len()));
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let (batch, later) =
                rest.split_at(batch_len(rest.iter().map(|&i| encoded[i].ids.len())));
            let ids: Vec<&[TokenId]> = batch.iter().map(|&i| encoded[i].ids.as_slice()).collect();
            let batch_vectors = self.encoder.embed(&ids, self.pooling)?;
            for (&i, vector) in batch.iter().zip(batch_vectors.chunks(self.dimension())) {
                vectors.row_mut(i).iter_mut().zip(vector).for_each(|(to, from)| *to = *from);
            }
            rest = later;
        }
        Ok(Embeddings { vectors, cut_tokens: encoded.iter().map(|text| text.cut).collect() })
    }

    fn token_count(&self, text: &str) -> usize {
        let framed = self.framed(text, TextRole::Passage);
        // What the tokenizer refuses is told by `embed`.
        let plain = self.tokenizer.encode_plain(&framed).map_or(0, |ids| ids.len());
        plain + self.tokenizer.added_tokens()
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(self.max_tokens)
    }

    fn settings(&self) -> Settings {
        let EncoderConfig { family, num_hidden_layers, hidden_size, .. } = self.encoder.config();
        let family = match family {
            EncoderFamily::MpNet => "mpnet",
            _ => "bert",
        };
        Settings::new("sentence_embedder")
            .with("model", format!("{family}-{num_hidden_layers}x{hidden_size}"))
            .with("files", &self.files)
            .with("weights", self.weights)
            .with("numerics", NUMERICS)
            .with("pooling", self.pooling)
            .with("max_tokens", self.max_tokens)
            .with("lower_case", self.do_lower_case)
            .with("query_prompt", &self.query_prompt)
            .with("passage_prompt", &self.passage_prompt)
    }
}

/// How many of the next texts, by their tokens, make a batch: at least one.
fn batch_len(lens: impl Iterator<Item = usize>) -> usize {
    let mut tokens = 0;
    let fits = |len: &usize| {
        tokens += len;
        tokens <= BATCH_TOKENS
    };
    lens.take_while(fits).count().max(1)
}

/// Whether a model is `BAAI/bge-*-en*`, by the path of its directory or the name that its configuration keeps.
fn is_english_bge(dir: &Path, name: Option<&str>) -> bool {
    let known = ["bge-small-en", "bge-base-en", "bge-large-en"];
    let is_known = |name: &str| known.iter().any(|known| name.to_lowercase().contains(known));
    let mut parts = dir.components().filter_map(|part| part.as_os_str().to_str());
    parts.any(is_known) || name.is_some_and(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_a_budget_of_tokens_and_at_least_one_text() {
        assert_eq!(batch_len([2000, 5].into_iter()), 1);
        assert_eq!(batch_len([512, 512, 1].into_iter()), 2);
        assert_eq!(batch_len([3, 2, 1].into_iter()), 3);
    }

    #[test]
    fn english_bge_is_known_by_its_names() {
        let is_known = |path: &str, name| is_english_bge(Path::new(path), name);
        assert!(is_known("models/bge-small-en-v1.5", None));
        assert!(is_known("hub/models--BAAI--bge-large-en-v1.5/snapshots/0123", None));
        assert!(is_known("m", Some("/home/a/.cache/BAAI_bge-base-en/")));
        assert!(!is_known("models/bge-m3", Some("BAAI/bge-small-zh-v1.5")));
    }
}
