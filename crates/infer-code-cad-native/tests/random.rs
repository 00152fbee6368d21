//! Models of random weights: any configuration makes one that computes, or an error naming the field.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use infer_code_cad_checkpoint::{
    Activation, Architecture, AttentionBias, CheckpointError, FeedForwardKind, NamedTensors,
    NormKind, NormPlacement, Positions, RandomWeights, RopeScaling, TransformerConfig,
};
use infer_code_cad_decode::{DecodeError, Logits, Nucleus};
use infer_code_cad_engine::{CausalLm, LogitRows, Step};
use infer_code_cad_native::{Format, NativeError, NativeModel, NativeOptions, Pool};
use proptest::prelude::*;

fn small() -> TransformerConfig {
    TransformerConfig {
        vocab_size: 40,
        hidden_size: 32,
        intermediate_size: 48,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 8,
        max_position_embeddings: 32,
        ..TransformerConfig::default()
    }
}

fn logits(model: &NativeModel) -> Vec<f32> {
    let (mut cache, mut logits) = (model.new_cache(), vec![]);
    let step = Step { cache: &mut *cache, tokens: &[1, 2, 0], logits: LogitRows::All };
    model.forward(&mut [step], &mut logits).unwrap();
    logits
}

fn rotary(scaling: RopeScaling) -> Positions {
    Positions::Rotary { theta: 10_000.0, scaling }
}

fn yarn(beta_slow: f32) -> RopeScaling {
    RopeScaling::Yarn {
        factor: 4.0,
        original_max_position_embeddings: 8.0,
        attention_factor: 1.0,
        beta_fast: 32.0,
        beta_slow,
    }
}

fn long_rope(short: usize, long: usize) -> RopeScaling {
    RopeScaling::LongRope {
        short_factor: vec![1.0; short],
        long_factor: vec![2.0; long],
        original_max_position_embeddings: 2,
        attention_factor: 1.0,
    }
}

#[test]
fn what_cannot_be_computed_is_refused_by_its_field() {
    type Spoil = fn(&mut TransformerConfig);
    let llama3 = |low| RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: low,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 16.0,
    };
    let refusals: [(&str, Spoil); 40] = [
        ("feed_forward is Gated", |c| c.architecture = Architecture::GptBigCode),
        ("norm_placement is BeforeAndAfter", |c| {
            (c.architecture, c.feed_forward) = (Architecture::GptBigCode, FeedForwardKind::Plain);
            c.norm_placement = NormPlacement::BeforeAndAfter;
        }),
        ("vocab_size is 0", |c| c.vocab_size = 0),
        ("hidden_size is 0", |c| c.hidden_size = 0),
        ("intermediate_size is 0", |c| c.intermediate_size = 0),
        ("num_hidden_layers is 0", |c| c.num_hidden_layers = 0),
        ("num_attention_heads is 0", |c| c.num_attention_heads = 0),
        ("num_key_value_heads is 0", |c| c.num_key_value_heads = 0),
        ("head_dim is 0", |c| c.head_dim = 0),
        ("max_position_embeddings is 0", |c| c.max_position_embeddings = 0),
        ("num_key_value_heads is 3", |c| c.num_key_value_heads = 3),
        ("num_key_value_heads is 8", |c| c.num_key_value_heads = 8),
        ("head_dim is 7", |c| c.head_dim = 7),
        ("hidden_size is 18446744073709551615", |c| c.hidden_size = usize::MAX),
        ("head_dim is 268435456", |c| c.head_dim = 1 << 28),
        ("layer_types is 1", |c| c.attention_windows = vec![None]),
        ("sliding_window is 0", |c| c.attention_windows = vec![None, Some(0)]),
        ("norm_eps is NaN", |c| c.norm_eps = f64::NAN),
        // Too small for f32, and a row of zeros would be divided by it.
        ("norm_eps is 0.000", |c| c.norm_eps = 1e-300),
        ("embedding_scale is inf", |c| c.embedding_scale = f64::INFINITY),
        ("query_pre_attn_scalar is -1", |c| c.query_pre_attn_scalar = Some(-1.0)),
        ("attn_logit_softcapping is 0", |c| c.attn_logit_softcapping = Some(0.0)),
        ("final_logit_softcapping is NaN", |c| c.final_logit_softcapping = Some(f32::NAN)),
        ("final_logit_softcapping is 0.000", |c| c.final_logit_softcapping = Some(1e-40)),
        ("rope_theta is 0", |c| {
            c.positions = Positions::Rotary { theta: 0.0, scaling: RopeScaling::None };
        }),
        ("factor is 0", |c| c.positions = rotary(RopeScaling::Linear { factor: 0.0 })),
        ("rope_freqs is 3", |c| c.positions = rotary(RopeScaling::Factors(vec![1.0; 3]))),
        ("rope_freqs is inf", |c| {
            c.positions = rotary(RopeScaling::Factors(vec![1.0, 1.0, f32::INFINITY, 1.0]));
        }),
        ("num_key_value_heads is 2", |c| {
            (c.architecture, c.feed_forward) = (Architecture::GptBigCode, FeedForwardKind::Plain);
        }),
        ("head_norms is true", |c| {
            (c.architecture, c.feed_forward) = (Architecture::GptBigCode, FeedForwardKind::Plain);
            c.head_norms = true;
        }),
        ("head_norms is true", |c| (c.head_norms, c.norm) = (true, NormKind::Layer)),
        ("attention_multiplier is 0", |c| c.attention_multiplier = Some(0.0)),
        ("residual_multiplier is NaN", |c| c.residual_multiplier = f32::NAN),
        ("logits_scaling is -1", |c| c.logits_scaling = -1.0),
        ("layer_positions is 1", |c| c.layer_positions = vec![Positions::Absent]),
        ("layer_positions is learned", |c| c.layer_positions = vec![Positions::Learned; 2]),
        ("rotary_dim is 3", |c| c.rotary_dim = Some(3)),
        ("rotary_dim is 10", |c| c.rotary_dim = Some(10)),
        ("beta_slow is 0", |c| c.layer_positions = vec![rotary(yarn(0.0)), Positions::Absent]),
        ("long_factor is 4", |c| {
            c.rotary_dim = Some(6);
            c.positions = rotary(long_rope(3, 4));
        }),
    ];
    for (says, spoil) in refusals {
        let mut config = small();
        spoil(&mut config);
        let error = NativeModel::random(&config, 0).expect_err(says);
        let message = error.to_string();
        let is_typed = matches!(error, NativeError::Checkpoint(CheckpointError::Config { .. }));
        assert!(is_typed && message.contains(says), "{message}");
    }
    let config = TransformerConfig { positions: rotary(llama3(0.0)), ..small() };
    let message = NativeModel::random(&config, 0).unwrap_err().to_string();
    assert!(message.contains("low_freq_factor is 0"), "{message}");
    let config = TransformerConfig { positions: rotary(llama3(1.0)), ..small() };
    assert!(logits(&NativeModel::random(&config, 0).unwrap()).iter().all(|x| x.is_finite()));
}

#[test]
fn sizes_that_no_memory_holds_are_an_error() {
    let wide = TransformerConfig { vocab_size: 1 << 28, hidden_size: 1 << 28, ..small() };
    let long = TransformerConfig {
        max_position_embeddings: 1 << 28,
        hidden_size: 1 << 28,
        positions: Positions::Learned,
        ..small()
    };
    for config in [wide, long] {
        let error = NativeModel::random(&config, 0).unwrap_err();
        let message = error.to_string();
        let is_typed =
            matches!(error, NativeError::Checkpoint(CheckpointError::TensorMemory { .. }));
        assert!(is_typed, "{message}");
    }
}

/// Weights of which one tensor has a NaN.
struct Spoiled(&'static str);

impl NamedTensors for Spoiled {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let mut values = RandomWeights { seed: 3 }.values(name, shape)?;
        if name == self.0 {
            values[0] = f32::NAN;
        }
        Ok(values)
    }
}

/// Wherever a NaN comes from, caps and rounding on its way to the logits do not make a number of it.
#[test]
fn a_nan_weight_reaches_the_logits_in_every_format() {
    let config = TransformerConfig {
        attn_logit_softcapping: Some(50.0),
        final_logit_softcapping: Some(30.0),
        activation: Activation::GeluTanh,
        ..small()
    };
    for name in [
        "model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.self_attn.k_proj.weight",
        "model.layers.1.self_attn.v_proj.weight",
        "model.layers.0.mlp.gate_proj.weight",
        "model.layers.1.mlp.down_proj.weight",
        "model.layers.1.post_attention_layernorm.weight",
        "model.norm.weight",
    ] {
        for weights in Format::ALL.map(Some) {
            let pool = Arc::new(Pool::new(1));
            let options = NativeOptions { weights, pool, ..NativeOptions::default() };
            let model = NativeModel::from_tensors(&config, &Spoiled(name), &options).unwrap();
            let logits = logits(&model);
            assert!(logits.iter().all(|x| x.is_nan()), "{name} {weights:?}: {logits:?}");
        }
    }
    let (name, decoder) = ("lm_head.weight", Nucleus::default());
    let options = NativeOptions { pool: Arc::new(Pool::new(1)), ..NativeOptions::default() };
    let model = NativeModel::from_tensors(&config, &Spoiled(name), &options).unwrap();
    let logits = logits(&model);
    assert!(logits.iter().enumerate().all(|(i, x)| x.is_nan() == (i % 40 == 0)));
    let row = Logits::new(&logits[..40], 1, 40).unwrap();
    let error = decoder.distribution(row).unwrap_err();
    assert!(matches!(error, DecodeError::NotANumber { stream: 0, token: 0 }), "{error}");
}

prop_compose! {
    fn config()(
        (vocab_size, hidden_size, intermediate_size) in (0usize..40, 0usize..40, 0usize..40),
        (num_hidden_layers, num_attention_heads) in (0usize..3, 0usize..6),
        (num_key_value_heads, head_dim) in (0usize..6, 0usize..10),
        architecture in prop::sample::select(Architecture::ALL),
        norm in prop::sample::select(vec![NormKind::Rms, NormKind::RmsUnitOffset, NormKind::Layer]),
        both in any::<bool>(),
        positions in prop::sample::select(vec![
            Positions::Learned,
            rotary(RopeScaling::None),
            rotary(RopeScaling::Linear { factor: 2.0 }),
            rotary(RopeScaling::Factors(vec![1.0; 4])),
            rotary(yarn(1.0)),
            rotary(long_rope(4, 4)),
            Positions::Absent,
        ]),
        layer_positions in prop::sample::select(vec![
            vec![],
            vec![Positions::Absent, rotary(RopeScaling::None)],
            vec![rotary(long_rope(2, 2)); 2],
        ]),
        rotary_dim in prop::option::of(0usize..10),
        head_norms in any::<bool>(),
        attention_bias in prop::sample::select(vec![
            AttentionBias::Absent, AttentionBias::Inputs, AttentionBias::All,
        ]),
        activation in prop::sample::select(vec![
            Activation::Silu, Activation::Gelu, Activation::GeluTanh,
        ]),
        (gated, mlp_bias, tie_word_embeddings) in any::<(bool, bool, bool)>(),
        attention_windows in prop::collection::vec(prop::option::of(0usize..4), 0..3),
        cap in prop::option::of(prop_oneof![0.0f32..2.0, any::<f32>()]),
    ) -> TransformerConfig {
        TransformerConfig {
            architecture, vocab_size, hidden_size, intermediate_size, num_hidden_layers,
            num_attention_heads, num_key_value_heads, head_dim, norm, positions, attention_bias,
            activation, mlp_bias, tie_word_embeddings, attention_windows, layer_positions,
            rotary_dim, head_norms,
            max_position_embeddings: 8,
            norm_placement: if both { NormPlacement::BeforeAndAfter } else { NormPlacement::Before },
            feed_forward: if gated { FeedForwardKind::Gated } else { FeedForwardKind::Plain },
            attn_logit_softcapping: cap,
            final_logit_softcapping: cap,
            ..TransformerConfig::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_configuration_makes_a_model_or_an_error(config in config()) {
        let options = NativeOptions { pool: Arc::new(Pool::new(1)), ..NativeOptions::default() };
        match NativeModel::random_with(&config, 1, &options) {
            Ok(model) if config.vocab_size > 2 => {
                prop_assert_eq!(logits(&model).len(), 3 * config.vocab_size);
            }
            Ok(_) => {}
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
