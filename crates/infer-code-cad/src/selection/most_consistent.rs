use std::sync::Arc;

use infer_code_cad_decode::Settings;
use infer_code_cad_tasks::Problem;

use crate::{Bench, Draft, Jaccard, SelectError, Selecting, Selection, Selector, Similarity};

/// The medoid of several drafts: the one most similar to the others, self-consistency for answers too
/// long to be counted as votes (paper, appendix A.2). The earliest wins a tie.
#[derive(Debug, Clone)]
pub struct MostConsistent {
    /// Drafts per sample; the paper takes 5.
    pub drafts: usize,
    /// Compares drafts.
    pub similarity: Arc<dyn Similarity>,
}

impl Default for MostConsistent {
    /// Five drafts, compared by their words.
    fn default() -> Self {
        Self { drafts: 5, similarity: Arc::new(Jaccard) }
    }
}

impl Selector for MostConsistent {
    fn most_drafts(&self) -> usize {
        self.drafts
    }

    fn begin(&self, _: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(self.clone()))
    }

    fn settings(&self) -> Settings {
        Settings::new("most_consistent")
            .with("drafts", self.drafts)
            .with("similarity", self.similarity.settings())
    }
}

impl Selecting for MostConsistent {
    fn next(&mut self, drafts: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
        if drafts.len() < self.drafts {
            return Ok(Selection::Wait);
        }
        let texts: Vec<&str> = drafts.iter().map(|draft| draft.text.as_str()).collect();
        let medoid = medoid(&self.similarity.matrix(&texts)?, texts.len())?;
        let name = self.similarity.settings().name;
        Ok(Selection::answer(medoid, format!("most like the others of {} by {name}", texts.len())))
    }
}

/// The row of largest sum, the diagonal left out.
fn medoid(matrix: &[f32], texts: usize) -> Result<usize, SelectError> {
    if matrix.len() != texts * texts {
        return Err(SelectError::MatrixShape { texts, values: matrix.len() });
    }
    if let Some(place) = matrix.iter().position(|value| !value.is_finite()) {
        let (first, second, value) = (place / texts, place % texts, matrix[place]);
        return Err(SelectError::NotFinite { first, second, value });
    }
    let total = |row: usize| -> f64 {
        let others = (0..texts).filter(|column| *column != row);
        others.map(|column| f64::from(matrix[row * texts + column])).sum()
    };
    let totals: Vec<f64> = (0..texts).map(total).collect();
    let better = |best: usize, row: usize| if totals[row] > totals[best] { row } else { best };
    Ok((0..texts).reduce(better).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_medoid_is_the_draft_nearest_to_the_others() {
        let drafts = ["return 7", "return sum(xs)", "return sum(x for x in xs)", "return sum(xs )"];
        assert_eq!(medoid(&Jaccard.matrix(&drafts).unwrap(), 4).unwrap(), 1);
        assert_eq!(medoid(&[1.0; 9], 3).unwrap(), 0, "the earliest wins a tie");
    }

    #[test]
    fn a_matrix_that_is_none_is_refused() {
        let short = medoid(&[1.0; 3], 2).unwrap_err();
        assert!(matches!(short, SelectError::MatrixShape { texts: 2, values: 3 }), "{short}");
        let nan = medoid(&[1.0, f32::NAN, 0.0, 1.0], 2).unwrap_err();
        assert!(matches!(nan, SelectError::NotFinite { first: 0, second: 1, .. }), "{nan}");
    }
}
