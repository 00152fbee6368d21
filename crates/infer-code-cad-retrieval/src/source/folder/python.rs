use std::collections::HashMap;

use tree_sitter::{Node, Parser};

use crate::source::{Document, DocumentKind, unique};

/// Nodes that are looked into for definitions, beside classes. A file with an error is read around it.
const OPEN: [&str; 12] = [
    "module",
    "block",
    "if_statement",
    "elif_clause",
    "else_clause",
    "try_statement",
    "except_clause",
    "finally_clause",
    "with_statement",
    "for_statement",
    "while_statement",
    "ERROR",
];

/// The functions and classes of a file, and the docstring of its module or, where there is nothing else, its text.
pub(super) fn documents(file: &str, module: &str, text: &str) -> Result<Vec<Document>, String> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .map_err(|error| format!("the grammar of Python does not load: {error}"))?;
    let tree = parser.parse(text, None).ok_or("the parser of Python stopped")?;
    let mut reader = Reader { file, text, seen: HashMap::new(), documents: Vec::new() };
    let root = tree.root_node();
    let docstring = reader.docstring(root);
    let code = docstring.is_none();
    if let Some(docstring) = docstring {
        reader.push(module.to_owned(), "", root, docstring, DocumentKind::Section);
    }
    reader.definitions(root, module);
    if code && reader.documents.is_empty() && !text.trim().is_empty() {
        reader.push(module.to_owned(), "", root, text.trim().to_owned(), DocumentKind::Code);
    }
    Ok(reader.documents)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    seen: HashMap<String, usize>,
    documents: Vec<Document>,
}

impl<'a> Reader<'a> {
    /// In the order of the file. By a stack of its own: a file may be nested as deep as it likes.
    fn definitions(&mut self, root: Node<'_>, module: &str) {
        let mut waiting = vec![(root, String::new())];
        while let Some((node, within)) = waiting.pop() {
            let definition = node.child_by_field_name("definition").unwrap_or(node);
            match definition.kind() {
                "function_definition" => self.function(node, definition, module, &within),
                "class_definition" => {
                    let name = self.name(definition, &within);
                    self.class(node, definition, module, &name);
                    if let Some(body) = definition.child_by_field_name("body") {
                        waiting.push((body, name));
                    }
                }
                kind if OPEN.contains(&kind) => {
                    let mut cursor = node.walk();
                    let inner: Vec<_> = node.named_children(&mut cursor).collect();
                    waiting.extend(inner.into_iter().rev().map(|node| (node, within.clone())));
                }
                _ => {}
            }
        }
    }

    fn function(&mut self, whole: Node<'_>, definition: Node<'_>, module: &str, within: &str) {
        let name = self.name(definition, within);
        let title = format!("{module}.{name}{}", self.signature(definition, !within.is_empty()));
        let text = self.lines(whole, &[]);
        self.push(title, &name, whole, text, DocumentKind::Code);
    }

    /// With its docstring and its attributes, of its methods the first lines alone.
    fn class(&mut self, whole: Node<'_>, definition: Node<'_>, module: &str, name: &str) {
        let mut bodies = Vec::new();
        let mut signature = String::new();
        if let Some(body) = definition.child_by_field_name("body") {
            let mut cursor = body.walk();
            for member in body.named_children(&mut cursor) {
                let member = member.child_by_field_name("definition").unwrap_or(member);
                bodies.extend(member.child_by_field_name("body").filter(|_| is_definition(member)));
                if member.kind() == "function_definition" && self.name(member, "") == "__init__" {
                    signature = self.parameters(member, true);
                }
            }
        }
        let text = self.lines(whole, &bodies);
        self.push(format!("{module}.{name}{signature}"), name, whole, text, DocumentKind::Code);
    }

    fn push(
        &mut self,
        title: String,
        name: &str,
        node: Node<'_>,
        text: String,
        kind: DocumentKind,
    ) {
        let id =
            if name.is_empty() { self.file.to_owned() } else { format!("{}#{name}", self.file) };
        let id = unique(&mut self.seen, id);
        let location = format!("{}:{}", self.file, node.start_position().row + 1);
        self.documents.push(Document { location, kind, ..Document::new(id, title, text) });
    }

    fn name(&self, definition: Node<'_>, within: &str) -> String {
        let name = definition.child_by_field_name("name").map_or("", |name| self.source(name));
        if within.is_empty() { name.to_owned() } else { format!("{within}.{name}") }
    }

    /// Parameters and, where it is given, the type of the result.
    fn signature(&self, function: Node<'_>, method: bool) -> String {
        let parameters = self.parameters(function, method);
        match function.child_by_field_name("return_type") {
            Some(result) => format!("{parameters} -> {}", squeezed(self.source(result))),
            None => parameters,
        }
    }

    /// On one line, of a method without the object itself.
    fn parameters(&self, function: Node<'_>, method: bool) -> String {
        let Some(parameters) = function.child_by_field_name("parameters") else {
            return "()".to_owned();
        };
        let mut cursor = parameters.walk();
        let given = parameters.named_children(&mut cursor).filter(|node| node.kind() != "comment");
        let given = given.map(|node| squeezed(self.source(node)));
        let itself = |(at, name): &(usize, String)| {
            method && *at == 0 && matches!(name.as_str(), "self" | "cls")
        };
        let given: Vec<String> = given
            .enumerate()
            .filter(|first| !itself(first))
            .map(|(_, parameter)| parameter)
            .collect();
        format!("({})", given.join(", "))
    }

    /// The docstring without quotes and indentation.
    fn docstring(&self, root: Node<'_>) -> Option<String> {
        let mut cursor = root.walk();
        let first = root.named_children(&mut cursor).find(|node| node.kind() != "comment")?;
        let alone = (first.kind() == "expression_statement").then_some(first)?;
        let string = alone.named_child(0).filter(|node| node.kind() == "string")?;
        let mut cursor = string.walk();
        let content =
            string.named_children(&mut cursor).find(|node| node.kind() == "string_content")?;
        let text = self.source(content);
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let text = format!("{}\n{}", first.trim(), dedented(rest));
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    /// The lines of a node without the indentation of the first, some of its parts replaced by `...`.
    fn lines(&self, node: Node<'_>, cut: &[Node<'_>]) -> String {
        let begin = self.text[..node.start_byte()].rfind('\n').map_or(0, |end| end + 1);
        let mut text = String::new();
        let mut from = begin;
        for part in cut {
            text += &self.text[from..part.start_byte()];
            text += "...";
            from = part.end_byte();
        }
        text += &self.text[from..node.end_byte()];
        dedented(&text)
    }

    fn source(&self, node: Node<'_>) -> &'a str {
        &self.text[node.byte_range()]
    }
}

fn is_definition(node: Node<'_>) -> bool {
    matches!(node.kind(), "function_definition" | "class_definition")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the indentation that all lines share.
fn dedented(text: &str) -> String {
    let solid = || text.lines().filter(|line| !line.trim().is_empty());
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let shared = solid().map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = text.lines().map(|line| line.get(shared..).unwrap_or("")).collect();
    lines.join("\n").trim_end().to_owned()
}
