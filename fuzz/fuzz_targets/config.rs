//! Any bytes as `config.json`: a configuration or an error.
#![no_main]

use infer_code_cad_checkpoint::TransformerConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let _ = TransformerConfig::from_json(json);
});
