//! What one logical line of Python does, read from its syntax tree.

use crate::builtins::{is_builtin, is_reserved};
use crate::python::{Line, logical_lines};
use tree_sitter::{Node, Parser, Tree};

/// Reads lines by the grammar of tree-sitter.
pub(crate) struct Syntax(Parser);

/// What a statement is, as far as keeping or dropping it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `import ..` or `from .. import ..`.
    Import,
    /// `def ..:`
    Function,
    /// `class ..:`
    Class,
    /// `@..`
    Decorator,
    /// `name = ..`, `name += ..`, `x.y = ..`
    Assignment,
    /// A call, or a statement with a block: `if`, `for`, `while`, `with`, `try`, `match`.
    Effect,
    /// `else:` and the like, which continue a statement.
    Clause,
    /// `return`, `raise`, `assert`, `pass`, ...: what has no effect on a module, or ends it.
    Jump,
    /// A string or `...`.
    Text,
    /// An expression whose value is lost, as in prose that happens to parse.
    Inert,
}

/// A name that a statement takes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use<'t> {
    pub(crate) name: &'t str,
    /// The statement calls it.
    pub(crate) called: bool,
    /// It is looked up when a function is called, not when the statement runs.
    pub(crate) deferred: bool,
}

/// How many arguments a function takes by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arity {
    pub(crate) least: usize,
    /// `None` where there is no limit.
    pub(crate) most: Option<usize>,
}

impl Arity {
    pub(crate) fn takes(self, count: usize) -> bool {
        self.least <= count && self.most.is_none_or(|most| count <= most)
    }

    /// `None` where an argument must come by name.
    fn of(parameters: Node<'_>) -> Option<Self> {
        let mut arity = Self { least: 0, most: Some(0) };
        let mut by_name = false;
        let mut cursor = parameters.walk();
        for node in parameters.named_children(&mut cursor) {
            let inner = node.named_child(0).map_or("", |inner| inner.kind());
            match node.kind() {
                "keyword_separator" => by_name = true,
                "list_splat_pattern" => (arity.most, by_name) = (None, true),
                "typed_parameter" if inner == "list_splat_pattern" => {
                    (arity.most, by_name) = (None, true)
                }
                "typed_parameter" if inner == "dictionary_splat_pattern" => {}
                "identifier" | "typed_parameter" if by_name => return None,
                "identifier" | "typed_parameter" => {
                    arity.least += 1;
                    arity.most = arity.most.map(|most| most + 1);
                }
                "default_parameter" | "typed_default_parameter" if !by_name => {
                    arity.most = arity.most.map(|most| most + 1);
                }
                _ => {}
            }
        }
        Some(arity)
    }
}

/// What one logical line does with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement<'t> {
    pub(crate) kind: Kind,
    /// Names that it gives values to.
    pub(crate) binds: Vec<&'t str>,
    pub(crate) uses: Vec<Use<'t>>,
    /// Names of parameters and of comprehensions.
    pub(crate) locals: Vec<&'t str>,
    /// Names whose values it changes in place, or may change by a call.
    pub(crate) changes: Vec<&'t str>,
    /// Names that a `global` or `nonlocal` statement lists.
    pub(crate) globals: Vec<&'t str>,
    /// `from .. import *`.
    pub(crate) imports_all: bool,
    /// `from __future__ import ..`.
    pub(crate) is_future: bool,
    /// `name = lambda ..`.
    pub(crate) is_lambda: bool,
    /// `name = other`, `name = other.attribute` or `name = lambda ..`.
    pub(crate) is_reference: bool,
    /// What a `def` takes, where all may come by position.
    pub(crate) arity: Option<Arity>,
}

impl Syntax {
    pub(crate) fn new() -> Self {
        let mut parser = Parser::new();
        let language = tree_sitter_python::LANGUAGE.into();
        parser
            .set_language(&language)
            .expect("the grammar's version is one that the library reads");
        Self(parser)
    }

    /// True when all of a text is Python, as far as the grammar tells.
    pub(crate) fn accepts(&mut self, text: &str) -> bool {
        self.module(text, &logical_lines(text)).is_some()
    }

    /// What each of a text's lines does; `None` for a line that is no Python.
    pub(crate) fn statements<'t>(
        &mut self,
        text: &'t str,
        lines: &[Line<'t>],
    ) -> Vec<Option<Statement<'t>>> {
        match self.module(text, lines) {
            Some(statements) => statements.into_iter().map(Some).collect(),
            None => lines.iter().map(|line| self.statement(line)).collect(),
        }
    }

    /// What the lines of a text that is all Python do.
    fn module<'t>(&mut self, text: &'t str, lines: &[Line<'t>]) -> Option<Vec<Statement<'t>>> {
        Reader { source: text, lines, at: 0, begun: 0, found: Vec::new() }.read(&self.parse(text)?)
    }

    /// What the line does by itself.
    pub(crate) fn statement<'t>(&mut self, line: &Line<'t>) -> Option<Statement<'t>> {
        if line.code() == "case" {
            return None; // cut off
        }
        let (before, after) = frame(line);
        let source = [before, line.code(), after].concat();
        let tree = self.parse(&source)?;
        let line = line.unindented_at(before.len());
        let reader = Reader { source: &source, lines: &[line], at: 0, begun: 0, found: Vec::new() };
        reader.read(&tree)?.pop()
    }

    /// The tree of a text that is all Python.
    pub(crate) fn parse(&mut self, source: &str) -> Option<Tree> {
        self.0.parse(source, None).filter(|tree| !tree.root_node().has_error())
    }
}

/// True for a line that goes on with a statement; `case` is a keyword only where a colon follows.
fn is_clause(line: &Line<'_>) -> bool {
    match line.first_word() {
        "else" | "elif" | "except" | "finally" => true,
        "case" => line.opens_block || line.header() != line.code().trim_end(),
        _ => false,
    }
}

/// What makes a whole statement of a header or a clause.
fn frame(line: &Line<'_>) -> (&'static str, &'static str) {
    let before = match line.first_word() {
        "else" | "elif" => "if x: pass\n",
        "except" | "finally" => "try: pass\n",
        "case" if is_clause(line) => "match x:\n ",
        _ => "",
    };
    let after = match line.first_word() {
        "try" if line.opens_block => "\n pass\nfinally: pass",
        "try" => "\nfinally: pass",
        "match" if line.opens_block => "\n case _: pass",
        "case" if line.opens_block => "\n  pass",
        _ if line.opens_block => "\n pass",
        _ if line.code().starts_with('@') => "\ndef f(): pass",
        _ => "",
    };
    (before, after)
}

impl Statement<'_> {
    fn new(line: &Line<'_>) -> Self {
        let kind = if is_clause(line) { Kind::Clause } else { Kind::Inert };
        Self {
            kind,
            binds: Vec::new(),
            uses: Vec::new(),
            locals: Vec::new(),
            changes: Vec::new(),
            globals: Vec::new(),
            imports_all: false,
            is_future: false,
            is_lambda: false,
            is_reference: false,
            arity: None,
        }
    }
}

impl<'t> Statement<'t> {
    /// Writes an identifier down; `None` for one that Python reserves.
    fn take(&mut self, name: &'t str, role: Role, deferred: bool) -> Option<()> {
        match role {
            _ if is_reserved(name) => return None,
            Role::Use | Role::Call | Role::Change | Role::Effect => {
                let called = matches!(role, Role::Call | Role::Effect);
                self.uses.push(Use { name, called, deferred });
                if matches!(role, Role::Change | Role::Effect) && !deferred {
                    self.changes.push(name);
                }
            }
            Role::Bind if !deferred => self.binds.push(name),
            Role::Bind | Role::Local => self.locals.push(name),
            Role::Global => self.globals.push(name),
            Role::Skip => {}
        }
        Some(())
    }
}

/// What an identifier is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Use,
    Call,
    Bind,
    /// Bound inside a function, lambda or comprehension.
    Local,
    /// Changed in place, or given to a call whose value is lost.
    Change,
    /// Called for its effect.
    Effect,
    Global,
    /// An attribute, a keyword, a module: no name of the program's.
    Skip,
}

struct Reader<'s, 't> {
    source: &'s str,
    lines: &'s [Line<'t>],
    /// The line that the walk has come to.
    at: usize,
    /// How many lines a statement begins.
    begun: usize,
    found: Vec<Statement<'t>>, // one per line
}

impl<'t> Reader<'_, 't> {
    /// Walks the tree without recursion: text may nest as deep as it is long. `None` for what Python 3
    /// does not take: statements of Python 2, reserved words as names, blocks without a statement.
    fn read(mut self, tree: &Tree) -> Option<Vec<Statement<'t>>> {
        self.found = self.lines.iter().map(Statement::new).collect();
        self.begun = self.lines.iter().filter(|line| is_clause(line)).count();
        let mut cursor = tree.walk();
        let mut path = vec![(cursor.node(), Role::Use, false)]; // parents, with role and deferral
        let mut descends = cursor.goto_first_child();
        while descends {
            let (parent, above, deferred) = path[path.len() - 1];
            let (node, field) = (cursor.node(), cursor.field_name());
            let role = self.role(parent, field, node, above);
            let is_body =
                matches!(parent.kind(), "function_definition" | "lambda") && field == Some("body");
            let deferred = deferred || is_body;
            self.take(parent, node, role, deferred)?;
            if cursor.goto_first_child() {
                path.push((node, role, deferred));
                continue;
            }
            while descends && !cursor.goto_next_sibling() {
                path.pop();
                descends = cursor.goto_parent() && !path.is_empty();
            }
        }
        // The grammar lets some statements go on in the next line, where Python does not.
        (self.begun == self.lines.len()).then_some(self.found)
    }

    /// Writes down what a node tells of its line.
    fn take(&mut self, parent: Node<'_>, node: Node<'_>, role: Role, deferred: bool) -> Option<()> {
        let (kind, start) = (node.kind(), node.start_byte());
        let is_old = matches!(kind, "print_statement" | "exec_statement" | "chevron" | "<>")
            || (kind == "string_start" && self.source[node.byte_range()].ends_with('`'))
            || (kind == "import_from_statement" && self.source[node.byte_range()].ends_with(','));
        if is_old || (kind == "block" && is_empty(node)) {
            return None;
        }
        while self.lines.get(self.at + 1).is_some_and(|line| line.start <= start) {
            self.at += 1;
        }
        let Some(line) =
            self.lines.get(self.at).filter(|line| (line.start..line.end()).contains(&start))
        else {
            return Some(()); // of the frame, or a comment
        };
        let begins = start + line.code().len() == line.end();
        let stands = matches!(parent.kind(), "module" | "block" | "decorated_definition");
        if begins && stands && node.is_named() && !is_clause(line) && parent.start_byte() <= start {
            // A decorated definition begins where its decorator does.
            self.begun += usize::from(node.kind() != "decorator" || parent.start_byte() != start);
            let kind = self.kind(node);
            self.found[self.at].kind = kind;
        }
        let found = &mut self.found[self.at];
        found.imports_all |= kind == "wildcard_import";
        if kind == "identifier" {
            let name = &line.text[start - line.start..node.end_byte() - line.start];
            found.take(name, role, deferred)?;
        }
        Some(())
    }

    /// The role of a child, by its place in its parent and the parent's own role.
    fn role(&self, parent: Node<'_>, field: Option<&str>, node: Node<'_>, above: Role) -> Role {
        let is_name = node.kind() == "identifier";
        match (parent.kind(), field.unwrap_or_default()) {
            ("assignment" | "for_statement" | "type_alias_statement", "left")
            | ("named_expression" | "function_definition" | "class_definition", "name")
            | ("import_statement" | "import_from_statement", "name")
            | ("aliased_import" | "as_pattern", "alias") => Role::Bind,
            ("augmented_assignment", "left") => Role::Change,
            ("for_in_clause", "left")
            | ("lambda" | "function_definition", "parameters")
            | ("default_parameter" | "typed_default_parameter", "name")
            | ("typed_parameter", "")
            | ("type_parameter", _)
            | ("case_clause", "") => Role::Local,
            ("global_statement" | "nonlocal_statement", _) => Role::Global,
            ("attribute", "attribute")
            | ("keyword_argument" | "aliased_import", "name")
            | ("import_from_statement", "module_name")
            | ("future_import_statement", _) => Role::Skip,
            ("attribute", "object") | ("subscript", "value") => match above {
                Role::Bind | Role::Change | Role::Effect => Role::Change,
                _ => Role::Use,
            },
            ("dotted_name", _) if parent.start_byte() != node.start_byte() => Role::Skip,
            ("expression_statement", _) if EFFECTS.contains(&node.kind()) => Role::Effect,
            ("list_comprehension", "body") => above,
            ("call", "function") if above == Role::Effect || above == Role::Change => {
                if self.is_built_in(node) { Role::Call } else { Role::Effect }
            }
            ("call", "function") if is_name => Role::Call,
            ("call", "arguments") if above == Role::Effect => {
                let is_built_in = parent.child(0).is_some_and(|callee| self.is_built_in(callee));
                if is_built_in { Role::Use } else { Role::Change }
            }
            ("argument_list", _) if above == Role::Change && is_name => Role::Change,
            (kind, _) if above == Role::Bind && OF_TARGETS.contains(&kind) => above,
            (kind, _) if HANDS_ON.contains(&kind) => above,
            _ => Role::Use,
        }
    }

    fn is_built_in(&self, node: Node<'_>) -> bool {
        node.kind() == "identifier" && is_builtin(&self.source[node.byte_range()])
    }

    fn kind(&mut self, node: Node<'_>) -> Kind {
        match node.kind() {
            "import_statement" | "import_from_statement" => Kind::Import,
            "future_import_statement" => {
                self.found[self.at].is_future = true;
                Kind::Import
            }
            "function_definition" => {
                let parameters = node.child_by_field_name("parameters");
                self.found[self.at].arity = parameters.and_then(Arity::of);
                Kind::Function
            }
            "class_definition" => Kind::Class,
            "decorated_definition" | "decorator" => Kind::Decorator,
            "if_statement" | "for_statement" | "while_statement" | "with_statement"
            | "try_statement" | "match_statement" => Kind::Effect,
            "type_alias_statement" => Kind::Assignment,
            "expression_statement" => self.expression_kind(node),
            _ => Kind::Jump,
        }
    }

    fn expression_kind(&mut self, statement: Node<'_>) -> Kind {
        let Some(node) = statement.named_child(0).filter(|_| statement.named_child_count() == 1)
        else {
            return Kind::Inert; // a tuple
        };
        match node.kind() {
            "assignment" if is_assigned(node) => {
                let value = node.child_by_field_name("right").map_or("", |value| value.kind());
                let found = &mut self.found[self.at];
                found.is_lambda = value == "lambda";
                found.is_reference = matches!(value, "lambda" | "identifier" | "attribute");
                Kind::Assignment
            }
            "augmented_assignment" | "named_expression" => Kind::Assignment,
            "call" if !self.is_heading(node) => Kind::Effect,
            "await" => Kind::Effect,
            "list_comprehension" if is_of_calls(node) => Kind::Effect,
            "yield" => Kind::Jump,
            "string" | "concatenated_string" | "ellipsis" => Kind::Text,
            _ => Kind::Inert,
        }
    }

    /// `Solution (direct)`: a capital, a space, and words in brackets.
    fn is_heading(&self, call: Node<'_>) -> bool {
        let (Some(callee), Some(arguments)) = (call.child(0), call.child(1)) else { return false };
        let mut cursor = arguments.walk();
        callee.kind() == "identifier"
            && callee.end_byte() < arguments.start_byte()
            && self.source[callee.byte_range()].starts_with(char::is_uppercase)
            && arguments.named_children(&mut cursor).all(|node| node.kind() == "identifier")
    }
}

/// Expressions that may stand alone for what they do.
const EFFECTS: &[&str] = &["call", "await", "list_comprehension"];

/// Nodes whose children play the role of the whole.
const HANDS_ON: &[&str] = &[
    "parameters",
    "lambda_parameters",
    "case_pattern",
    "list_splat_pattern",
    "dictionary_splat_pattern",
    "pattern_list",
    "tuple_pattern",
    "list_pattern",
    "dict_pattern",
    "union_pattern",
    "splat_pattern",
    "as_pattern_target",
    "parenthesized_expression",
    "await",
    "dotted_name",
    "relative_import",
];

/// Nodes whose children are given values where the whole is.
const OF_TARGETS: &[&str] = &["tuple", "list", "list_splat", "type", "generic_type"];

/// True for a block of comments.
fn is_empty(block: Node<'_>) -> bool {
    let mut cursor = block.walk();
    block.named_children(&mut cursor).all(|node| node.kind() == "comment")
}

/// Not `Note: x`, nor `Space: O(n) = O(1)`.
fn is_assigned(node: Node<'_>) -> bool {
    let annotation = node.child_by_field_name("type");
    let is_call = |node: Node<'_>| node.named_child(0).is_some_and(|inner| inner.kind() == "call");
    node.child_by_field_name("right").is_some() && !annotation.is_some_and(is_call)
}

/// `[table.append(x) for x in xs]`
fn is_of_calls(comprehension: Node<'_>) -> bool {
    comprehension.child_by_field_name("body").is_some_and(|body| body.kind() == "call")
}

#[cfg(test)]
mod tests;
