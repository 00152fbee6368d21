/// A paragraph or an example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block<'a> {
    pub(super) text: &'a str,
    /// Whether it is code: a doctest, a fenced or an indented block, blank lines inside it included.
    pub(super) is_example: bool,
}

/// The paragraphs and examples of a text, in order, without the blank lines between them.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Open> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        open = match open {
            Some(block) if block.takes(line) => Some(block.with(line, end)),
            ended => {
                blocks.extend(ended.map(|block| block.of(text)));
                Open::at(line, start, end)
            }
        };
        start = end;
    }
    blocks.extend(open.map(|block| block.of(text)));
    blocks
}

/// A block whose end is not reached.
struct Open {
    start: usize,
    end: usize,
    kind: Kind,
    /// Whether the last line was blank.
    blank: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Prose,
    Doctest,
    Indented,
    Fenced { closed: bool },
}

impl Open {
    fn at(line: &str, start: usize, end: usize) -> Option<Self> {
        (!line.trim().is_empty()).then(|| Self { start, end, kind: Kind::of(line), blank: false })
    }

    fn takes(&self, line: &str) -> bool {
        let (blank, kind) = (line.trim().is_empty(), Kind::of(line));
        match self.kind {
            Kind::Fenced { closed } => !closed,
            Kind::Prose => !blank && !matches!(kind, Kind::Doctest | Kind::Fenced { .. }),
            // What a doctest prints follows it; after a blank line only more of the same.
            Kind::Doctest => blank || !self.blank || kind == Kind::Doctest,
            Kind::Indented => blank || kind == Kind::Indented || kind == Kind::Doctest,
        }
    }

    fn with(mut self, line: &str, end: usize) -> Self {
        self.blank = line.trim().is_empty();
        // Blank lines behind a block belong to none.
        self.end = end;
        if matches!(self.kind, Kind::Fenced { .. }) && is_fence(line) {
            self.kind = Kind::Fenced { closed: true };
        }
        self
    }

    fn of(self, text: &str) -> Block<'_> {
        let text = text[self.start..self.end].trim_end();
        Block { text, is_example: self.kind != Kind::Prose }
    }
}

impl Kind {
    /// What a block is that begins with the line.
    fn of(line: &str) -> Self {
        if is_fence(line) {
            Self::Fenced { closed: false }
        } else if line.trim_start().starts_with(">>>") {
            Self::Doctest
        } else if line.starts_with("    ") || line.starts_with('\t') {
            Self::Indented
        } else {
            Self::Prose
        }
    }
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(&str, bool)> {
        blocks(text).into_iter().map(|block| (block.text, block.is_example)).collect()
    }

    #[test]
    fn paragraphs_and_examples_are_told_apart() {
        assert_eq!(of("one\ntwo\n\n\nthree\n"), [("one\ntwo", false), ("three", false)]);
        assert_eq!(of(" \n\n"), []);
        assert_eq!(
            of("see\n>>> f()\n1\n\n>>> g()\n\nend"),
            [("see", false), (">>> f()\n1\n\n>>> g()", true), ("end", false)]
        );
        assert_eq!(
            of("so:\n\n    x = 1\n\n    y = 2\nend"),
            [("so:", false), ("    x = 1\n\n    y = 2", true), ("end", false)]
        );
    }

    #[test]
    fn a_fence_holds_all_up_to_its_end() {
        assert_eq!(
            of("a\n```py\nx\n\n    y\n```\nb"),
            [("a", false), ("```py\nx\n\n    y\n```", true), ("b", false)]
        );
        assert_eq!(of("```\nnever closed\n\nx"), [("```\nnever closed\n\nx", true)]);
    }
}
