#![doc = include_str!("../README.md")]

mod activations;
mod block_decode;
mod chunks;
mod dense;
mod disjoint;
mod error;
mod format;
mod gelu;
mod isa;
mod kernels;
mod kv_page;
mod kv_products;
mod layout;
mod matmul;
mod memory;
mod packed;
mod pool;
mod quantize;
mod quantize_k;
mod scan;
mod scan_bytes;
mod self_attention;
mod stored;

pub use activations::Activations;
pub use dense::{DenseFormat, DenseMatrix, DenseRows};
pub use error::KernelError;
pub use format::{Encoding, Format};
pub use isa::Isa;
pub use kv_page::{KvFormat, KvPage};
pub use matmul::matmul;
pub use packed::PackedMatrix;
pub use pool::Pool;
pub use scan::{Rows, ScanQueries};
pub use scan_bytes::{ByteQueries, ByteRows};
pub use self_attention::SelfAttention;
pub use stored::StoredFormat;
