use infer_code_cad::tasks::Task;

/// What a user may ask for: a change, a copy, something new.
pub(crate) const ALL: [(&str, fn(&Task) -> String); 3] = [
    ("edit", |task| {
        let (code, name) =
            (task.canonical_program().unwrap_or_default(), &task.problem.entry_point);
        format!("Rename the function {name} to {name}_v2 and give back the whole code:\n\n{code}")
    }),
    ("copy", |task| {
        let (code, name) =
            (task.canonical_program().unwrap_or_default(), &task.problem.entry_point);
        format!("Documentation:\n\n{code}\nWrite the function {name} as it is documented above.")
    }),
    ("fresh", |task| format!("Complete this function:\n\n{}", task.problem.prompt)),
];
