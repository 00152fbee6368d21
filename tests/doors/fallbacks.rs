//! Rows and masks without a token, parameters that are no number, and beams that do not fit: each is an error of its
//! request that names the remedy, and the next request goes on.

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::SyntaxGuard;
use infer_code_cad::decode::{
    AdaDec, Alpha, Beam, ContextAware, Contrast, DecodeError, Decoder, Greedy, Nucleus, TokenId,
};
use infer_code_cad::engine::{
    Engine, EngineConfig, EngineError, Event, Request, TableModel, generate,
};

/// Knows a context and a question; what follows any other text is as likely as anything.
const PROMPT: [&[TokenId]; 2] = [&[0], &[1]];

fn model(context: [u32; 3], question: [u32; 3]) -> TableModel {
    TableModel::new(3).row(PROMPT[0], &context).row(PROMPT[1], &question)
}

/// What came of a request, and beside it of one that is in order.
fn error(model: TableModel, config: EngineConfig, decoder: Arc<dyn Decoder>) -> EngineError {
    let request = |streams: &[&[TokenId]], decoder| {
        let streams = streams.iter().map(|stream| stream.to_vec()).collect();
        let mut request = Request::new("fallback", streams, decoder);
        request.max_new_tokens = 4;
        request
    };
    let faulty = request(&PROMPT[..decoder.arity()], decoder);
    let sound = request(&[&[2]], Arc::new(Greedy));
    let mut engine = Engine::new(Arc::new(model), Arc::new(vec!["a", "b", "c"]), config).unwrap();
    let (mut failed, mut finished) = (vec![], vec![]);
    generate(&mut engine, [faulty, sound], &mut |at, event| {
        match event {
            Event::Failed { error, .. } => failed.push((at, error)),
            Event::Finished { .. } => finished.push(at),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(finished, [1], "the other one is there, and nothing of this one");
    let [(0, error)] = <[_; 1]>::try_from(failed).unwrap() else { panic!("the other one failed") };
    error
}

fn fault(model: TableModel, decoder: Arc<dyn Decoder>) -> DecodeError {
    match error(model, EngineConfig::default(), decoder) {
        EngineError::Decode { position: 0, source, .. } => source,
        error => panic!("{error}"),
    }
}

fn contrast(plausibility: f32) -> ContextAware<Contrast, Greedy> {
    let mut decoder = ContextAware::new(0.5, Greedy);
    decoder.mix.plausibility = plausibility;
    decoder
}

#[test]
fn a_row_without_a_token_is_an_error_of_every_decoder() {
    let decoders: [Arc<dyn Decoder>; 6] = [
        Arc::new(Greedy),
        Arc::new(Nucleus::default()),
        Arc::new(Beam::default()),
        Arc::new(AdaDec::default()),
        Arc::new(SyntaxGuard::new(Nucleus::default())),
        Arc::new(contrast(0.1)),
    ];
    for decoder in decoders {
        let settings = decoder.settings();
        let fault = fault(model([0; 3], [1; 3]), decoder);
        assert!(matches!(fault, DecodeError::NoCandidate { stream: 0 }), "{settings}: {fault}");
        assert!(fault.to_string().ends_with("relax the mask"));
    }
}

#[test]
fn a_question_without_a_token_names_its_stream() {
    let fault = fault(model([1; 3], [0; 3]), Arc::new(contrast(0.0)));
    assert!(matches!(fault, DecodeError::NoCandidate { stream: 1 }), "{fault}");
}

/// Only token 0 is plausible in context, and the question excludes it.
#[test]
fn a_plausibility_mask_that_hides_all_that_is_left_is_an_error() {
    let hidden = model([9, 1, 1], [0, 1, 1]);
    let fault = fault(hidden.clone(), Arc::new(contrast(0.5)));
    assert!(matches!(fault, DecodeError::NoCandidate { .. }), "{fault}");
    // A weaker mask leaves the two others.
    let decoder = contrast(0.1);
    let streams = PROMPT.map(<[_]>::to_vec).to_vec();
    let mut request = Request::new("fallback", streams, Arc::new(decoder));
    request.max_new_tokens = 1;
    let vocabulary = Arc::new(vec!["a", "b", "c"]);
    let (completion, _) = crate::complete(Arc::new(hidden), vocabulary, request).remove(0);
    assert_eq!(completion.tokens, [1]);
}

#[test]
fn what_is_no_number_is_refused() {
    let alphas = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(Alpha::Fixed);
    let floor = Alpha::Divergence { floor: f32::NAN };
    let weights = Alpha::Weights(vec![1.5, f32::NAN]);
    for alpha in alphas.into_iter().chain([floor, weights]) {
        let decoder = ContextAware { mix: Contrast { alpha, ..Contrast::new(0.5) }, inner: Greedy };
        let settings = decoder.settings();
        let fault = fault(model([1; 3], [1; 3]), Arc::new(decoder));
        assert!(matches!(fault, DecodeError::Parameter { .. }), "{settings}: {fault}");
    }
    for plausibility in [f32::NAN, f32::INFINITY, -0.1] {
        let fault = fault(model([1; 3], [1; 3]), Arc::new(contrast(plausibility)));
        assert!(matches!(fault, DecodeError::Parameter { name: "plausibility", .. }), "{fault}");
    }
}

#[test]
fn a_beam_wider_than_the_rows_or_the_memory_is_refused() {
    let beam = |beams| Arc::new(Beam { beams, ..Beam::default() });
    let config = EngineConfig { max_rows: 4, ..EngineConfig::default() };
    for beams in [4, 1_000_000, usize::MAX] {
        let error = error(model([1; 3], [1; 3]), config, beam(beams));
        let EngineError::RowCap { max_rows: 4, branches, .. } = error else { panic!("{error}") };
        assert_eq!(branches, beams.saturating_add(1));
    }
    // Memory for one sequence of one branch, which the other request takes.
    let config = EngineConfig { cache_bytes: Some(200), ..EngineConfig::default() };
    let error = error(model([1; 3], [1; 3]), config, beam(10));
    assert!(error.to_string().contains("ask for fewer new tokens"), "{error}");
    let EngineError::SequenceMemory { needed_bytes, available_bytes: 200 } = error else {
        panic!("{error}")
    };
    assert!(needed_bytes > 200);
}
