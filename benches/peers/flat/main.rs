//! Our side of `compare.py`: searches what it is told to and says how long that took.
//!
//! Arguments: a `.npy` of vectors, one of queries, threads. Then, for each line `format queries top_k` that it
//! reads, it writes the seconds of one search and the numbers found.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use infer_code_cad_retrieval::ndarray::s;
use infer_code_cad_retrieval::{FlatConfig, FlatIndex, Pool, VectorFormat, VectorIndex, read_npy};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|x| x != "--bench").collect();
    let [vectors, queries, threads] = &arguments[..] else {
        return Err("give a .npy of vectors, one of queries, and the number of threads".into());
    };
    let pool = Arc::new(Pool::new(threads.parse()?));
    let queries = read_npy(Path::new(queries))?;
    let load = |format| {
        let config = FlatConfig { format, pool: Arc::clone(&pool), ..FlatConfig::default() };
        Ok((format.name(), FlatIndex::load(Path::new(vectors), config)?))
    };
    let indexes =
        VectorFormat::ALL.into_iter().map(load).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [format, n, top_k] = words[..] else { return Err("not `format queries top_k`".into()) };
        let (_, index) =
            indexes.iter().find(|(name, _)| *name == format).ok_or("no such format")?;
        let (n, top_k) = (n.parse::<usize>()?, top_k.parse()?);
        let start = Instant::now();
        let found = index.search(queries.slice(s![..n, ..]), top_k)?;
        let mut out = format!("{}", start.elapsed().as_secs_f64());
        found.iter().flatten().for_each(|neighbor| out.push_str(&format!(" {}", neighbor.id)));
        writeln!(std::io::stdout().lock(), "{out}")?;
    }
    Ok(())
}
