//! Comma-separated values as RFC 4180 has them; what is not known is an empty field.

use crate::analysis::task_order;
use crate::{StudyProblem, StudyReport};

const ARMS: &str = "arm,model,benchmark,role,control,problems,samples,k,pass_at_k,low,high,difference,difference_low,\
                    difference_high,p,p_holm,tokens_per_second,peak_bytes,paper_pass_at_k\n";

pub(crate) fn arms(report: &StudyReport<'_>) -> String {
    let mut text = ARMS.to_owned();
    for (index, arm) in report.study.arms.iter().enumerate() {
        let result = &report.results.arms[index];
        let compared = report.results.comparisons.iter().find(|compared| compared.arm == index);
        for &k in &report.study.ks {
            let at = result.pass_at(k);
            let gain = compared.and_then(|compared| compared.at.iter().find(|at| at.k == k));
            let test =
                compared.map(|compared| compared.test).filter(|_| k == report.study.tested_k);
            let numbers = [
                at.map(|at| at.value),
                at.map(|at| at.low),
                at.map(|at| at.high),
                gain.map(|gain| gain.value),
                gain.map(|gain| gain.low),
                gain.map(|gain| gain.high),
                test.map(|test| test.p),
                test.and_then(|test| test.adjusted_p),
                arm.speed.tokens_per_second,
            ];
            let mut fields = vec![
                arm.name.clone(),
                arm.model.clone(),
                arm.benchmark.clone(),
                arm.role.to_string(),
                arm.role.control().unwrap_or_default().to_owned(),
                result.problems.to_string(),
                result.fewest_samples.to_string(),
                k.to_string(),
            ];
            fields.extend(numbers.map(field));
            fields.push(field(arm.memory.peak_bytes));
            fields.push(field(arm.paper.as_ref().and_then(|paper| paper.pass_at(k))));
            put(&mut text, &fields);
        }
    }
    text
}

pub(crate) fn problems(report: &StudyReport<'_>) -> String {
    let mut text = "arm,model,benchmark,task_id,samples,passed,tokens,verdicts\n".to_owned();
    for (index, arm) in report.study.arms.iter().enumerate() {
        let find = |id: &&str| arm.problems.iter().find(|problem| problem.task_id == *id);
        for problem in task_order(report.study, index).iter().filter_map(find) {
            let tally = problem.tally();
            put(
                &mut text,
                &[
                    arm.name.clone(),
                    arm.model.clone(),
                    arm.benchmark.clone(),
                    problem.task_id.clone(),
                    tally.n.to_string(),
                    tally.c.to_string(),
                    field(tokens(problem)),
                    verdicts(problem),
                ],
            );
        }
    }
    text
}

/// Tokens of all samples, where each was counted.
fn tokens(problem: &StudyProblem) -> Option<u64> {
    problem.samples.iter().map(|sample| sample.tokens).sum()
}

/// `failed 3; passed 7`.
pub(crate) fn verdicts(problem: &StudyProblem) -> String {
    let counts = problem.verdicts();
    let texts = counts.iter().map(|(verdict, count)| format!("{verdict} {count}"));
    texts.collect::<Vec<_>>().join("; ")
}

fn field(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn put(text: &mut String, fields: &[String]) {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    text.push_str(&fields.join(","));
    text.push('\n');
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
