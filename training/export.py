"""Write a trained model as the embedded artefact: two ONNX graphs with rounded weights, tokenizer, settings."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
from collections.abc import Collection
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from torch import Tensor, nn

from training import artefact
from training.encoder import MARKERS, SENTENCE, load_tokenizer
from training.integers import in_eight_bits, multiply_in_integers
from training.model import Lower, StanceModel, Upper
from training.pretrained import Shape, load_base
from training.rounding import BLOCK, WORDS, rounded_parameters

LARGE = 100_000


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


def words_to_four_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the words as the layers are in four bits, and the few that are looked up become floats."""
    others = [n.name for n in model.graph.node if artefact.parameter(n.name) != WORDS]
    quantizer = MatMulNBitsQuantizer(
        model,
        block_size=BLOCK,
        is_symmetric=True,
        op_types_to_quantize=("Gather",),
        quant_axes=(("Gather", 1),),
        nodes_to_exclude=others,
    )
    logging.disable(logging.INFO)  # one line for each of hundreds of nodes
    quantizer.process()
    return quantizer.model.model


def rows_to_eight_bits(graph: onnx.GraphProto) -> None:
    """Store large embeddings with one scale a row; what is looked up becomes floats."""
    tables = {i.name: i for i in graph.initializer if i.data_type == TensorProto.FLOAT and math.prod(i.dims) >= LARGE}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables:
            nodes.append(node)
            continue
        (name, ids), out = node.input, node.output[0]
        values, scale = in_eight_bits(numpy_helper.to_array(tables[name]), axis=1)
        graph.initializer.remove(tables[name])
        graph.initializer.append(numpy_helper.from_array(values, name + ".int8"))
        graph.initializer.append(numpy_helper.from_array(scale, name + ".scale"))
        nodes += [
            helper.make_node("Gather", [name + ".int8", ids], [out + ".rows"], axis=0),
            helper.make_node("Cast", [out + ".rows"], [out + ".float"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [name + ".scale", ids], [out + ".scales"], axis=0),
            helper.make_node("Mul", [out + ".float", out + ".scales"], [out]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def shrink(path: Path, rounded: Collection[str], *, four_bits: bool) -> None:
    """Store the graph's large matrices in few bits, and multiply with the `rounded` ones as integers."""
    model = onnx.load(str(path))
    multiply_in_integers(model, rounded, four_bits=four_bits)
    if four_bits:
        model = words_to_four_bits(model)
    rows_to_eight_bits(model.graph)
    onnx.save(model, str(path))


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
    load_base(model, arguments.base)
    model.load_state_dict({WORDS: model.lower.words.weight} | torch.load(arguments.weights))
    model.eval()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(arguments.out)
    compact(arguments.out / "tokenizer.json")
    to_onnx(model, arguments.out)
    for name in ("lower.onnx", "upper.onnx"):
        shrink(arguments.out / name, rounded_parameters(model), four_bits=arguments.four_bits)
    marker = tokenizer.convert_tokens_to_ids(SENTENCE)
    write_settings(arguments.out, arguments.version, marker, arguments.languages)


if __name__ == "__main__":
    main()
