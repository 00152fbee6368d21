use candle_core::{Result, Storage, Tensor, WithDType};

/// Calls `f` with the elements of a contiguous tensor on the CPU, without copying them.
pub(crate) fn with_slice<T: WithDType, R>(tensor: &Tensor, f: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((start, end))) => Ok(f(&storage.as_slice::<T>()?[start..end])),
        _ => candle_core::bail!("expected a contiguous tensor on the cpu, got {layout:?}"),
    }
}
