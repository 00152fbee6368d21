use infer_code_cad::tasks::Task;

/// What is asked of the model about a problem.
type Ask = fn(&Task) -> String;

/// What a user may ask for: a change, a copy, something new.
pub(crate) const ALL: [(&str, Ask); 3] = [
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
