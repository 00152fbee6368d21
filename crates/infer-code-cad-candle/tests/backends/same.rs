//! Both backends on the same random weights, in shapes that no fixture has.

use infer_code_cad_candle::{CandleError, CandleModel};
use infer_code_cad_checkpoint::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig,
};
use infer_code_cad_engine::{CausalLm, KvCache, LogitRows, Step, TokenId};
use infer_code_cad_native::NativeModel;

fn llama() -> TransformerConfig {
    TransformerConfig {
        vocab_size: 90,
        hidden_size: 48,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 6,
        num_key_value_heads: 2,
        head_dim: 10,
        max_position_embeddings: 600,
        positions: Positions::Rotary {
            theta: 10_000.0,
            scaling: RopeScaling::Linear { factor: 2.0 },
        },
        attention_bias: AttentionBias::All,
        mlp_bias: true,
        ..TransformerConfig::default()
    }
}

fn gemma2() -> TransformerConfig {
    TransformerConfig {
        architecture: Architecture::Gemma2,
        norm: NormKind::RmsUnitOffset,
        norm_placement: NormPlacement::BeforeAndAfter,
        activation: Activation::GeluTanh,
        query_pre_attn_scalar: Some(3.0),
        attn_logit_softcapping: Some(4.0),
        final_logit_softcapping: Some(3.0),
        attention_windows: vec![Some(21), None],
        embedding_scale: 7.0,
        tie_word_embeddings: true,
        attention_bias: AttentionBias::Absent,
        mlp_bias: false,
        ..llama()
    }
}

fn gpt_bigcode() -> TransformerConfig {
    TransformerConfig {
        architecture: Architecture::GptBigCode,
        num_key_value_heads: 1,
        norm: NormKind::Layer,
        positions: Positions::Learned,
        feed_forward: FeedForwardKind::Plain,
        activation: Activation::Gelu,
        tie_word_embeddings: true,
        ..llama()
    }
}

/// Chunks over two streams, a fork of one of them in the middle, all logits.
fn run(model: &dyn CausalLm) -> Vec<f32> {
    let tokens: Vec<TokenId> = (0..300).map(|i| i * i % 90).collect();
    let (mut a, mut b) = (model.new_cache(), model.new_cache());
    let mut all = Vec::new();
    let mut forward = |x: &mut dyn KvCache, n: usize, y: &mut dyn KvCache, m: usize| {
        let mut logits = Vec::new();
        let x = Step { cache: x, tokens: &tokens[..n], logits: LogitRows::All };
        let y = Step { cache: y, tokens: &tokens[n..n + m], logits: LogitRows::All };
        model.forward(&mut [x, y], &mut logits).unwrap();
        all.extend(logits);
    };
    forward(&mut *a, 250, &mut *b, 1);
    let mut c = a.fork();
    forward(&mut *a, 3, &mut *b, 20);
    c.truncate(240);
    forward(&mut *a, 1, &mut *c, 30);
    forward(&mut *c, 1, &mut *b, 1);
    all
}

#[test]
fn slices_and_tensors_compute_the_same() {
    for config in [llama(), gemma2(), gpt_bigcode()] {
        let host = NativeModel::random(&config, 5).unwrap();
        let tensors = CandleModel::random(&config, 5).unwrap();
        let (host, tensors) = (run(&host), run(&tensors));
        assert_eq!(host.len(), tensors.len());
        let worst = host.iter().zip(&tensors).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-5, "{worst} in {:?}", config.architecture);
        assert!(host.iter().any(|x| x.abs() > 0.5));
    }
}

#[test]
fn both_refuse_the_same_configurations() {
    for config in [
        TransformerConfig { num_attention_heads: 0, ..llama() },
        TransformerConfig { num_key_value_heads: 4, ..llama() },
        TransformerConfig { vocab_size: 0, ..llama() },
        TransformerConfig { num_hidden_layers: 0, ..llama() },
        TransformerConfig { head_dim: 9, ..llama() },
        TransformerConfig { head_dim: 1 << 28, ..llama() },
        TransformerConfig { feed_forward: FeedForwardKind::Gated, ..gpt_bigcode() },
        TransformerConfig { vocab_size: 1 << 28, hidden_size: 1 << 28, ..llama() },
    ] {
        let native = NativeModel::random(&config, 0).unwrap_err().to_string();
        let candle = CandleModel::random(&config, 0).unwrap_err();
        assert!(matches!(candle, CandleError::Checkpoint(_)), "{candle}");
        assert_eq!(candle.to_string(), native);
    }
}
