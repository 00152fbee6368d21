use std::collections::BTreeMap;
use std::fmt::Write as _;

use infer_code_cad_metrics::Tally;
use similar::{ChangeTag, TextDiff};

use super::escape::escaped;
use super::sections::legend;
use crate::analysis::task_order;
use crate::tables::{arms_on, number};
use crate::text::{one_line, shortened};
use crate::{Prompt, StudyArm, StudyProblem, StudyReport, csv};

/// Lines of a program and letters of a line that are shown; JSON has them all.
const MOST_LINES: usize = 300;
const MOST_LETTERS: usize = 400;
/// Letters of a prompt that are shown.
const MOST_PROMPT: usize = 20_000;

/// An arm with its problems by name.
struct Judged<'a> {
    index: usize,
    arm: &'a StudyArm,
    problems: BTreeMap<&'a str, &'a StudyProblem>,
}

/// A problem as one arm did it.
#[derive(Clone, Copy)]
struct Tried<'a> {
    index: usize,
    arm: &'a StudyArm,
    problem: &'a StudyProblem,
}

/// A row per problem with the passes of each arm; it opens to programs and prompts.
pub(super) fn section(html: &mut String, report: &StudyReport<'_>, benchmark: &str) {
    let arms = arms_on(report, benchmark).into_iter();
    let judged: Vec<Judged<'_>> = arms
        .filter(|(_, arm)| !arm.problems.is_empty())
        .map(|(index, arm)| Judged { index, arm, problems: by_name(arm) })
        .collect();
    let Some(first) = judged.first() else { return };
    let _ = writeln!(
        html,
        "<section class=\"problems\">\n<h2>Problems of {}</h2>\n<p class=\"note\">Samples that passed, by arm. A \
         row opens to what was written and what was read.</p>",
        escaped(benchmark)
    );
    let named = |judged: &Judged<'_>| {
        let name = format!("{}, {}", judged.arm.name, judged.arm.model);
        (judged.index, shortened(&one_line(&name), 80))
    };
    legend(html, &judged.iter().map(named).collect::<Vec<_>>());
    *html += "<div class=\"scroll matrix\" role=\"region\" tabindex=\"0\" aria-label=\"problems by arm\">\n\
              <div class=\"row head\"><span class=\"task\">problem</span>";
    judged.iter().for_each(|judged| {
        let _ = write!(html, "<span class=\"cell\">{}</span>", number(judged.index));
    });
    *html += "</div>\n";
    for task_id in task_order(report.study, first.index) {
        let tried: Vec<Tried<'_>> = judged
            .iter()
            .filter_map(|judged| {
                let problem = judged.problems.get(task_id)?;
                Some(Tried { index: judged.index, arm: judged.arm, problem })
            })
            .collect();
        row(html, report, task_id, &tried);
    }
    *html += "</div>\n</section>\n";
}

fn by_name(arm: &StudyArm) -> BTreeMap<&str, &StudyProblem> {
    arm.problems.iter().map(|problem| (problem.task_id.as_str(), problem)).collect()
}

fn row(html: &mut String, report: &StudyReport<'_>, task_id: &str, tried: &[Tried<'_>]) {
    let _ = write!(
        html,
        "<details><summary class=\"row\"><span class=\"task\">{}</span>",
        escaped(&one_line(task_id))
    );
    for one in tried {
        let Tally { n, c } = one.problem.tally();
        // Rates in tenths; no pass and every pass have their own.
        let shade = if c == 0 { 0 } else { 1 + 9 * c / n };
        let title = format!("{} {}: {c} of {n}", number(one.index), one.arm.name);
        let _ =
            write!(html, "<span class=\"cell r{shade}\" title=\"{}\">{c}</span>", escaped(&title));
    }
    *html += "</summary>\n<div class=\"opened\">\n";
    tallies(html, tried);
    programs(html, report, tried);
    prompts(html, tried);
    *html += "</div>\n</details>\n";
}

/// What became of each arm's samples.
fn tallies(html: &mut String, tried: &[Tried<'_>]) {
    *html += "<ul class=\"tallies\">\n";
    for one in tried {
        let name = format!("{} {}", number(one.index), one.arm.name);
        let verdicts = csv::verdicts(one.problem);
        let _ = writeln!(html, "<li><b>{}</b> {}</li>", escaped(&name), escaped(&verdicts));
    }
    *html += "</ul>\n";
}

/// For each comparison in which one side did better: a program of it that passed against one of the other's that
/// failed.
fn programs(html: &mut String, report: &StudyReport<'_>, tried: &[Tried<'_>]) {
    for (winner, loser) in decided(report, tried) {
        let (won, lost) = (winner.problem.example(true), loser.problem.example(false));
        let (Some(won), Some(lost)) = (won, lost) else { continue };
        let name = |one: &Tried<'_>| format!("{} {}", number(one.index), one.arm.name);
        let title = format!("{} passed where {} did not", name(&winner), name(&loser));
        let reason = format!("{}: {}", lost.verdict, shortened(&lost.reason, MOST_LETTERS));
        let _ = writeln!(html, "<h3>{}</h3>", escaped(&one_line(&title)));
        let _ = writeln!(
            html,
            "<p class=\"note\"><span class=\"del\">− {}</span> {} <span class=\"ins\">+ {}</span> passed</p>",
            escaped(&name(&loser)),
            escaped(reason.trim_end_matches(": ")),
            escaped(&name(&winner)),
        );
        diff(html, [lost, won].map(|sample| sample.program.as_deref().unwrap_or_default()));
    }
}

/// The pairs to show, each with the side first whose samples passed more often: arms with their controls, or where
/// nothing is compared the best arm with the worst.
fn decided<'a>(report: &StudyReport<'_>, tried: &[Tried<'a>]) -> Vec<(Tried<'a>, Tried<'a>)> {
    let find = |index| tried.iter().find(|one| one.index == index).copied();
    let compared = report.results.comparisons.iter();
    let mut pairs: Vec<_> = compared
        .filter_map(|compared| Some((find(compared.arm)?, find(compared.control)?)))
        .collect();
    if pairs.is_empty() {
        // The first of equals.
        let best = tried.iter().rev().max_by(|a, b| rate(a).total_cmp(&rate(b)));
        let worst = tried.iter().min_by(|a, b| rate(a).total_cmp(&rate(b)));
        pairs.extend(best.copied().zip(worst.copied()));
    }
    let ordered = pairs.into_iter().map(|(a, b)| if rate(&b) > rate(&a) { (b, a) } else { (a, b) });
    ordered.filter(|(winner, loser)| rate(winner) > rate(loser)).collect()
}

fn rate(one: &Tried<'_>) -> f64 {
    let Tally { n, c } = one.problem.tally();
    c as f64 / n as f64
}

/// Line by line.
fn diff(html: &mut String, programs: [&str; 2]) {
    let [old, new] = programs.map(cut);
    // The line feed that a parser drops.
    *html += "<pre class=\"diff\" tabindex=\"0\">\n";
    for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
        let line = escaped(change.value().trim_end_matches('\n'));
        let _ = match change.tag() {
            ChangeTag::Delete => writeln!(html, "<span class=\"del\">- {line}</span>"),
            ChangeTag::Insert => writeln!(html, "<span class=\"ins\">+ {line}</span>"),
            ChangeTag::Equal => writeln!(html, "  {line}"),
        };
    }
    *html += "</pre>\n";
}

/// A program within bounds, which say what they leave out.
fn cut(program: &str) -> String {
    let mut lines: Vec<String> =
        program.lines().take(MOST_LINES).map(|line| shortened(line, MOST_LETTERS)).collect();
    match program.lines().count().saturating_sub(MOST_LINES) {
        0 => {}
        more => lines.push(format!("… {more} more lines")),
    }
    lines.join("\n") + "\n"
}

/// What the model read, once for all arms that read the same.
fn prompts(html: &mut String, tried: &[Tried<'_>]) {
    let mut seen: Vec<(&[Prompt], Vec<String>)> = vec![];
    for one in tried.iter().filter(|one| !one.problem.prompts.is_empty()) {
        let name = format!("{} {}", number(one.index), one.arm.name);
        match seen.iter_mut().find(|(prompts, _)| *prompts == one.problem.prompts) {
            Some((_, names)) => names.push(name),
            None => seen.push((&one.problem.prompts, vec![name])),
        }
    }
    for (prompts, names) in seen {
        let title = format!("Prompt of {}", names.join(", "));
        let _ = writeln!(html, "<details class=\"prompt\"><summary>{}</summary>", escaped(&title));
        for Prompt { name, text } in prompts {
            let text = escaped(&shortened(text, MOST_PROMPT));
            let _ =
                writeln!(html, "<h4>{}</h4>\n<pre tabindex=\"0\">\n{text}</pre>", escaped(name));
        }
        *html += "</details>\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_line_by_line_and_escaped() {
        let mut html = String::new();
        diff(&mut html, ["a\n</pre>\n", "a\nb"]);
        assert_eq!(
            html,
            "<pre class=\"diff\" tabindex=\"0\">\n  a\n<span class=\"del\">- &lt;/pre&gt;</span>\n\
             <span class=\"ins\">+ b</span>\n</pre>\n"
        );
    }

    #[test]
    fn long_programs_are_cut() {
        let cut = cut(&format!("{}\n{}", "x".repeat(10_000), "y\n".repeat(400)));
        assert!(cut.len() < 2_000 && cut.ends_with("… 101 more lines\n"), "{}", cut.len());
    }
}
