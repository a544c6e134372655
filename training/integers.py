"""Graphs that multiply eight-bit integers.

Weights are stored so, with a scale a column, or as blocks of four-bit values with one scale each, as
`training.rounding` rounds them; onnxruntime folds these into eight-bit integers when it loads the graph. Activations
are rounded to eight bits row by row, so that what a passage yields does not depend on its company.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from training.artefact import parameter
from training.rounding import BLOCK, in_blocks

OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
_ONE, _ZERO, _LARGEST, _LEAST, _FIRST, _LAST = (
    "int8." + name for name in ("one", "zero", "largest", "least", "first", "last")
)


def multiply_in_integers(model: onnx.ModelProto, rounded: Collection[str], *, four_bits: bool) -> None:
    """Replace the products with `rounded` parameters; the graph must have no node that opset 21 changed."""
    stored, unpacked = (_in_four_bits, _unpacked) if four_bits else (_in_eight_bits, _as_stored)
    graph = model.graph
    weights = {i.name: i for i in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    activations: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMul" or parameter(node.name) not in rounded:
            nodes.append(node)
            continue
        x, weight = node.input
        if x not in activations:
            activations.add(x)
            nodes.extend(_rounded_rows(x))
        graph.initializer.extend(stored(weight, numpy_helper.to_array(weights[weight])))
        graph.initializer.remove(weights[weight])
        nodes.extend(unpacked(weight))
        nodes.extend(_product(node, x, weight))
    graph.initializer.extend(_constants())
    if four_bits:
        graph.initializer.append(numpy_helper.from_array(np.array([0]), _FIRST))
    del graph.node[:]
    graph.node.extend(nodes)
    del model.opset_import[:]
    model.opset_import.extend(OPSETS)
    model.ir_version = 10


def _constants() -> Iterator[onnx.TensorProto]:
    for name, value in ((_ONE, 1), (_LARGEST, 1 / 127), (_LEAST, 1e-9)):
        yield numpy_helper.from_array(np.float32(value), name)
    yield numpy_helper.from_array(np.uint8(128), _ZERO)
    yield numpy_helper.from_array(np.array([-1]), _LAST)


def _rounded_rows(x: str) -> Iterator[onnx.NodeProto]:
    """`x` as integers around 128, and the scale of each row."""
    yield helper.make_node("Abs", [x], [x + ".abs"])
    yield helper.make_node("ReduceMax", [x + ".abs", _LAST], [x + ".max"], keepdims=1)
    yield helper.make_node("Mul", [x + ".max", _LARGEST], [x + ".step"])
    yield helper.make_node("Max", [x + ".step", _LEAST], [x + ".scale"])
    yield helper.make_node("Div", [x, x + ".scale"], [x + ".steps"])
    yield helper.make_node("QuantizeLinear", [x + ".steps", _ONE, _ZERO], [x + ".uint8"])


def in_eight_bits(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and one scale for all of an axis, which keeps its place."""
    scale = np.maximum(np.abs(array).max(axis=axis, keepdims=True), 1e-8) / 127
    return np.round(array / scale).astype(np.int8), scale.astype(np.float32)


def _in_eight_bits(name: str, weight: np.ndarray) -> Iterator[onnx.TensorProto]:
    """Of a matrix (inputs, outputs): values, and scales of columns."""
    values, scale = in_eight_bits(weight, axis=0)
    yield numpy_helper.from_array(values, name + ".int8")
    yield numpy_helper.from_array(scale[0], name + ".columns")


def _as_stored(_: str) -> Iterator[onnx.NodeProto]:
    return iter(())


def _in_four_bits(name: str, weight: np.ndarray) -> Iterator[onnx.TensorProto]:
    """Of a matrix (inputs, outputs): values, and scales of blocks."""
    values, scales = in_blocks(torch.from_numpy(weight.T.copy()))
    nibbles = values.flatten(1).T.numpy().astype(np.int8).reshape(-1, 2) & 15
    packed = (nibbles[:, 0] | nibbles[:, 1] << 4).astype(np.uint8)
    yield helper.make_tensor(name + ".int4", TensorProto.INT4, weight.shape, packed.tobytes(), raw=True)
    yield numpy_helper.from_array(np.ascontiguousarray(scales.squeeze(-1).T.numpy()), name + ".blocks")


def _unpacked(weight: str) -> Iterator[onnx.NodeProto]:
    """The values in eight bits and the scales of columns, made when the graph is loaded."""
    yield helper.make_node(
        "DequantizeLinear", [weight + ".int4", weight + ".blocks"], [weight + ".float"], axis=0, block_size=BLOCK
    )
    yield helper.make_node("Abs", [weight + ".float"], [weight + ".abs"])
    yield helper.make_node("ReduceMax", [weight + ".abs", _FIRST], [weight + ".max"], keepdims=0)
    yield helper.make_node("Mul", [weight + ".max", _LARGEST], [weight + ".columns"])
    yield helper.make_node("Div", [weight + ".float", weight + ".columns"], [weight + ".steps"])
    yield helper.make_node("Round", [weight + ".steps"], [weight + ".whole"])
    yield helper.make_node("Cast", [weight + ".whole"], [weight + ".int8"], to=TensorProto.INT8)


def _product(node: onnx.NodeProto, x: str, weight: str) -> Iterator[onnx.NodeProto]:
    product = node.output[0] + ".steps"
    yield helper.make_node(
        "MatMulIntegerToFloat",
        [x + ".uint8", weight + ".int8", _ONE, weight + ".columns", _ZERO],
        [product],
        name=node.name,
        domain="com.microsoft",
    )
    yield helper.make_node("Mul", [product, x + ".scale"], [node.output[0]])
