"""Base networks that the stance model starts from: their sizes, and where their checkpoints keep what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

if TYPE_CHECKING:
    from training.model import StanceModel

POSITIONS = 512

_BERT = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "output_norm",
}
_MPNET = {
    "attention.attn.q": "query",
    "attention.attn.k": "key",
    "attention.attn.v": "value",
    "attention.attn.o": "out",
    "attention.LayerNorm": "attention_norm",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "output_norm",
}


@dataclass(frozen=True)
class Shape:
    """Sizes of a base network, BERT (Devlin et al. 2019) or MPNet (Song et al. 2020).

    `relative`: buckets of the attention bias by distance, which MPNet has and BERT hasn't (0).
    """

    hidden: int
    heads: int
    inner: int
    layers: int
    epsilon: float
    relative: int

    @classmethod
    def of(cls, base: Path) -> Shape:
        """Reads `config.json`. Raises ValueError for another family of networks."""
        config = json.loads((base / "config.json").read_text())
        if config["model_type"] not in ("bert", "mpnet"):
            raise ValueError(f"{base}: a base is a bert or an mpnet, not {config['model_type']}")
        return cls(
            hidden=config["hidden_size"],
            heads=config["num_attention_heads"],
            inner=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            epsilon=config.get("layer_norm_eps", 1e-12),
            relative=config.get("relative_attention_num_buckets", 0),
        )


def load_base(model: StanceModel, base: Path, stage_one: Path | None = None) -> None:
    """Copy the weights of `base` (and, over them, of the intermediate stage) into the model."""
    weights = {k: v.float() for k, v in load_file(base / "model.safetensors").items() if v.is_floating_point()}
    weights = {k.removeprefix("bert."): v for k, v in weights.items()}
    words = weights["embeddings.word_embeddings.weight"]
    with torch.no_grad():
        markers = model.lower.markers.weight
        markers.copy_(words.mean(dim=0) + torch.randn_like(markers) * words.std(dim=0))
        if stage_one is not None:
            state = torch.load(stage_one, map_location="cpu")
            weights |= {k.removeprefix("body."): v for k, v in state.items() if k.startswith("body.")}
            markers.copy_(state["markers.weight"][: len(markers)])
        model.lower.words.weight.copy_(words)
        model.lower.positions.weight.copy_(_positions(weights))
        _copy(model.lower.norm, weights, "embeddings.LayerNorm")
        for half in (model.lower, model.upper):
            if half.distances is not None:
                half.distances.weight.copy_(weights["encoder.relative_attention_bias.weight"])
        for number, block in enumerate([*model.lower.blocks, *model.upper.blocks]):
            for theirs, ours in (_MPNET if model.shape.relative else _BERT).items():
                _copy(getattr(block, ours), weights, f"encoder.layer.{number}.{theirs}")


def _positions(weights: Mapping[str, Tensor]) -> Tensor:
    """Of the first `POSITIONS` tokens: BERT's with the type of the only segment, MPNet's after its two for padding."""
    rows = weights["embeddings.position_embeddings.weight"]
    if (kinds := weights.get("embeddings.token_type_embeddings.weight")) is not None:
        return rows + kinds[0]
    return rows[len(rows) - POSITIONS :]


def _copy(module: nn.Module, weights: Mapping[str, Tensor], name: str) -> None:
    for part in ("weight", "bias"):
        getattr(module, part).copy_(weights[f"{name}.{part}"])
