//! The tables of a report, whatever they are written as.

use std::collections::BTreeMap;

use crate::study::PASSED;
use crate::table::{Cell, Table, columns, numbered};
use crate::text::{UNKNOWN, difference, interval, known, megabytes, p_value, share, significant};
use crate::{Comparison, DifferenceAt, Finding, PairedTest, Percentiles, StudyArm, StudyReport};

/// The benchmarks, in the order of their first arm.
pub(crate) fn benchmarks<'a>(report: &StudyReport<'a>) -> Vec<&'a str> {
    let mut known: Vec<&str> = vec![];
    for arm in &report.study.arms {
        if !known.contains(&arm.benchmark.as_str()) {
            known.push(&arm.benchmark);
        }
    }
    known
}

/// The arms of a benchmark, by index.
pub(crate) fn arms_on<'a>(report: &StudyReport<'a>, benchmark: &str) -> Vec<(usize, &'a StudyArm)> {
    let arms = report.study.arms.iter().enumerate();
    arms.filter(|(_, arm)| arm.benchmark == benchmark).collect()
}

/// The number that an arm has all over the report.
pub(crate) fn number(arm: usize) -> String {
    (arm + 1).to_string()
}

/// The arm by name and model.
fn names(arm: usize, of: &StudyArm) -> [Cell; 2] {
    [number(arm).into(), Cell::detailed(of.name.clone(), of.model.clone())]
}

pub(crate) fn contrasts(report: &StudyReport<'_>) -> Option<Table> {
    let compared = comparisons(report, true);
    let alpha = report.statistics.alpha;
    let notes = vec![
        format!(
            "Δ: pass@k of the arm less that of its control, with the paired interval of {} over problems. p is that of \
             the sign-flip test at pass@{}, corrected by Holm over {}; at {alpha} and below a difference counts as found.",
            level(report),
            report.study.tested_k,
            counted(compared.len(), "contrast"),
        ),
        format!(
            "No difference found is not none: a true difference above the stated bound, either way, is excluded at \
             {alpha}. Detectable is the true difference that would be found with probability {}.",
            report.statistics.power
        ),
    ];
    comparison_table(report, &compared, "contrasts", "Confirmatory contrasts", notes)
}

pub(crate) fn exploratory(report: &StudyReport<'_>) -> Option<Table> {
    let notes = vec![
        "Exploratory: nobody named these before the run, and p is not corrected. A small p here is a question for \
         another run."
            .to_owned(),
    ];
    let compared = comparisons(report, false);
    comparison_table(report, &compared, "exploratory", "Exploratory comparisons", notes)
}

fn comparisons<'r>(report: &'r StudyReport<'_>, confirmatory: bool) -> Vec<&'r Comparison> {
    let all = report.results.comparisons.iter();
    all.filter(|compared| compared.test.finding.is_some() == confirmatory).collect()
}

fn comparison_table(
    report: &StudyReport<'_>,
    compared: &[&Comparison],
    id: &'static str,
    title: &str,
    notes: Vec<String>,
) -> Option<Table> {
    let confirmatory = compared.first()?.test.finding.is_some();
    let others = other_ks(report, compared);
    // The answer first: a narrow screen shows no more.
    let words = ["arm"].into_iter().chain(confirmatory.then_some("found"));
    let tested = format!("Δ pass@{}", report.study.tested_k);
    let others_heads: Vec<String> = others.iter().map(|k| format!("Δ pass@{k}")).collect();
    let numbers = [tested.as_str(), if confirmatory { "p (Holm)" } else { "p" }]
        .into_iter()
        .chain(others_heads.iter().map(String::as_str))
        .chain((!confirmatory).then_some("excluded above"))
        .chain(["detectable", "ahead / behind"]);
    let rows = compared.iter().map(|compared| comparison_row(report, compared, &others)).collect();
    Some(Table { id, title: title.to_owned(), notes, columns: columns(words, numbers), rows })
}

/// The k beside the tested one for which any of them has a difference.
fn other_ks(report: &StudyReport<'_>, compared: &[&Comparison]) -> Vec<u64> {
    let has = |k: &u64| compared.iter().any(|compared| compared.at.iter().any(|at| at.k == *k));
    report.study.ks.iter().copied().filter(|k| *k != report.study.tested_k && has(k)).collect()
}

fn comparison_row(report: &StudyReport<'_>, compared: &Comparison, others: &[u64]) -> Vec<Cell> {
    let (arm, control) = (&report.study.arms[compared.arm], &report.study.arms[compared.control]);
    let test = &compared.test;
    let shown = |at: &DifferenceAt| Cell::detailed(difference(at.value), interval(at.low, at.high));
    let against = format!(
        "against {} {}\n{}\n{}",
        number(compared.control),
        control.name,
        arm.model,
        arm.benchmark
    );
    let mut row = vec![Cell::detailed(format!("{} {}", number(compared.arm), arm.name), against)];
    row.extend(test.finding.map(|finding| found(finding, test)));
    row.push(shown(&test.difference));
    row.push(match test.adjusted_p {
        Some(adjusted) => Cell::detailed(p_value(adjusted), format!("alone {}", p_value(test.p))),
        None => p_value(test.p).into(),
    });
    row.extend(
        others
            .iter()
            .map(|k| compared.at.iter().find(|at| at.k == *k).map_or(UNKNOWN.into(), shown)),
    );
    // A finding says it itself.
    if test.finding.is_none() {
        row.push(known(test.excluded_above, share).into());
    }
    row.push(known(test.smallest_detectable, share).into());
    let ahead = format!("{} / {}", compared.better_on, compared.worse_on);
    row.push(Cell::detailed(ahead, format!("of {}", counted(compared.problems, "problem"))));
    row
}

/// What was found; of no difference the size that it can still have.
fn found(finding: Finding, test: &PairedTest) -> Cell {
    let bound = test.excluded_above.map(|bound| format!("above {} excluded", share(bound)));
    match finding {
        Finding::Better => "better".into(),
        Finding::Worse => "worse".into(),
        Finding::NoneFound => Cell::detailed("no difference", bound.unwrap_or_default()),
    }
}

pub(crate) fn accuracy(report: &StudyReport<'_>, benchmark: &str) -> Table {
    let arms = arms_on(report, benchmark);
    let ks = &report.study.ks;
    let passes: Vec<String> = ks.iter().map(|k| format!("pass@{k}")).collect();
    let has_paper = arms.iter().any(|(_, arm)| arm.paper.is_some());
    let costs = ["tokens/s", "peak MB", "problems", "samples"];
    let heads = passes.iter().map(String::as_str).chain(costs);
    let mut notes = vec![format!(
        "pass@k without bias (Chen et al. 2021), with the BCa interval of {} over problems.",
        level(report)
    )];
    if has_paper {
        notes.push("Paper: what the paper has, on its machine and with its checkpoint.".to_owned());
    }
    notes.extend(arms.iter().filter(|(_, arm)| arm.unjudged_samples > 0).map(|(_, arm)| {
        let samples = counted(arm.unjudged_samples as usize, "sample");
        format!("{}: {samples} without a verdict, in no figure.", arm.name)
    }));
    Table {
        id: "accuracy",
        title: benchmark.to_owned(),
        notes,
        columns: numbered(["arm"], heads),
        rows: arms.iter().map(|(index, arm)| accuracy_row(report, *index, arm)).collect(),
    }
}

fn accuracy_row(report: &StudyReport<'_>, index: usize, arm: &StudyArm) -> Vec<Cell> {
    let result = &report.results.arms[index];
    let paper = arm.paper.as_ref();
    let samples = match (result.fewest_samples, result.most_samples) {
        (fewest, most) if fewest == most => most.to_string(),
        (fewest, most) => format!("{fewest} to {most}"),
    };
    let mut row: Vec<Cell> = vec![
        number(index).into(),
        Cell::detailed(arm.name.clone(), format!("{}\n{}", arm.model, arm.role)),
    ];
    row.extend(report.study.ks.iter().map(|&k| {
        let at = result.pass_at(k);
        let bounds = at.map(|at| interval(at.low, at.high)).unwrap_or_default();
        let detail = beside(bounds, paper.and_then(|paper| paper.pass_at(k)).map(share));
        Cell::detailed(known(at, |at| share(at.value)), detail)
    }));
    let rate = known(arm.speed.tokens_per_second, significant);
    let paper_rate = paper.and_then(|paper| paper.tokens_per_second).map(|rate| rate.to_string());
    row.push(Cell::detailed(rate, beside(String::new(), paper_rate)));
    row.push(known(arm.memory.peak_bytes, megabytes).into());
    row.extend([result.problems.to_string(), samples].map(Cell::from));
    row
}

fn beside(detail: String, paper: Option<String>) -> String {
    let paper = paper.map(|value| format!("paper {value}"));
    [Some(detail).filter(|detail| !detail.is_empty()), paper]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}

pub(crate) fn efficiency(report: &StudyReport<'_>) -> Option<Table> {
    let arms = || report.study.arms.iter().enumerate();
    let measured =
        |arm: &StudyArm| arm.speed != Default::default() || arm.memory != Default::default();
    if !arms().any(|(_, arm)| measured(arm)) {
        return None;
    }
    let numbers = [
        "tokens/s",
        "mean of rates",
        "prefill/s",
        "decode/s",
        "first token ms",
        "answer s p50 / p95 / p99",
        "tokens",
        "peak MB",
        "weights MB",
        "KV cache MB",
        "left over MB",
    ];
    let notes = vec![
        "tokens/s: tokens of the answers, all over all time; mean of rates: the mean over samples, as the paper has \
         it. tokens: the mean of an answer."
            .to_owned(),
        "left over MB is what was held after a generation and not before, the paper's memory overhead; peak is what \
         has to be there."
            .to_owned(),
    ];
    let rows = arms().map(|(index, arm)| efficiency_row(report, index, arm)).collect();
    let columns = numbered(["arm", "benchmark"], numbers);
    Some(Table { id: "efficiency", title: "Speed and memory".to_owned(), notes, columns, rows })
}

fn efficiency_row(report: &StudyReport<'_>, index: usize, arm: &StudyArm) -> Vec<Cell> {
    let (speed, memory) = (&arm.speed, &arm.memory);
    let overhead = arm.paper.as_ref().and_then(|paper| paper.memory_overhead_mb);
    let percentiles =
        |Percentiles { p50, p95, p99 }: Percentiles| [p50, p95, p99].map(significant).join(" / ");
    let mut row: Vec<Cell> = names(index, arm).into();
    row.push(arm.benchmark.clone().into());
    let rates = [
        speed.tokens_per_second,
        speed.mean_of_rates,
        speed.prefill_tokens_per_second,
        speed.decode_tokens_per_second,
        speed.first_token_seconds.map(|seconds| seconds * 1e3),
    ];
    row.extend(rates.map(|rate| known(rate, significant).into()));
    row.push(known(speed.answer_seconds, percentiles).into());
    row.push(known(report.results.arms[index].mean_tokens, significant).into());
    let bytes = [memory.peak_bytes, memory.weight_bytes, memory.kv_cache_bytes];
    row.extend(bytes.map(|bytes| known(bytes, megabytes).into()));
    let detail = beside(String::new(), overhead.map(|mb| format!("{mb}")));
    row.push(Cell::detailed(known(memory.left_over_bytes, megabytes), detail));
    row
}

/// All verdicts, the pass first.
pub(crate) fn verdict_names(report: &StudyReport<'_>) -> Vec<String> {
    let mut names: Vec<String> =
        report.results.arms.iter().flat_map(|arm| arm.verdicts.keys().cloned()).collect();
    names.sort_by(|a, b| (a != PASSED, a).cmp(&(b != PASSED, b)));
    names.dedup();
    names
}

pub(crate) fn verdicts(report: &StudyReport<'_>) -> Option<Table> {
    let verdicts = verdict_names(report);
    if verdicts.is_empty() {
        return None;
    }
    let rows = report.study.arms.iter().enumerate().map(|(index, arm)| {
        let counts = &report.results.arms[index].verdicts;
        let all: u64 = counts.values().sum();
        let mut row: Vec<Cell> = names(index, arm).into();
        row.extend([arm.benchmark.clone(), all.to_string()].map(Cell::from));
        row.extend(verdicts.iter().map(|verdict| {
            let count = counts.get(verdict).copied().unwrap_or(0);
            let percent = if all == 0 { 0.0 } else { 100.0 * count as f64 / all as f64 };
            let detail = if count == 0 { String::new() } else { format!("{percent:.1} %") };
            Cell::detailed(count.to_string(), detail)
        }));
        row
    });
    Some(Table {
        id: "verdicts",
        title: "Verdicts".to_owned(),
        notes: vec![],
        rows: rows.collect(),
        columns: numbered(
            ["arm", "benchmark"],
            ["samples"].into_iter().chain(verdicts.iter().map(String::as_str)),
        ),
    })
}

pub(crate) fn settings(report: &StudyReport<'_>) -> Table {
    let mut rows = map_rows("all arms", &report.study.settings);
    for (index, arm) in report.study.arms.iter().enumerate() {
        rows.extend(map_rows(&format!("{} {}", number(index), arm.name), &arm.settings));
    }
    Table {
        id: "settings",
        title: "Settings".to_owned(),
        notes: vec![],
        columns: columns(["of", "setting", "value"], []),
        rows,
    }
}

pub(crate) fn environment(report: &StudyReport<'_>) -> Table {
    Table {
        id: "environment",
        title: "Environment".to_owned(),
        notes: vec!["Not in the hash: it says where it ran, not what.".to_owned()],
        columns: columns(["of", "setting", "value"], []),
        rows: map_rows("the machine", &report.study.environment),
    }
}

fn map_rows(of: &str, map: &BTreeMap<String, String>) -> Vec<Vec<Cell>> {
    map.iter().map(|(name, value)| vec![of.into(), name.into(), value.into()]).collect()
}

/// What the hash is for.
pub(crate) const HASH_NOTE: &str = "SHA-256 over the settings and the tallies of every arm: two runs that have it did \
                                    the same and counted the same, wherever they ran.";

/// The coverage that intervals aim at.
fn level(report: &StudyReport<'_>) -> String {
    format!("{} %", significant(100.0 * report.statistics.bootstrap.level).trim_end_matches(".0"))
}

/// One thing, or several.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// The study in a line.
pub(crate) fn summary(report: &StudyReport<'_>) -> String {
    let results = &report.results.arms;
    let samples: u64 = results.iter().flat_map(|arm| arm.verdicts.values()).sum();
    let models: std::collections::BTreeSet<&str> =
        results.iter().map(|arm| arm.model.as_str()).collect();
    [
        counted(results.len(), "arm"),
        counted(models.len(), "model"),
        counted(benchmarks(report).len(), "benchmark"),
        counted(samples as usize, "judged sample"),
    ]
    .join(", ")
}
