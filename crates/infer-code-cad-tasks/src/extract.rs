use crate::item::{Item, Kind, items, mentioned};
use crate::python::{Line, first_word, logical_lines};
use crate::statement::is_statement;
use crate::{Problem, fence};

/// Cuts the program out of model text: a whole module that defines the entry point.
///
/// Two forms are understood, inside Markdown fences or bare, with prose before and after:
/// * a function *body*, which continues a prompt that ended with the signature or the docstring:
///   the result is preamble, signature, body; a first line whose indentation was lost or is off by
///   a space is set right;
/// * a *module* that repeats the signature: the result is the problem's preamble, the imports,
///   helpers and constants that the text puts before the function, and the function.
///
/// In both, what follows the function is kept only where the kept code or the tests mention it
/// (helpers); tests, prints, demonstrations, prose, and a line cut off by the token limit are dropped.
/// Newlines become `\n`. Works by lines with a small scanner for strings and brackets, in linear
/// time, and never fails: text without code gives a program that does not compile.
pub fn extract_program(problem: &Problem, completion: &str) -> String {
    let text = completion.replace("\r\n", "\n").replace('\r', "\n");
    let code = choose_code(problem, &text);
    let code = without_swallowing_prose(code, &problem.entry_point);
    let lines = logical_lines(code);
    if !is_body(&lines, &problem.entry_point)
        && let Some(program) = from_module(problem, code, &lines)
    {
        return program;
    }
    from_body(problem, code, &lines)
}

/// The part of the text that holds the code: all of it, what precedes a fence, or a fenced block.
fn choose_code<'t>(problem: &Problem, text: &'t str) -> &'t str {
    let name = &problem.entry_point;
    let Some(fenced) = fence::split(text) else {
        // A closing fence may follow the last statement on its line.
        return text.trim_end().strip_suffix("```").unwrap_or(text);
    };
    // Where every line is whole and a statement, the fences stand in strings.
    let all = logical_lines(text);
    if !all.is_empty() && all.iter().all(is_statement) {
        return text;
    }
    let before = logical_lines(fenced.before);
    let continues = before.first().is_some_and(is_statement);
    if (continues && is_body(&before, name)) || from_definition(fenced.before, name).is_some() {
        return fenced.before;
    }
    let defining = fenced.blocks.iter().find(|block| from_definition(block, name).is_some());
    let filled = || fenced.blocks.iter().find(|block| !block.trim().is_empty());
    defining.or_else(filled).copied().unwrap_or(text)
}

/// Drops the beginning when it holds an unclosed quote that hides the line that defines `name`.
fn without_swallowing_prose<'t>(code: &'t str, name: &str) -> &'t str {
    let lines = logical_lines(code);
    if lines.iter().any(|line| line.defined_name() == Some(name)) {
        return code;
    }
    let hidden = lines.iter().filter(|line| !line.complete).find_map(|line| {
        let tail = from_definition(line.text, name)?;
        (tail.len() < line.text.len()).then(|| line.end() - tail.len())
    });
    &code[hidden.unwrap_or(0)..]
}

/// The text from the first physical line that reads `def name`.
fn from_definition<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start().trim_start_matches("async ").trim_start();
        if code.strip_prefix("def ").is_some_and(|rest| first_word(rest.trim_start()) == name) {
            return Some(&text[start..]);
        }
        start += line.len();
    }
    None
}

/// True when the text starts inside the function rather than before its definition.
fn is_body(lines: &[Line<'_>], name: &str) -> bool {
    let Some(definition) = lines.iter().position(|line| line.defined_name() == Some(name)) else {
        return !items("", lines).iter().any(|item| item.indent() == 0 && item.defines(name));
    };
    let Some(first) = lines[..definition].first().filter(|line| is_statement(line)) else {
        return false;
    };
    if first.indent >= lines[definition].indent + 2 || first.first_word() == "return" {
        return true;
    }
    let module_like = ["import", "from", "def", "class", "async", "if", "try", ""];
    !module_like.contains(&first.first_word()) && base_indent(&lines[..definition]) > first.indent
}

/// Text that defines the function: what prepares it, the function, what it mentions afterwards.
fn from_module(problem: &Problem, code: &str, lines: &[Line<'_>]) -> Option<String> {
    let items = items(code, lines);
    let is_wanted = |item: &Item<'_, '_>| item.defines(&problem.entry_point);
    let candidates = || (0..items.len()).filter(|i| is_wanted(&items[*i]));
    let chosen = candidates().find(|i| items[*i].has_body()).or_else(|| candidates().next())?;

    let mut program = problem.preamble.clone();
    for item in leading(&items[..chosen], &problem.entry_point).filter(|item| !is_wanted(item)) {
        program.push_str(&item.render());
    }
    program.push_str(&items[chosen].without_torn_end().render());
    append_mentioned(problem, &mut program, &items[chosen + 1..]);
    Some(program)
}

/// Imports and definitions anywhere before the function; other code only when no prose follows it.
fn leading<'s, 't, 'l>(
    before: &'s [Item<'t, 'l>],
    name: &str,
) -> impl Iterator<Item = &'s Item<'t, 'l>> {
    let code_start =
        before.iter().rposition(|item| item.kind() == Kind::Prose).map_or(0, |i| i + 1);
    before.iter().enumerate().filter_map(move |(i, item)| {
        let keep = match item.kind() {
            Kind::Import | Kind::Definition => true,
            Kind::Assignment | Kind::Preparation => i >= code_start,
            Kind::Demonstration => i >= code_start && item.prepares(name),
            Kind::Prose => false,
        };
        (keep && item.is_complete()).then_some(item)
    })
}

/// Adds helpers that follow the function, up to the first prose or a second definition of it.
fn append_mentioned(problem: &Problem, program: &mut String, after: &[Item<'_, '_>]) {
    let candidates = after
        .iter()
        .take_while(|item| item.kind() != Kind::Prose && !item.defines(&problem.entry_point))
        .filter(|item| match item.kind() {
            Kind::Import | Kind::Definition => true,
            Kind::Assignment => !item.mentions(&problem.entry_point), // it may be a demonstration
            _ => false,
        })
        .map(|item| item.without_torn_end())
        .filter(|item| item.is_complete())
        .collect();
    for item in mentioned(candidates, program) {
        program.push_str(&item.render());
    }
}

/// Text that starts inside the function: preamble, signature, body, and what they mention.
fn from_body(problem: &Problem, code: &str, lines: &[Line<'_>]) -> String {
    let skipped = lines.iter().position(is_statement).unwrap_or(lines.len());
    let comments_from = lines[..skipped].last().map_or(0, Line::end);
    let lines = &lines[skipped..];
    let base = base_indent(lines);
    let length = body_length(lines, base, &problem.entry_point);
    let whole = |line: &Line<'_>| line.complete && !line.opens_block;
    let kept = lines[..length].iter().rposition(whole).map_or(0, |last| last + 1);

    let mut program = format!("{}{}\n", problem.preamble, problem.signature);
    if base > 0 {
        program.push_str(&body_with_margin(code, comments_from, &lines[..kept], base));
    } else {
        for line in &lines[..kept] {
            program.push_str(&format!("    {}\n", line.text));
        }
    }
    append_mentioned(problem, &mut program, &items(code, &lines[length..]));
    program
}

/// The body as written, comments included, with the first line at the indentation of the others.
fn body_with_margin(code: &str, from: usize, lines: &[Line<'_>], base: usize) -> String {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return String::new();
    };
    let spaces = " ".repeat(base);
    let model = lines.iter().find(|line| line.indent == base);
    let margin = model.map_or(spaces.as_str(), Line::margin);
    let comments = code[from..first.start].trim_start_matches(['\n', ' ', '\t']);
    let separator = if comments.is_empty() { "" } else { margin };
    format!("{separator}{comments}{margin}{}{}\n", first.code(), &code[first.end()..last.end()])
}

/// Indentation of a body's statements; differs from the first line's where that line is off.
fn base_indent(lines: &[Line<'_>]) -> usize {
    let Some(first) = lines.first() else { return 0 };
    let inner = || lines[1..].iter().map(|line| line.indent).take_while(|indent| *indent > 0);
    let Some(next) = inner().next() else { return first.indent };
    if !first.opens_block {
        return next;
    }
    // The first line opens a block: the shallowest later line tells, if it is not that block's own.
    let least = inner().min().unwrap_or(next);
    if least < next && first.indent < next {
        return least;
    }
    if first.indent == 0
        && next >= 8
        && !lines[0].margin().contains('\t')
        && lines[1].margin().starts_with("        ")
    {
        return 4;
    }
    if least < first.indent { least } else { first.indent }
}

/// How many of the lines belong to the body.
fn body_length(lines: &[Line<'_>], base: usize, name: &str) -> usize {
    if base > 0 {
        let dedent = lines.iter().skip(1).position(|line| line.indent < base);
        return dedent.map_or(lines.len(), |i| i + 1);
    }
    // A body at column 0: it ends after `return`, or where something else plainly begins.
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.indent == 0) {
        if matches!(line.first_word(), "return" | "raise") {
            return i + 1;
        }
        let demonstration =
            ["print", "assert"].contains(&line.first_word()) || line.code().contains("__name__");
        if !is_statement(line) || demonstration || line.defined_name() == Some(name) {
            return i;
        }
    }
    lines.len()
}
