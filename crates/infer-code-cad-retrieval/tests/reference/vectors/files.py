"""Writes the files of vectors beside itself that the tests read.

Needs faiss-cpu 1.15.1 and numpy: python files.py
"""

from pathlib import Path

import faiss
import numpy as np

here = Path(__file__).parent
# Exact in every format, and not of length 1.
vectors = (np.arange(15, dtype=np.float32).reshape(3, 5) - 7) / 4
ids = np.array([40, -2, 7], dtype=np.int64)


def write(name, index, numbered):
    if numbered:
        index.add_with_ids(vectors, ids)
    else:
        index.add(vectors)
    faiss.write_index(index, str(here / name))


write("flat.faiss", faiss.IndexFlatIP(5), False)
write("numbered.faiss", faiss.IndexIDMap(faiss.IndexFlatIP(5)), True)
write("numbered2.faiss", faiss.IndexIDMap2(faiss.IndexFlatIP(5)), True)
write("distance.faiss", faiss.IndexFlatL2(5), False)
write("hnsw.faiss", faiss.IndexHNSWFlat(5, 4, faiss.METRIC_INNER_PRODUCT), False)
np.save(here / "matrix.npy", vectors)
np.save(here / "half.npy", vectors.astype(np.float16))
np.save(here / "double.npy", vectors.astype(np.float64))
np.save(here / "columns.npy", np.asfortranarray(vectors))
