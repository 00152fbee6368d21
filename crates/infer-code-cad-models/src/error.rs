use std::path::PathBuf;

use infer_code_cad_decode::{DecodeError, TokenId};
use infer_code_cad_kernels::KernelError;

use crate::Device;

/// Why a model could not be loaded or advanced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
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
    /// A file is not the JSON expected.
    #[error("{file} cannot be parsed: {source}")]
    Json {
        /// The file.
        file: String,
        /// Line, column and reason.
        source: serde_json::Error,
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
    /// A weights file is not a whole safetensors file.
    #[error("{file} is not a whole safetensors file ({source}); fetch it again")]
    Weights {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
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
    #[error("{file} holds tensor {tensor}, which the architecture of config.json has no place for")]
    UnexpectedTensor {
        /// Its name.
        tensor: String,
        /// Where it is.
        file: String,
    },
    /// A tensor has another shape than config.json implies.
    #[error("{file}: tensor {tensor} has shape {actual:?}, config.json implies {expected:?}")]
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
    #[error("{file}: tensor {tensor} has dtype {dtype}, supported: F32, F16, BF16")]
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
    /// A step brings no token.
    #[error("step {step} of the batch has no tokens; leave it out")]
    EmptyStep {
        /// Its place in the batch.
        step: usize,
    },
    /// A token is not in the vocabulary.
    #[error(
        "step {step} of the batch: token {token} at position {position} is outside the vocabulary \
         of {vocab_size}; use the tokenizer of this model"
    )]
    TokenOutOfRange {
        /// Its place in the batch.
        step: usize,
        /// Its place among the step's tokens.
        position: usize,
        /// The token.
        token: TokenId,
        /// The model's [`crate::CausalLm::vocab_size`].
        vocab_size: usize,
    },
    /// A stream would grow past the model's limit.
    #[error(
        "step {step} of the batch makes a stream of {len} tokens, the model takes {max_positions}; \
         shorten the prompt or ask for fewer new tokens"
    )]
    StreamTooLong {
        /// Its place in the batch.
        step: usize,
        /// The length it would have.
        len: usize,
        /// The model's [`crate::CausalLm::max_positions`].
        max_positions: usize,
    },
    /// A cache was made by another model.
    #[error("step {step} of the batch brings a cache of another model; use new_cache of this one")]
    ForeignCache {
        /// Its place in the batch.
        step: usize,
    },
    /// The row cap cannot hold the streams of one sequence.
    #[error("max_rows is {max_rows}, but the decoder reads {arity} streams per sequence; raise it")]
    RowCap {
        /// The cap.
        max_rows: usize,
        /// Streams per sequence.
        arity: usize,
    },
    /// Not one sequence fits into memory.
    #[error(
        "one sequence may need {needed_bytes} bytes of memory, {available_bytes} are to be had; ask \
         for fewer new tokens, shorten the prompt or take a smaller model"
    )]
    SequenceMemory {
        /// What the streams of a sequence and of its prompt may need.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// The weights do not fit into memory.
    #[error(
        "the weights need {needed_bytes} bytes of memory, {available_bytes} are to be had; choose a \
         format of fewer bits or a smaller model"
    )]
    WeightMemory {
        /// What they take once they are loaded.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// Prompts would be read in chunks of no token.
    #[error("prefill_chunk is 0, so no prompt could be read; set it to 1 or more")]
    EmptyPrefillChunk,
    /// A stop string is empty.
    #[error("stop string {index} is empty and would end every completion at once; leave it out")]
    EmptyStop {
        /// Which one.
        index: usize,
    },
    /// A prompt has another number of streams than the decoder reads.
    #[error("the prompt of {task} has {actual} streams, the decoder reads {expected}")]
    StreamCount {
        /// The prompt's name.
        task: String,
        /// What [`infer_code_cad_decode::Decoder::arity`] says.
        expected: usize,
        /// Streams of the prompt.
        actual: usize,
    },
    /// A stream of a prompt has no token.
    #[error("stream {stream} of the prompt of {task} is empty; begin it with a token such as bos")]
    EmptyStream {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
    },
    /// A prompt holds a token the model does not know.
    #[error(
        "token {token} at position {position} of stream {stream} of the prompt of {task} is outside \
         the vocabulary of {vocab_size}; use the model's own tokenizer"
    )]
    PromptToken {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
        /// Where in the stream.
        position: usize,
        /// The token.
        token: TokenId,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// A prompt is longer than the model can read.
    #[error(
        "stream {stream} of the prompt of {task} has {tokens} tokens, the model reads \
         {max_positions}; shorten the prompt"
    )]
    PromptTooLong {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
        /// Its length.
        tokens: usize,
        /// What [`crate::CausalLm::max_positions`] says.
        max_positions: usize,
    },
    /// The decoder could not pick a token.
    #[error("token {position} of sample {sample} of {task} could not be decoded: {source}")]
    Decode {
        /// The prompt's name.
        task: String,
        /// Which sample.
        sample: usize,
        /// Tokens generated before.
        position: usize,
        /// What the decoder says.
        source: DecodeError,
    },
    /// Nobody has a device of this name.
    #[error("device {name:?} is unknown; choose cpu, cuda, cuda:1, metal")]
    UnknownDevice {
        /// What was asked for.
        name: String,
    },
    /// The program was built without support for a device.
    #[error("{device} needs the feature {feature}; build with --features {feature}")]
    DeviceFeature {
        /// The device.
        device: Device,
        /// The feature of the crate.
        feature: &'static str,
    },
    /// A device cannot be opened.
    #[error("{device} cannot be opened ({source}); see that its driver is there, or use cpu")]
    DeviceUnusable {
        /// The device.
        device: Device,
        /// What the tensor library says.
        source: Box<candle_core::Error>,
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
    /// A weight matrix does not fit the kernels.
    #[error("the kernels refuse: {0}")]
    Kernel(#[from] KernelError),
    /// The tensor library failed; the caches of the batch must be dropped.
    #[error("the tensor library failed: {0}")]
    Tensor(Box<candle_core::Error>),
    /// A text names neither a path nor a repository.
    #[error(
        "{spec:?} names no model: {reason}; give a directory, a .gguf file, org/name[@revision] or \
         one of {}",
        aliases()
    )]
    ModelSpec {
        /// The text.
        spec: String,
        /// Why.
        reason: &'static str,
    },
    /// A repository is not in the cache.
    #[error(
        "{repo} at revision {revision} is not in the cache {}; {remedy}, or run `hf download \
         {repo} --revision {revision}`", cache_dir.display()
    )]
    NotCached {
        /// `org/name`.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// The cache searched.
        cache_dir: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// The cache holds a part of a repository.
    #[error(
        "{} lacks {missing}; {remedy}, or run `hf download {repo} --revision \
         {revision}`", snapshot.display()
    )]
    IncompleteSnapshot {
        /// The directory.
        snapshot: PathBuf,
        /// The files it lacks.
        missing: String,
        /// `org/name`.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The hub refuses a repository (401 or 403).
    #[error(
        "{url} is gated, private or absent (status {status}: {message}); accept its licence \
         there, and set HF_TOKEN to a token that may read it"
    )]
    HubAccess {
        /// The repository's page.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The hub has no such repository, revision or file (404).
    #[error("{url} does not exist; see that the {what} is spelled as on the hub")]
    HubNotFound {
        /// What was asked for.
        url: String,
        /// What may be misspelled.
        what: &'static str,
    },
    /// The hub answers with another status than success.
    #[error("{url} answered with status {status}: {message}; try again later")]
    HubStatus {
        /// What was asked for.
        url: String,
        /// Such as 429 or 500.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The hub's answer makes no sense.
    #[error("{url} answered against the hub's protocol: {reason}; see that HF_ENDPOINT is a hub")]
    HubProtocol {
        /// What was asked for.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The hub cannot be reached, or falls silent.
    #[error(
        "{url} cannot be reached: {reason}; see that the network and the endpoint {endpoint} \
         (HF_ENDPOINT) are right, what was fetched is kept"
    )]
    HubUnreachable {
        /// What was asked for.
        url: String,
        /// The configured server.
        endpoint: String,
        /// Refused, timed out, ...
        reason: String,
    },
    /// A file ended early.
    #[error(
        "{file} of {repo} ended after {actual} of {expected} bytes; try again, what was fetched is \
         kept"
    )]
    DownloadTruncated {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
        /// Its size.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// A file is not what the hub announced.
    #[error(
        "{file} of {repo} has checksum {actual}, the hub announced {expected}; it was thrown away, \
         try again"
    )]
    DownloadChecksum {
        /// `org/name`.
        repo: String,
        /// The file.
        file: String,
        /// What its ETag says.
        expected: String,
        /// What it has.
        actual: String,
    },
    /// The callback broke off a download.
    #[error("the download of {repo} was interrupted; the next one goes on where it stopped")]
    DownloadInterrupted {
        /// `org/name`.
        repo: String,
    },
    /// The cache cannot be written, for one because the disk is full.
    #[error(
        "cannot write {}: {source}; make room or set HF_HUB_CACHE, what was fetched is kept",
        path.display()
    )]
    CacheWrite {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
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
        format: &'static str,
        /// Its dimensions in the order of the file.
        dims: Vec<u64>,
        /// Where its bytes should begin, from the end of the header.
        offset: u64,
        /// Length of the file in bytes.
        file_len: u64,
    },
    /// A tensor of a GGUF file is stored in a format that cannot be read.
    #[error(
        "{file}: tensor {tensor} is stored as {format}; supported: F32, F16, BF16, Q8_0, Q4_0, \
         Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, so take a file quantized to these, such as Q4_K_M"
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
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(Box::new(error))
    }
}

fn aliases() -> String {
    crate::source::MODEL_ALIASES.map(|(alias, _)| alias).join(", ")
}
