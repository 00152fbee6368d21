"""Prints the distances at which transformers' relative attention bias of MPNet changes its bucket, keys before and behind."""

import torch
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

for sign in (-1, 1):
    distances = torch.arange(0, 512) * sign
    buckets = MPNetEncoder.relative_position_bucket(distances, num_buckets=32)
    print([d for d in range(1, 512) if buckets[d] != buckets[d - 1]], buckets[0].item(), buckets[511].item())
