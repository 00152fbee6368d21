//! Every block that `kernels` decodes, held against candle bit for bit.
use std::borrow::Cow;

use candle_core::quantized::GgmlDType;
use infer_code_cad_kernels::StoredFormat;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const PAIRS: [(StoredFormat, GgmlDType); 10] = [
    (StoredFormat::Q4_0, GgmlDType::Q4_0),
    (StoredFormat::Q4_1, GgmlDType::Q4_1),
    (StoredFormat::Q5_0, GgmlDType::Q5_0),
    (StoredFormat::Q5_1, GgmlDType::Q5_1),
    (StoredFormat::Q8_0, GgmlDType::Q8_0),
    (StoredFormat::Q2_K, GgmlDType::Q2K),
    (StoredFormat::Q3_K, GgmlDType::Q3K),
    (StoredFormat::Q4_K, GgmlDType::Q4K),
    (StoredFormat::Q5_K, GgmlDType::Q5K),
    (StoredFormat::Q6_K, GgmlDType::Q6K),
];

#[test]
fn blocks_are_those_of_candle_to_the_last_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for (format, dtype) in PAIRS {
        assert!(format.is_decoded());
        for _ in 0..50 {
            let mut bytes = vec![0; 4 * format.block_bytes()];
            rng.fill_bytes(&mut bytes);
            let mut ours = vec![0.0; 4 * format.block_len()];
            format.decode(&bytes, &mut ours).unwrap();
            // Copied to where the blocks of candle are aligned.
            let theirs = dtype.from_data(Cow::Owned(bytes)).dequantize(ours.len()).unwrap();
            for (ours, theirs) in ours.iter().zip(theirs.as_slice::<f32>().unwrap()) {
                assert!(
                    ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(),
                    "{format}: {ours} is not {theirs}"
                );
            }
        }
    }
}
