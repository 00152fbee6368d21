#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod block;
mod decoder_stack;
mod device;
mod dtype;
mod error;
mod fault;
mod feed_forward;
mod host;
mod linear;
mod loader;
mod masks;
mod model;
mod norm;
mod tensor_attention;

pub use device::Device;
pub use dtype::DType;
pub use error::CandleError;
pub use model::CandleModel;
