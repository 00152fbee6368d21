//! What surrounds an answer: thinking before it, end marks behind it, quotation marks before its lines,
//! white space that Python does not know.

use std::borrow::Cow;
use std::ops::Range;

/// What models write when they are done or when the next turn begins, where the text was decoded with
/// its special tokens.
const END_MARKS: &[&str] = &[
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|start_header_id|>",
    "<|EOT|>",
    "<|eos|>",
    "<|return|>",
    "<|user|>",
    "<|endofmask|>",
    "<|endofprompt|>",
    "<|file_separator|>",
    "<|file_sep|>",
    "<file_sep>",
    "<end_of_turn>",
    "<start_of_turn>",
    "<end_of_utterance>",
    "<|end_of_role|>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "<eos>",
    "<pad>",
    "<|pad|>",
    "</s>",
];

/// What ends the thinking of a reasoning model.
const THINKING_ENDS: &[&str] =
    &["</think>", "</thinking>", "</thought>", "</reasoning>", "[/THINK]"];

/// What begins the answer of models that write in channels.
const FINAL_CHANNEL: &str = "<|channel|>final<|message|>";

/// What follows the thinking; all of the text where nothing does. What the `strings` hold is no mark, here
/// and below.
pub(crate) fn without_thinking<'t>(text: &'t str, strings: &[Range<usize>]) -> &'t str {
    if let Some((_, answer)) = text.rsplit_once(FINAL_CHANNEL) {
        return answer;
    }
    let (mut start, mut answer) = (0, text);
    for line in text.split_inclusive('\n') {
        let end = thinking_end(line).filter(|_| !is_inside(strings, start));
        if let Some((_, after)) = end.and_then(|end| line.rsplit_once(end)) {
            answer = &text[start + line.len() - after.len()..];
        }
        start += line.len();
    }
    if answer.trim().is_empty() { text } else { answer }
}

/// The mark on this line that ends the thinking.
pub(crate) fn thinking_end(line: &str) -> Option<&'static str> {
    let code = line.trim();
    let is_end = |end: &&str| code.starts_with(*end) || code.ends_with(*end);
    THINKING_ENDS.iter().copied().find(is_end)
}

/// The text before the first end mark that follows something and stands in no string of its line.
pub(crate) fn without_end_mark<'t>(text: &'t str, strings: &[Range<usize>]) -> &'t str {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let marks = END_MARKS.iter().filter_map(|mark| line.find(mark).map(|at| (at, mark.len())));
        let outside = marks.filter(|(at, length)| !is_quoted(&line[..*at], &line[at + length..]));
        let outside = outside.map(|(at, _)| at).filter(|at| !is_inside(strings, start + at));
        if let Some(at) = outside.min() {
            return &text[..start + at];
        }
        start += line.len();
    }
    text
}

/// True for a position in one of the ranges, which are in order.
fn is_inside(ranges: &[Range<usize>], at: usize) -> bool {
    let after = ranges.partition_point(|range| range.start <= at);
    after > 0 && at < ranges[after - 1].end
}

/// The text without the marks that it begins with.
pub(crate) fn leading_marks(mut text: &str) -> &str {
    while let Some(rest) = END_MARKS.iter().find_map(|mark| text.trim_start().strip_prefix(mark)) {
        text = rest;
    }
    text
}

/// True between two quotation marks of the same kind.
fn is_quoted(before: &str, after: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| before.matches(*quote).count() % 2 == 1 && after.contains(*quote))
}

/// The text without the `>` of a Markdown quotation, where all of it or a fenced block stands in one.
pub(crate) fn without_quotation(text: &str) -> Cow<'_, str> {
    let unquoted = |line: &'_ str| -> Option<usize> {
        let rest = line.trim_start().strip_prefix('>')?;
        Some(line.len() - rest.strip_prefix(' ').unwrap_or(rest).len())
    };
    let has_fence = |line: &str| {
        let quoted = unquoted(line).map(|at| line[at..].trim_start());
        quoted.is_some_and(|rest| rest.starts_with("```") || rest.starts_with("~~~"))
    };
    let mut filled = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let is_quotation = filled.peek().is_some() && filled.all(|line| unquoted(line).is_some());
    if !is_quotation && !text.lines().any(has_fence) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n').map(|line| &line[unquoted(line).unwrap_or(0)..]);
    Cow::Owned(lines.collect())
}

/// The text with `\n` as line ends, without byte order mark, and with plain spaces before its lines.
pub(crate) fn with_plain_space(text: &str) -> String {
    let text = text.trim_start_matches(['\u{feff}', '\u{200b}']);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !text.contains('\u{a0}') {
        return text;
    }
    let plain = |line: &str| {
        let code = line.trim_start_matches([' ', '\t', '\u{a0}']);
        [&line[..line.len() - code.len()].replace('\u{a0}', " "), code].concat()
    };
    text.split_inclusive('\n').map(plain).collect()
}

/// The text with Markdown fences where a model wrote three quotation marks and `python`, and three more.
pub(crate) fn with_fences(text: String) -> String {
    let opens = |line: &str| {
        let line = line.trim();
        ["'''", "\"\"\""].into_iter().find(|marks| {
            line.strip_prefix(marks).is_some_and(|word| word.eq_ignore_ascii_case("python"))
        })
    };
    if !text.lines().any(|line| opens(line).is_some()) {
        return text;
    }
    let mut open = None;
    let fenced = |line: &str| {
        if open.is_some_and(|marks| line.trim() == marks) {
            open = None;
            return "```\n".to_owned();
        }
        let opening = opens(line).filter(|_| open.is_none());
        open = open.or(opening);
        opening.map_or(line.to_owned(), |_| "```python\n".to_owned())
    };
    text.split_inclusive('\n').map(fenced).collect()
}
