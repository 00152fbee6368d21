//! What requests cost: tokens and times of the same work, whatever becomes of it.

use std::collections::BTreeMap;
use std::ops::ControlFlow::Continue;
use std::time::Duration;

use super::{config, engine, problems, run, with};
use crate::{Event, RequestId, RequestStats};

/// Roundings of all passes together stay far below it.
const ROUNDED: Duration = Duration::from_micros(2);

fn sum(stats: &BTreeMap<RequestId, RequestStats>, of: impl Fn(&RequestStats) -> usize) -> usize {
    stats.values().map(of).sum()
}

#[test]
fn requests_share_out_what_the_engine_did_also_when_they_are_cancelled() {
    let mut engine = engine(&config());
    let endless = with(problems(4), |request| request.eos = vec![]);
    let ids: Vec<RequestId> = endless.into_iter().map(|request| engine.submit(request)).collect();
    let (mut ended, mut told) = (BTreeMap::new(), BTreeMap::<_, Vec<usize>>::new());
    for pass in 0.. {
        if engine.is_idle() {
            break;
        }
        if pass == 9 {
            engine.cancel(ids[0]);
        }
        engine.step(&mut |id, event| {
            match event {
                Event::Token { sample, .. } => told.entry(id).or_default().push(sample),
                Event::Ended { stats } => drop(ended.insert(id, stats)),
                _ => {}
            }
            Continue(())
        });
    }
    assert!(ended[&ids[0]].cancelled && ended[&ids[0]].completions == 0);
    for (id, samples) in &mut told {
        assert_eq!(ended[id].decode_tokens, samples.len());
        samples.sort_unstable();
        samples.dedup();
        assert_eq!(ended[id].first_tokens, samples.len());
    }
    let all = engine.stats();
    assert_eq!(all.decode_tokens, sum(&ended, |stats| stats.decode_tokens));
    assert_eq!(all.first_tokens, sum(&ended, |stats| stats.first_tokens));
    assert_eq!(all.prefill_tokens, sum(&ended, |stats| stats.prefill_tokens));
    let decode: Duration = ended.values().map(|stats| stats.decode_time).sum();
    let prefill: Duration = ended.values().map(|stats| stats.prefill_time).sum();
    assert!(decode.abs_diff(all.decode_time) < ROUNDED, "{decode:?} {all:?}");
    assert!(prefill.abs_diff(all.prefill_time) < ROUNDED, "{prefill:?} {all:?}");
}

#[test]
fn first_tokens_take_no_time_of_decoding() {
    let one = with(problems(3), |request| request.max_new_tokens = 1);
    let (_, stats) = run(&one, &config()).unwrap();
    assert_eq!((stats.decode_tokens, stats.first_tokens), (9, 9));
    assert_eq!((stats.decode_time, stats.decode_steps), (Duration::ZERO, 0));
}
