//! Language models on the tensor library candle: CUDA and Metal devices, and on the CPU the reference
//! that the native backend is held against.

#![forbid(unsafe_code)]

mod block;
mod decoder_stack;
mod device;
mod dtype;
mod error;
mod feed_forward;
mod host;
mod linear;
mod loader;
mod model;
mod norm;
mod tensor_attention;

pub use device::Device;
pub use dtype::DType;
pub use error::CandleError;
pub use model::CandleModel;
