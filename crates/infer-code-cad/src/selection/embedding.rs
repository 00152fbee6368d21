use std::sync::Arc;

use infer_code_cad_decode::Settings;
use infer_code_cad_retrieval::{Embedder, TextRole};

use crate::{SelectError, Similarity};

/// The cosine of embeddings: self-consistency as the paper has it (appendix A.2), with the model
/// all-mpnet-base-v2.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad::retrieval::Embedder;
/// use infer_code_cad::{EmbeddingSimilarity, MostConsistent};
///
/// fn by_meaning(embedder: Arc<dyn Embedder>) -> MostConsistent {
///     let similarity = Arc::new(EmbeddingSimilarity(embedder));
///     MostConsistent { similarity, ..MostConsistent::default() }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct EmbeddingSimilarity(pub Arc<dyn Embedder>);

impl Similarity for EmbeddingSimilarity {
    fn matrix(&self, texts: &[&str]) -> Result<Vec<f32>, SelectError> {
        let embedded = self.0.embed(texts, TextRole::Passage);
        let embedded = embedded.map_err(|error| SelectError::Other(error.into()))?;
        let vectors = embedded.vectors; // (texts, dimension)
        Ok(vectors.dot(&vectors.t()).iter().copied().collect())
    }

    fn settings(&self) -> Settings {
        Settings::new("cosine").with("embedder", self.0.settings())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_retrieval::ndarray::Array2;
    use infer_code_cad_retrieval::{EmbedError, Embeddings};

    use super::*;

    /// A text is two numbers, written as such.
    #[derive(Debug)]
    struct Numbers;

    impl Embedder for Numbers {
        fn dimension(&self) -> usize {
            2
        }

        fn embed(&self, texts: &[&str], _: TextRole) -> Result<Embeddings, EmbedError> {
            let values = texts.iter().flat_map(|text| text.split(' '));
            let values: Result<Vec<f32>, _> = values.map(str::parse).collect();
            let values = values.map_err(EmbedError::other)?;
            let vectors = Array2::from_shape_vec((texts.len(), 2), values);
            let vectors = vectors.map_err(EmbedError::other)?;
            Ok(Embeddings { vectors, cut_tokens: vec![0; texts.len()] })
        }

        fn token_count(&self, _: &str) -> usize {
            2
        }

        fn settings(&self) -> Settings {
            Settings::new("numbers")
        }
    }

    #[test]
    fn the_cosines_of_all_pairs() {
        let similarity = EmbeddingSimilarity(Arc::new(Numbers));
        let matrix = similarity.matrix(&["1 0", "0.6 0.8", "0 1"]).unwrap();
        assert_eq!(matrix, [1.0, 0.6, 0.0, 0.6, 1.0, 0.8, 0.0, 0.8, 1.0]);
        assert_eq!(similarity.settings().to_string(), "cosine(embedder=numbers)");
        assert!(similarity.matrix(&["one two"]).is_err());
    }
}
