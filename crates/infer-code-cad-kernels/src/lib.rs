//! Products of a few rows with packed language-model weights, at the speed of memory.
//!
//! Decoding reads every weight once per step, so a step costs what the memory costs, and rows that
//! share the pass are almost free: 10 rows cost little more than one. [`PackedMatrix`] holds a weight
//! matrix repacked for that, with exactly the values of the file; [`Activations`] holds the rows;
//! [`matmul`] multiplies them on the threads of a [`Pool`].
//!
//! * **A row's result depends on nothing but the row**: bit for bit the same whatever other rows are
//!   in the batch, however many threads run, whichever instruction set ([`Isa`]) is chosen.
//! * Quantized formats multiply 8-bit integers: each row is rounded to int8 in blocks of 32 with a
//!   scale of its own. Floating-point formats use the row as it is, in f32.
//!
//! When not to use it: for training, for matrices that change, or on a GPU.
//!
//! ```
//! use infer_code_cad_kernels::{Activations, Format, PackedMatrix, Pool, matmul};
//!
//! let pool = Pool::new(2);
//! let (out_features, in_features) = (3, 64);
//! let weights = vec![0.5; out_features * in_features];
//! let matrix = PackedMatrix::quantize(Format::Q8_0, out_features, in_features, &weights, &pool)?;
//! let mut activations = Activations::default();
//! activations.set(&[1.0; 64], in_features, matrix.format().encoding(), &pool)?;
//! let mut out = [0.0; 3];
//! matmul(&matrix, &activations, &mut out, &pool)?;
//! assert!(out.iter().all(|y| (y - 32.0).abs() < 0.1));
//! # Ok::<(), infer_code_cad_kernels::KernelError>(())
//! ```

mod activations;
mod block_decode;
mod chunks;
mod disjoint;
mod error;
mod format;
mod isa;
mod kernels;
mod kv_page;
mod layout;
mod matmul;
mod memory;
mod packed;
mod pool;
mod quantize;
mod quantize_k;
mod stored;

pub use activations::Activations;
pub use error::KernelError;
pub use format::{Encoding, Format};
pub use isa::Isa;
pub use kv_page::{KvFormat, KvPage};
pub use matmul::matmul;
pub use packed::PackedMatrix;
pub use pool::Pool;
pub use stored::StoredFormat;
