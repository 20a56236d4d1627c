"""Where a picture is brightest."""

import torch


def brightest(images):
    """Where the mass of the brightest pixels lies, in [0, 1]."""
    grey = images.mean(0) if images.ndim == 3 else images
    weight = (grey - grey.quantile(0.97)).clamp(min=0)
    height, width = grey.shape
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    row, column = (weight.sum(1) * rows).sum() / height, (weight.sum(0) * columns).sum() / width
    return [(row / weight.sum()).item(), (column / weight.sum()).item()]
