//! A speculator by prompt lookup: fewer passes, and the same tokens and numbers to the last bit.

use std::sync::Arc;

use infer_code_cad::decode::{ContextAware, Decoder, Greedy, Nucleus, TokenId};
use infer_code_cad::embedded;
use infer_code_cad::engine::{Completion, LogProbs, NGrams, Request, Speculation, Speculator};

use crate::complete;

/// Guesses that what followed the last two tokens before follows again.
#[derive(Debug)]
struct PromptLookup;

struct Lookup {
    prompt: Vec<TokenId>,
}

impl Speculation for PromptLookup {
    fn begin(&self, prompt: &[&[TokenId]], _sample: usize) -> Box<dyn Speculator> {
        Box::new(Lookup { prompt: prompt[0].to_vec() })
    }
}

impl Speculator for Lookup {
    fn propose(&mut self, past: &[TokenId], room: usize, out: &mut Vec<TokenId>) {
        let all: Vec<TokenId> = self.prompt.iter().chain(past).copied().collect();
        let Some((before, last)) = all.split_last_chunk::<2>() else { return };
        let known = before.windows(2).rposition(|pair| pair == last);
        out.extend(known.into_iter().flat_map(|at| &all[at + 2..]).take(room.min(6)));
    }

    fn verified(&mut self, _proposed: usize, _kept: usize) {}
}

fn completions(
    decoder: &Arc<dyn Decoder>,
    speculation: Option<Arc<dyn Speculation>>,
) -> Vec<Completion> {
    let model = embedded::model().unwrap();
    let encode = |text: &str| model.tokenizer.encode(text).unwrap();
    let context = "def total(xs):\n    \"\"\"Return the sum of xs.\"\"\"\n";
    let streams = [encode(context), encode("def total(xs):\n")];
    let streams = streams.into_iter().take(decoder.arity()).collect();
    let mut request = Request::new("total", streams, Arc::clone(decoder));
    (request.samples, request.max_new_tokens, request.eos) = (0..2, 80, model.eos.clone());
    (request.log_probs, request.speculation) = (LogProbs::Top(3), speculation);
    let done = complete(model.causal_lm.clone(), model.tokenizer.clone(), request);
    done.into_iter().map(|(completion, _)| completion).collect()
}

#[test]
fn tokens_and_log_probabilities_are_those_without_it() {
    let nucleus = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    let decoders: [Arc<dyn Decoder>; 3] =
        [Arc::new(Greedy), Arc::new(nucleus.clone()), Arc::new(ContextAware::new(0.5, nucleus))];
    let stranger: Arc<dyn Speculation> = Arc::new(PromptLookup);
    for speculation in [stranger, Arc::new(NGrams::default())] {
        let mut wrong = 0;
        for decoder in &decoders {
            let settings = decoder.settings().to_string();
            let guessed = completions(decoder, Some(Arc::clone(&speculation)));
            for (mut with, without) in guessed.into_iter().zip(completions(decoder, None)) {
                wrong += with.cost.thrown_away;
                assert_eq!(with.log_prob.to_bits(), without.log_prob.to_bits(), "{settings}");
                with.cost = without.cost;
                assert_eq!(with, without, "{settings}");
            }
        }
        assert!(wrong > 0, "{speculation:?} guesses, and not only right");
    }
}
