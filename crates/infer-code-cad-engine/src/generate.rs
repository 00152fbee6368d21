use std::ops::ControlFlow;

use crate::{Engine, Event, GenerateStats, Request, RequestId};

/// Completes requests on an engine of one's own: a loop over [`Engine::step`].
///
/// Requests are drawn from the iterator when there is room for them, so they may be made lazily, and are
/// numbered in that order for `sink`, which hears of every event. [`ControlFlow::Break`] ends the run at once:
/// what was unfinished is dropped and [`GenerateStats::cancelled`] says so. Statistics are of this run. Requests
/// that were submitted otherwise go on meanwhile, and their events are lost.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// use infer_code_cad_decode::Greedy;
/// use infer_code_cad_engine::{Engine, EngineConfig, Event, Request, TableModel, generate};
///
/// let model = TableModel::new(3).row(&[0], &[0, 1, 0]).row(&[2], &[0, 0, 1]);
/// let vocabulary = Arc::new(vec!["", "a", "b"]);
/// let mut engine = Engine::new(Arc::new(model), vocabulary, EngineConfig::default())?;
/// let requests = [0, 2].map(|prompt| {
///     let mut request = Request::new(format!("{prompt}"), vec![vec![prompt]], Arc::new(Greedy));
///     request.max_new_tokens = 1;
///     request
/// });
/// let mut texts = [String::new(), String::new()];
/// generate(&mut engine, requests, &mut |prompt, event| {
///     if let Event::Finished { completion, .. } = event {
///         texts[prompt] = completion.text;
///     }
///     ControlFlow::Continue(())
/// });
/// assert_eq!(texts, ["a", "b"]);
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
pub fn generate(
    engine: &mut Engine,
    requests: impl IntoIterator<Item = Request>,
    sink: &mut dyn FnMut(usize, Event<'_>) -> ControlFlow<()>,
) -> GenerateStats {
    let (before, mut requests) = (engine.stats(), requests.into_iter());
    let (mut ids, mut open, mut broken) = (Vec::<RequestId>::new(), 0, false);
    loop {
        while engine.progress().wants_more
            && let Some(request) = requests.next()
        {
            ids.push(engine.submit(request));
            open += 1;
        }
        if open == 0 {
            break;
        }
        engine.step(&mut |id, event| {
            let Some(prompt) = ids.iter().position(|known| *known == id) else {
                return ControlFlow::Continue(());
            };
            open -= usize::from(matches!(event, Event::Ended { .. }));
            if !broken {
                broken = sink(prompt, event).is_break();
            }
            if broken { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if broken {
            ids.iter().for_each(|id| engine.cancel(*id));
            break;
        }
    }
    let mut stats = engine.stats().since(&before);
    stats.cancelled = broken;
    stats
}
