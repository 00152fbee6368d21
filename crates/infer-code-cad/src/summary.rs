use std::fmt::Write as _;

use infer_code_cad_metrics::{
    Bootstrap, Interval, MetricError, Tally, Throughput, mean_pass_at_k, pass_at_k,
};
use serde::Serialize;

use crate::{Error, Judging, Record};

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
    /// Tokens of the solutions, first ones included, per second of generation, prefill included; drafts that
    /// were not chosen cost time and count nothing. It is the rate of all tokens
    /// ([`Throughput::total_tokens_per_second`]) times the share of the samples' drafts' tokens that are in
    /// solutions. Drafts given up when a session was broken off are in the rate and not in the share, so a
    /// run that is resumed has the figure of one that went through, but for the prompts it reads twice.
    pub useful_tokens_per_second: f64,
    /// Tokens after the first of each draft per second of decoding ([`Throughput::tokens_per_second`]).
    pub decode_tokens_per_second: f64,
    /// Prompt tokens per second of prefill.
    pub prefill_tokens_per_second: f64,
    /// Time to first token in seconds: prefill time per problem ([`Throughput::first_token_time`]). `None` where
    /// no prompt was read.
    pub first_token_seconds: Option<f64>,
    /// When programs ran while these times were taken; `None` where nobody said. With [`Judging::Beside`]
    /// the rates are too low and the time to first token too long.
    pub judging: Option<Judging>,
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
    /// `throughput` is the cost of these records, or of as many of them as were measured. When programs ran
    /// meanwhile it does not say: [`Evaluation::summary`](crate::Evaluation::summary) does.
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
            first_token_seconds: throughput.first_token_time().map(|time| time.as_secs_f64()),
            judging: None,
            peak_bytes,
            cost: DraftCost::of(records),
        })
    }
}

/// The share of the samples' drafts' tokens that are in solutions. A share times a rate, since what a session
/// cost that was killed is not known, and what one gave up that was broken off is in its tokens and its time.
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
/// `tokens/s` is [`Summary::useful_tokens_per_second`], `decode/s` [`Summary::decode_tokens_per_second`],
/// `first ms` [`Summary::first_token_seconds`], and `judge` says when programs ran meanwhile. What disturbed
/// these figures, and what has no verdict, is told below.
pub fn table(summaries: &[Summary]) -> String {
    let mut ks: Vec<u64> = summaries.iter().flat_map(|s| s.pass_at.iter().map(|p| p.k)).collect();
    ks.sort_unstable();
    ks.dedup();
    let wide = summaries.iter().map(|s| s.technique.chars().count() + 1).max().unwrap_or(0).max(10);
    let mut text = format!("{:<wide$}", "technique");
    for k in &ks {
        let _ = write!(text, "{:>20}", format!("pass@{k} [95 %]"));
    }
    let _ = writeln!(text, "{}", COSTS.concat());
    for summary in summaries {
        let _ = write!(text, "{:<wide$}", summary.technique);
        for k in &ks {
            let cell = summary.pass_at.iter().find(|p| p.k == *k);
            let cell = cell.map_or("-".to_owned(), |p| {
                format!("{:.2} [{:.2}, {:.2}]", p.value, p.low, p.high)
            });
            let _ = write!(text, "{cell:>20}");
        }
        let _ = writeln!(text, "{}", costs(summary));
    }
    text + &notes(summaries)
}

/// The heads of the columns of [`costs`].
const COSTS: [&str; 5] = ["  tokens/s", "  decode/s", "  first ms", "   judge", "  peak MB"];

fn costs(summary: &Summary) -> String {
    let rate = |rate: f64| if rate > 0.0 { format!("{rate:.0}") } else { "-".to_owned() };
    let first = summary.first_token_seconds.map(|seconds| format!("{:.1}", seconds * 1e3));
    let cells = [
        rate(summary.useful_tokens_per_second),
        rate(summary.decode_tokens_per_second),
        first.unwrap_or("-".to_owned()),
        summary.judging.map_or("-".to_owned(), |judging| judging.to_string()),
        summary.peak_bytes.map_or("-".to_owned(), |bytes| (bytes / 1_000_000).to_string()),
    ];
    let cell = |(cell, head): (&String, &str)| format!("{cell:>wide$}", wide = head.len());
    cells.iter().zip(COSTS).map(cell).collect()
}

/// What disturbed the times, and what has no verdict.
fn notes(summaries: &[Summary]) -> String {
    let mut text = String::new();
    if summaries.iter().any(|summary| summary.judging == Some(Judging::Beside)) {
        text.push_str("judge beside: programs ran on the same processors while that was timed\n");
    }
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
    use std::time::Duration;

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
            answer_seconds: None,
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
    fn a_table_tells_what_disturbed_its_times() {
        let records = [record(&[Verdict::Passed], &[])];
        let throughput = Throughput {
            decode_tokens: 40,
            decode_time: Duration::from_secs(2),
            prefill_time: Duration::from_secs(1),
            prompts: 4,
            prompts_time: Duration::from_secs(1),
            first_tokens: 10,
            ..Throughput::default()
        };
        let plain = Summary::new("t", &records, &throughput, None, &[1]).unwrap();
        let untold = table(std::slice::from_ref(&plain));
        assert!(untold.contains("10        15     250.0       -        -\n"), "{untold}");
        let [beside, after] = [Judging::Beside, Judging::After]
            .map(|judging| table(&[Summary { judging: Some(judging), ..plain.clone() }]));
        assert!(
            beside.contains("  beside") && beside.contains("judge beside: programs ran"),
            "{beside}"
        );
        assert!(after.contains("   after") && !after.contains("beside"), "{after}");
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
