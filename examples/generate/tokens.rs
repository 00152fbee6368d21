//! Token ids in and out, for checkpoints without a tokenizer.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use infer_code_cad::engine::{Engine, EngineConfig, Event, Request, generate};
use infer_code_cad::{Choice, Recipe};

use crate::common;

/// Flags that have a meaning for token ids only.
#[derive(Args)]
pub(crate) struct TokenArgs {
    /// Token ids of the prompt, separated by commas; the completion is token ids as well.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["file", "signature", "system", "prompt_format", "preset", "passages", "n_passages", "stop"])]
    pub(crate) tokens: Vec<u32>,
    /// Token ids of the question alone, with which `--technique cad` contrasts `--tokens`.
    #[arg(long, value_delimiter = ',', requires = "tokens")]
    question_tokens: Vec<u32>,
    /// Goes on after an end-of-sequence token.
    #[arg(long, requires = "tokens")]
    ignore_eos: bool,
}

impl TokenArgs {
    /// Completes the prompt and prints the new token ids on one line, or as JSON.
    pub(crate) fn run(&self, args: &super::Args) -> Result<(), common::Failure> {
        let checkpoint = args.model.source.checkpoint()?;
        let model = args.model.options().build(&checkpoint)?;
        let mut request = self.request(&args.technique.recipe()?)?;
        let config = args.drawing.over(args.technique.config()?, 1)?;
        request.max_new_tokens = config.max_new_tokens;
        request.seed = args.drawing.seed;
        if !self.ignore_eos {
            request.eos = checkpoint.eos_token_ids().to_vec();
        }
        let no_text = Arc::new(Vec::<&[u8]>::new());
        let mut engine = Engine::new(model, no_text, EngineConfig::default())?;
        let (mut tokens, mut failure, start) = (vec![], None, Instant::now());
        let mut first = None;
        generate(&mut engine, [request], &mut |_, event| {
            match event {
                Event::Token { token, .. } => {
                    first.get_or_insert_with(|| start.elapsed().as_secs_f64());
                    tokens.push(token);
                }
                Event::Failed { error, .. } => failure = Some(error),
                _ => {}
            }
            common::interrupted()
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        if args.json {
            let seconds = start.elapsed().as_secs_f64();
            let times = serde_json::json!({
                "tokens": tokens, "seconds": seconds, "first_token_seconds": first,
            });
            println!("{times}");
        } else {
            let ids: Vec<String> = tokens.iter().map(u32::to_string).collect();
            println!("{}", ids.join(","));
        }
        Ok(())
    }

    /// The streams as they are, and of the technique its decoder.
    fn request(&self, recipe: &Recipe) -> Result<Request, common::Failure> {
        let mut streams = vec![self.tokens.clone()];
        if !self.question_tokens.is_empty() {
            streams.push(self.question_tokens.clone());
        }
        if recipe.passages.is_some() || recipe.choice != Choice::First || recipe.thinks_first {
            return Err(
                "a prompt of token ids has neither rag nor sc nor cot; leave them out".into()
            );
        }
        let decoder = recipe.decoder()?;
        Ok(Request::new("--tokens", streams, decoder))
    }
}
