//! Properties of the decoders, each against the plain definition.

use infer_code_cad_decode::{
    Alpha, ContextAware, Contrast, DecodeError, Decoder, Greedy, Logits, Mix, Nucleus,
    SamplerOrder, TokenId, pick,
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn row(max_len: usize) -> impl Strategy<Value = Vec<f32>> {
    let logit = prop_oneof![9 => -12.0f32..12.0, 1 => Just(f32::NEG_INFINITY)];
    prop::collection::vec(logit, 1..max_len)
        .prop_filter("one token must be possible", |row| row.iter().any(|l| l.is_finite()))
}

fn two_rows(max_len: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((-12.0f32..12.0, -12.0f32..12.0), 1..max_len)
        .prop_map(|pairs| pairs.iter().map(|p| p.0).chain(pairs.iter().map(|p| p.1)).collect())
}

fn nucleus() -> impl Strategy<Value = Nucleus> {
    let order = prop_oneof![Just(SamplerOrder::Hf), Just(SamplerOrder::LlamaCpp)];
    let typical_p = prop_oneof![2 => Just(1.0), 1 => 0.05f32..1.0];
    let top_n_sigma = prop_oneof![2 => Just(f32::INFINITY), 1 => 0.0f32..3.0];
    let cuts = (0.05f32..=1.0, 1usize..200, 0.0f32..0.5, typical_p, top_n_sigma);
    (0.1f32..3.0, cuts, order).prop_map(
        |(temperature, (top_p, top_k, min_p, typical_p, top_n_sigma), order)| Nucleus {
            temperature,
            top_p,
            top_k,
            min_p,
            typical_p,
            top_n_sigma,
            order,
        },
    )
}

fn view(values: &[f32], arity: usize) -> Logits<'_> {
    Logits::new(values, arity, values.len() / arity).expect("whole rows")
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The definition: sort everything, cut by count, then by mass, then by share of the best. Gives
/// the tokens with their probabilities and how near a cut was to falling elsewhere.
fn by_sorting(decoder: &Nucleus, logits: &[f32]) -> (Vec<(TokenId, f64)>, f64) {
    let peak = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let at = |t: f32| move |l: f32| f64::from((l - peak) / t).exp();
    let cut_at = if decoder.order == SamplerOrder::Hf { decoder.temperature } else { 1.0 };
    let mut sorted: Vec<(TokenId, f32)> =
        logits.iter().enumerate().map(|(i, &l)| (i as TokenId, l)).collect();
    sorted.retain(|(_, l)| l.is_finite());
    let floor = f64::from(peak) - f64::from(decoder.top_n_sigma) * deviation(&sorted);
    let mut nearest = f64::INFINITY;
    sorted.retain(|(_, l)| {
        let apart = f64::from(*l) - floor;
        // At the peak a floor of no deviations is exact.
        nearest = nearest.min(if *l == peak { f64::INFINITY } else { apart.abs() });
        *l == peak || apart >= 0.0
    });
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sorted.truncate(decoder.top_k);
    let total: f64 = sorted.iter().map(|(_, l)| at(cut_at)(*l)).sum();
    let mut before = 0.0;
    sorted.retain(|(_, l)| {
        let keep = before / total < f64::from(decoder.top_p);
        nearest = nearest.min((before / total - f64::from(decoder.top_p)).abs());
        before += at(cut_at)(*l);
        keep
    });
    sorted.retain(|(_, l)| {
        nearest = nearest.min((at(cut_at)(*l) - f64::from(decoder.min_p)).abs());
        at(cut_at)(*l) >= f64::from(decoder.min_p)
    });
    if decoder.typical_p < 1.0 {
        let all = sorted.iter().map(|(t, l)| (*t, *l, at(cut_at)(*l))).collect();
        nearest = nearest.min(keep_typical(&mut sorted, all, f64::from(decoder.typical_p)));
    }
    let best = sorted.iter().map(|(_, l)| *l).fold(f32::NEG_INFINITY, f32::max);
    let at = |t: f32| move |l: f32| f64::from((l - best) / t).exp();
    let total: f64 = sorted.iter().map(|(_, l)| at(decoder.temperature)(*l)).sum();
    let shares = sorted.into_iter().map(|(t, l)| (t, at(decoder.temperature)(l) / total));
    (shares.collect(), nearest)
}

/// The standard deviation of the logits.
fn deviation(row: &[(TokenId, f32)]) -> f64 {
    let (n, logits) = (row.len() as f64, row.iter().map(|(_, l)| f64::from(*l)));
    let mean = logits.clone().sum::<f64>() / n;
    (logits.map(|l| (l - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// The definition of the typical cut: sort by `|-ln p - H|`, keep what first reaches the mass. Of tokens with
/// weights; gives how near it was to falling elsewhere.
fn keep_typical(
    kept: &mut Vec<(TokenId, f32)>,
    all: Vec<(TokenId, f32, f64)>,
    typical_p: f64,
) -> f64 {
    let total: f64 = all.iter().map(|token| token.2).sum();
    let share = |token: &(TokenId, f32, f64)| token.2 / total;
    let surprise = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let entropy = -all.iter().map(|token| surprise(share(token))).sum::<f64>();
    let mut sorted: Vec<_> =
        all.into_iter().map(|token| ((-share(&token).ln() - entropy).abs(), token)).collect();
    sorted.sort_by(|(a, x), (b, y)| a.total_cmp(b).then(y.1.total_cmp(&x.1)).then(x.0.cmp(&y.0)));
    let (mut before, mut nearest, mut last) = (0.0, f64::INFINITY, None::<(f64, f32)>);
    kept.clear();
    for (apart, token) in &sorted {
        nearest = nearest.min((before - typical_p).abs());
        if before >= typical_p {
            let near = last.filter(|(_, logit)| *logit != token.1);
            return nearest.min(near.map_or(f64::INFINITY, |(last, _)| (apart - last) / 10.0));
        }
        kept.push((token.0, token.1));
        before += share(token);
        last = Some((*apart, token.1));
    }
    nearest
}

/// The distribution that context-aware decoding hands to its inner decoder.
fn mixed(streams: &[f32], alpha: f32) -> Vec<f32> {
    let mut row = vec![];
    Contrast::new(alpha).mix(view(streams, 2), &[], &mut row).expect("finite");
    let shares = Nucleus::default().distribution(view(&row, 1)).expect("finite");
    shares.into_iter().map(|share| share.1).collect()
}

/// A token, or the text of the error.
fn token(decoder: &dyn Decoder, logits: Logits<'_>, seed: u64) -> Result<TokenId, String> {
    pick(decoder, logits, &mut rng(seed)).map_err(|error| error.to_string())
}

/// Context-aware decoding with a mask.
fn masked<D>(alpha: f32, plausibility: f32, inner: D) -> ContextAware<Contrast, D> {
    ContextAware { mix: Contrast { plausibility, ..Contrast::new(alpha) }, inner }
}

/// Context-aware decoding over any number of streams.
fn weighted<D>(weights: Vec<f32>, inner: D) -> ContextAware<Contrast, D> {
    let mix = Contrast { alpha: Alpha::Weights(weights), ..Contrast::new(0.0) };
    ContextAware { mix, inner }
}

proptest! {
    #[test]
    fn nucleus_is_the_sorted_definition(decoder in nucleus(), logits in row(400)) {
        let mut actual = decoder.distribution(view(&logits, 1)).expect("valid logits");
        actual.sort_by_key(|share| share.0);
        let (mut expected, nearest) = by_sorting(&decoder, &logits);
        expected.sort_by_key(|share| share.0);
        // A cut nearer than the rounding of f32 may fall on either side.
        prop_assume!(nearest > 1e-5);
        prop_assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(&expected) {
            prop_assert_eq!(a.0, e.0);
            prop_assert!((f64::from(a.1) - e.1).abs() < 1e-5, "{} is not {}", a.1, e.1);
        }
    }

    #[test]
    fn nucleus_never_leaves_its_set(decoder in nucleus(), logits in row(200), seed: u64) {
        let (allowed, nearest) = by_sorting(&decoder, &logits);
        prop_assume!(nearest > 1e-5);
        let token = token(&decoder, view(&logits, 1), seed).expect("valid logits");
        prop_assert!(allowed.iter().any(|(t, _)| *t == token));
    }

    #[test]
    fn alpha_zero_is_the_inner_decoder(inner in nucleus(), logits in two_rows(200), seed: u64) {
        let vocab_size = logits.len() / 2;
        let expected = token(&inner, view(&logits[..vocab_size], 1), seed);
        let actual = token(&ContextAware::new(0.0, inner), view(&logits, 2), seed);
        prop_assert_eq!(actual, expected);
    }

    #[test]
    fn fixed_alpha_is_two_weights(logits in two_rows(100), alpha in 0.0f32..3.0, seed: u64) {
        let inner = Nucleus { top_p: 0.9, ..Nucleus::default() };
        let weighted = weighted(vec![1.0 + alpha, -alpha], inner.clone());
        let expected = token(&ContextAware::new(alpha, inner), view(&logits, 2), seed);
        prop_assert_eq!(token(&weighted, view(&logits, 2), seed), expected);
    }

    #[test]
    fn a_constant_per_row_changes_nothing(
        logits in two_rows(100), alpha in 0.0f32..2.0, shift in prop::array::uniform2(-64i8..64),
    ) {
        // Sixteenths and whole shifts, so that the sums are exact and so is the claim.
        let logits: Vec<f32> = logits.iter().map(|l| (l * 16.0).round() / 16.0).collect();
        let vocab_size = logits.len() / 2;
        let shifted: Vec<f32> =
            logits.iter().enumerate().map(|(i, l)| l + f32::from(shift[i / vocab_size])).collect();
        let decoder = masked(alpha, 0.1, Greedy);
        let expected = token(&decoder, view(&logits, 2), 0);
        prop_assert_eq!(token(&decoder, view(&shifted, 2), 0), expected);
    }

    #[test]
    fn log_softmax_gives_the_same_tokens(logits in two_rows(60), alpha in 0.0f32..2.0) {
        let vocab_size = logits.len() / 2;
        let normalised: Vec<f32> = logits
            .chunks(vocab_size)
            .flat_map(|row| {
                let mass: f64 = row.iter().map(|l| f64::from(*l).exp()).sum();
                row.iter().map(move |l| (f64::from(*l) - mass.ln()) as f32)
            })
            .collect();
        for (raw, normalised) in mixed(&logits, alpha).into_iter().zip(mixed(&normalised, alpha)) {
            prop_assert!((raw - normalised).abs() < 1e-4);
        }
    }
}

/// Equation 2 worked out by hand: with `alpha` 1 the mixed row is `2 c - q`.
#[test]
fn the_mixed_distribution_is_equation_2() {
    let streams = [1.0, 0.5, 0.0, 0.0, 1.0, -1.0];
    let expected = [2.0f64, 0.0, 1.0].map(f64::exp);
    let total: f64 = expected.iter().sum();
    for (actual, expected) in mixed(&streams, 1.0).iter().zip(expected) {
        assert!((f64::from(*actual) - expected / total).abs() < 1e-6);
    }
}

/// Probabilities .5, .3, .15, .05: the masses .5, .8 and .95 pass .4, .75 and .9 in turn.
#[test]
fn the_nucleus_ends_with_the_token_that_reaches_the_mass() {
    let logits = [0.15f32, 0.5, 0.05, 0.3].map(f32::ln);
    for (top_p, kept) in [(0.4, vec![1]), (0.75, vec![1, 3]), (0.9, vec![1, 3, 0])] {
        let decoder = Nucleus { top_p, ..Nucleus::default() };
        let shares = decoder.distribution(view(&logits, 1)).expect("finite");
        assert_eq!(shares.iter().map(|s| s.0).collect::<Vec<_>>(), kept);
    }
}

/// What is left of a row of these probabilities, and each share of it.
fn left(decoder: &Nucleus, probabilities: &[f32]) -> Vec<(TokenId, f32)> {
    let logits: Vec<f32> = probabilities.iter().map(|p| p.ln()).collect();
    let mut left = decoder.distribution(view(&logits, 1)).expect("finite");
    left.sort_by_key(|share| share.0);
    left
}

/// Worked out by the order of `transformers`' `LogitsProcessorList`: temperature, top-k, top-p, min-p, each on
/// what the one before left.
#[test]
fn the_cuts_come_in_the_order_of_transformers() {
    let row = [0.4, 0.3, 0.2, 0.1];
    let tokens = |decoder: &Nucleus| left(decoder, &row).iter().map(|s| s.0).collect::<Vec<_>>();
    let plain = Nucleus::default();
    // Of the three best, 4/9 and 3/9 reach 0.75; of all four 0.4 and 0.3 do not.
    assert_eq!(tokens(&Nucleus { top_k: 3, top_p: 0.75, ..plain.clone() }), [0, 1]);
    assert_eq!(tokens(&Nucleus { top_p: 0.75, ..plain.clone() }), [0, 1, 2]);
    // Squared and normalised .53, .3, .13, .03: the temperature comes before top-p, and before min-p.
    let cold = Nucleus { temperature: 0.5, ..plain.clone() };
    assert_eq!(tokens(&Nucleus { top_p: 0.8, ..cold.clone() }), [0, 1]);
    assert_eq!(tokens(&Nucleus { min_p: 0.3, ..cold }), [0, 1]);
    assert_eq!(tokens(&Nucleus { min_p: 0.3, ..plain.clone() }), [0, 1, 2]);
    // Shares are of what all cuts left: .4 and .3 of .7.
    let both = Nucleus { top_k: 3, min_p: 0.7, ..plain };
    let shares = left(&both, &row);
    assert_eq!(shares.len(), 2);
    assert!((shares[0].1 - 4.0 / 7.0).abs() < 1e-6 && (shares[1].1 - 3.0 / 7.0).abs() < 1e-6);
}

#[test]
fn of_equal_logits_the_lower_tokens_stay() {
    let row = [0.1, 0.2, 0.2, 0.1, 0.2, 0.2];
    let tokens = |decoder: &Nucleus| left(decoder, &row).iter().map(|s| s.0).collect::<Vec<_>>();
    let plain = Nucleus::default();
    assert_eq!(tokens(&Nucleus { top_k: 2, ..plain.clone() }), [1, 2]);
    assert_eq!(tokens(&Nucleus { top_k: 5, ..plain.clone() }), [0, 1, 2, 4, 5]);
    assert_eq!(tokens(&Nucleus { top_p: 0.5, ..plain.clone() }), [1, 2, 4]);
    assert_eq!(tokens(&Nucleus { min_p: 1.0, ..plain }), [1, 2, 4, 5]);
}

#[test]
fn cuts_that_cut_nothing_are_not_told_and_change_no_token() {
    let paper = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    assert_eq!(paper.settings().to_string(), "nucleus(temperature=0.8,top_p=0.9)");
    let all = Nucleus { top_k: 40, min_p: 0.05, order: SamplerOrder::LlamaCpp, ..paper.clone() };
    let text = "nucleus(temperature=0.8,top_p=0.9,top_k=40,min_p=0.05,order=llamacpp)";
    assert_eq!(all.settings().to_string(), text);
    assert_eq!(all.settings(), text.parse().expect("a setting"));
    let typical = Nucleus { typical_p: 0.95, top_n_sigma: 1.5, ..paper.clone() };
    let text = "nucleus(temperature=0.8,top_p=0.9,typical_p=0.95,top_n_sigma=1.5)";
    assert_eq!(typical.settings().to_string(), text);
    let row: Vec<f32> = (0..50).map(|i| ((i * 7) % 50) as f32 / 5.0).collect();
    let wide = Nucleus { top_k: row.len(), ..paper.clone() };
    for seed in 0..50 {
        let expected = token(&paper, view(&row, 1), seed);
        assert_eq!(token(&wide, view(&row, 1), seed), expected);
    }
}

/// Pearson's statistic of 20,000 draws against the stated distribution, eight seeds. With up to 7
/// degrees of freedom the 99.99 % point is 29.9; fixed seeds make the outcome a constant.
#[test]
fn sampled_frequencies_match_the_distribution() {
    let streams =
        [1.0, 0.5, 2.0, -1.0, 0.0, 1.5, -0.5, 0.25, 0.1, 0.9, 0.3, 0.0, 0.2, -0.6, 1.0, 0.0];
    let nucleus = Nucleus { temperature: 0.8, top_p: 0.95, ..Nucleus::default() };
    let last = Nucleus { order: SamplerOrder::LlamaCpp, top_k: 5, ..nucleus.clone() };
    for seed in 0..8 {
        for sampler in [&nucleus, &last] {
            let row: Vec<f32> =
                streams[..8].iter().zip(&streams[8..]).map(|(c, q)| 1.5 * c - 0.5 * q).collect();
            let (expected, _) = by_sorting(sampler, &row);
            let decoder = ContextAware::new(0.5, sampler.clone());
            let statistic = chi_square(&decoder, view(&streams, 2), &expected, seed);
            assert!(statistic < 29.9, "seed {seed}: {statistic} for {sampler:?}");
        }
    }
}

fn chi_square(
    decoder: &dyn Decoder,
    logits: Logits<'_>,
    expected: &[(TokenId, f64)],
    seed: u64,
) -> f64 {
    const DRAWS: u32 = 20_000;
    let mut counts = vec![0u32; logits.vocab_size()];
    let mut rng = rng(seed);
    for _ in 0..DRAWS {
        counts[pick(decoder, logits, &mut rng).expect("finite") as usize] += 1;
    }
    let inside: u32 = expected.iter().map(|(t, _)| counts[*t as usize]).sum();
    assert_eq!(inside, DRAWS, "a token outside the nucleus was drawn");
    let term = |(token, share): &(TokenId, f64)| {
        let mean = share * f64::from(DRAWS);
        (f64::from(counts[*token as usize]) - mean).powi(2) / mean
    };
    expected.iter().map(term).sum()
}

#[test]
fn the_plausibility_mask_stops_rare_tokens() {
    // Token 2 is implausible in context, yet contrast favours it most.
    let streams = [3.0, 2.5, -4.0, 3.0, 1.5, -40.0];
    assert_eq!(token(&ContextAware::new(1.0, Greedy), view(&streams, 2), 0), Ok(2));
    assert_eq!(token(&masked(1.0, 0.1, Greedy), view(&streams, 2), 0), Ok(1));
}

#[test]
fn three_streams_are_mixed_by_weight() {
    let streams = [1.0, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 9.0];
    let of = |weights: [f32; 3]| token(&weighted(weights.into(), Greedy), view(&streams, 3), 0);
    assert_eq!(of([1.0, 1.0, -1.0]), Ok(1));
    assert_eq!(of([2.0, 1.0, 0.0]), Ok(0));
}

#[test]
fn a_token_excluded_by_either_stream_stays_excluded() {
    let streams = [f32::NEG_INFINITY, 1.0, 5.0, 0.0, 0.0, f32::NEG_INFINITY];
    assert_eq!(token(&ContextAware::new(0.5, Greedy), view(&streams, 2), 0), Ok(1));
}

#[test]
fn bad_parameters_are_named() {
    let named = |decoder: &dyn Decoder| {
        let values = vec![0.0; decoder.arity()];
        match pick(decoder, view(&values, decoder.arity()), &mut rng(0)) {
            Err(DecodeError::Parameter { name, .. }) => name,
            other => panic!("{other:?} names no parameter"),
        }
    };
    // The reciprocal of 1e-39 is infinite.
    for temperature in [0.0, -0.0, -1.0, 1e-39, -1e-39, f32::from_bits(1), f32::NAN, f32::INFINITY]
    {
        for order in [SamplerOrder::Hf, SamplerOrder::LlamaCpp] {
            let decoder = Nucleus { temperature, order, ..Nucleus::default() };
            assert_eq!(named(&decoder), "temperature");
            assert_eq!(named(&ContextAware::new(0.5, decoder)), "temperature");
        }
    }
    for top_p in [0.0, -0.5, 1.5, f32::NAN, f32::INFINITY] {
        assert_eq!(named(&Nucleus { top_p, ..Nucleus::default() }), "top_p");
    }
    assert_eq!(named(&Nucleus { top_k: 0, ..Nucleus::default() }), "top_k");
    for min_p in [-0.1, -1e-45, 1.5, f32::NAN, f32::INFINITY] {
        assert_eq!(named(&Nucleus { min_p, ..Nucleus::default() }), "min_p");
    }
    for typical_p in [0.0, -0.5, 1.5, f32::NAN, f32::INFINITY] {
        assert_eq!(named(&Nucleus { typical_p, ..Nucleus::default() }), "typical_p");
    }
    for top_n_sigma in [-0.1, -1e-45, f32::NAN, f32::NEG_INFINITY] {
        assert_eq!(named(&Nucleus { top_n_sigma, ..Nucleus::default() }), "top_n_sigma");
    }
    for alpha in [-0.5, -1e-45, 1e30, f32::NAN, f32::INFINITY] {
        assert_eq!(named(&ContextAware::new(alpha, Greedy)), "alpha");
    }
    for plausibility in [-0.1, -1e-45, 2.0, f32::NAN, f32::INFINITY] {
        assert_eq!(named(&masked(0.5, plausibility, Greedy)), "plausibility");
    }
    for weight in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
        assert_eq!(named(&weighted(vec![1.0, weight], Greedy)), "weight");
    }
    assert_eq!(named(&weighted(vec![0.0, -1.0], Greedy)), "the largest weight");
}

/// Floats of every size, the edges of what is refused among them.
fn setting() -> impl Strategy<Value = f32> {
    prop_oneof![
        any::<f32>(),
        any::<u32>().prop_map(f32::from_bits),
        Just(f32::MIN_POSITIVE),
        Just(1e-39),
        Just(f32::MAX),
        0f32..2.0,
    ]
}

proptest! {
    #[test]
    fn any_setting_draws_a_token_or_is_refused(
        row in prop::collection::vec(prop_oneof![-30f32..30.0, Just(f32::MIN), Just(f32::MAX)], 8),
        (temperature, top_p, min_p) in (setting(), setting(), setting()),
        (alpha, plausibility) in (setting(), setting()),
        (typical_p, top_n_sigma) in (setting(), setting()),
        top_k in 0usize..6,
        llama_cpp in any::<bool>(),
    ) {
        let order = if llama_cpp { SamplerOrder::LlamaCpp } else { SamplerOrder::Hf };
        let usual = Nucleus { top_k, order, ..Nucleus::default() };
        let all = Nucleus { temperature, top_p, min_p, typical_p, top_n_sigma, ..usual.clone() };
        let alone = [
            Nucleus { temperature, ..usual.clone() },
            Nucleus { top_p, ..usual.clone() },
            Nucleus { min_p, ..usual.clone() },
            Nucleus { typical_p, ..usual.clone() },
            Nucleus { top_n_sigma, ..usual.clone() },
            Nucleus { temperature, typical_p, ..usual.clone() },
        ];
        for sampler in alone.into_iter().chain([all]) {
            match pick(&sampler, view(&row[..4], 1), &mut rng(1)) {
                Ok(token) => prop_assert!(token < 4),
                Err(error) => prop_assert!(matches!(error, DecodeError::Parameter { .. }), "{error}"),
            }
        }
        match pick(&masked(alpha, plausibility, usual), view(&row, 2), &mut rng(1)) {
            Ok(token) => prop_assert!(token < 4),
            // Rows as far apart as this may have no largest value once they are weighted.
            Err(error) => prop_assert!(
                matches!(error, DecodeError::Parameter { .. } | DecodeError::PositiveInfinity { .. }),
                "{error}"
            ),
        }
    }
}

#[test]
fn a_fault_names_its_stream() {
    let decoder = ContextAware::new(0.5, Greedy);
    let error = |values: &[f32], arity| {
        pick(&decoder, view(values, arity), &mut rng(0)).expect_err("a fault")
    };
    let nan = error(&[0.0, 1.0, 0.0, f32::NAN], 2);
    assert!(matches!(nan, DecodeError::NotANumber { stream: 1, token: 1 }), "{nan}");
    let missing = error(&[0.0, 1.0], 1);
    assert!(matches!(missing, DecodeError::Arity { expected: 2, actual: 1 }), "{missing}");
}

/// Settings that differ read differently, and the grammar is that of technique names.
#[test]
fn decoders_say_what_they_are() {
    let sampler = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    assert_eq!(sampler.settings().to_string(), "nucleus(temperature=0.8,top_p=0.9)");
    let cut = Nucleus { top_k: 40, min_p: 0.05, order: SamplerOrder::LlamaCpp, ..sampler.clone() };
    let expected = "nucleus(temperature=0.8,top_p=0.9,top_k=40,min_p=0.05,order=llamacpp)";
    assert_eq!(cut.settings().to_string(), expected);
    let cad = masked(0.2, 0.1, Greedy).settings().to_string();
    assert_eq!(cad, "cad(alpha=0.2,plausibility=0.1,inner=greedy)");
    let three = weighted(vec![1.5, -0.25, -0.25], Greedy).settings().to_string();
    assert_eq!(three, "cad(weights=1.5/-0.25/-0.25,inner=greedy)");
}
