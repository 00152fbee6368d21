"""Reads the files ours.KIND of a folder with FAISS and writes theirs.KIND, for tests/faiss.rs."""

import sys
from pathlib import Path

import faiss
import numpy as np

place, kinds = Path(sys.argv[1]), sys.argv[2:]
rows = np.fromfile(place / "rows.f32", dtype="<f4").reshape(-1, 16)
ids = np.arange(len(rows), dtype=np.int64) * 3 + 5
for kind in kinds:
    ours = faiss.read_index(str(place / f"ours.{kind}"))
    faiss.ParameterSpace().set_index_parameter(ours, "nprobe", 8) if "IVF" in kind else None
    scores, found = ours.search(rows, 1)
    assert (ours.ntotal, ours.d) == rows.shape, (ours.ntotal, ours.d)
    assert (found[:, 0] == ids).mean() > 0.99, (kind, found[:5])
    assert np.abs(scores - 1).max() < 0.02, (kind, scores[:5])
    theirs = faiss.index_factory(16, kind if "IVF" in kind else f"IDMap2,{kind}", faiss.METRIC_INNER_PRODUCT)
    theirs.train(rows)
    theirs.add_with_ids(rows, ids)
    faiss.write_index(theirs, str(place / f"theirs.{kind}"))
euclidean = faiss.IndexHNSWFlat(16, 32)
euclidean.add(rows)
faiss.write_index(euclidean, str(place / "theirs.l2"))
plain = faiss.IndexHNSWFlat(16, 32, faiss.METRIC_INNER_PRODUCT)
plain.add(rows)
faiss.write_index(plain, str(place / "theirs.plain"))
