"""Synthetic weights of the published networks that anyone can make again, and the recorded outputs they belong to."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from atsal.models.paper import AttentionStream, SalEMA

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "parity" / "published_outputs.npz"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "published_parity.npz"
BGR_MEANS = (103.939, 116.779, 123.68)


def synthetic_tensor(seed: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """One float32 tensor of the recipe: `seed` and `key` decide every value."""
    rng = np.random.default_rng(zlib.crc32(f"{seed}:{key}".encode()))
    if key == "alpha":
        return np.array([0.25], np.float32)
    if key.endswith(".bias"):
        return (0.05 * rng.standard_normal(shape)).astype(np.float32)
    values = np.sqrt(2 / np.prod(shape[1:])) * rng.standard_normal(shape)
    return (values / 64 if shape[1] == 3 else values).astype(np.float32)


def synthetic_state(network: nn.Module, seed: str) -> dict[str, Tensor]:
    """The whole state dict for the network's keys."""
    shapes: Mapping[str, Tensor] = network.state_dict()
    return {key: torch.from_numpy(synthetic_tensor(seed, key, tuple(value.shape))) for key, value in shapes.items()}


def synthetic_attention() -> AttentionStream:
    """The attention stream of the recorded outputs, in eval mode."""
    network = AttentionStream()
    network.load_state_dict(synthetic_state(network, "atsal-parity:attention"))
    return network.eval()


def synthetic_expert(name: str) -> SalEMA:
    """The `poles` or `equator` expert of the recorded outputs, in eval mode."""
    network = SalEMA()
    network.load_state_dict(synthetic_state(network, f"atsal-parity:{name}"))
    return network.eval()


def network_input(bgr: np.ndarray) -> Tensor:
    """(..., H, W, 3) BGR in [0, 255] -> (B, 3, H, W) float32 minus the BGR means."""
    pixels = torch.from_numpy(np.ascontiguousarray(bgr, np.float32)) - torch.tensor(BGR_MEANS)
    return pixels.reshape(-1, *pixels.shape[-3:]).permute(0, 3, 1, 2).contiguous()


def pack(image: np.ndarray) -> np.ndarray:
    """uint8 (..., W, C) as differences along the width modulo 256: smooth images compress to a third."""
    return np.concatenate([image[..., :1, :], np.diff(image, axis=-2)], axis=-2)  # uint8 differences wrap


def unpack(packed: np.ndarray) -> np.ndarray:
    """Undo `pack`."""
    return np.cumsum(packed, axis=-2, dtype=np.uint8)


def face_sequence(face: np.ndarray) -> list[np.ndarray]:
    """Three frames of 96 x 96 pixels cut from a face, moving 8 pixels a frame: a short video for the recurrence."""
    return [face[64:160, 80 + 8 * step : 176 + 8 * step] for step in range(3)]
