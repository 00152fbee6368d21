//! Self-consistency as the paper has it, by the real weights of all-mpnet-base-v2, against sentence-transformers.

use std::ops::Range;
use std::sync::Arc;

use infer_code_cad::checkpoint::Message;
use infer_code_cad::engine::FinishReason;
use infer_code_cad::retrieval::{EmbedderOptions, load_embedder};
use infer_code_cad::sandbox::ScriptedJudge;
use infer_code_cad::tasks::{Extraction, Problem};
use infer_code_cad::{
    Bench, Draft, EmbeddingSimilarity, KnownDraft, MostConsistent, PromptError, Selection,
    Selector, Similarity, Stream, Writer,
};
use serde::Deserialize;

/// Drafts of a problem, of each the sum of its cosines to the others, and the one that is kept: `fixtures/medoid.py`.
#[derive(Deserialize)]
struct Expected {
    drafts: Vec<String>,
    totals: Vec<f64>,
    kept: usize,
}

/// The medoid asks for no prompt.
#[derive(Debug)]
struct NoWriter;

impl Writer for NoWriter {
    fn chat(&self, _: &[Message], _: &str) -> Result<Stream, PromptError> {
        unreachable!()
    }

    fn raw(&self, _: &str) -> Result<Stream, PromptError> {
        unreachable!()
    }

    fn spans(&self, _: &Stream, _: &[Range<usize>]) -> Result<Vec<Range<usize>>, PromptError> {
        unreachable!()
    }

    fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
        unreachable!()
    }
}

fn draft(index: usize, text: &str) -> Draft {
    let problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"x.\"\"\"\n").unwrap();
    let known = KnownDraft::new(text, vec![], FinishReason::Eos);
    Draft::new(&problem, Extraction::Plain, 0, index, String::new(), known)
}

/// The place of the draft that the selection keeps.
fn kept(selector: &MostConsistent, drafts: &[String]) -> usize {
    let problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"x.\"\"\"\n").unwrap();
    let drafts: Vec<Draft> = drafts.iter().enumerate().map(|(i, text)| draft(i, text)).collect();
    let (judge, mut selecting) = (ScriptedJudge::new(), selector.begin(&problem, 0).unwrap());
    let bench = Bench::new(&judge, &NoWriter);
    assert!(matches!(selecting.next(&drafts[..4], &bench).unwrap(), Selection::Wait));
    match selecting.next(&drafts, &bench).unwrap() {
        Selection::Answer { draft, .. } => draft,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_draft_that_sentence_transformers_would_keep() {
    let Some(mpnet) = crate::weights("mpnet") else { return };
    let embedder = load_embedder(&mpnet, &EmbedderOptions::default()).unwrap();
    let similarity = Arc::new(EmbeddingSimilarity(embedder));
    let selector = MostConsistent { similarity: similarity.clone(), ..MostConsistent::default() };
    let problems: Vec<Expected> =
        serde_json::from_str(include_str!("fixtures/medoid.json")).unwrap();
    for Expected { drafts, totals, kept: expected } in problems {
        let texts: Vec<&str> = drafts.iter().map(String::as_str).collect();
        let matrix = similarity.matrix(&texts).unwrap();
        for (row, (cosines, total)) in matrix.chunks(texts.len()).zip(&totals).enumerate() {
            let ours: f64 = cosines.iter().map(|cosine| f64::from(*cosine)).sum::<f64>()
                - f64::from(cosines[row]);
            assert!((ours - total).abs() < 1e-4, "draft {row} of {drafts:?}: {ours}, {total}");
        }
        assert_eq!(kept(&selector, &drafts), expected, "{drafts:?}: {totals:?}");
    }
}
