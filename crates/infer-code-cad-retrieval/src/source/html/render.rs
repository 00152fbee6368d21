use super::{Node, NodeId, Page};

/// Elements without a text for readers.
const SILENT: [&str; 9] =
    ["button", "footer", "form", "head", "nav", "script", "style", "svg", "template"];
/// The same by class: links that Sphinx puts beside headings and signatures, line numbers, lists of pages.
const SILENT_CLASSES: [&str; 7] = [
    "headerlink",
    "linenos",
    "linenodiv",
    "related",
    "sphinxsidebar",
    "toctree-wrapper",
    "viewcode-link",
];
const LINES: [&str; 3] = ["caption", "dt", "tr"];
const INLINE: [&str; 27] = [
    "a", "abbr", "acronym", "b", "bdi", "big", "cite", "code", "del", "dfn", "em", "font", "i",
    "img", "ins", "kbd", "label", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "tt",
    "var",
];

impl Page {
    /// The text of some elements without those of some others within: paragraphs apart by a blank line, code between fences, items
    /// and definitions indented, rows of tables on a line each.
    pub(super) fn text(&self, roots: &[NodeId], without: &dyn Fn(NodeId) -> bool) -> String {
        let mut writer = Writer::new(self, without);
        for root in roots {
            writer.breaks(if self.nodes[*root].name.is_empty() { 0 } else { 2 });
            writer.element(*root);
        }
        writer.text
    }

    /// The text of an element on one line.
    pub(in crate::source) fn line(&self, node: NodeId) -> String {
        let mut writer = Writer { flat: true, ..Writer::new(self, &|_| false) };
        writer.node(node);
        // Sphinx marks references that it could not resolve so, and headings of older versions.
        writer.text.trim().trim_end_matches('¶').trim_end().to_owned()
    }
}

struct Writer<'a> {
    page: &'a Page,
    without: &'a dyn Fn(NodeId) -> bool,
    text: String,
    /// Line ends before the next word.
    breaks: usize,
    /// A space before the next word.
    space: bool,
    indent: usize,
    /// On one line, as in a cell of a table.
    flat: bool,
    /// Where the text ended after the mark of an item, beside which its first block stands.
    mark: usize,
}

impl<'a> Writer<'a> {
    fn new(page: &'a Page, without: &'a dyn Fn(NodeId) -> bool) -> Self {
        Self {
            page,
            without,
            text: String::new(),
            breaks: 0,
            space: false,
            indent: 0,
            flat: false,
            mark: 0,
        }
    }

    /// Recursion goes as deep as a page's tree, which is bounded.
    fn node(&mut self, id: NodeId) {
        if (self.without)(id) {
            self.breaks(2);
        } else {
            self.element(id);
        }
    }

    fn element(&mut self, id: NodeId) {
        let node = &self.page.nodes[id];
        if node.name.is_empty() {
            return self.words(&node.text);
        }
        let silent = |class: &&str| node.has_class(class);
        if SILENT.contains(&node.name.as_str()) || SILENT_CLASSES.iter().any(silent) {
            return;
        }
        match node.name.as_str() {
            "br" => self.breaks(1),
            "pre" => self.code(id),
            "li" => self.item(node),
            "dd" => self.indented(node),
            "td" | "th" => self.cell(node),
            name if INLINE.contains(&name) => self.children(node),
            name => {
                let around = if LINES.contains(&name) { 1 } else { 2 };
                self.breaks(around);
                self.children(node);
                self.breaks(around);
            }
        }
    }

    fn children(&mut self, node: &Node) {
        node.children.iter().for_each(|child| self.node(*child));
    }

    fn breaks(&mut self, lines: usize) {
        if self.flat || self.text.len() == self.mark {
            self.space = true;
        } else {
            self.breaks = self.breaks.max(lines);
        }
    }

    /// Starts a new line or a new word where one is due.
    fn begin(&mut self) {
        if self.text.is_empty() || self.breaks > 0 {
            if !self.text.is_empty() {
                self.text.extend(std::iter::repeat_n('\n', self.breaks));
            }
            self.text.extend(std::iter::repeat_n(' ', self.indent));
        } else if self.space {
            self.text.push(' ');
        }
        (self.breaks, self.space) = (0, false);
    }

    fn words(&mut self, text: &str) {
        self.space |= text.starts_with(char::is_whitespace);
        for (at, word) in text.split_whitespace().enumerate() {
            self.space |= at > 0;
            self.begin();
            self.text += word;
        }
        self.space |= text.ends_with(char::is_whitespace);
    }

    fn item(&mut self, node: &Node) {
        self.breaks(1);
        self.words("*");
        self.mark = self.text.len();
        self.space = true;
        self.indent += 2;
        self.children(node);
        self.indent -= 2;
        self.breaks(1);
    }

    fn indented(&mut self, node: &Node) {
        self.breaks(1);
        self.indent += 4;
        self.children(node);
        self.indent -= 4;
        self.breaks(2);
    }

    fn cell(&mut self, node: &Node) {
        if !self.text.ends_with('\n') && self.breaks == 0 && !self.text.is_empty() {
            self.words(" | ");
        }
        let flat = std::mem::replace(&mut self.flat, true);
        self.children(node);
        self.flat = flat;
    }

    fn code(&mut self, id: NodeId) {
        let code = self.page.verbatim(id);
        let code = code.trim_end().trim_start_matches('\n');
        if self.flat || code.is_empty() {
            return self.words(code);
        }
        let fence = if code.contains("```") { "````" } else { "```" };
        self.breaks(2);
        let language = self.page.language(id);
        for line in std::iter::once(format!("{fence}{language}").as_str())
            .chain(code.lines())
            .chain([fence])
        {
            self.breaks = self.breaks.max(1);
            self.begin();
            self.text += line.trim_end();
        }
        self.breaks(2);
    }
}

impl Page {
    /// All text below a node as it is.
    fn verbatim(&self, id: NodeId) -> String {
        let node = &self.nodes[id];
        if node.name == "br" {
            return "\n".to_owned();
        }
        if node.has_class("linenos") {
            return String::new();
        }
        node.children.iter().fold(node.text.clone(), |text, child| text + &self.verbatim(*child))
    }

    /// Sphinx names the language in the class of an element around: `highlight-python3`; others in that of the code
    /// or its `data-language`, which `class` stands for here.
    fn language(&self, pre: NodeId) -> &str {
        let around = self
            .ancestors(pre)
            .take(3)
            .chain([pre])
            .chain(self.nodes[pre].children.first().copied());
        let named = around
            .flat_map(|node| self.nodes[node].class.split_ascii_whitespace())
            .find_map(|class| {
                class.strip_prefix("highlight-").or_else(|| class.strip_prefix("language-"))
            });
        match named.unwrap_or_default() {
            "default" | "python3" | "pycon" | "pycon3" | "ipython3" => "python",
            "none" | "text" | "notranslate" => "",
            language => language,
        }
    }
}
