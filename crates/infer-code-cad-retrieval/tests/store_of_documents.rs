//! The documents of CodeRAG-Bench, which are not part of the project: looked for in `$INFER_CODE_CAD_DATA/docs`, else in
//! `../shared/data/docs` beside the workspace.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::HashSet;
use std::path::PathBuf;

use infer_code_cad_retrieval::{Chunker, Chunking, JsonLines, Source};

#[test]
fn five_hundred_words_give_the_chunks_that_were_counted() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("INFER_CODE_CAD_DATA").map_or_else(beside, PathBuf::from);
    let file = folder.join("docs/library-documentation.jsonl.gz");
    if !file.exists() {
        eprintln!("not run: {} is missing; set INFER_CODE_CAD_DATA", file.display());
        return;
    }
    let words = |text: &str| text.split_whitespace().count();
    let mut chunker = Chunker::new(Chunking::default(), &words).unwrap();
    let (mut passages, mut texts, mut of_distinct_documents) = (0, HashSet::new(), 0);
    for document in JsonLines::new(file).documents().unwrap() {
        let document = document.unwrap();
        let before = chunker.counts().chunks;
        passages += chunker.cut(&document).len();
        if texts.insert(document.text) {
            of_distinct_documents += chunker.counts().chunks - before;
        }
    }
    let counts = chunker.counts();
    assert_eq!((counts.documents, counts.chunks), (35_727, 47_671));
    assert_eq!(of_distinct_documents, 38_200);
    // Documents that differ share chunks, and three of them differ in white space alone.
    assert_eq!((passages, counts.duplicates), (38_049, 47_671 - 38_049));
}
