use std::fmt::Write as _;

use crate::analysis::task_order;
use crate::table::{Cell, Column, Table, columns};
use crate::tables::{self, arms_on, benchmarks, number};
use crate::text::{UNKNOWN, one_line};
use crate::{StudyArm, StudyReport};

pub(crate) fn page(report: &StudyReport<'_>) -> String {
    let study = report.study;
    let mut text = format!("# {}\n\n", escaped(&study.title));
    let _ = writeln!(
        text,
        "{}. Reproducibility hash `{}`.\n",
        tables::summary(report),
        report.fingerprint
    );
    study.notes.iter().for_each(|note| text += &format!("{}\n\n", escaped(note)));
    put_all(&mut text, [tables::contrasts(report)]);
    for benchmark in benchmarks(report) {
        put(&mut text, &tables::accuracy(report, benchmark));
        for figure in report.figures().iter().filter(|figure| figure.benchmark() == benchmark) {
            let name = figure.name();
            let _ = writeln!(text, "![{}](figures/{name}.svg)\n", escaped(figure.caption()));
        }
    }
    put_all(
        &mut text,
        [tables::exploratory(report), tables::efficiency(report), tables::verdicts(report)],
    );
    for benchmark in benchmarks(report) {
        put(&mut text, &problems(report, benchmark));
    }
    put_all(&mut text, [Some(tables::settings(report)), Some(tables::environment(report))]);
    let _ = writeln!(text, "Reproducibility hash: `{}`. {}", report.fingerprint, tables::HASH_NOTE);
    text
}

/// Passes of each arm on each problem.
fn problems(report: &StudyReport<'_>, benchmark: &str) -> Table {
    let arms: Vec<(usize, &StudyArm)> = arms_on(report, benchmark)
        .into_iter()
        .filter(|(_, arm)| !arm.problems.is_empty())
        .collect();
    let heads: Vec<String> =
        arms.iter().map(|(index, arm)| format!("{} {}", number(*index), arm.name)).collect();
    let order = arms.first().map(|(index, _)| task_order(report.study, *index)).unwrap_or_default();
    let row = |task_id: &str| -> Vec<Cell> {
        let cells = arms.iter().map(|(_, arm)| {
            let problem = arm.problems.iter().find(|problem| problem.task_id == task_id);
            let tally = problem.map(|problem| problem.tally());
            tally.map_or(UNKNOWN.to_owned(), |tally| format!("{}/{}", tally.c, tally.n)).into()
        });
        std::iter::once(task_id.into()).chain(cells).collect()
    };
    Table {
        id: "problems",
        title: format!("Problems of {benchmark}"),
        notes: vec!["Samples that passed, of those judged.".to_owned()],
        columns: columns(["problem"], heads.iter().map(String::as_str)),
        rows: order.into_iter().map(row).collect(),
    }
}

fn put_all(text: &mut String, tables: impl IntoIterator<Item = Option<Table>>) {
    tables.into_iter().flatten().for_each(|table| put(text, &table));
}

fn put(text: &mut String, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    *text += &format!("## {}\n\n", escaped(&table.title));
    *text += &line(table.columns.iter().map(|column| escaped(&column.name)).collect());
    let rule = |column: &Column| if column.is_number { "--:" } else { "---" }.to_owned();
    *text += &line(table.columns.iter().map(rule).collect());
    table.rows.iter().for_each(|row| *text += &line(row.iter().map(cell).collect()));
    *text += "\n";
    table.notes.iter().for_each(|note| *text += &format!("{}\n\n", escaped(note)));
}

/// The small print in brackets, but for intervals, which have some.
fn cell(cell: &Cell) -> String {
    let (intervals, others): (Vec<&str>, Vec<&str>) =
        cell.detail.lines().partition(|line| line.starts_with('['));
    let others = (!others.is_empty()).then(|| format!("({})", others.join(", ")));
    let parts = std::iter::once(cell.main.clone());
    let parts = parts.chain(intervals.into_iter().map(str::to_owned)).chain(others);
    escaped(&parts.collect::<Vec<_>>().join(" "))
}

/// One line of text that Markdown takes for text.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => shown.extend(['\\', c]),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            _ => shown.push(c),
        }
    }
    // Text that begins a line must not begin a heading, a list or a rule.
    match shown.chars().next() {
        Some('#' | '+' | '-' | '=')
            if shown.len() > 1 && !shown[1..].starts_with(|c: char| c.is_ascii_digit()) =>
        {
            format!("\\{shown}")
        }
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("a|b\n<script>`*_x_"), "a\\|b &lt;script&gt;\\`\\*\\_x\\_");
        assert_eq!(
            (escaped("# a"), escaped("-"), escaped("-0.05"), escaped("- a")),
            ("\\# a".into(), "-".into(), "-0.05".into(), "\\- a".into())
        );
        assert_eq!(escaped("rag+cad(alpha=0.2)"), "rag+cad(alpha=0.2)");
    }
}
