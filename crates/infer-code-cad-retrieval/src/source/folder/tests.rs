use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::DocumentKind;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, bytes) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> (Vec<Document>, Vec<Skipped>) {
    let source = Folder { origin: "o".to_owned(), ..Folder::new(folder.path()) };
    let (documents, skipped): (Vec<_>, Vec<_>) =
        source.documents().unwrap().partition(Result::is_ok);
    let skipped = skipped.into_iter().map(Result::unwrap_err);
    let relative = |Skipped { what, why }| {
        Skipped::new(what.replace(&folder.path().display().to_string(), ""), why)
    };
    (documents.into_iter().map(Result::unwrap).collect(), skipped.map(relative).collect())
}

fn one(file: &str, text: &str) -> Vec<Document> {
    let (documents, skipped) = read(&folder(&[(file, text.as_bytes())]));
    assert_eq!(skipped, []);
    documents
}

fn titles(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.title.as_str()).collect()
}

#[test]
fn markdown_by_headings_of_both_kinds() {
    let text = "before\n# One #\n\ntext\n```sh\n# no heading\n```\n## Two\n### Empty\n## Two\nb\n\nThree\n=====\n\nc\n\n---\n";
    let documents = one("a/b.md", text);
    assert_eq!(
        titles(&documents),
        ["a/b.md", "a/b.md > One", "a/b.md > One > Two", "a/b.md > Three"]
    );
    assert_eq!(documents[1].text, "text\n```sh\n# no heading\n```");
    assert_eq!(documents[1].id, "o:a/b.md#One");
    assert_eq!(documents[2].location, "a/b.md:10");
    assert_eq!(documents[0].kind, DocumentKind::Section);
}

#[test]
fn restructured_text_ranks_its_marks_by_their_order() {
    let text = "=======\n  Doc\n=======\n\nintro\n\nUse\n===\n\nrun::\n\n    x\n\nDeep\n----\ny\n\n==  ==\na   b\n==  ==\n\nEnd\n===\nz";
    let documents = one("doc.rst", text);
    assert_eq!(
        titles(&documents),
        [
            "doc.rst > Doc",
            "doc.rst > Doc > Use",
            "doc.rst > Doc > Use > Deep",
            "doc.rst > Doc > End"
        ]
    );
    assert_eq!(documents[1].text, "run::\n\n    x");
    assert!(documents[2].text.ends_with("==  =="));
}

#[test]
fn notebooks_are_markdown_with_fenced_code() {
    let text = r##"{"cells": [{"cell_type": "markdown", "source": ["# Load\n", "Do:"]},
        {"cell_type": "code", "source": "import os\n", "outputs": [{"text": "no"}]}], "metadata": {}, "nbformat": 4}"##;
    let documents = one("n.ipynb", text);
    assert_eq!(titles(&documents), ["n.ipynb > Load"]);
    assert_eq!(documents[0].text, "Do:\n\n````python\nimport os\n````");
}

const CODE: &str = r#"#!/usr/bin/env python
"""Stacks.

    >>> push(1)
"""
import os

try:
    @cache
    async def push(item: int,  # what
                   *more, deep=dict(a=1)) -> "list[int]":
        """Puts it on top."""
        return [item]
except ImportError:
    pass

class Stack(Base):
    """A stack."""

    size = 3

    def __init__(self, items=()):
        self.items = items

    @property
    def top(self):
        def inner(): ...
        return self.items[-1]

    class Empty(Exception):
        pass
"#;

#[test]
fn python_by_functions_methods_and_classes() {
    let source = folder(&[
        ("pkg/sub/stack.py", CODE.as_bytes()),
        ("pkg/sub/__init__.py", b""),
        ("pkg/__init__.py", b"x = 1"),
    ]);
    let (documents, skipped) = read(&source);
    assert_eq!(skipped, []);
    assert_eq!(
        titles(&documents),
        [
            "pkg",
            "pkg.sub.stack",
            "pkg.sub.stack.push(item: int, *more, deep=dict(a=1)) -> \"list[int]\"",
            "pkg.sub.stack.Stack(items=())",
            "pkg.sub.stack.Stack.__init__(items=())",
            "pkg.sub.stack.Stack.top()",
            "pkg.sub.stack.Stack.Empty",
        ]
    );
    assert_eq!(documents[1].text, "Stacks.\n\n>>> push(1)");
    assert!(documents[2].text.starts_with("@cache\nasync def push("));
    assert!(documents[2].text.ends_with("\n    return [item]"));
    let class = "class Stack(Base):\n    \"\"\"A stack.\"\"\"\n\n    size = 3\n\n    def __init__(self, items=()):\n        ...\n\n    \
        @property\n    def top(self):\n        ...\n\n    class Empty(Exception):\n        ...";
    assert_eq!(documents[3].text, class);
    assert_eq!(documents[5].id, "o:pkg/sub/stack.py#Stack.top");
    assert_eq!(documents[5].location, "pkg/sub/stack.py:25");
    assert_eq!(documents[5].kind, DocumentKind::Code);
}

#[test]
fn one_broken_file_takes_nothing_from_the_others() {
    let source = folder(&[
        ("a.ipynb", b"{\"cells\": [{}]}"),
        ("b.txt", b"\x00\x01"),
        ("c.txt", b"caf\xe9"),
        ("d.py", b"def f(:\n  pass\ndef g(x): return 1\n"),
        ("e.md", b"fine"),
        ("f.bin", b"no"),
    ]);
    let (documents, skipped) = read(&source);
    assert_eq!(titles(&documents), ["c.txt", "d.f()", "d.g(x)", "e.md"]);
    assert_eq!(documents[0].text, "café");
    let told: Vec<String> = skipped.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("/a.ipynb: no notebook of format 4: missing field"), "{told:?}");
    assert_eq!(
        told[1..],
        ["/b.txt: holds zero bytes, so it is no text", "/c.txt: not UTF-8; it was read as Latin-1"]
    );
}

#[test]
fn what_is_not_ours_is_left_out_and_limits_are_kept() {
    let source = folder(&[
        (".git/a.md", b"x"),
        ("node_modules/a.md", b"x"),
        ("env/pyvenv.cfg", b""),
        ("env/a.py", b"x"),
        ("target/CACHEDIR.TAG", b""),
        ("target/a.md", b"x"),
        (".hidden.md", b"x"),
        ("big.txt", b"12345"),
        ("ok.txt", b"1234"),
    ]);
    let limited = Folder { max_bytes: 4, ..Folder::new(source.path()) };
    let items: Vec<_> = limited.documents().unwrap().collect();
    assert_eq!(items.len(), 2);
    assert!(items[0].as_ref().unwrap_err().to_string().ends_with("big.txt: larger than 4 bytes"));
    assert_eq!(items[1].as_ref().unwrap().title, "ok.txt");
}

#[cfg(unix)]
#[test]
fn circles_of_links_end_and_none_leads_out() {
    let (source, other) = (folder(&[("a/x.md", b"x"), ("b.md", b"y")]), folder(&[("z.md", b"z")]));
    let file = other.path().join("z.md");
    for (target, name) in [
        (source.path(), "a/loop"),
        (Path::new("nowhere"), "gone.md"),
        (Path::new("b.md"), "inside.md"),
        (other.path(), "out"),
        (file.as_path(), "out.md"),
        (file.as_path(), "out.png"),
    ] {
        std::os::unix::fs::symlink(target, source.path().join(name)).unwrap();
    }
    let (documents, skipped) = read(&source);
    assert_eq!(titles(&documents), ["a/x.md", "b.md", "inside.md"]);
    let skipped: Vec<&str> = skipped.iter().map(|skipped| skipped.what.as_str()).collect();
    assert_eq!(skipped, ["/gone.md", "/out", "/out.md"]);
}

#[test]
fn a_missing_folder_is_an_error() {
    assert!(matches!(Folder::new("no/such").documents().err(), Some(SourceError::Io { .. })));
}

#[test]
fn deep_nesting_is_read() {
    let brackets = format!("x = {}1{}\ndef f(): pass\n", "(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(one("deep.py", &brackets).len(), 1);
    let json = format!("{{\"cells\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    assert_eq!(read(&folder(&[("deep.ipynb", json.as_bytes())])).1.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_read(text in "(#|=|-|```|\"\"\"|class |def |:|\\(|\\)|  |\n|\n|é|a|@|\\{|\\}){0,80}") {
        let endings = ["md", "rst", "txt", "py", "ipynb"];
        let names: Vec<String> = endings.iter().map(|ending| format!("f.{ending}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), text.as_bytes())).collect();
        let (documents, _) = read(&folder(&files));
        let mut ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), documents.len());
    }
}
