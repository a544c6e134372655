"""The stance model: a shared lower encoder, and upper layers that read the passage once for each actor.

The lower half reads raw text and finds names. For each named actor its names are then marked by a role
vector, and the upper half decides at each sentence marker what that sentence shows of that actor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

HIDDEN, HEADS, INNER, LAYERS = 384, 12, 1536, 12
SCALE = (HIDDEN // HEADS) ** -0.5
LOWER = 8
ROLES = 3
"""0 other text, 1 a name of the actor in question, 2 a name of another actor."""
TAGS = 5
"""Outside; begin, inside a person's name; begin, inside an organisation's name."""
STANCE_OUTPUTS = 14
"""Four groups of (none, +1, -1): own openness, own profit, alleged openness, alleged profit; then the logit
that an own position is `acted`, and the logit that the actor is the source of an allegation."""


class RowDropout(nn.Module):
    """Drops the same features at every position of a row: masks of whole tensors are a sixth of a step on a CPU."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.p
        return x * (kept / (1 - self.p)).to(x.dtype)


class Block(nn.Module):
    """A post-norm transformer layer as in BERT (Devlin et al. 2019)."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(HIDDEN, HIDDEN) for _ in range(4))
        self.inner, self.outer = nn.Linear(HIDDEN, INNER), nn.Linear(INNER, HIDDEN)
        self.attention_norm, self.output_norm = nn.LayerNorm(HIDDEN, 1e-12), nn.LayerNorm(HIDDEN, 1e-12)
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x` (batch, length, HIDDEN); `bias` (batch, 1, 1, length), 0 to attend and very negative not to."""
        batch, length, _ = x.shape

        def heads(y: Tensor) -> Tensor:
            return y.view(batch, length, HEADS, HIDDEN // HEADS).transpose(1, 2)

        scores = heads(self.query(x)) @ (heads(self.key(x)) * SCALE).transpose(2, 3) + bias
        mixed = (scores.softmax(dim=-1) @ heads(self.value(x))).transpose(1, 2).reshape(batch, length, HIDDEN)
        x = self.attention_norm(x + self.dropout(self.out(mixed)))
        return self.output_norm(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))


def attention_bias(mask: Tensor) -> Tensor:
    """Additive attention bias, (batch, 1, 1, length), in the type that the matrix products run in."""
    dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
    return ((1.0 - mask[:, None, None, :].float()) * -10000.0).to(dtype)


class Lower(nn.Module):
    """Token ids to token vectors, name tags and the relevance of each token (read at sentence markers)."""

    def __init__(self, vocabulary: int, markers: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, HIDDEN)
        self.words.weight.requires_grad = False
        self.markers = nn.Embedding(markers, HIDDEN)
        self.positions = nn.Embedding(512, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, 1e-12)
        self.dropout = RowDropout(0.1)
        self.blocks = nn.ModuleList(Block() for _ in range(LOWER))
        self.tags = nn.Linear(HIDDEN, TAGS)
        self.relevance = nn.Linear(HIDDEN, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states (batch, length, HIDDEN), tag logits (batch, length, TAGS), relevance logits (batch, length)."""
        first = self.words.num_embeddings
        is_marker = ids >= first
        words = self.words(ids.masked_fill(is_marker, 0))
        markers = self.markers((ids - first).clamp(min=0))
        x = torch.where(is_marker.unsqueeze(-1), markers, words)
        x = self.dropout(self.norm(x + self.positions(torch.arange(ids.shape[1], device=ids.device))))
        bias = attention_bias(mask)
        for block in self.blocks:
            x = block(x, bias)
        return x, self.tags(x), self.relevance(x).squeeze(-1)


class Upper(nn.Module):
    """Hidden states and roles for one actor to stance logits a sentence and mention logits a token."""

    def __init__(self) -> None:
        super().__init__()
        self.roles = nn.Embedding(ROLES, HIDDEN)
        nn.init.normal_(self.roles.weight, std=0.3)
        self.norm = nn.LayerNorm(HIDDEN, 1e-12)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS - LOWER))
        self.stance = nn.Sequential(nn.Linear(3 * HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, STANCE_OUTPUTS))
        self.mentions = nn.Linear(HIDDEN, 1)

    def forward(self, hidden: Tensor, mask: Tensor, roles: Tensor, markers: Tensor) -> tuple[Tensor, Tensor]:
        """Stance logits (pairs, sentences, STANCE_OUTPUTS) and mention logits (pairs, length).

        `markers` (pairs, sentences) are the positions of the sentence markers; a sentence's tokens follow its
        marker up to the next. It is read off its marker, the mean of its tokens and the mean of the actor's names.
        """
        x = self.norm(hidden + self.roles(roles))
        bias = attention_bias(mask)
        for block in self.blocks:
            x = block(x, bias)
        x = x.float()
        marked = torch.gather(x, 1, markers.unsqueeze(-1).expand(-1, -1, HIDDEN))
        positions = torch.arange(x.shape[1], device=x.device)
        ends = mask.sum(1, keepdim=True).to(markers.dtype) - 1
        following = torch.cat([markers[:, 1:], ends], dim=1)
        inside = (positions > markers.unsqueeze(-1)) & (positions < following.unsqueeze(-1))
        named = (roles == 1).unsqueeze(1).expand(-1, markers.shape[1], -1)
        features = torch.cat([marked, _mean(inside, x), _mean(named, x)], dim=-1)
        return self.stance(features), self.mentions(x).squeeze(-1)


def _mean(chosen: Tensor, x: Tensor) -> Tensor:
    """Means of the chosen tokens: `chosen` (pairs, sentences, length) bool, `x` (pairs, length, HIDDEN)."""
    weights = chosen.float()
    return (weights @ x) / weights.sum(-1, keepdim=True).clamp(min=1.0)


@dataclass
class Output:
    tags: Tensor
    relevance: Tensor
    stance: Tensor
    mentions: Tensor


class StanceModel(nn.Module):
    """Both halves; `pair_rows` says which passage each (passage, actor) pair reads."""

    def __init__(self, vocabulary: int, markers: int) -> None:
        super().__init__()
        self.lower, self.upper = Lower(vocabulary, markers), Upper()

    def forward(self, ids: Tensor, mask: Tensor, pair_rows: Tensor, roles: Tensor, markers: Tensor) -> Output:
        hidden, tags, relevance = self.lower(ids, mask)
        stance, mentions = self.upper(hidden[pair_rows], mask[pair_rows], roles, markers[pair_rows])
        return Output(tags, relevance, stance, mentions)


_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "output_norm",
}


def load_base(model: StanceModel, base: Path, stage_one: Path | None = None) -> None:
    """Copy the BERT weights of `base` (and, over them, of the intermediate stage) into the model."""
    weights = {k: v.float() for k, v in load_file(base / "model.safetensors").items()}
    weights = {k.removeprefix("bert."): v for k, v in weights.items()}
    if stage_one is not None:
        state = torch.load(stage_one, map_location="cpu")
        weights |= {k.removeprefix("body."): v for k, v in state.items() if k.startswith("body.")}
        with torch.no_grad():
            model.lower.markers.weight.copy_(state["markers.weight"][: model.lower.markers.num_embeddings])
    with torch.no_grad():
        e = "embeddings."
        model.lower.words.weight.copy_(weights[e + "word_embeddings.weight"])
        kind = weights[e + "token_type_embeddings.weight"][0]
        model.lower.positions.weight.copy_(weights[e + "position_embeddings.weight"] + kind)
        for part in ("weight", "bias"):
            getattr(model.lower.norm, part).copy_(weights[f"{e}LayerNorm.{part}"])
    for number, block in enumerate([*model.lower.blocks, *model.upper.blocks]):
        with torch.no_grad():
            for theirs, ours in _NAMES.items():
                for part in ("weight", "bias"):
                    getattr(getattr(block, ours), part).copy_(weights[f"encoder.layer.{number}.{theirs}.{part}"])
