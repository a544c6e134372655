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
            if node.op_type == "MatMul" and node.input[1] in arrays:
                found[parameter(node.name)] = torch.from_numpy(arrays[node.input[1]].T.copy())
            if node.op_type == "MatMulIntegerToFloat":
                stored = _floats(arrays, node.input[1].removesuffix(".int8"))
                found[parameter(node.name)] = torch.from_numpy(stored.T.copy())
        for name in arrays:  # those that are no products; without the words, which are never trained
            plain = name.removesuffix(".int8")
            if name.startswith(("lower.", "upper.")) and not name.endswith(".scale") and not name.startswith(WORDS):
                found[plain] = torch.from_numpy(_floats(arrays, plain).copy())
    return found


def _floats(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """A parameter as `training.export` stores it: in floats, eight bits a row or column, or four bits a block."""
    if name in arrays:
        return arrays[name]
    if name + ".int4" in arrays:
        blocks = arrays[name + ".blocks"]
        values = arrays[name + ".int4"].astype(np.float32).reshape(len(blocks), -1, blocks.shape[1])
        return (values * blocks[:, None]).reshape(-1, blocks.shape[1])
    scale = name + (".columns" if name + ".columns" in arrays else ".scale")
    return arrays[name + ".int8"].astype(np.float32) * arrays[scale]


def parameter(node: str) -> str:
    """The parameter behind a node: `/lower/blocks.0/query/MatMul` is `lower.blocks.0.query.weight`.

    Inside a Sequential the scope repeats its name: `/upper/stance/stance.0/MatMul` is `upper.stance.0.weight`.
    """
    parts = node.strip("/").split("/")[:-1]
    kept = [p for p, following in zip(parts, [*parts[1:], ""], strict=False) if not following.startswith(p + ".")]
    return ".".join(kept) + ".weight"
