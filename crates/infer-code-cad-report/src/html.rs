mod escape;
mod problems;
mod sections;

use std::fmt::Write as _;

use escape::escaped;

use crate::tables::{self, benchmarks};
use crate::{ReportError, StudyReport, figure};

/// What the page looks like.
const STYLE: &str = include_str!("html/style.css");

/// Nothing is asked for and nothing runs, whatever a model has written.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

pub(crate) fn page(report: &StudyReport<'_>) -> Result<String, ReportError> {
    let mut html = head(report);
    introduction(&mut html, report);
    if let Some(contrasts) = tables::contrasts(report) {
        sections::table(&mut html, &contrasts);
    }
    let figures = report.figures();
    for benchmark in benchmarks(report) {
        sections::table(&mut html, &tables::accuracy(report, benchmark));
        let shown: Vec<_> =
            figures.iter().filter(|figure| figure.benchmark() == benchmark).collect();
        sections::figures(&mut html, &shown)?;
    }
    [tables::exploratory(report), tables::efficiency(report)]
        .iter()
        .flatten()
        .for_each(|table| sections::table(&mut html, table));
    sections::verdicts(&mut html, report);
    for benchmark in benchmarks(report) {
        problems::section(&mut html, report, benchmark);
    }
    sections::manifest(&mut html, report);
    html += "</main>\n</body>\n</html>\n";
    Ok(html)
}

fn head(report: &StudyReport<'_>) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}{}</style>\n\
         </head>\n<body>\n<main>\n",
        escaped(&report.study.title),
        figure::style_sheet(),
    )
}

fn introduction(html: &mut String, report: &StudyReport<'_>) {
    let _ = writeln!(html, "<h1>{}</h1>", escaped(&report.study.title));
    let _ = writeln!(html, "<p class=\"summary\">{}</p>", escaped(&tables::summary(report)));
    let _ = writeln!(html, "<p class=\"hash\"><code>{}</code></p>", escaped(&report.fingerprint));
    for note in &report.study.notes {
        let _ = writeln!(html, "<p>{}</p>", escaped(note));
    }
    if report.study.arms.is_empty() {
        *html += "<p>The study has no arms.</p>\n";
    }
}
