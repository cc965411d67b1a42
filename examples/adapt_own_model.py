"""Adapts a small timm ViT of your own over a DataLoader of your own, without labels."""

from pathlib import Path

import timm
import torch
from torch.utils.data import DataLoader, TensorDataset

import mgtta
from mgtta_models import Backbone

torch.manual_seed(0)
model = timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8, depth=3, num_classes=10)
clean = TensorDataset(torch.randn(64, 3, 32, 32))  # your pictures, normalized as your model expects
noisy = TensorDataset(torch.randn(96, 3, 32, 32) * 1.5)

statistics = mgtta.SourceStatistics.measure(Backbone(model), (x for (x,) in DataLoader(clean, batch_size=16)))
statistics.save(Path("own.stats.safetensors"))  # measured once per model

adapted = mgtta.adapt(model, method="mgtta", statistics=statistics, memory=None)  # learns from every batch
for (images,) in DataLoader(noisy, batch_size=16):
    logits = adapted(images)  # [16, 10]: answers first, learns then
    print(logits.argmax(dim=1).tolist())

adapted.reset()  # the source model again, to the bit
