#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// Runs an expression in a span that a subscriber may time; without one it costs a load.
macro_rules! span {
    ($name:literal, $expression:expr) => {
        tracing::trace_span!($name).in_scope(|| $expression)
    };
}

mod attention;
mod block;
mod encoder;
mod error;
mod exp;
mod feed_forward;
mod linear;
mod loader;
mod model;
mod norm;
mod options;
mod softmax;
mod stack;

pub use encoder::{Encoder, EncoderOptions, EncoderWeights};
pub use error::NativeError;
pub use infer_code_cad_kernels::{Format, Isa, KvFormat, Pool, StoredFormat};
pub use model::NativeModel;
pub use options::{NativeOptions, check_memory, weight_bytes};
