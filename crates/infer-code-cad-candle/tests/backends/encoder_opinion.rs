//! The encoder's weights through candle-transformers' BertModel, which pads: all texts of a batch are as long here.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use infer_code_cad_checkpoint::EncoderCheckpoint;
use infer_code_cad_native::{Encoder, EncoderOptions};

use crate::suite::assert_close;

#[test]
fn bert_agrees() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infer-code-cad-retrieval/tests/embedders/bge");
    let checkpoint = EncoderCheckpoint::open(&dir).unwrap();
    let encoder = Encoder::load(&checkpoint, &EncoderOptions::default()).unwrap();
    let vocab_size = checkpoint.config().vocab_size as u32;
    let ids: Vec<Vec<u32>> =
        (1..4).map(|text| (0..140).map(|i| (i * 31 + text * 7) % vocab_size).collect()).collect();

    let config = fs::read(dir.join("config.json")).unwrap();
    let config: Config = serde_json::from_slice(&config).unwrap();
    let weights = fs::read(dir.join("model.safetensors")).unwrap();
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu).unwrap();
    let theirs = BertModel::load(weights, &config).unwrap();
    let tokens = Tensor::new(ids.clone(), &Device::Cpu).unwrap();
    let types = tokens.zeros_like().unwrap();
    let theirs = theirs.forward(&tokens, &types, None).unwrap().flatten_all().unwrap();

    let texts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let ours = encoder.hidden_states(&texts).unwrap();
    assert_close(&ours, &theirs.to_vec1::<f32>().unwrap(), 1e-4);
}
