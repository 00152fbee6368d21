//! What a gate could go by, and how well each signal tells the queries that an answer serves from the others.

use infer_code_cad_retrieval::{
    Calibration, GateConfig, Hit, Hybrid, Query, Settings, area_under_curve,
};

use crate::Outcome;
use crate::collection::{Labels, library};
use crate::figures::{documents, mean};

/// What an answer says of itself, in the order of [`SIGNALS`].
type Signals = [f32; SIGNALS.len()];
const SIGNALS: [&str; 4] = [
    "cosine of the first",
    "its margin to the second",
    "its margin to the fifth",
    "shared among the first ten",
];
const COSINE: usize = 0;
const SHARED: usize = 3;

/// The signals of each query, and whether its answer deserves to be shown.
pub(crate) type Answers = Vec<(Signals, bool)>;

/// Deserving is what has a right document among its first five.
pub(crate) fn found(name: &str, hybrid: &Hybrid, labels: &Labels) -> Outcome<()> {
    let answers = answers(hybrid, labels, |query, hits| {
        documents(hits).iter().take(5).any(|title| labels.relevant[query].contains(*title))
    })?;
    print(&format!("{name}, right document in the first five"), &answers)
}

/// Deserving is a query of the one library that is searched.
pub(crate) fn covered(
    name: &str,
    hybrid: &Hybrid,
    searched: &str,
    labels: &Labels,
) -> Outcome<Answers> {
    let answers = answers(hybrid, labels, |query, _| {
        labels.relevant[query].iter().any(|title| library(title) == searched)
    })?;
    print(&format!("{name}, {searched} alone, its queries among others"), &answers)?;
    Ok(answers)
}

/// What the least cosine that half of the queries give does to the other half, and that of all; over all libraries,
/// whose answers to the same queries these are.
pub(crate) fn threshold(name: &str, libraries: &[Answers], embedder: &Settings) -> Outcome<()> {
    let of = |keep: fn(usize) -> bool| -> Answers {
        let numbered = libraries.iter().flat_map(|answers| answers.iter().enumerate());
        numbered.filter(|(query, _)| keep(*query)).map(|(_, answer)| *answer).collect()
    };
    let (even, odd, all) = (of(|query| query % 2 == 0), of(|query| query % 2 == 1), of(|_| true));
    for (how, learned, tried) in [
        ("on half, tried on the other", &even, &odd),
        ("the reverse", &odd, &even),
        ("on all", &all, &all),
    ] {
        let (covered, others) = parted(learned, COSINE);
        let min_cosine = Calibration::new(embedder, &covered, &others)?.min_cosine;
        println!("{name}, learned {how}: {}", shown(tried, min_cosine));
    }
    Ok(())
}

fn answers(
    hybrid: &Hybrid,
    labels: &Labels,
    deserves: impl Fn(usize, &[Hit]) -> bool,
) -> Outcome<Answers> {
    let config = GateConfig::new(0.0);
    let answer = |(number, query): (usize, &String)| {
        let hits = hybrid.fused(&[Query::new(query)], hybrid.depth()).remove(0)?;
        let cosine = |rank| {
            let mut parts = hits.iter().flat_map(|hit| &hit.parts);
            let part = parts.find(|part| part.rank == rank && part.retriever == config.dense);
            part.map_or(0.0, |part| part.score)
        };
        let [first, second, fifth] = [1, 2, 5].map(cosine);
        let signals = [first, first - second, first - fifth, config.shared(&hits) as f32];
        Ok((signals, deserves(number, &hits)))
    };
    labels.queries.iter().enumerate().map(answer).collect()
}

/// The values of one signal: where the answer deserves to be shown, and elsewhere.
fn parted(answers: &Answers, signal: usize) -> (Vec<f32>, Vec<f32>) {
    let values = |is: bool| {
        let of = answers.iter().filter(move |(_, deserves)| *deserves == is);
        of.map(|(signals, _)| signals[signal]).collect()
    };
    (values(true), values(false))
}

fn print(title: &str, answers: &Answers) -> Outcome<()> {
    let deserving = answers.iter().filter(|(_, deserves)| *deserves).count();
    println!("{title}: {deserving} of {}", answers.len());
    for (signal, name) in SIGNALS.iter().enumerate() {
        let (positives, negatives) = parted(answers, signal);
        let area = area_under_curve(&positives, &negatives)?;
        let margin = 1.96 * standard_error(&positives, &negatives)?;
        println!("    {name}: AUC {area:.2} [{:.2}, {:.2}]", area - margin, area + margin);
    }
    Ok(())
}

/// DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated ROC curves, equation 5 for one.
fn standard_error(positives: &[f32], negatives: &[f32]) -> Outcome<f64> {
    let variance = |shares: Vec<f64>| {
        let (mean, count) = (mean(&shares), shares.len() as f64);
        shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
    };
    let won = positives.iter().map(|value| area_under_curve(&[*value], negatives));
    let lost = negatives.iter().map(|value| area_under_curve(positives, &[*value]));
    let (won, lost) = (won.collect::<Result<_, _>>()?, lost.collect::<Result<_, _>>()?);
    Ok((variance(won) + variance(lost)).sqrt())
}

/// What a gate shows of those that deserve it, and of the others.
fn shown(answers: &Answers, min_cosine: f32) -> String {
    let config = GateConfig::new(min_cosine);
    let share = |is: bool, asks: &dyn Fn(&Signals) -> bool| {
        let of: Vec<f64> = (answers.iter().filter(|(_, deserves)| *deserves == is))
            .map(|(signals, _)| if asks(signals) { 100.0 } else { 0.0 })
            .collect();
        mean(&of)
    };
    let near = |signals: &Signals| signals[COSINE] >= min_cosine;
    let both = |signals: &Signals| near(signals) && signals[SHARED] >= config.min_shared as f32;
    format!(
        "cosine {min_cosine:.3} shows {:.0} % and {:.0} % of others; with {} shared {:.0} % and {:.0} %",
        share(true, &near),
        share(false, &near),
        config.min_shared,
        share(true, &both),
        share(false, &both)
    )
}
