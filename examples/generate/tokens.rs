//! Token ids in and out, for checkpoints without a tokenizer.

use std::time::Instant;

use clap::Args;
use infer_code_cad::Settings;
use infer_code_cad::decode::{ContextAware, Decoder, Greedy};
use infer_code_cad::engine::{Event, GenerateConfig, Prompt, generate};

use crate::common;

/// Flags that have a meaning for token ids only.
#[derive(Args)]
pub(crate) struct TokenArgs {
    /// Token ids of the prompt, separated by commas; the completion is token ids as well.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["file", "signature", "technique", "system", "prompt_format", "passages"])]
    pub(crate) tokens: Vec<u32>,
    /// Token ids of the question alone: context-aware decoding contrasts `--tokens` with them.
    #[arg(long, value_delimiter = ',', requires = "tokens")]
    question_tokens: Vec<u32>,
    /// Takes the best token at every step instead of drawing from the nucleus.
    #[arg(long, requires = "tokens")]
    greedy: bool,
    /// Goes on after an end-of-sequence token.
    #[arg(long, requires = "tokens")]
    ignore_eos: bool,
}

impl TokenArgs {
    /// Completes the prompt and prints the new token ids on one line, or as JSON.
    pub(crate) fn run(&self, args: &super::Args) -> Result<(), common::Failure> {
        let checkpoint = args.model.source.checkpoint()?;
        let model = args.model.options().build(&checkpoint)?;
        let config = GenerateConfig {
            max_new_tokens: args.max_new_tokens,
            eos: if self.ignore_eos { vec![] } else { checkpoint.eos_token_ids().to_vec() },
            seed: args.seed,
            ..GenerateConfig::default()
        };
        let no_text = Vec::<&[u8]>::new();
        let (mut tokens, start) = (vec![], Instant::now());
        let decoder = self.decoder(args.technique.alpha);
        generate(&*model, &no_text, [self.prompt()], &*decoder, &config, &mut |event| {
            if let Event::Token { token, .. } = event {
                tokens.push(token);
            }
            common::interrupted()
        })?;
        if args.json {
            let seconds = start.elapsed().as_secs_f64();
            println!("{}", serde_json::json!({ "tokens": tokens, "seconds": seconds }));
        } else {
            let ids: Vec<String> = tokens.iter().map(u32::to_string).collect();
            println!("{}", ids.join(","));
        }
        Ok(())
    }

    fn prompt(&self) -> Prompt {
        let mut streams = vec![self.tokens.clone()];
        if !self.question_tokens.is_empty() {
            streams.push(self.question_tokens.clone());
        }
        Prompt { task: "--tokens".to_owned(), streams, n_samples: 1 }
    }

    fn decoder(&self, alpha: f32) -> Box<dyn Decoder> {
        let inner: Box<dyn Decoder> =
            if self.greedy { Box::new(Greedy) } else { Box::new(Settings::default().sampler) };
        if self.question_tokens.is_empty() {
            inner
        } else {
            Box::new(ContextAware::new(alpha, inner))
        }
    }
}
