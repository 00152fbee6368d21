use std::path::PathBuf;

use infer_code_cad_kernels::{KernelError, StoredFormat};

/// Why the files of a model could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A part of the checkpoint is absent.
    #[error("{checkpoint} has no {file}; {remedy}")]
    MissingFile {
        /// The directory, or `bytes in memory`.
        checkpoint: String,
        /// The file looked for.
        file: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A directory has a model in GGUF and none in Hugging Face's layout.
    #[error(
        "{} has no config.json with safetensors, it has the GGUF files {}; give the path of one of them, \
         such as {}",
        dir.display(), files.join(", "), dir.join(files.first().map_or("", String::as_str)).display()
    )]
    GgufDirectory {
        /// The directory.
        dir: PathBuf,
        /// The names of the files, sorted; at least one.
        files: Vec<String>,
    },
    /// A file is the text that Git LFS leaves in its place.
    #[error(
        "{file} is a Git LFS pointer, not the file itself; run `git lfs pull` in its repository, or \
         download the file"
    )]
    LfsPointer {
        /// The file.
        file: String,
    },
    /// A file is not the JSON expected.
    #[error("{file} cannot be parsed: {source}")]
    Json {
        /// The file.
        file: String,
        /// Line, column and reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A field of config.json says something this crate does not implement.
    #[error("config.json: {field} is {value}, which is not supported; supported: {supported}")]
    UnsupportedConfig {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        supported: &'static str,
    },
    /// A field of config.json is absent or contradicts another.
    #[error("config.json: {field} is {value}, expected {expected}")]
    InvalidConfig {
        /// The field.
        field: &'static str,
        /// What it says, or `absent`.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// A file of a sentence-transformers directory asks for something this crate does not implement.
    #[error("{file}: {field} is {value}, which is not supported; supported: {supported}")]
    UnsupportedLayout {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// What it says.
        value: String,
        /// What it may say.
        supported: &'static str,
    },
    /// A field of a [`TransformerConfig`](crate::TransformerConfig) or an [`EncoderConfig`](crate::EncoderConfig) that
    /// no file said cannot be computed with.
    #[error("configuration: {field} is {value}, expected {expected}; set the field")]
    Config {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// A tensor that is made, not read, does not fit into memory.
    #[error("tensor {tensor} of shape {shape:?} does not fit into memory; ask for smaller sizes")]
    TensorMemory {
        /// Its name.
        tensor: String,
        /// The shape asked for.
        shape: Vec<usize>,
    },
    /// A weights file is not a whole safetensors file.
    #[error("{file} is not a whole safetensors file ({source}); fetch it again")]
    Weights {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The index of a sharded checkpoint names something that is not a file of its directory.
    #[error("{file}: the shard name {shard:?} is not a plain file name; fetch the index again")]
    ShardName {
        /// The index.
        file: String,
        /// The name.
        shard: String,
    },
    /// A tensor the architecture needs is in no weights file.
    #[error(
        "tensor {tensor} is in none of: {files}; the checkpoint is incomplete or of another architecture"
    )]
    MissingTensor {
        /// Its name.
        tensor: String,
        /// The files searched.
        files: String,
    },
    /// A tensor would be ignored, so the model would compute something else than was trained.
    #[error(
        "{file} holds tensor {tensor}, which the architecture has no place for; take weights and \
         configuration of one model"
    )]
    UnexpectedTensor {
        /// Its name.
        tensor: String,
        /// Where it is.
        file: String,
    },
    /// A tensor has another shape than the configuration implies.
    #[error(
        "{file}: tensor {tensor} has shape {actual:?}, the configuration implies {expected:?}; take \
         weights and configuration of one model"
    )]
    TensorShape {
        /// Its name.
        tensor: String,
        /// Where it is.
        file: String,
        /// The shape implied.
        expected: Vec<usize>,
        /// The shape found.
        actual: Vec<usize>,
    },
    /// A tensor's element type cannot be read.
    #[error(
        "{file}: tensor {tensor} has dtype {dtype}, supported: F32, F16, BF16; save the model in one of these"
    )]
    TensorDtype {
        /// Its name.
        tensor: String,
        /// Where it is.
        file: String,
        /// The element type found.
        dtype: String,
    },
    /// tokenizer.json cannot be used.
    #[error("tokenizer.json cannot be used: {reason}")]
    Tokenizer {
        /// Why.
        reason: String,
    },
    /// A text could not be turned into tokens.
    #[error("a text of {bytes} bytes cannot be tokenized: {reason}")]
    Encode {
        /// Its length.
        bytes: usize,
        /// Why.
        reason: String,
    },
    /// A tokenizer makes tokens that the model has no embedding for.
    #[error(
        "the tokenizer knows {tokens} tokens, the embedding has {vocab_size} rows; take the \
         tokenizer that belongs to these weights"
    )]
    VocabularyMismatch {
        /// The tokenizer's largest id plus one.
        tokens: usize,
        /// Rows of the embedding.
        vocab_size: usize,
    },
    /// A weight is NaN or infinite.
    #[error("tensor {tensor} has {value} at element {index}; fetch or train the checkpoint again")]
    NotFinite {
        /// Its name in the file.
        tensor: String,
        /// Which element, row-major.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A GGUF file ends too early or holds something else than its layout says.
    #[error(
        "{file}: {what} is missing or wrong at byte {position}; the file is cut short or damaged, \
         fetch it again"
    )]
    GgufDamaged {
        /// The file.
        file: String,
        /// What should be there.
        what: &'static str,
        /// Where in the file.
        position: u64,
    },
    /// A GGUF file is of a version or byte order this crate does not read.
    #[error(
        "{file} is {byte_order} GGUF version {version}; little-endian versions 2 and 3 are read, \
         convert the model again"
    )]
    GgufVersion {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
        /// `little-endian` or `big-endian`.
        byte_order: &'static str,
    },
    /// A metadata value of a GGUF file is absent, of another type or contradicts another.
    #[error("{file}: metadata {key} is {value}, expected {expected}; convert the model again")]
    GgufValue {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What it says, or `absent`.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// A metadata value of a GGUF file says something this crate does not implement.
    #[error("{file}: metadata {key} is {value}, which is not supported; supported: {supported}")]
    GgufUnsupported {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What it says.
        value: String,
        /// What it may say.
        supported: &'static str,
    },
    /// A GGUF file is a part of a model and not the first.
    #[error("{file} is part {part} of a model in {count} files; give the first, {first}")]
    GgufShard {
        /// The file.
        file: String,
        /// Which part, from 1.
        part: usize,
        /// How many there are.
        count: usize,
        /// The name of the first.
        first: String,
    },
    /// Two files of a model in several have the same tensor.
    #[error(
        "tensor {tensor} is in {} and in {}; the files are of different models or splits, fetch all of one",
        files[0], files[1]
    )]
    TensorDoubled {
        /// Its name.
        tensor: String,
        /// Where it is.
        files: [String; 2],
    },
    /// Two tensors of a GGUF file have bytes in common.
    #[error(
        "{file}: the tensors {} and {} share bytes; the file is damaged, fetch it again",
        tensors[0], tensors[1]
    )]
    GgufOverlap {
        /// The file.
        file: String,
        /// Their names.
        tensors: [String; 2],
    },
    /// A tensor of a GGUF file is not where or as large as the header says.
    #[error(
        "{file}: tensor {tensor} of type {format} with dimensions {dims:?} at offset {offset} is not \
         within the {file_len} bytes of the file, or not aligned, or has rows of broken blocks; the \
         file is cut short or damaged, fetch it again"
    )]
    GgufTensor {
        /// Its name.
        tensor: String,
        /// Where it should be.
        file: String,
        /// How its elements are stored.
        format: StoredFormat,
        /// Its dimensions in the order of the file.
        dims: Vec<u64>,
        /// Where its bytes should begin, from the end of the header.
        offset: u64,
        /// Length of the file in bytes.
        file_len: u64,
    },
    /// A tensor of a GGUF file is stored in a format that cannot be read.
    #[error(
        "{file}: tensor {tensor} is stored as {format}; supported: {}, so take a file quantized to \
         these, such as Q4_K_M",
        StoredFormat::decoded_names()
    )]
    TensorFormat {
        /// Its name.
        tensor: String,
        /// Where it is.
        file: String,
        /// The format found.
        format: String,
    },
    /// The tokenizer a GGUF file describes contradicts itself or is of a kind not supported.
    #[error(
        "GGUF metadata: {key} is {found}, expected {expected}; convert the model again or take \
         another file of it"
    )]
    GgufTokenizer {
        /// The metadata key.
        key: String,
        /// What it says.
        found: String,
        /// What it may say.
        expected: String,
    },
    /// A chat template cannot be parsed.
    #[error("{file}: line {line} of the chat template cannot be parsed: {reason}")]
    ChatTemplateSyntax {
        /// Where the template is.
        file: String,
        /// Counted from 1 in the template's own text.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A chat template failed while it was rendered.
    #[error("{file}: line {line} of the chat template failed: {reason}")]
    ChatTemplateRender {
        /// Where the template is.
        file: String,
        /// Counted from 1 in the template's own text.
        line: usize,
        /// What it attempted.
        reason: String,
    },
    /// A chat template does not take these messages, such as Gemma's a system message.
    #[error("{file}: the chat template refuses these messages: {reason}")]
    ChatTemplateRefused {
        /// Where the template is.
        file: String,
        /// What the template says.
        reason: String,
    },
    /// A chat template loops for too long or writes too much.
    #[error("{file}: the chat template used up its budget of {fuel} steps; does it loop forever?")]
    ChatTemplateFuel {
        /// Where the template is.
        file: String,
        /// The most instructions, or portions of 64 bytes written.
        fuel: u64,
    },
    /// A file lists several chat templates and none that is the default.
    #[error("{file} names the chat templates {names:?}, and none is \"default\"; call one so")]
    NoDefaultChatTemplate {
        /// The file.
        file: String,
        /// Those there are.
        names: Vec<String>,
    },
    /// There is nothing to render.
    #[error("a chat template was given no messages; give one or more")]
    EmptyChat,
    /// The calendar has no such day.
    #[error("{year}-{month:02}-{day:02} is no day of the years 1000 to 9999")]
    InvalidDate {
        /// The year.
        year: u16,
        /// The month, from 1.
        month: u8,
        /// The day, from 1.
        day: u8,
    },
    /// A text names no choice there is.
    #[error("{kind} {name:?} is unknown; choose {choices}")]
    UnknownName {
        /// Of what.
        kind: &'static str,
        /// The text.
        name: String,
        /// What it may be.
        choices: String,
    },
    /// Stored blocks could not be turned to floats.
    #[error("stored blocks cannot be read: {0}")]
    Kernel(#[from] KernelError),
    /// What [`NamedTensors`](crate::NamedTensors) of a user's own cannot say with the variants above.
    #[error("the source of the tensors failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CheckpointError {
    /// Any error, or a text, as a [`CheckpointError::Other`].
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}
