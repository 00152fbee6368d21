use std::fmt::Write as _;

use super::escape::escaped;
use crate::figure::colour_class;
use crate::table::{Cell, Table};
use crate::tables::{self, number};
use crate::{Figure, ReportError, StudyReport};

/// A heading, the table in a box that scrolls sideways, and its notes.
pub(super) fn table(html: &mut String, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let _ = writeln!(html, "<section class=\"{}\">\n<h2>{}</h2>", table.id, escaped(&table.title));
    rows(html, table);
    *html += "</section>\n";
}

fn rows(html: &mut String, table: &Table) {
    // What scrolls must be within reach of the keyboard.
    let label = escaped(&table.title);
    let _ = writeln!(
        html,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\n<table>\n<thead><tr>"
    );
    for column in &table.columns {
        let class = if column.is_number { " class=\"number\"" } else { "" };
        let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escaped(&column.name));
    }
    *html += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        *html += "<tr>";
        for (cell, column) in row.iter().zip(&table.columns) {
            put_cell(html, cell, column.is_number);
        }
        *html += "</tr>\n";
    }
    *html += "</tbody>\n</table>\n</div>\n";
    for note in &table.notes {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escaped(note));
    }
}

fn put_cell(html: &mut String, cell: &Cell, is_number: bool) {
    *html += if is_number { "<td class=\"number\">" } else { "<td>" };
    *html += &escaped(&cell.main);
    if !cell.detail.is_empty() {
        let _ = write!(html, " <small>{}</small>", escaped(&cell.detail).replace('\n', "<br>"));
    }
    *html += "</td>";
}

/// The panels of each figure, over the legend of all.
pub(super) fn figures(html: &mut String, figures: &[&Figure]) -> Result<(), ReportError> {
    for figure in figures {
        let _ = writeln!(html, "<figure>\n<figcaption>{}</figcaption>", escaped(figure.caption()));
        legend(html, figure.legend());
        *html += "<div class=\"panels\">\n";
        figure.panel_svgs()?.iter().for_each(|svg| *html += svg);
        *html += "</div>\n</figure>\n";
    }
    if !figures.is_empty() {
        *html += "<p class=\"note\">Bars are intervals over problems. Full dots on the dashed line: no other arm is \
                  better in both. Up and right is better.</p>\n";
    }
    Ok(())
}

/// The arms by number and colour.
pub(super) fn legend(html: &mut String, arms: &[(usize, String)]) {
    *html += "<ul class=\"legend\">\n";
    for (arm, name) in arms {
        let (class, number) = (colour_class(*arm), number(*arm));
        let _ = writeln!(
            html,
            "<li><span class=\"mark {class}\">{number}</span> {}</li>",
            escaped(name)
        );
    }
    *html += "</ul>\n";
}

/// Shares of verdicts as bars, then as a table.
pub(super) fn verdicts(html: &mut String, report: &StudyReport<'_>) {
    let Some(counts) = tables::verdicts(report) else { return };
    let names = tables::verdict_names(report);
    *html += "<section class=\"verdicts\">\n<h2>Verdicts</h2>\n<ul class=\"legend\">\n";
    for (index, name) in names.iter().enumerate() {
        let class = verdict_class(index);
        let _ = writeln!(html, "<li><span class=\"mark {class}\"></span> {}</li>", escaped(name));
    }
    *html += "</ul>\n<div class=\"bars\">\n";
    for (index, arm) in report.study.arms.iter().enumerate() {
        let result = &report.results.arms[index];
        let all: u64 = result.verdicts.values().sum();
        if all > 0 {
            let name = format!("{} {}", number(index), arm.name);
            let _ = write!(
                html,
                "<div class=\"bar-name\">{}<small>{}</small></div><div class=\"bar\">",
                escaped(&name),
                escaped(&format!("{}, {}", arm.model, arm.benchmark))
            );
            let counted =
                names.iter().enumerate().map(|(i, name)| (i, name, result.verdicts.get(name)));
            for (place, name, count) in
                counted.filter_map(|(i, name, count)| Some((i, name, *count?)))
            {
                bar(html, place, name, count, all);
            }
            *html += "</div>\n";
        }
    }
    *html += "</div>\n<details><summary>The numbers</summary>\n";
    rows(html, &counts);
    *html += "</details>\n</section>\n";
}

fn bar(html: &mut String, place: usize, name: &str, count: u64, all: u64) {
    let percent = 100.0 * count as f64 / all as f64;
    let (class, title) = (verdict_class(place), escaped(&format!("{name}: {count} of {all}")));
    // A number where there is room for it.
    let shown = if percent >= 6.0 { format!("{percent:.0}") } else { String::new() };
    let _ = write!(
        html,
        "<span class=\"{class}\" style=\"width:{percent:.3}%\" title=\"{title}\">{shown}</span>"
    );
}

/// Passes are green, failures have the other colours in turn.
fn verdict_class(place: usize) -> String {
    const CLASSES: [usize; 7] = [4, 3, 5, 1, 6, 7, 0];
    match place.checked_sub(1) {
        None => colour_class(2),
        Some(failure) => colour_class(CLASSES[failure % CLASSES.len()]),
    }
}

/// What the results depend on, where they were made, and the hash.
pub(super) fn manifest(html: &mut String, report: &StudyReport<'_>) {
    table(html, &tables::settings(report));
    table(html, &tables::environment(report));
    let _ = writeln!(
        html,
        "<section class=\"manifest\">\n<h2>Reproducibility hash</h2>\n<p class=\"hash\"><code>{}</code></p>\n\
         <p class=\"note\">{}</p>\n</section>",
        escaped(&report.fingerprint),
        escaped(tables::HASH_NOTE)
    );
}
