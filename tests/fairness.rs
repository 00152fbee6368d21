//! Techniques that are compared differ in their prompts and in their rule, and in nothing else.

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::TokenId;
use infer_code_cad::engine::{EngineConfig, FinishReason, TableModel};
use infer_code_cad::tasks::{Problem, prompts};
use infer_code_cad::{
    LanguageModel, Layout, PaperPrompter, Preset, Prompted, Prompter, SolveConfig, SolveEvent,
    Solver, Supplies, Technique, prepare, solve,
};

/// What a draft is, apart from its prompt.
type Drawn = (usize, Vec<TokenId>, String, FinishReason, String);

/// All drafts of a technique, in the order of problems and numbers.
fn drafts(
    technique: &Technique,
    problems: &[Problem],
    solver: &Solver,
    config: &SolveConfig,
) -> Vec<Drawn> {
    let mut drafts = vec![];
    solve(technique, problems, solver, config, &mut |event| {
        match event {
            SolveEvent::Drafted { problem, draft, .. } => {
                let (tokens, text, program) = (&draft.tokens, &draft.text, &draft.program);
                let drawn =
                    (draft.index, tokens.clone(), text.clone(), draft.finish, program.clone());
                drafts.push((problem, drawn));
            }
            SolveEvent::Failed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    drafts.sort_by_key(|(problem, drawn)| (*problem, drawn.0));
    drafts.into_iter().map(|(_, drawn)| drawn).collect()
}

/// What ends a completion in one harness or another, and goes on for longer than any limit.
fn script(model: &LanguageModel) -> Vec<TokenId> {
    let text = "    y = x\n\n    print(y)\n    return y\n\n\ndef g():\n    pass\n\nclass A:\n    pass\n\
        if x:\n    f(x)\n# end\n```\nprint(f(1))\n";
    let tokens = model.tokenizer.encode_plain(&text.repeat(10)).unwrap();
    assert!(tokens.len() > 150);
    tokens
}

/// Where a draft may go on with another token than the script's.
const FORKS: [usize; 2] = [1, 5];

/// Adds what follows a stream: the script, its forks, and the end of text where one is set.
fn with_script(
    mut table: TableModel,
    stream: &[TokenId],
    script: &[TokenId],
    vocab_size: usize,
) -> TableModel {
    let mut paths = vec![stream.to_vec()];
    for (place, &token) in script.iter().enumerate() {
        let mut weights = vec![0; vocab_size];
        weights[token as usize] = 3;
        let other = script[(place + 7) % script.len()];
        if FORKS.contains(&place) && other != token {
            weights[other as usize] = 2;
        }
        let mut next = vec![];
        for path in paths {
            table = table.row(&path, &weights);
            let goes_on = (0..vocab_size).filter(|&token| weights[token] > 0);
            next.extend(goes_on.map(|token| [path.as_slice(), &[token as TokenId]].concat()));
        }
        paths = next;
    }
    table
}

/// A model that answers every prompt of the technique with the same probabilities.
fn indifferent(
    model: &LanguageModel,
    technique: &Technique,
    problem: &Problem,
    script: &[TokenId],
    config: &SolveConfig,
) -> LanguageModel {
    let solver = Solver::new(model, &EngineConfig::default());
    let prompted = prepare(technique, std::slice::from_ref(problem), &solver, config);
    let prompted: Prompted = prompted.unwrap().prompts.remove(0).unwrap();
    let vocab_size = model.causal_lm.vocab_size();
    let table = prompted
        .streams
        .iter()
        .fold(TableModel::new(vocab_size).with_max_positions(4_096), |table, stream| {
            with_script(table, &stream.tokens, script, vocab_size)
        });
    let mut indifferent = model.clone();
    indifferent.causal_lm = Arc::new(table);
    indifferent
}

#[test]
fn under_the_default_preset_no_technique_has_a_stop_a_limit_or_a_sampler_of_its_own() {
    let (model, problem) = (crate::model(), crate::problems(1).remove(0));
    let text = script(&model);
    let mut ended = text[..20].to_vec();
    ended.push(model.eos[0]);
    let preset = Preset::default();
    assert!(preset.is_fair());
    for (script, length, finish) in
        [(&text[..], 128, FinishReason::Length), (&ended, 21, FinishReason::Eos)]
    {
        let mut of_vanilla = None;
        for name in ["vanilla", "cad", "cad(alpha=2)", "control", "rag", "cad+rag", "sc", "cot"] {
            let technique = crate::technique(name);
            let config = SolveConfig { n_samples: 1, ..preset.config(&name.parse().unwrap()) };
            // Ten drafts of whatever technique: sc draws five for a sample.
            let n_samples = 10 / technique.selector.most_drafts();
            let config = SolveConfig { n_samples, ..config };
            let model = indifferent(&model, &technique, &problem, script, &config);
            let solver = Solver::new(&model, &EngineConfig::default());
            let problems = std::slice::from_ref(&problem);
            let drawn = drafts(&technique, problems, &solver, &config);
            assert_eq!(drawn.len(), 10, "{name}");
            assert!(
                drawn.iter().all(|draft| draft.1.len() == length && draft.3 == finish),
                "{name}"
            );
            match &of_vanilla {
                None => of_vanilla = Some(drawn),
                Some(vanilla) => assert_eq!(&drawn, vanilla, "{name}"),
            }
        }
        let texts = of_vanilla.unwrap();
        assert!(texts.iter().any(|draft| draft.1 != texts[0].1), "the sampler had a choice");
    }
}

#[test]
fn a_control_draws_from_the_context_stream_alone() {
    let (solver, problems) = (crate::solver(), crate::problems(17));
    let config = SolveConfig { n_samples: 4, ..SolveConfig::default() };
    for cad in ["cad(alpha=0)", "cad(alpha=0)+rag+nucleus(temperature=1.2)", "cad(alpha=0)+sc"] {
        let retriever = Some(infer_code_cad::embedded::retriever().unwrap());
        let supplies = Supplies { retriever, ..Supplies::default() };
        let control = Technique::control(cad, &supplies).unwrap().unwrap();
        let of = |technique: &Technique| drafts(technique, &problems, &solver, &config);
        assert_eq!((control.decoder.arity(), crate::technique(cad).decoder.arity()), (1, 2));
        assert_eq!(of(&control), of(&crate::technique(cad)), "{cad}");
        assert_ne!(of(&control), of(&crate::technique(&cad.replace("=0)", "=1)"))), "{cad}");
    }
    assert!(Technique::control("rag", &Supplies::default()).unwrap().is_none());
}

#[test]
fn a_controls_prompt_is_the_context_of_table_4() {
    let (solver, problems) = (crate::solver(), crate::problems(17));
    let writer = infer_code_cad::PromptFormat::Raw.writer(&solver).unwrap();
    let control = PaperPrompter::new(Layout::Context).prompts(&problems, &writer);
    let cad = PaperPrompter::new(Layout::ContextAndQuestion).prompts(&problems, &writer);
    for ((control, cad), problem) in control.into_iter().zip(cad).zip(&problems) {
        let (control, cad) = (control.unwrap(), cad.unwrap());
        assert_eq!(control.streams, cad.streams[..1]);
        assert_eq!(control.streams[0].text, prompts::cad_context(problem));
    }
}
