use crate::{DenseFormat, Encoding, Format, Isa, StoredFormat};

/// Why a matrix could not be packed or a product not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A matrix has no rows or no columns, or more bytes than can be addressed.
    #[error(
        "a matrix of {out_features} x {in_features} is empty or too large; \
         check the shape in the weight file's header"
    )]
    Shape {
        /// Rows of the weight matrix.
        out_features: usize,
        /// Columns of the weight matrix.
        in_features: usize,
    },
    /// The inner dimension is not a whole number of blocks.
    #[error(
        "in_features {in_features} is not a multiple of {multiple}, which {format} needs; \
         convert the weights to another format"
    )]
    InFeatures {
        /// Format asked for.
        format: Format,
        /// Columns given.
        in_features: usize,
        /// What they must be a multiple of.
        multiple: usize,
    },
    /// A row of activations is empty or not a whole number of blocks.
    #[error("rows of {in_features} activations are not blocks of 32; pad them like the weights")]
    Blocks {
        /// Length of a row given.
        in_features: usize,
    },
    /// The buffer is not as long as its shape says.
    #[error("{what} holds {actual} elements, its shape needs {expected}; pass the whole of it")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Elements its shape needs.
        expected: usize,
        /// Elements given.
        actual: usize,
    },
    /// The activations' rows are not as long as the matrix's.
    #[error(
        "the matrix has {matrix} input features, the activations {activations}; \
         set the activations of this layer first"
    )]
    InnerDimension {
        /// Columns of the matrix.
        matrix: usize,
        /// Columns of the activations.
        activations: usize,
    },
    /// The activations were set in the encoding of another kind of format.
    #[error("{format} multiplies {needed} activations, these are {actual}; set them again")]
    Encoding {
        /// Format of the matrix.
        format: Format,
        /// Encoding it multiplies.
        needed: Encoding,
        /// Encoding at hand.
        actual: Encoding,
    },
    /// The rows of a dense product were set in the other format.
    #[error("a matrix in {matrix:?} does not multiply rows in {rows:?}; set them in its format")]
    DenseFormat {
        /// Format of the matrix.
        matrix: DenseFormat,
        /// Format of the rows.
        rows: DenseFormat,
    },
    /// The activations were arranged for another instruction set.
    #[error("activations arranged for {activations} on a pool of {pool}; use one pool for both")]
    OtherIsa {
        /// Instruction set of the pool that set them.
        activations: Isa,
        /// Instruction set of the pool that multiplies.
        pool: Isa,
    },
    /// The matrix has no such row.
    #[error("row {row} of a matrix with {out_features} rows")]
    Row {
        /// Row asked for.
        row: usize,
        /// Rows there are.
        out_features: usize,
    },
    /// This processor lacks the instructions.
    #[error("this processor does not run {isa}; ask for Isa::best()")]
    UnsupportedIsa {
        /// Instruction set asked for.
        isa: Isa,
    },
    /// The system has no memory left.
    #[error("no memory for {bytes} bytes of packed weights; use a smaller format")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// Nobody turns this format's blocks to floats.
    #[error(
        "{format} is not decoded; take a file quantized to {}, such as Q4_K_M",
        StoredFormat::decoded_names()
    )]
    NotDecoded {
        /// Format of the file.
        format: StoredFormat,
    },
    /// There are no products with this format.
    #[error(
        "there are no products with {format}; choose f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1 or q4_0"
    )]
    NoProduct {
        /// Format asked for.
        format: StoredFormat,
    },
    /// No format has this name.
    #[error(
        "format {name:?} is unknown; choose f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1 or q4_0"
    )]
    UnknownFormat {
        /// What was asked for.
        name: String,
    },
    /// No format of keys and values has this name.
    #[error("format {name:?} of keys and values is unknown; choose f32, f16 or int8")]
    UnknownKvFormat {
        /// What was asked for.
        name: String,
    },
    /// A text names no choice there is.
    #[error("{kind} {name:?} is unknown; choose {choices}")]
    UnknownName {
        /// Of what.
        kind: &'static str,
        /// The text.
        name: String,
        /// What it may be.
        choices: &'static str,
    },
}
