"""Writes the parquet files beside it, with pyarrow 26."""
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

here = Path(__file__).parent
documents = pa.table({
    "doc_id": ["a.b", "b", "c", "d", "e"],
    "doc_content": ["Erste Zeile\nzweite: é", "two " * 300, None, "four", ""],
})
for compression in ["snappy", "zstd", "gzip", "none"]:
    file = here / f"documents.{compression}.parquet"
    pq.write_table(documents, file, compression=compression, row_group_size=2)
passages = pa.table({"vector": [[0.5, 1.0]], "id": [7], "title": ["T"], "text": ["x"], "origin": ["o"], "version": [None]})
pq.write_table(passages.cast(passages.schema.set(5, pa.field("version", pa.string()))), here / "passages.parquet")
pq.write_table(pa.table({"a": [1], "b": ["x"]}), here / "other.parquet")
