//! Results in the forms of other tools, and what these make of them.

use std::fs;
use std::ops::ControlFlow;

use infer_code_cad::tasks::read_judged;
use infer_code_cad::{
    Progress, SampleJudging, StoredRun, export_samples, judge_samples, sample_results_path,
};

use crate::journal::{Even, run};

#[test]
fn what_is_exported_gets_the_verdicts_that_it_had() {
    let run = run("vanilla");
    let evaluation = run.finish();
    let stored = StoredRun::read(&run.path).unwrap();
    for form in ["human-eval", "evalplus", "bigcode"] {
        let samples = run.path.with_file_name(form);
        let exported = export_samples(&stored, form.parse().unwrap(), &samples).unwrap();
        assert_eq!((exported.samples, exported.unjudged), (run.samples(), 0));
        let (out, judging) = (sample_results_path(&samples), SampleJudging::new(Even::default()));
        let go_on = &mut |_: infer_code_cad::SampleProgress<'_>| ControlFlow::Continue(());
        let judged = judge_samples(&samples, &out, &run.tasks, &judging, go_on).unwrap();
        assert_eq!((judged.judged, judged.refused), (run.samples(), 0));
        let had = evaluation.records.iter().flat_map(|record| {
            let id = &record.task_id;
            record.samples.iter().map(move |sample| (id.clone(), sample.verdict.to_string()))
        });
        let has = read_judged(&out).unwrap().into_iter();
        assert!(has.map(|sample| (sample.task_id, sample.verdict)).eq(had), "{form}");
        let again = export_samples(&stored, form.parse().unwrap(), &samples).unwrap_err();
        assert!(again.to_string().contains("is there already"), "{again}");
    }
}

#[test]
fn a_list_is_left_for_each_problem_of_a_run_that_stopped() {
    let run = run("vanilla");
    run.go(&mut |progress| match progress {
        Progress::Judged { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .unwrap();
    let out = run.path.with_file_name("generations.json");
    let stored = StoredRun::read(&run.path).unwrap();
    let exported = export_samples(&stored, "bigcode".parse().unwrap(), &out).unwrap();
    assert_eq!(exported.samples + exported.unjudged, run.samples());
    let lists: Vec<Vec<String>> = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(lists.len(), run.tasks.len());
    assert_eq!(lists.concat().len(), exported.samples);
}
