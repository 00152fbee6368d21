//! How much the ranks of an embedder should count beside those of words.

use std::sync::Arc;

use infer_code_cad_retrieval::{Bm25Index, Dense, Hybrid, HybridConfig, Retriever};

use crate::figures::Arm;
use crate::{DEPTH, Labels, Outcome};

/// Powers of two: between neighbours nothing can be told apart.
const WEIGHTS: [f32; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// Fuses by each weight, and tries the weight that is best on half of the queries on the other half, against the
/// embedder alone.
pub(crate) fn weigh(
    name: &str,
    dense: &Arc<Dense>,
    words: &Arc<Bm25Index>,
    alone: &Arm,
    labels: &Labels,
) -> Outcome<()> {
    let ask = |first_weight| {
        let both: Vec<Arc<dyn Retriever>> = vec![Arc::clone(dense) as _, Arc::clone(words) as _];
        let config = HybridConfig { first_weight, ..HybridConfig::default() };
        let arm = Arm::ask(
            format!("{name} x {first_weight} + bm25"),
            &Hybrid::new(both, config)?,
            labels,
            DEPTH,
        )?;
        arm.against(alone)?;
        Ok((first_weight, arm))
    };
    let arms = WEIGHTS.into_iter().map(ask).collect::<Outcome<Vec<_>>>()?;
    for (learned, tried) in [(0, 1), (1, 0)] {
        let best = arms.iter().max_by(|(_, a), (_, b)| a.half(learned).total_cmp(&b.half(learned)));
        let (weight, arm) = best.ok_or("no weights")?;
        println!(
            "{name}: weight {weight} is best on one half, and gives nDCG@10 {:.1} on the other, where {name} alone has {:.1}",
            arm.half(tried),
            alone.half(tried)
        );
    }
    Ok(())
}
