//! Builds an index of documentation on disk, adds to it, or removes from it: `build_index --out DIR --folder docs`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::retrieval::{Chunking, Contents, Embedder, Passage, Source, StoreWriter};

mod common;

/// Reads sources, cuts them into passages, embeds these, and stores all. Run again after a stop it goes on from there;
/// run again after a change it embeds what has changed.
#[derive(Parser)]
struct Args {
    /// The directory of the index.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    sources: common::DocumentArgs,
    #[command(flatten)]
    embedder: common::EmbedderArgs,
    /// How documents are cut: words:500 or tokens:256, with an overlap tokens:256:32.
    #[arg(long, default_value_t)]
    chunk: Chunking,
    /// Adds to the index that is there; without it the index is built anew.
    #[arg(long)]
    append: bool,
    /// Removes what belongs to an origin, such as a package; with sources, before these are added.
    #[arg(long, value_name = "ORIGIN")]
    delete: Vec<String>,
    /// Removes the passages with an id.
    #[arg(long, value_name = "ID")]
    delete_id: Vec<String>,
    /// Removes the passages whose location begins so.
    #[arg(long, value_name = "PREFIX")]
    delete_location: Vec<String>,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let sources = args.sources.open();
    if sources.is_empty() && !args.removes() {
        return Err("nothing to do: give a source, such as --folder DIR, or --delete ORIGIN".into());
    }
    let mut writer = StoreWriter::open(&args.out)?;
    if args.removes() {
        println!("{}", writer.remove(|passage| args.is_gone(passage))?);
    }
    if sources.is_empty() {
        return Ok(());
    }
    let embedder = args.embedder.open()?;
    let bar = common::IndexBar::new();
    let contents = args.read(&sources, embedder.as_deref(), &bar)?;
    let (embedder, on_progress) = (embedder.as_deref(), &mut |progress: &_| bar.embedded(progress));
    let report = if args.append || args.removes() {
        writer.append(contents, embedder, on_progress)
    } else {
        writer.build(contents, embedder, on_progress)
    };
    bar.finish();
    println!("{}", report?);
    Ok(())
}

impl Args {
    fn removes(&self) -> bool {
        !(self.delete.is_empty() && self.delete_id.is_empty() && self.delete_location.is_empty())
    }

    fn is_gone(&self, passage: &Passage) -> bool {
        self.delete.contains(&passage.origin)
            || self.delete_id.contains(&passage.id)
            || self.delete_location.iter().any(|prefix| passage.location.starts_with(prefix))
    }

    /// Reads the sources, and tells what they gave and what could not be read.
    fn read(
        &self,
        sources: &[Box<dyn Source>],
        embedder: Option<&dyn Embedder>,
        bar: &common::IndexBar,
    ) -> Result<Contents, common::Failure> {
        let words = |text: &str| text.split_whitespace().count();
        let count = |text: &str| embedder.map_or_else(|| words(text), |it| it.token_count(text));
        let reading = Contents::read(sources, self.chunk, &count, &mut |source| bar.read(source))?;
        bar.finish();
        for skipped in &reading.skipped {
            eprintln!("skipped: {skipped}");
        }
        for source in &reading.contents.sources {
            eprintln!("{source}");
        }
        Ok(reading.contents)
    }
}
