//! An explanation as text, at most 100 columns wide.

use std::fmt::{self, Display, Formatter};

use infer_code_cad_sandbox::Tests;

use super::{Cut, CutLine, Explanation, Rerun, StreamText};
use crate::ShownRecord;

/// Columns behind the mark and the space at the beginning of a line.
const WIDTH: usize = 98;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { task_id, sample, technique, benchmark, .. } = self;
        writeln!(f, "{task_id}, sample {sample}, of {technique} on {benchmark}: {}", self.verdict)?;
        self.sent(f)?;
        writeln!(f, "\n== What came back: {} tokens, ended by {}", self.n_tokens, self.finish)?;
        if !self.why.is_empty() {
            writeln!(f, "Why this draft: {}", self.why)?;
        }
        verbatim(f, '|', &self.completion)?;
        writeln!(f, "\n== What was cut: - left out of the program, + put in, the rest is kept")?;
        for CutLine { cut, text } in &self.cut {
            let mark = match cut {
                Cut::Kept => ' ',
                Cut::Removed => '-',
                Cut::Added => '+',
            };
            line(f, mark, text)?;
        }
        writeln!(f, "\n== What ran")?;
        code(f, &self.program)?;
        if let Some(tests) = &self.tests {
            judged_by(f, tests)?;
        }
        writeln!(f, "\n== The verdict: {}", self.verdict)?;
        code(f, &self.reason)?;
        self.rerun.as_ref().map_or(Ok(()), |rerun| again(f, rerun))
    }
}

impl Explanation {
    fn sent(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n== What was sent (streams: {})", self.streams.len())?;
        for (number, stream) in self.streams.iter().enumerate() {
            stream_text(f, number, stream)?;
        }
        if !self.written.is_empty() {
            writeln!(f, "The prompt has begun the answer:")?;
            verbatim(f, '|', &self.written)?;
        }
        if self.passages.is_empty() {
            return Ok(());
        }
        let shown = self.passages.iter().filter(|passage| passage.kept).count();
        writeln!(f, "Passages: {} found, {shown} of them in the prompt", self.passages.len())?;
        for ShownRecord { id, score, kept, why } in &self.passages {
            let fate = if *kept { "shown" } else { "left out" };
            line(f, if *kept { '+' } else { '-' }, &format!("{id}, score {score}, {fate}: {why}"))?;
        }
        Ok(())
    }
}

/// From where a stream is another than the first, its lines are marked.
fn stream_text(f: &mut Formatter<'_>, number: usize, stream: &StreamText) -> fmt::Result {
    let StreamText { text: all, same_bytes } = stream;
    if number == 0 {
        writeln!(f, "Stream 0:")?;
        return verbatim(f, '|', all);
    }
    let same = &all[..*same_bytes];
    let before = same.matches('\n').count();
    let column = same.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    writeln!(
        f,
        "Stream {number}, other than stream 0 from line {}, column {column} on:",
        before + 1
    )?;
    for (at, content) in all.split('\n').enumerate() {
        line(f, if at < before { '|' } else { '>' }, content)?;
    }
    Ok(())
}

/// In the order in which the sandbox runs them.
fn judged_by(f: &mut Formatter<'_>, tests: &Tests) -> fmt::Result {
    writeln!(f, "\n== What judged it")?;
    for (what, part) in [
        ("Setup, in the program's module, behind it:", &tests.setup),
        ("Helpers, beside the tests and out of the program's reach:", &tests.helpers),
        ("Tests, in a process of their own, which asks the program for values:", &tests.asserts),
    ] {
        if !part.trim().is_empty() {
            writeln!(f, "{what}")?;
            code(f, part)?;
        }
    }
    Ok(())
}

fn again(f: &mut Formatter<'_>, rerun: &Rerun) -> fmt::Result {
    let Rerun { verdict, reason, output } = rerun;
    match verdict {
        Some(verdict) => writeln!(f, "\n== Run again: {verdict}")?,
        None => writeln!(f, "\n== Run again, without tests")?,
    }
    code(f, reason)?;
    writeln!(f, "What program and tests print in one module, and how they end there:")?;
    code(f, if output.is_empty() { "(nothing, and no exception)" } else { output })
}

/// The lines of a text as they are; behind a line end is an empty one.
fn verbatim(f: &mut Formatter<'_>, mark: char, text: &str) -> fmt::Result {
    text.split('\n').try_for_each(|content| line(f, mark, content))
}

/// The lines of code or of a message, whose end says nothing.
fn code(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    text.trim_end().lines().try_for_each(|content| line(f, '|', content))
}

/// A line, gone on with behind a colon where it is too long. What would move the cursor is escaped.
fn line(f: &mut Formatter<'_>, mark: char, content: &str) -> fmt::Result {
    let shown = |c: char| match c {
        '\t' => "    ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    let content: Vec<char> =
        content.chars().flat_map(|c| shown(c).chars().collect::<Vec<_>>()).collect();
    let (mut mark, mut rest) = (mark, content.as_slice());
    while rest.len() > WIDTH {
        // Behind the last blank, unless that would leave most of the line empty.
        let blank = rest[..WIDTH].iter().rposition(|c| *c == ' ').map_or(0, |at| at + 1);
        let (piece, more) = rest.split_at(if blank > WIDTH / 2 { blank } else { WIDTH });
        writeln!(f, "{mark} {}", piece.iter().collect::<String>())?;
        (mark, rest) = (':', more);
    }
    match rest {
        [] => writeln!(f, "{mark}"),
        rest => writeln!(f, "{mark} {}", rest.iter().collect::<String>()),
    }
}
