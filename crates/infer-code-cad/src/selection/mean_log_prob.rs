use infer_code_cad_decode::Settings;
use infer_code_cad_tasks::Problem;

use super::likelihood::{first_best, mean};
use crate::{Bench, Draft, SelectError, Selecting, Selection, Selector};

/// The draft that the model finds most probable per token, `(1 / T) sum over t of log p(y_t | y_<t, x)`. The earliest wins
/// a tie.
///
/// It runs no program. A draft without a finite log-probability, as of a file that stores none, comes behind all others;
/// where no draft has one the first is the answer, and says so.
/// Chen et al., [Evaluating Large Language Models Trained on Code](https://arxiv.org/abs/2107.03374), section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MeanLogProb {
    /// Drafts per sample.
    pub drafts: usize,
}

impl Default for MeanLogProb {
    /// Ten drafts.
    fn default() -> Self {
        Self { drafts: 10 }
    }
}

impl Selector for MeanLogProb {
    fn most_drafts(&self) -> usize {
        self.drafts
    }

    fn begin(&self, _: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(*self))
    }

    fn settings(&self) -> Settings {
        Settings::new("mean_log_prob").with("drafts", self.drafts)
    }
}

impl Selecting for MeanLogProb {
    fn next(&mut self, drafts: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
        if drafts.len() < self.drafts {
            return Ok(Selection::Wait);
        }
        let unknown = drafts.iter().filter(|draft| !mean(draft).is_finite()).count();
        let best = first_best(0..drafts.len(), |place| mean(&drafts[place])).unwrap_or(0);
        let value = drafts.get(best).map_or(f64::NEG_INFINITY, mean);
        let of = drafts.len();
        let why = match unknown {
            0 => format!("highest mean log-probability of {of}: {value:.4}"),
            unknown if unknown == of => {
                format!("no draft of {of} has a log-probability: the first")
            }
            unknown => format!(
                "highest mean log-probability of {of}: {value:.4}, {unknown} without one left out"
            ),
        };
        Ok(Selection::answer(best, why))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_sandbox::ScriptedJudge;

    use super::*;
    use crate::Draft;
    use crate::selection::{driven, trial};

    fn chosen(log_probs: &[(Option<f64>, usize)]) -> (usize, String) {
        let draft = |(index, &(log_prob, tokens)): (usize, &(Option<f64>, usize))| Draft {
            log_prob,
            tokens: vec![1; tokens],
            ..driven::draft(0, index, "x")
        };
        let drafts: Vec<Draft> = log_probs.iter().enumerate().map(draft).collect();
        let selector = MeanLogProb { drafts: drafts.len() };
        let mut selecting = selector.begin(&driven::problem(&[]), 0).unwrap();
        let judge = ScriptedJudge::new();
        let bench = Bench::new(&judge, &trial::Bytes);
        for shown in 1..drafts.len() {
            assert!(matches!(selecting.next(&drafts[..shown], &bench), Ok(Selection::Wait)));
        }
        driven::answer(selecting.next(&drafts, &bench).unwrap())
    }

    #[test]
    fn the_most_probable_per_token_is_taken() {
        let (draft, why) = chosen(&[(Some(-4.0), 2), (Some(-5.0), 10), (Some(-0.5), 1)]);
        assert_eq!((draft, why.as_str()), (1, "highest mean log-probability of 3: -0.5000"));
    }

    #[test]
    fn what_has_no_number_comes_last_and_is_told() {
        let (draft, why) =
            chosen(&[(None, 1), (Some(f64::NAN), 1), (Some(-0.0), 0), (Some(-9.0), 1)]);
        assert_eq!(draft, 3);
        assert!(why.ends_with("-9.0000, 3 without one left out"), "{why}");
        let (draft, why) = chosen(&[(None, 1), (Some(f64::NEG_INFINITY), 1)]);
        assert_eq!((draft, why.as_str()), (0, "no draft of 2 has a log-probability: the first"));
        assert_eq!(MeanLogProb::default().settings().to_string(), "mean_log_prob(drafts=10)");
    }
}
