use super::*;
use crate::{PaperTechnique, Supplies};

#[test]
fn the_six_names_of_the_paper_are_recipes() {
    for technique in PaperTechnique::ALL {
        let name = technique.to_string();
        assert_eq!(name.parse::<Recipe>().unwrap(), technique.recipe());
        assert_eq!(technique.recipe().to_string(), name);
    }
}

#[test]
fn names_are_read_back() {
    for (text, name) in [
        ("rag+cad(alpha=0.2,plausibility=0.1)", "cad(alpha=0.2,plausibility=0.1)+rag"),
        ("sc(drafts=3)+cot", "cot+sc(drafts=3)"),
        ("nucleus(top_p=0.95)", "nucleus(temperature=0.8,top_p=0.95)"),
        ("greedy+cad(weights=1.5/-0.5)", "cad(weights=1.5/-0.5)+greedy"),
        (
            " rag + nucleus(top_k=5,order=llamacpp)",
            "rag+nucleus(temperature=0.8,top_p=0.9,top_k=5,order=llamacpp)",
        ),
        ("sc(drafts=5)+cad(alpha=0.5)", "cad+sc"),
        ("nucleus(min_p=0.1)", "nucleus(temperature=0.8,top_p=0.9,min_p=0.1)"),
        ("rag(passages=3)+cot", "cot+rag(passages=3)"),
        ("rag(passages=1)", "rag"),
        ("cad( alpha = 0.2 , plausibility= 0.1 ) ", "cad(alpha=0.2,plausibility=0.1)"),
        ("rag(gate=perplexity,passages=2)", "rag(passages=2,gate=perplexity)"),
        ("rag(gate=open)", "rag"),
        ("vanilla+greedy", "greedy"),
        ("rag+control", "control+rag"),
        ("control(wording=public-code)+greedy", "control(wording=public-code)+greedy"),
        ("cad(alpha=divergence)", "cad(alpha=divergence)"),
        (
            "cad(gate=constraint:4,alpha=divergence:0.3)",
            "cad(alpha=divergence:0.3,gate=constraint:4)",
        ),
        ("cad(gate=open)", "cad"),
        ("cad(gate=entropy:1.5)", "cad(alpha=0.5,gate=entropy:1.5)"),
        ("cad(question=headless)", "cad(alpha=0.5,question=headless)"),
        ("cad(question=masked-sentences)", "cad(alpha=0.5,question=masked-sentences)"),
        ("cad(question=masked-tokens)", "cad(alpha=0.5,question=masked-tokens)"),
        ("cad(modulation=on)", "cad(alpha=0.5,modulation=on)"),
        ("cot(tokens=300)", "cot(tokens=300)"),
        ("beam(beams=5)+rag", "rag+beam(beams=5,length_penalty=1)"),
        ("adadec(lookahead=0)", "adadec(threshold=1,candidates=3,lookahead=0)"),
        ("adapt(temperature=0.4)+cad", "cad+adapt(line_start=1.2,temperature=0.4,top_p=1)"),
        ("nucleus(typical_p=0.9)", "nucleus(temperature=0.8,top_p=0.9,typical_p=0.9)"),
        ("nucleus(top_n_sigma=1)", "nucleus(temperature=0.8,top_p=0.9,top_n_sigma=1)"),
        ("guard(stop=dedent,retries=3)+cad", "cad+guard(retries=3,stop=dedent)"),
        ("guard(retries=10)", "guard"),
        ("vanilla|visible-tests(n=10,wave=4)", "vanilla|visible-tests"),
        (
            "rag+cad(alpha=0.2,plausibility=0.1)|visible-tests(n=20,stop=beta:0.95,repair=on)",
            "cad(alpha=0.2,plausibility=0.1)+rag|visible-tests(n=20,stop=beta:0.95,repair=on)",
        ),
        ("vanilla | vote(rule=hard)", "vanilla|vote(rule=hard)"),
        ("control|mbr-exec(n=5)", "control|mbr-exec(n=5)"),
        ("cot|codet(weights=aces,tests=3)", "cot|codet(tests=3,weights=aces)"),
        ("vanilla|log-prob(n=3)", "vanilla|log-prob(n=3)"),
        ("vanilla|medoid(n=5)", "sc"),
        ("rag|medoid(n=3)", "rag+sc(drafts=3)"),
        ("vanilla|first", "vanilla"),
        ("cad(question=no-examples)", "cad(alpha=0.5,question=no-examples)"),
    ] {
        let recipe: Recipe = text.parse().unwrap();
        assert_eq!(recipe.to_string(), name);
        assert_eq!(name.parse::<Recipe>().unwrap(), recipe);
    }
}

#[test]
fn what_is_no_technique_is_refused_with_the_choices() {
    for (text, complaint) in [
        ("", "\"\" is no part of a technique"),
        ("cad+", "\"\" is no part of a technique; join some of vanilla"),
        ("tree", "\"tree\" is no part of a technique; join some of vanilla, cot, cad"),
        ("cad(alpha)", "a key without a value"),
        ("cad(alpha=x)", "alpha of cad is \"x\", expected a value in [0, 1e6], divergence or"),
        ("cad(alpha=divergence:)", "alpha of cad is \"divergence:\", expected a value"),
        ("cad(alpha=divergence:-1)", "floor of cad is \"-1\", expected a value in [0, 1e6]"),
        ("cad(gate=entropy)", "gate of cad is \"entropy\", expected open, entropy:NATS, deviation"),
        ("cad(alpha=-1)", "alpha of cad is \"-1\", expected a value in [0, 1e6]"),
        ("cad(weights=1/2/3)", "two weights"),
        ("cad(alpha=1,alpha=2)", "alpha of cad stands twice"),
        ("cot(top_k=3)", "cot has no \"top_k\"; choose tokens"),
        ("greedy(top_k=3)", "greedy has no \"top_k\"; it takes none"),
        ("rag(top_k=3)", "rag has no \"top_k\"; choose passages, gate"),
        ("rag(gate=margin)", "gate of rag is \"margin\", expected open or perplexity"),
        (
            "rag(passages=0)",
            "passages of rag is \"0\", expected a whole number of at least 1 and at most 100000",
        ),
        ("cad(alpha=1,weights=1/0)", "alpha and weights exclude each other"),
        ("nucleus(top_k=0)", "top_k of nucleus is \"0\", expected at least 1"),
        ("nucleus(min_p=2)", "min_p of nucleus is \"2\", expected a value in [0, 1]"),
        ("nucleus(top_p=1.5)", "top_p of nucleus is \"1.5\", expected a value in (0, 1]"),
        (
            "sc(drafts=0)",
            "drafts of sc is \"0\", expected a whole number of at least 1 and at most 100000",
        ),
        ("rag+rag", "rag stands twice"),
        ("vanilla|", "\"\" is no way to choose among drafts; behind | stands one of first"),
        ("vanilla|best", "\"best\" is no way to choose among drafts; behind | stands one of first"),
        ("cad|vote|vote", "a second |"),
        (
            "vanilla|vote(n=0)",
            "n of vote is \"0\", expected a whole number of at least 1 and at most 100000",
        ),
        ("vanilla|vote(rule=mbr-exec)", "rule of vote is \"mbr-exec\", expected soft or hard"),
        ("vanilla|codet(wave=2)", "codet has no \"wave\"; choose n, tests, weights"),
        ("vanilla|visible-tests(stop=beta:2)", "stop of visible-tests is \"beta:2\", expected all"),
        ("sc|vote", "sc and vote exclude each other: the answer is chosen in one way"),
        ("greedy|visible-tests", "visible-tests and greedy exclude each other: its drafts"),
        ("beam|log-prob", "its drafts are all the same"),
        ("beam(beams=0)", "beams of beam is \"0\""),
        ("adadec(threshold=NaN)", "threshold of adadec is \"NaN\""),
        ("adapt+nucleus", "nucleus and adapt exclude each other: a token is chosen in one way"),
        ("adapt(line_start=0)", "line_start of adapt is \"0\""),
        ("guard+greedy", "guard and greedy exclude each other"),
        (
            "guard(retries=0)",
            "retries of guard is \"0\", expected a whole number of at least 1 and at most 100000",
        ),
        (
            "cot(tokens=0)",
            "tokens of cot is \"0\", expected a whole number of at least 1 and at most 100000",
        ),
        (
            "cad(weights=1.5/-0.5,modulation=on)",
            "modulation and weights exclude each other: it scales",
        ),
        ("cad(weights=1.5)", "weights of cad is \"1.5\", expected two weights, as in 1.5/-0.5"),
        ("cad(alpha=)", "a value is missing"),
        ("cad(gate=entropy:-1)", "a factor at least 1"),
        ("vanilla|visible-tests(stop=beta:1)", "a probability of at least 0.5 and below 1"),
        (
            "vanilla|medoid(n=18446744073709551615)",
            "expected a whole number of at least 1 and at most 100000",
        ),
        ("beam(beams=100001)", "expected a whole number of at least 1 and at most 100000"),
        ("adadec(lookahead=10001)", "expected a whole number up to 10000"),
        (
            "vanilla|visible-tests(n=8,repair=on)",
            "repair of visible-tests is \"on\", expected an n above twice the wave",
        ),
        ("cad+cot", "cad and cot exclude each other"),
        ("greedy+nucleus", "nucleus and greedy exclude each other"),
        ("greedy+sc", "draw them with nucleus"),
        ("vanilla+cad", "vanilla is the plain prompt alone"),
        ("control+cad", "control and cad exclude each other: the control is cad without"),
        ("cot+control", "control and cot exclude each other"),
        ("control(alpha=1)", "control has no \"alpha\"; choose wording"),
        (
            "cad(question=no)",
            "question of cad is \"no\", expected signature, headless, raw, instruction, masked, masked-sentences, masked-tokens or no-examples",
        ),
    ] {
        let error = text.parse::<Recipe>().unwrap_err().to_string();
        assert!(error.contains(complaint), "{text}: {error}");
    }
}

#[test]
fn a_setting_beside_a_name_is_the_same_as_in_it() {
    for (name, (part, key, value), expected) in [
        ("vanilla", ("nucleus", "temperature", "0.6"), "nucleus(temperature=0.6,top_p=0.9)"),
        ("rag+nucleus(top_p=0.5)", ("nucleus", "min_p", "0.1"), "rag+nucleus(top_p=0.5,min_p=0.1)"),
        ("sc", ("nucleus", "top_k", "40"), "sc+nucleus(top_k=40)"),
        ("rag+cad", ("cad", "alpha", "0.2"), "rag+cad(alpha=0.2)"),
        ("cad(alpha=1)", ("cad", "plausibility", "0.1"), "cad(alpha=1,plausibility=0.1)"),
        ("cad+rag", ("rag", "passages", "2"), "cad+rag(passages=2)"),
        ("cad", ("nucleus", "temperature", "0.8"), "cad"),
    ] {
        let beside = [PartSetting::new(part, key, value)];
        assert_eq!(Recipe::named(name, &beside).unwrap(), expected.parse().unwrap(), "{name}");
    }
}

#[test]
fn a_setting_beside_a_name_that_does_not_fit_is_refused() {
    for (name, (part, key, value), complaint) in [
        ("cad(alpha=0.5)", ("cad", "alpha", "0.5"), "says alpha of cad itself; leave one out"),
        ("nucleus(top_p=1)", ("nucleus", "top_p", "0.9"), "says top_p of nucleus itself"),
        (
            "rag",
            ("cad", "alpha", "1"),
            "technique rag does not have; take one that has it, such as cad, or leave",
        ),
        ("cad", ("rag", "passages", "2"), "passages = 2 is a setting of rag, which the technique"),
        ("greedy", ("nucleus", "top_p", "0.9"), "leave greedy out, or leave top_p out"),
        ("cad(weights=2/-1)", ("cad", "alpha", "1"), "alpha and weights exclude each other"),
        ("vanilla", ("nucleus", "temperature", "0"), "for the limit zero take Greedy"),
        ("vanilla", ("nucleus", "temperature", "warm"), "temperature of nucleus is \"warm\""),
        ("tree", ("cad", "alpha", "1"), "\"tree\" is no part of a technique"),
    ] {
        let error = Recipe::named(name, &[PartSetting::new(part, key, value)]).unwrap_err();
        assert!(error.to_string().contains(complaint), "{name}: {error}");
    }
}

#[test]
fn passages_must_come_from_somewhere() {
    let error = PaperTechnique::Rag.build(&Supplies::default()).unwrap_err();
    assert_eq!(error, TechniqueError::NoRetriever { technique: "rag".to_owned() });
}
