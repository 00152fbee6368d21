use std::process::Command;

use infer_code_cad::candle::Device;
use serde_json::{Value, json};

/// Which device, and with which versions.
pub(crate) fn head(device: Device) -> Value {
    let known = query(device, "name,driver_version,memory.total");
    let field = |i| known.as_ref().and_then(|known| known.get(i).cloned());
    json!({
        "device": device.to_string(), "gpu": field(0), "driver": field(1), "memory_total_mib": field(2),
        "versions": {
            "infer-code-cad": env!("CARGO_PKG_VERSION"), "candle-core": locked("candle-core"),
            "cudarc": locked("cudarc"),
        },
    })
}

/// MiB of the device's memory that are taken, this process's and others'.
pub(crate) fn memory(device: Device) -> Value {
    json!({ "used_mib": query(device, "memory.used").and_then(|known| known.first().cloned()) })
}

/// What NVIDIA's tool says of a device, where it is one of NVIDIA's and the tool is there.
fn query(device: Device, fields: &str) -> Option<Vec<String>> {
    let Device::Cuda(number) = device else { return None };
    let output = Command::new("nvidia-smi")
        .arg(format!("--query-gpu={fields}"))
        .args(["--format=csv,noheader,nounits", "--id", &number.to_string()])
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?;
    Some(line.trim().split(", ").map(str::to_owned).collect())
}

/// The version of a crate that this program was built with.
fn locked(name: &str) -> Option<&'static str> {
    let (_, package) = include_str!("../../Cargo.lock").split_once(&format!("\"{name}\"\n"))?;
    package.strip_prefix("version = \"")?.split('"').next()
}

/// The text of a panic; where a library of NVIDIA's was not found, what to do.
pub(crate) fn told(panic: &str) -> String {
    let library =
        panic.split_once("dynamically load the \"").and_then(|(_, rest)| rest.split('"').next());
    match library {
        None => panic.to_owned(),
        Some("cuda") => {
            "no NVIDIA driver: libcuda.so is not where libraries are looked for; install the \
             driver or set LD_LIBRARY_PATH to its folder, or try --device cpu"
                .to_owned()
        }
        Some(library) => format!(
            "no lib{library}.so where libraries are looked for; set LD_LIBRARY_PATH to the folder that has \
             it, of the CUDA toolkit or of the Python package nvidia-{library}"
        ),
    }
}
