use std::error::Error;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use infer_code_cad_decode::Settings;
use ndarray::Array2;

/// Turns texts into vectors whose inner product says how near their meanings are.
///
/// # Examples
/// An embedder of one's own, which counts vowels:
/// ```
/// use infer_code_cad_retrieval::ndarray::Array2;
/// use infer_code_cad_retrieval::{EmbedError, Embedder, Embeddings, Settings, TextRole};
///
/// #[derive(Debug)]
/// struct Vowels;
///
/// impl Embedder for Vowels {
///     fn dimension(&self) -> usize {
///         5
///     }
///
///     fn embed(&self, texts: &[&str], _: TextRole) -> Result<Embeddings, EmbedError> {
///         let mut vectors = Array2::<f32>::zeros((texts.len(), 5));
///         for (text, mut row) in texts.iter().zip(vectors.rows_mut()) {
///             for letter in text.chars() {
///                 if let Some(at) = "aeiou".find(letter) {
///                     row[at] += 1.0;
///                 }
///             }
///             let norm = row.dot(&row).max(1e-12_f32).sqrt();
///             row /= norm;
///         }
///         Ok(Embeddings { vectors, cut_tokens: vec![0; texts.len()] })
///     }
///
///     fn token_count(&self, text: &str) -> usize {
///         text.chars().count()
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("vowels")
///     }
/// }
///
/// let embedded = Vowels.embed(&["banana", "a"], TextRole::Passage)?;
/// assert_eq!(embedded.vectors.row(0), embedded.vectors.row(1));
/// # Ok::<(), EmbedError>(())
/// ```
pub trait Embedder: Debug + Send + Sync {
    /// Values of a vector.
    fn dimension(&self) -> usize;

    /// One vector of length 1 per text, in the order asked. A vector depends on its text and role alone, never
    /// on the other texts of the call.
    ///
    /// # Errors
    /// [`EmbedError`]; then none of the texts has a vector.
    fn embed(&self, texts: &[&str], role: TextRole) -> Result<Embeddings, EmbedError>;

    /// Tokens that a text is for this embedder, before anything is cut, those added around it included.
    fn token_count(&self, text: &str) -> usize;

    /// The most tokens of a text that are read, where there is a limit.
    fn max_tokens(&self) -> Option<usize> {
        None
    }

    /// What result files and stores call this embedder. Everything that a vector depends on belongs to it, the
    /// weights too: vectors of two with equal settings can be compared.
    fn settings(&self) -> Settings;
}

/// On which side of a search a text stands: some models want an instruction before a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextRole {
    /// What is searched for.
    Query,
    /// What is found.
    Passage,
}

/// Vectors of some texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// `(texts, dimension)`, rows of length 1.
    pub vectors: Array2<f32>,
    /// Of each text the tokens that were beyond the embedder's limit and not read.
    pub cut_tokens: Vec<usize>,
}

/// Why texts have no vectors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// A file of the model could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The files of the model are at fault, or a text cannot be tokenized.
    #[cfg(feature = "embed")]
    #[error(transparent)]
    Checkpoint(#[from] infer_code_cad_checkpoint::CheckpointError),
    /// The model could not be put together or computed.
    #[cfg(feature = "embed")]
    #[error(transparent)]
    Native(#[from] infer_code_cad_native::NativeError),
    /// What an embedder of one's own cannot say otherwise.
    #[error("the embedder failed: {0}")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl EmbedError {
    /// Any error, or a text, as an [`EmbedError::Other`].
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

macro_rules! through_pointer {
    ($($pointer:ident),*) => { $(
        impl<E: Embedder + ?Sized> Embedder for $pointer<E> {
            fn dimension(&self) -> usize {
                (**self).dimension()
            }

            fn embed(&self, texts: &[&str], role: TextRole) -> Result<Embeddings, EmbedError> {
                (**self).embed(texts, role)
            }

            fn token_count(&self, text: &str) -> usize {
                (**self).token_count(text)
            }

            fn max_tokens(&self) -> Option<usize> {
                (**self).max_tokens()
            }

            fn settings(&self) -> Settings {
                (**self).settings()
            }
        }
    )* };
}
through_pointer!(Arc, Box);
