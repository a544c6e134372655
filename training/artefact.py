"""Read the weights of an exported model back, so that training can go on from the shipped artefact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper


def weights(directory: Path) -> dict[str, torch.Tensor]:
    """Parameter names of `training.model.StanceModel` to dequantised weights; all but the word embeddings."""
    found: dict[str, torch.Tensor] = {}
    for name in ("lower.onnx", "upper.onnx"):
        graph = onnx.load(str(directory / name)).graph
        arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        for node in graph.node:
            if node.op_type == "MatMul" and (array := _dequantised(arrays, node.input[1])) is not None:
                found[_parameter(node.name)] = torch.from_numpy(array.T.copy())
        own = {
            n.removesuffix(".int8") for n in arrays if n.startswith(("lower.", "upper.")) and not n.endswith(".scale")
        }
        for parameter in own:
            if (array := _dequantised(arrays, parameter)) is not None:
                found[parameter] = torch.from_numpy(array.copy())
    found.pop("lower.words.weight")  # never trained
    return found


def _dequantised(arrays: dict[str, np.ndarray], name: str) -> np.ndarray | None:
    if name in arrays:
        return arrays[name]
    if f"{name}.int8" in arrays:
        return arrays[f"{name}.int8"].astype(np.float32) * arrays[f"{name}.scale"]
    return None


def _parameter(node: str) -> str:
    """The parameter behind a node: `/lower/blocks.0/query/MatMul` is `lower.blocks.0.query.weight`.

    Inside a Sequential the scope repeats its name: `/upper/stance/stance.0/MatMul` is `upper.stance.0.weight`.
    """
    parts = node.strip("/").split("/")[:-1]
    kept = [p for p, following in zip(parts, [*parts[1:], ""], strict=True) if not following.startswith(p + ".")]
    return ".".join(kept) + ".weight"
