//! Our side of `compare.py`: embeds texts when it is told to and says how long that took.
//!
//! Arguments: a model's directory, a JSON file of named lists of texts, threads. Then, for each line `weights list` that it
//! reads, it writes the seconds that embedding the list took, and the first vector.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use infer_code_cad_retrieval::{
    Embedder, EmbedderOptions, EncoderWeights, Pool, TextRole, load_embedder,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|x| x != "--bench").collect();
    let [model, texts, threads] = &arguments[..] else {
        return Err("give a model's directory, a JSON of texts, and the number of threads".into());
    };
    let lists: BTreeMap<String, Vec<String>> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let pool = Arc::new(Pool::new(threads.parse()?));
    let load = |weights| {
        let options =
            EmbedderOptions { weights, pool: Arc::clone(&pool), ..EmbedderOptions::default() };
        load_embedder(Path::new(model), &options)
    };
    let (f32s, int8) = (load(EncoderWeights::F32)?, load(EncoderWeights::Int8)?);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (weights, list) = line.split_once(' ').ok_or("not `weights list`")?;
        let embedder: &dyn Embedder = if weights == "int8" { &*int8 } else { &*f32s };
        let texts: Vec<&str> = lists[list].iter().map(String::as_str).collect();
        let start = Instant::now();
        let embedded = embedder.embed(&texts, TextRole::Passage)?;
        let seconds = start.elapsed().as_secs_f64();
        let vector = serde_json::to_string(&embedded.vectors.row(0).to_vec())?;
        writeln!(std::io::stdout().lock(), "{seconds} {vector}")?;
    }
    Ok(())
}
