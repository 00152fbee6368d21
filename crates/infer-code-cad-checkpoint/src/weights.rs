use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use infer_code_cad_kernels::{Format, StoredFormat};
use safetensors::tensor::{Metadata, TensorInfo as Entry};
use safetensors::{Dtype, SafeTensors};

use crate::CheckpointError;
use crate::conversion::{Conversion, Converted};
use crate::fields::Fields;
use crate::file_bytes::{FileBytes, Reading};
use crate::lfs::refuse_pointer;
use crate::tensors::{NamedTensors, RawMatrix, decode};

pub(crate) const SINGLE: &str = "model.safetensors";
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// The tensors of a checkpoint.
pub(crate) trait TensorSource: NamedTensors + fmt::Debug + Send + Sync {
    /// Refuses a tensor that the model did not read, unless `is_redundant` knows it.
    fn check_all_read(
        &self,
        read: &HashSet<String>,
        is_redundant: &dyn Fn(&str) -> bool,
    ) -> Result<(), CheckpointError>;

    /// What there is, under the names of the files.
    fn tensors(&self) -> Vec<TensorInfo>;

    /// The blocks of a tensor by its name in the file, where they can be decoded.
    fn blocks(&self, name: &str) -> Option<Reading<'_>>;

    /// The values of a tensor by its name in the file, as they are there.
    fn stored(&self, name: &str) -> Result<Vec<f32>, CheckpointError>;
}

/// Refuses weights with a NaN or an infinity, which would spoil every logit.
pub(crate) fn check_finite(source: &dyn TensorSource) -> Result<(), CheckpointError> {
    for TensorInfo { name, .. } in source.tensors() {
        let values = source.stored(&name)?;
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(CheckpointError::NotFinite { tensor: name, index, value });
        }
    }
    Ok(())
}

/// What becomes of each format without products that matrices are stored in, measured on so many rows of each.
pub(crate) fn conversions(
    source: &dyn TensorSource,
    rows: usize,
) -> Result<Vec<Conversion>, CheckpointError> {
    let mut converted = BTreeMap::<StoredFormat, Converted>::new();
    for tensor in source.tensors().into_iter().filter(|tensor| tensor.shape.len() > 1) {
        let Ok(stored) = tensor.format.parse::<StoredFormat>() else { continue };
        if Format::try_from(stored).is_err() {
            let blocks = source.blocks(&tensor.name);
            let of_format = converted.entry(stored).or_insert_with(|| Converted::new(stored));
            of_format.add(&tensor, blocks.as_deref(), rows)?;
        }
    }
    Ok(converted.into_values().map(Converted::finish).collect())
}

/// A stored tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name in the file.
    pub name: String,
    /// Its shape, outermost dimension first.
    pub shape: Vec<usize>,
    /// How its elements are stored, such as `BF16` or `Q4_K`.
    pub format: String,
    /// What it takes in the file.
    pub bytes: usize,
}

/// The safetensors files of a checkpoint, mapped or held, and where each tensor is.
#[derive(Debug)]
pub(crate) struct Weights {
    files: Vec<WeightsFile>,
    place: HashMap<String, usize>,
}

impl Weights {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub(crate) fn open(dir: &Path) -> Result<Self, CheckpointError> {
        if dir.join(SINGLE).is_file() {
            return Self::new(vec![WeightsFile::map(dir, SINGLE)?]);
        }
        if dir.join(INDEX).is_file() {
            let shards = shard_names(dir)?;
            let files = shards.iter().map(|name| WeightsFile::map(dir, name));
            return Self::new(files.collect::<Result<_, _>>()?);
        }
        let is_pickled = dir.join("pytorch_model.bin").is_file();
        Err(CheckpointError::MissingFile {
            checkpoint: dir.display().to_string(),
            file: format!("{SINGLE} nor {INDEX}"),
            remedy: match is_pickled {
                true => {
                    "its pytorch_model.bin is a pickle, which may run programs and is not read: load it in \
                         transformers and save it by save_pretrained(.., safe_serialization=True)"
                }
                false => "save the model with safe_serialization; other formats are not read",
            },
        })
    }

    /// Takes whole safetensors files, without copying those that are borrowed.
    pub(crate) fn from_bytes(files: Vec<Cow<'static, [u8]>>) -> Result<Self, CheckpointError> {
        let files = files.into_iter().enumerate().map(|(i, bytes)| WeightsFile::hold(i, bytes));
        Self::new(files.collect::<Result<_, _>>()?)
    }

    /// The files mapped, by their paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.files.iter().map(|file| PathBuf::from(&file.name))
    }

    fn new(files: Vec<WeightsFile>) -> Result<Self, CheckpointError> {
        let mut place = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            for tensor in file.header.offset_keys() {
                if let Some(other) = place.insert(tensor.clone(), index) {
                    let files = [other, index].map(|index: usize| files[index].name.clone());
                    return Err(CheckpointError::TensorDoubled { tensor, files });
                }
            }
        }
        Ok(Self { files, place })
    }

    /// The file that holds a tensor, and what its header says of it.
    fn find(&self, tensor: &str) -> Result<(&WeightsFile, &Entry), CheckpointError> {
        let find = |&index| {
            let file: &WeightsFile = &self.files[index];
            Some((file, file.header.info(tensor)?))
        };
        self.place.get(tensor).and_then(find).ok_or_else(|| {
            let files: Vec<_> = self.files.iter().map(|file| file.name.as_str()).collect();
            CheckpointError::MissingTensor { tensor: tensor.into(), files: files.join(", ") }
        })
    }

    fn check_shape(&self, tensor: &str, expected: &[usize]) -> Result<(), CheckpointError> {
        let (file, entry) = self.find(tensor)?;
        if entry.shape == expected {
            return Ok(());
        }
        Err(CheckpointError::TensorShape {
            tensor: tensor.into(),
            file: file.name.clone(),
            expected: expected.to_vec(),
            actual: entry.shape.clone(),
        })
    }
}

impl NamedTensors for Weights {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        self.check_shape(name, shape)?;
        self.stored(name)
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
        self.check_shape(name, shape)?;
        let (file, entry) = self.find(name)?;
        let raw = |format| RawMatrix { format, bytes: Box::new(file.read(entry)) };
        Ok(float(entry.dtype).map(raw))
    }
}

impl TensorSource for Weights {
    fn check_all_read(
        &self,
        read: &HashSet<String>,
        is_redundant: &dyn Fn(&str) -> bool,
    ) -> Result<(), CheckpointError> {
        let mut left: Vec<_> = self
            .place
            .iter()
            .filter(|(name, _)| !read.contains(*name) && !is_redundant(name))
            .collect();
        left.sort();
        match left.first() {
            None => Ok(()),
            Some((tensor, index)) => Err(CheckpointError::UnexpectedTensor {
                tensor: (*tensor).clone(),
                file: self.files[**index].name.clone(),
            }),
        }
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.files.iter().flat_map(WeightsFile::tensors).collect()
    }

    fn blocks(&self, name: &str) -> Option<Reading<'_>> {
        let (file, entry) = self.find(name).ok()?;
        float(entry.dtype).map(|_| file.read(entry))
    }

    fn stored(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let (file, entry) = self.find(name)?;
        match float(entry.dtype) {
            Some(format) => decode(format, &file.read(entry)),
            None => Err(CheckpointError::TensorDtype {
                tensor: name.into(),
                file: file.name.clone(),
                dtype: entry.dtype.to_string(),
            }),
        }
    }
}

/// How elements of a type are stored, if they are floats.
fn float(dtype: Dtype) -> Option<StoredFormat> {
    match dtype {
        Dtype::F32 => Some(StoredFormat::F32),
        Dtype::F16 => Some(StoredFormat::F16),
        Dtype::BF16 => Some(StoredFormat::BF16),
        _ => None,
    }
}

/// The shards that the index of a directory names, each checked to be there.
fn shard_names(dir: &Path) -> Result<BTreeSet<String>, CheckpointError> {
    let path = dir.join(INDEX);
    let json =
        fs::read(&path).map_err(|source| CheckpointError::Io { path: path.clone(), source })?;
    let shards = shards_of(&path.display().to_string(), &json)?;
    match shards.iter().find(|shard| !dir.join(shard).is_file()) {
        None => Ok(shards),
        Some(shard) => Err(CheckpointError::MissingFile {
            checkpoint: dir.display().to_string(),
            file: shard.clone(),
            remedy: "the index names it; fetch every shard",
        }),
    }
}

/// The distinct file names of an index, each checked to be a plain one.
pub(crate) fn shards_of(file: &str, json: &[u8]) -> Result<BTreeSet<String>, CheckpointError> {
    let expected = "names of files by names of tensors";
    let fields = Fields::of(file, json)?;
    let map: Option<BTreeMap<String, String>> = fields.read("weight_map", expected)?;
    let map = map.filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| fields.unexpected("weight_map", "absent or empty", expected))?;
    let shards: BTreeSet<String> = map.into_values().collect();
    let is_plain = |shard: &str| Path::new(shard).file_name().is_some_and(|name| name == shard);
    match shards.iter().find(|shard| !is_plain(shard)) {
        None => Ok(shards),
        Some(shard) => Err(CheckpointError::ShardName { file: file.into(), shard: shard.clone() }),
    }
}

/// A safetensors file.
#[derive(Debug)]
struct WeightsFile {
    name: String,
    bytes: FileBytes,
    header: Metadata,
    /// Where the tensors begin.
    data: usize,
}

impl WeightsFile {
    fn map(dir: &Path, name: &str) -> Result<Self, CheckpointError> {
        let path = dir.join(name);
        Self::new(path.display().to_string(), FileBytes::map(&path)?)
    }

    fn hold(index: usize, bytes: Cow<'static, [u8]>) -> Result<Self, CheckpointError> {
        Self::new(format!("weights {index} in memory"), FileBytes::Held(bytes))
    }

    fn new(name: String, bytes: FileBytes) -> Result<Self, CheckpointError> {
        refuse_pointer(&name, &bytes)?;
        // It refuses ranges that are not the file, end to end.
        match SafeTensors::read_metadata(&bytes) {
            Ok((len, header)) => Ok(Self { data: len + size_of::<u64>(), name, bytes, header }),
            Err(e) => Err(CheckpointError::Weights { file: name, source: e.into() }),
        }
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        let describe = |(name, entry): (String, &Entry)| TensorInfo {
            name,
            shape: entry.shape.clone(),
            format: entry.dtype.to_string(),
            bytes: entry.data_offsets.1 - entry.data_offsets.0,
        };
        self.header.tensors().into_iter().map(describe).collect()
    }

    fn read(&self, entry: &Entry) -> Reading<'_> {
        let (start, end) = entry.data_offsets;
        self.bytes.read(self.data + start..self.data + end)
    }
}
