"""Write a trained model as the embedded artefact: two ONNX graphs with rounded weights, tokenizer, settings."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from torch import Tensor, nn

from training import artefact
from training.encoder import MARKERS, SENTENCE, load_tokenizer
from training.model import Lower, StanceModel, Upper
from training.pretrained import Shape
from training.rounding import BLOCK, WORDS, rounded_parameters


class _Lower(nn.Module):
    def __init__(self, lower: Lower) -> None:
        super().__init__()
        self.lower = lower

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.lower(ids, torch.ones_like(ids))  # type: ignore[no-any-return]


class _Upper(nn.Module):
    def __init__(self, upper: Upper) -> None:
        super().__init__()
        self.upper = upper

    def forward(self, hidden: Tensor, roles: Tensor, markers: Tensor) -> tuple[Tensor, Tensor]:
        return self.upper(hidden, torch.ones_like(roles), roles, markers)  # type: ignore[no-any-return]


def to_onnx(model: StanceModel, folder: Path) -> None:
    """`lower.onnx` (ids -> hidden, tags, relevance), `upper.onnx` (hidden, roles, markers -> stance, mentions)."""
    ids, roles = torch.full((1, 12), 7), torch.zeros((2, 12), dtype=torch.long)
    ids[0, 1] = model.lower.words.num_embeddings
    hidden, markers = torch.zeros((2, 12, model.shape.hidden)), torch.tensor([[1, 5]] * 2)
    _export(_Lower(model.lower), {"ids": ids}, ["hidden", "tags", "relevance"], folder / "lower.onnx")
    upper = {"hidden": hidden, "roles": roles, "markers": markers}
    _export(_Upper(model.upper), upper, ["stance", "mentions"], folder / "upper.onnx")


_AXES = {"markers": "sentences", "stance": "sentences"}


def _export(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=outputs,
        dynamo=False,
        opset_version=17,
        dynamic_axes={n: {0: "rows", 1: _AXES.get(n, "length")} for n in (*inputs, *outputs)},
    )


def to_four_bits(path: Path, rounded: Collection[str]) -> None:
    """Store the `rounded` parameters in blocks of four-bit values with one scale; activations are rounded to eight."""
    model = onnx.load(str(path))
    quantizer = MatMulNBitsQuantizer(
        model,
        block_size=BLOCK,
        is_symmetric=True,
        accuracy_level=4,
        op_types_to_quantize=("MatMul", "Gather"),
        quant_axes=(("MatMul", 0), ("Gather", 1)),
        nodes_to_exclude=[n.name for n in model.graph.node if artefact.parameter(n.name) not in rounded],
    )
    logging.disable(logging.INFO)  # one line for each of hundreds of nodes
    quantizer.process()
    quantizer.model.save_model_to_file(str(path), use_external_data_format=False)


def quantise_weights(path: Path) -> None:
    """Store every large matrix as int8 with one scale a column (a row for embeddings); arithmetic stays fp32."""
    model = onnx.load(str(path))
    graph = model.graph
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for initializer in list(graph.initializer):
        array = numpy_helper.to_array(initializer)
        if array.dtype != np.float32 or array.ndim != 2 or array.size < 100_000:
            continue
        kinds = {n.op_type for n in users.get(initializer.name, [])}
        if kinds == {"Gather"}:
            _quantise_rows(graph, initializer, array, users[initializer.name])
        elif kinds <= {"MatMul", "Gemm"}:
            _quantise_columns(graph, initializer, array)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _quantised(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    scale = np.maximum(np.abs(array).max(axis=axis, keepdims=True), 1e-8) / 127
    return np.round(array / scale).astype(np.int8), scale.astype(np.float32)


def _quantise_columns(graph: onnx.GraphProto, initializer: onnx.TensorProto, array: np.ndarray) -> None:
    values, scale = _quantised(array, 0)
    name = initializer.name
    graph.initializer.remove(initializer)
    graph.initializer.append(numpy_helper.from_array(values, name + ".int8"))
    graph.initializer.append(numpy_helper.from_array(scale[0], name + ".scale"))
    node = helper.make_node("DequantizeLinear", [name + ".int8", name + ".scale"], [name], axis=1)
    graph.node.insert(0, node)


def _quantise_rows(
    graph: onnx.GraphProto, initializer: onnx.TensorProto, array: np.ndarray, users: list[onnx.NodeProto]
) -> None:
    values, scale = _quantised(array, 1)
    name = initializer.name
    graph.initializer.remove(initializer)
    graph.initializer.append(numpy_helper.from_array(values, name + ".int8"))
    graph.initializer.append(numpy_helper.from_array(scale, name + ".scale"))
    for node in users:
        at = list(graph.node).index(node)
        ids, out = node.input[1], node.output[0]
        graph.node.remove(node)
        new = [
            helper.make_node("Gather", [name + ".int8", ids], [out + ".rows"], axis=0),
            helper.make_node("Cast", [out + ".rows"], [out + ".float"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [name + ".scale", ids], [out + ".scales"], axis=0),
            helper.make_node("Mul", [out + ".float", out + ".scales"], [out]),
        ]
        for offset, item in enumerate(new):
            graph.node.insert(at + offset, item)


def compact(path: Path) -> None:
    """Without the white space that is half of a tokenizer's file."""
    path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")))


def write_settings(folder: Path, version: str, marker: int, languages: Collection[str]) -> None:
    names = ("lower.onnx", "upper.onnx", "tokenizer.json", "tokenizer_config.json")
    files = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    weights = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
    fixed = {"version": f"{version}+{weights}", "marker": marker, "languages": list(languages)}
    settings = {**fixed, **UNFITTED, "files": files}
    (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")


_WEIGHTS = {"sentence": 1.0, "another": 0.0, "mentions": 0.0, "name": 0.0, "registered": 0.0}
_RAW = {"weights": _WEIGHTS, "intercept": 0.0, "threshold": 0.05}
UNFITTED: dict[str, object] = {"own": _RAW, "alleged": _RAW, "relevance": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--four-bits", action="store_true", help="not eight; for a network trained to bear it")
    parser.add_argument("--languages", nargs="*", default=[], help="with a network of their own inside this model")
    parser.add_argument("--version", default="embedded-1")
    arguments = parser.parse_args()
    tokenizer = load_tokenizer(arguments.base)
    model = StanceModel(Shape.of(arguments.base), len(tokenizer) - len(MARKERS), len(MARKERS))
    state = torch.load(arguments.weights)
    if WORDS not in state:
        from safetensors.torch import load_file

        words = load_file(arguments.base / "model.safetensors")
        key = next(k for k in words if k.endswith("word_embeddings.weight"))
        state[WORDS] = words[key].float()
    model.load_state_dict(state)
    model.eval()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(arguments.out)
    compact(arguments.out / "tokenizer.json")
    to_onnx(model, arguments.out)
    for name in ("lower.onnx", "upper.onnx"):
        if arguments.four_bits:
            to_four_bits(arguments.out / name, rounded_parameters(model))
        quantise_weights(arguments.out / name)
    marker = tokenizer.convert_tokens_to_ids(SENTENCE)
    write_settings(arguments.out, arguments.version, marker, arguments.languages)


if __name__ == "__main__":
    main()
