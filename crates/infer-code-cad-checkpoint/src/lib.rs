#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod architecture;
mod arranged;
mod attention;
mod bias;
mod chat;
mod checkpoint;
mod config;
mod conversion;
mod encoder;
mod error;
mod fields;
mod file_bytes;
mod gguf;
mod lfs;
mod named;
mod names;
mod random;
mod recorded;
mod rope;
mod tensors;
mod token_ids;
mod tokenizer;
mod weights;

pub use chat::{ChatOptions, ChatTemplate, Date, Message, Role, Variable};
pub use checkpoint::Checkpoint;
pub use config::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig,
};
pub use conversion::Conversion;
pub use encoder::{
    EncodedText, EncoderCheckpoint, EncoderConfig, EncoderFamily, EncoderTokenizer, Pooling,
    SentenceLayout, StaticTable,
};
pub use error::CheckpointError;
pub use random::RandomWeights;
pub use tensors::{NamedTensors, RawMatrix};
pub use tokenizer::Tokenizer;
pub use weights::TensorInfo;
