use candle_core::{Result, Storage, Tensor};

/// Calls `f` with the elements of a contiguous f32 tensor on the CPU, without copying them.
pub(crate) fn with_slice<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((start, end))) => {
            Ok(f(&storage.as_slice::<f32>()?[start..end]))
        }
        _ => candle_core::bail!("expected a contiguous tensor on the cpu, got {layout:?}"),
    }
}
