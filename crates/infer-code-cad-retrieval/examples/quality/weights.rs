//! How much the ranks of an embedder should count beside those of words.

use std::sync::Arc;

use infer_code_cad_retrieval::{Bm25Index, Dense};

use crate::figures::Arm;
use crate::{DEPTH, Labels, Outcome, hybrid};

/// Powers of two: between neighbours nothing can be told apart. Search without a weight is an arm already.
const WEIGHTS: [f32; 4] = [2.0, 4.0, 8.0, 16.0];

/// Fuses by each weight, and tries the weight that is best on half of the queries on the other half, against the
/// embedder alone.
pub(crate) fn weigh(
    name: &str,
    dense: &Arc<Dense>,
    words: &Arc<Bm25Index>,
    [alone, both]: [&Arm; 2],
    labels: &Labels,
) -> Outcome<()> {
    let ask = |weight| {
        let arm = format!("{name} x {weight} + bm25");
        let arm = Arm::ask(arm, &hybrid(dense, words, weight)?, labels, DEPTH)?;
        arm.against(alone)?;
        Ok((weight, arm))
    };
    let weighted = WEIGHTS.into_iter().map(ask).collect::<Outcome<Vec<_>>>()?;
    let arms = weighted.iter().map(|(weight, arm)| (*weight, arm)).chain([(1.0, both)]);
    for (learned, tried) in [(0, 1), (1, 0)] {
        let of_half = |arm: &Arm| arm.half(learned);
        let best = arms.clone().max_by(|(_, a), (_, b)| of_half(a).total_cmp(&of_half(b)));
        let (weight, arm) = best.ok_or("no weights")?;
        println!(
            "{name}: weight {weight} is best on one half, and gives nDCG@10 {:.1} on the other, where {name} alone has {:.1}",
            arm.half(tried),
            alone.half(tried)
        );
    }
    Ok(())
}
