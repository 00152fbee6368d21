//! Pages of HTML as trees, and parts of them as text.

mod extent;
mod render;

pub(super) use extent::Extent;

use std::collections::HashMap;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// A node's number; nodes are numbered in the order of the page.
pub(super) type NodeId = usize;

/// The deepest element that holds others, as in browsers: what is deeper is put beside it.
const DEPTH: usize = 512;

const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];

/// Elements that end an open paragraph.
const BLOCKS: [&str; 29] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
    "dd",
];

/// What an element is or, with an empty name, a text.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) class: String,
    pub(super) id: String,
    /// Of a text what it says.
    pub(super) text: String,
    pub(super) parent: NodeId,
    pub(super) children: Vec<NodeId>,
}

impl Node {
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.class.split_ascii_whitespace().any(|own| own == class)
    }

    /// 1 for `h1`, 6 for `h6`.
    pub(super) fn heading(&self) -> Option<u8> {
        match self.name.as_bytes() {
            [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
            _ => None,
        }
    }

    pub(super) fn is_section(&self) -> bool {
        self.name == "section" || self.name == "div" && self.has_class("section")
    }
}

/// A page's tree. Node 0 is the page itself.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) nodes: Vec<Node>,
    ids: HashMap<String, NodeId>,
}

impl Page {
    /// Any text is a page: tags that nothing opened are passed over, open ones end with the page.
    pub(super) fn parse(html: &str) -> Self {
        let mut emitter = DefaultEmitter::default();
        // So that what looks like tags within scripts is none.
        emitter.naively_switch_states(true);
        let mut builder = Builder::new();
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => builder.open(&tag),
                Token::EndTag(tag) => builder.close(&String::from_utf8_lossy(&tag.name)),
                Token::String(text) => builder.text(&String::from_utf8_lossy(&text)),
                _ => {}
            }
        }
        Self { nodes: builder.nodes, ids: builder.ids }
    }

    /// The element that an anchor names.
    pub(super) fn anchor(&self, id: &str) -> Option<NodeId> {
        self.ids.get(id).copied()
    }

    /// The elements around a node, the nearest first.
    pub(super) fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let above = |node: &NodeId| (*node != 0).then(|| self.nodes[*node].parent);
        std::iter::successors(above(&node), above)
    }

    /// The elements next to a node after it.
    pub(super) fn following(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let beside = &self.nodes[self.nodes[node].parent].children;
        beside[beside.partition_point(|other| *other <= node)..].iter().copied()
    }
}

struct Builder {
    nodes: Vec<Node>,
    ids: HashMap<String, NodeId>,
    /// Elements that are open, the page first.
    open: Vec<NodeId>,
    /// How many of each name are, so that an end tag without a start costs nothing.
    names: HashMap<String, usize>,
}

impl Builder {
    fn new() -> Self {
        let page = Node { name: "page".to_owned(), ..Node::default() };
        Self { nodes: vec![page], ids: HashMap::new(), open: vec![0], names: HashMap::new() }
    }

    fn push(&mut self, node: Node) -> NodeId {
        let parent = *self.open.last().expect("the page is never closed");
        let id = self.nodes.len();
        self.nodes.push(Node { parent, ..node });
        self.nodes[parent].children.push(id);
        id
    }

    fn open(&mut self, tag: &StartTag<()>) {
        let attribute = |name: &[u8]| {
            let value = tag.attributes.get(name);
            value.map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        self.end_implied(&name);
        let id = attribute(b"id")
            .or_else(|| attribute(b"name").filter(|_| name == "a"))
            .unwrap_or_default();
        let class = attribute(b"class").unwrap_or_default();
        let void = tag.self_closing || VOID.contains(&name.as_str());
        let node = self.push(Node { name: name.clone(), class, id: id.clone(), ..Node::default() });
        if !id.is_empty() {
            self.ids.entry(id).or_insert(node);
        }
        if !void && self.open.len() < DEPTH {
            self.open.push(node);
            *self.names.entry(name).or_default() += 1;
        }
    }

    fn text(&mut self, text: &str) {
        self.push(Node { text: text.to_owned(), ..Node::default() });
    }

    fn close(&mut self, name: &str) {
        self.end(&[name], &[]);
    }

    /// Ends what an element of this name cannot stand in.
    fn end_implied(&mut self, name: &str) {
        if BLOCKS.contains(&name) {
            self.end(&["p"], &["td", "th", "li", "dd", "dt", "div", "section", "button"]);
        }
        match name {
            "li" => self.end(&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => self.end(&["dt", "dd"], &["dl"]),
            "td" | "th" => self.end(&["td", "th"], &["tr", "table"]),
            "tr" => self.end(&["tr"], &["table"]),
            "tbody" | "tfoot" | "thead" => self.end(&["tbody", "tfoot", "thead"], &["table"]),
            "option" => self.end(&["option"], &["select"]),
            _ => {}
        }
    }

    /// Ends the innermost open element of these names and all in it, unless one of `within` is nearer.
    fn end(&mut self, names: &[&str], within: &[&str]) {
        if names.iter().all(|name| self.names.get(*name).is_none_or(|count| *count == 0)) {
            return;
        }
        let name = |node: NodeId| self.nodes[node].name.as_str();
        let nearest = |node: &NodeId| names.contains(&name(*node)) || within.contains(&name(*node));
        let Some(at) = self.open.iter().rposition(nearest) else { return };
        if !names.contains(&name(self.open[at])) {
            return;
        }
        for node in self.open.drain(at..) {
            if let Some(count) = self.names.get_mut(&self.nodes[node].name) {
                *count -= 1;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
