use std::fmt::Write as _;

use infer_code_cad_metrics::{
    Bootstrap, Interval, MetricError, Tally, Throughput, mean_pass_at_k, pass_at_k,
};
use serde::Serialize;

use crate::{Error, Record};

/// The figures of one technique on one benchmark: a row of the paper's tables.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The technique's name.
    pub technique: String,
    /// Problems measured: those with a verdict.
    pub problems: usize,
    /// Problems without any verdict; they are in no figure, and in none as failed.
    pub failed_problems: usize,
    /// Samples without a verdict, of the problems measured. A problem with fewer verdicts than `k` has no
    /// pass@k, and then there is none.
    pub failed_samples: usize,
    /// Unbiased pass@k for each `k` that every problem measured has samples for.
    pub pass_at: Vec<PassAt>,
    /// Tokens of the solutions per second of generation, prefill included; drafts that were not
    /// chosen cost time and count nothing.
    pub useful_tokens_per_second: f64,
    /// Generated tokens per second of decoding, drafts included.
    pub decode_tokens_per_second: f64,
    /// Prompt tokens per second of prefill.
    pub prefill_tokens_per_second: f64,
    /// Peak resident memory in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// What all drafts cost, whichever run drew them.
    pub cost: DraftCost,
}

/// What drafts cost in tokens, which unlike time does not depend on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DraftCost {
    /// Drafts.
    pub drafts: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Tokens that were generated or guessed for them and given up.
    pub thrown_away: usize,
    /// Rows (one token of one stream) that forward passes computed for them, prompts left out.
    pub row_passes: usize,
}

/// One column: the estimate and its bootstrap interval over problems, Wilson's where they all
/// have one value.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PassAt {
    /// Samples that may be tried.
    pub k: u64,
    /// Mean over problems.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

impl Summary {
    /// Sums up `records` for the given `ks`.
    ///
    /// `throughput` is the cost of these records, or of as many of them as were measured.
    ///
    /// # Errors
    /// [`Error::Metric`] when no record has a verdict.
    pub fn new(
        technique: &str,
        records: &[Record],
        throughput: &Throughput,
        peak_bytes: Option<u64>,
        ks: &[u64],
    ) -> Result<Self, Error> {
        let measured: Vec<&Record> = records.iter().filter(|r| !r.samples.is_empty()).collect();
        let tally = |r: &&Record| Tally { n: r.samples.len() as u64, c: r.passes() as u64 };
        let tallies: Vec<Tally> = measured.iter().map(tally).collect();
        let fewest = tallies.iter().map(|t| t.n).min().ok_or(MetricError::Empty)?;
        let possible = ks.iter().filter(|&&k| k <= fewest);
        Ok(Self {
            technique: technique.to_owned(),
            problems: measured.len(),
            failed_problems: records.len() - measured.len(),
            failed_samples: measured.iter().map(|r| r.failures.len()).sum(),
            pass_at: possible.map(|&k| pass_at(&tallies, k)).collect::<Result<_, _>>()?,
            useful_tokens_per_second: useful(records) * throughput.total_tokens_per_second(),
            decode_tokens_per_second: throughput.tokens_per_second(),
            prefill_tokens_per_second: throughput.prefill_tokens_per_second(),
            peak_bytes,
            cost: DraftCost::of(records),
        })
    }
}

/// The share of generated tokens that are in solutions. A share times a rate, since what a session cost that
/// was killed is not known.
fn useful(records: &[Record]) -> f64 {
    let samples = || records.iter().flat_map(|r| &r.samples);
    let chosen: usize = samples().map(|s| s.tokens).sum();
    let drafted: usize = samples().map(|s| s.draft_tokens).sum();
    if drafted == 0 { 0.0 } else { chosen as f64 / drafted as f64 }
}

impl DraftCost {
    fn of(records: &[Record]) -> Self {
        let mut cost = Self::default();
        for draft in records.iter().flat_map(|r| &r.drafts) {
            cost.drafts += 1;
            cost.tokens += draft.cost.kept;
            cost.thrown_away += draft.cost.thrown_away;
            cost.row_passes += draft.cost.row_passes;
        }
        cost
    }
}

fn pass_at(tallies: &[Tally], k: u64) -> Result<PassAt, Error> {
    let values: Vec<f64> =
        tallies.iter().map(|t| pass_at_k(t.n, t.c, k)).collect::<Result<_, _>>()?;
    let value = mean_pass_at_k(tallies, k)?;
    let Interval { low, high } = Bootstrap::default().percentile(&values)?;
    Ok(PassAt { k, value, low, high })
}

/// The summaries as a table, one row per technique, in fixed-width text.
///
/// `tokens/s` is [`Summary::useful_tokens_per_second`]. What has no verdict is told below.
pub fn table(summaries: &[Summary]) -> String {
    let mut ks: Vec<u64> = summaries.iter().flat_map(|s| s.pass_at.iter().map(|p| p.k)).collect();
    ks.sort_unstable();
    ks.dedup();
    let wide = summaries.iter().map(|s| s.technique.chars().count() + 1).max().unwrap_or(0).max(10);
    let mut text = format!("{:<wide$}", "technique");
    for k in &ks {
        let _ = write!(text, "{:>20}", format!("pass@{k} [95 %]"));
    }
    let _ = writeln!(text, "{:>12}{:>10}", "tokens/s", "peak MB");
    for summary in summaries {
        let _ = write!(text, "{:<wide$}", summary.technique);
        for k in &ks {
            let cell = summary.pass_at.iter().find(|p| p.k == *k);
            let cell = cell.map_or("-".to_owned(), |p| {
                format!("{:.2} [{:.2}, {:.2}]", p.value, p.low, p.high)
            });
            let _ = write!(text, "{cell:>20}");
        }
        let peak = summary.peak_bytes.map_or("-".to_owned(), |b| (b / 1_000_000).to_string());
        let rate = summary.useful_tokens_per_second;
        let rate = if rate > 0.0 { format!("{rate:.0}") } else { "-".to_owned() };
        let _ = writeln!(text, "{rate:>12}{peak:>10}");
    }
    text + &notes(summaries)
}

/// What has no verdict.
fn notes(summaries: &[Summary]) -> String {
    let mut text = String::new();
    for Summary { technique, failed_problems: problems, failed_samples: samples, .. } in summaries {
        if problems + samples > 0 {
            let _ = writeln!(
                text,
                "{technique}: no verdict on {problems} problems and {samples} samples of others"
            );
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use infer_code_cad_engine::FinishReason;
    use infer_code_cad_sandbox::Verdict;

    use super::*;
    use crate::{FailureRecord, SampleRecord, Stage};

    fn record(verdicts: &[Verdict], failures: &[Option<usize>]) -> Record {
        let mut record = Record::new("t");
        record.samples.extend(verdicts.iter().enumerate().map(|(sample, &verdict)| SampleRecord {
            sample,
            role: 0,
            draft: sample,
            drafts: sample..sample + 1,
            why: String::new(),
            completion: String::new(),
            program: String::new(),
            finish: FinishReason::Eos,
            tokens: 3,
            draft_tokens: 4,
            verdict,
            reason: String::new(),
            cpu_seconds: 0.0,
            wall_seconds: 0.0,
        }));
        let failure = |sample: &Option<usize>| FailureRecord::new("t", *sample, Stage::Judging, "");
        record.failures.extend(failures.iter().map(failure));
        record
    }

    #[test]
    fn what_failed_is_counted_and_in_no_figure() {
        let (passed, failed) = (Verdict::Passed, Verdict::Failed);
        let records =
            [record(&[passed, failed], &[]), record(&[passed], &[Some(1)]), record(&[], &[None])];
        let summary = Summary::new("t", &records, &Throughput::default(), None, &[1, 2]).unwrap();
        let counts = (summary.problems, summary.failed_problems, summary.failed_samples);
        assert_eq!(counts, (2, 1, 1));
        assert_eq!(summary.pass_at.len(), 1, "a problem with one verdict has no pass@2");
        assert_eq!(summary.pass_at[0].value, 0.75);
        assert!(table(&[summary]).contains("t: no verdict on 1 problems and 1 samples of others"));
    }

    #[test]
    fn equal_values_inside_the_bounds_have_a_width() {
        let records = vec![record(&[Verdict::Passed, Verdict::Failed], &[]); 20];
        let summary = Summary::new("t", &records, &Throughput::default(), None, &[1]).unwrap();
        let PassAt { value, low, high, .. } = summary.pass_at[0];
        assert_eq!(value, 0.5);
        assert!(low < 0.35 && high > 0.65, "{low} {high}");
    }
}
