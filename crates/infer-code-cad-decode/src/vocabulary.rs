use std::fmt::Debug;

use crate::TokenId;

/// The bytes that tokens stand for.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{TokenId, Vocabulary};
///
/// /// Every token is the byte of its number.
/// #[derive(Debug)]
/// struct Bytes(Vec<u8>);
///
/// impl Vocabulary for Bytes {
///     fn token_bytes(&self, token: TokenId) -> &[u8] {
///         self.0.get(token as usize).map_or(&[], std::slice::from_ref)
///     }
/// }
///
/// let vocabulary = Bytes((0..=255).collect());
/// assert_eq!(vocabulary.token_bytes(97), b"a");
/// assert_eq!(vocabulary.token_bytes(256), b"");
/// ```
pub trait Vocabulary: Debug + Send + Sync {
    /// The bytes of a token, in general not whole characters. Empty for special tokens and for
    /// those outside the vocabulary, which a model with padded embeddings can generate.
    fn token_bytes(&self, token: TokenId) -> &[u8];
}

impl<B: AsRef<[u8]> + Debug + Send + Sync> Vocabulary for Vec<B> {
    fn token_bytes(&self, token: TokenId) -> &[u8] {
        self.get(token as usize).map_or(&[], AsRef::as_ref)
    }
}
