"""Read the weights of an exported model back, so that training can go on from the shipped artefact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from training.rounding import WORDS


def weights(directory: Path) -> dict[str, torch.Tensor]:
    """Parameter names of `training.model.StanceModel` to dequantised weights; all but the word embeddings."""
    found: dict[str, torch.Tensor] = {}
    for file in ("lower.onnx", "upper.onnx"):
        graph = onnx.load(str(directory / file)).graph
        arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        for node in graph.node:
            if node.op_type == "MatMul" and (array := _dequantised(arrays, node.input[1])) is not None:
                found[parameter(node.name)] = torch.from_numpy(array.T.copy())
            if node.op_type == "MatMulNBits":
                found[parameter(node.name)] = torch.from_numpy(_of_four_bits(*(arrays[n] for n in node.input[1:3])))
        ours = {
            n.removesuffix(".int8") for n in arrays if n.startswith(("lower.", "upper.")) and not n.endswith(".scale")
        }
        for name in ours:  # without the words, which are never trained
            if not name.startswith(WORDS) and (array := _dequantised(arrays, name)) is not None:
                found[name] = torch.from_numpy(array.copy())
    return found


def _dequantised(arrays: dict[str, np.ndarray], name: str) -> np.ndarray | None:
    if name in arrays:
        return arrays[name]
    if f"{name}.int8" in arrays:
        return arrays[f"{name}.int8"].astype(np.float32) * arrays[f"{name}.scale"]
    return None


def _of_four_bits(blocks: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The matrix, (rows, columns), that `MatMulNBits` holds in pairs of values, the first of each in the low bits."""
    values = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*scales.shape, -1).astype(np.float32) - 8
    return (values * scales[..., None]).reshape(len(scales), -1)


def parameter(node: str) -> str:
    """The parameter behind a node: `/lower/blocks.0/query/MatMul` is `lower.blocks.0.query.weight`.

    Inside a Sequential the scope repeats its name: `/upper/stance/stance.0/MatMul` is `upper.stance.0.weight`.
    """
    parts = node.strip("/").split("/")[:-1]
    kept = [p for p, following in zip(parts, [*parts[1:], ""], strict=False) if not following.startswith(p + ".")]
    return ".".join(kept) + ".weight"
