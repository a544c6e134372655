"""The stance model: a shared lower encoder, and upper layers that read the passage once for each actor.

The lower half reads raw text and finds names. For each named actor its names are then marked by a role
vector, and the upper half decides at each sentence marker what that sentence shows of that actor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.pretrained import POSITIONS, Shape
from training.rounding import Linear

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

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        hidden, self.heads = shape.hidden, shape.heads
        self.query, self.key, self.value, self.out = (Linear(hidden, hidden) for _ in range(4))
        self.inner, self.outer = Linear(hidden, shape.inner), Linear(shape.inner, hidden)
        self.attention_norm, self.output_norm = (nn.LayerNorm(hidden, shape.epsilon) for _ in range(2))
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """`x` (batch, length, hidden); `bias` added to the attention scores, see `Attention`."""
        batch, length, hidden = x.shape

        def heads(y: Tensor) -> Tensor:
            return y.view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            heads(self.query(x)), heads(self.key(x)), heads(self.value(x)), attn_mask=bias
        )
        x = self.attention_norm(x + self.dropout(self.out(mixed.transpose(1, 2).reshape(batch, length, hidden))))
        return self.output_norm(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))


class Half(nn.Module):
    """Some layers of a base network, and what they add to the scores of attention."""

    def __init__(self, shape: Shape, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(shape) for _ in range(layers))
        self.distances = nn.Embedding(shape.relative, shape.heads) if shape.relative else None
        if self.distances is not None:
            self.distances.weight.requires_grad = False  # attention with a trained bias is three times as slow

    def bias(self, mask: Tensor) -> Tensor:
        """Of the mask (batch, length): 0 to attend and very negative not to, (batch, 1, 1, length); with a bias by
        distance (batch, heads, length, length). In the type that the matrix products run in."""
        bias = (1.0 - mask[:, None, None, :].float()) * -10000.0
        if self.distances is not None:
            buckets = distance_buckets(mask.shape[1], self.distances.num_embeddings)
            bias = bias + self.distances(buckets.to(mask.device)).permute(2, 0, 1)
        return bias.to(torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32)

    def read(self, x: Tensor, mask: Tensor) -> Tensor:
        bias = self.bias(mask)
        for block in self.blocks:
            x = block(x, bias)
        return x


def distance_buckets(length: int, buckets: int, farthest: int = 128) -> Tensor:
    """The bucket of each pair of places, (length, length): T5's (Raffel et al. 2020, section 2.1), both ways.

    Half of the buckets look back, half ahead; of each half the first half are single distances, the others grow
    with the logarithm up to `farthest`.
    """
    places = torch.arange(length)
    distance = places[:, None] - places[None, :]
    each = buckets // 2
    near = each // 2
    away = distance.abs()
    steps = torch.log(away.clamp(min=1).float() / near) / math.log(farthest / near) * (each - near)
    far = (near + steps.long()).clamp(max=each - 1)
    return (distance < 0).long() * each + torch.where(away < near, away, far)


class Lower(Half):
    """Token ids to token vectors, name tags and the relevance of each token (read at sentence markers)."""

    def __init__(self, shape: Shape, vocabulary: int, markers: int) -> None:
        super().__init__(shape, LOWER)
        self.words = nn.Embedding(vocabulary, shape.hidden)
        self.words.weight.requires_grad = False
        self.markers = nn.Embedding(markers, shape.hidden)
        self.positions = nn.Embedding(POSITIONS, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden, shape.epsilon)
        self.dropout = RowDropout(0.1)
        self.tags = nn.Linear(shape.hidden, TAGS)
        self.relevance = nn.Linear(shape.hidden, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states (batch, length, hidden), tag logits (batch, length, TAGS), relevance logits (batch, length)."""
        first = self.words.num_embeddings
        is_marker = ids >= first
        words = self.words(ids.masked_fill(is_marker, 0))
        markers = self.markers((ids - first).clamp(min=0))
        x = torch.where(is_marker.unsqueeze(-1), markers, words)
        x = self.dropout(self.norm(x + self.positions(torch.arange(ids.shape[1], device=ids.device))))
        x = self.read(x, mask)
        return x, self.tags(x), self.relevance(x).squeeze(-1)


class Upper(Half):
    """Hidden states and roles for one actor to stance logits a sentence and mention logits a token."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape, shape.layers - LOWER)
        hidden = shape.hidden
        self.roles = nn.Embedding(ROLES, hidden)
        nn.init.normal_(self.roles.weight, std=0.1)
        nn.init.zeros_(self.roles.weight[:1])
        self.norm = nn.LayerNorm(hidden, shape.epsilon) if not shape.relative else nn.Identity()
        """MPNet's vectors are far from unit variance: made so, its upper layers would not know them again."""
        self.stance = nn.Sequential(Linear(3 * hidden, hidden), nn.GELU(), nn.Linear(hidden, STANCE_OUTPUTS))
        self.mentions = nn.Linear(hidden, 1)

    def forward(self, hidden: Tensor, mask: Tensor, roles: Tensor, markers: Tensor) -> tuple[Tensor, Tensor]:
        """Stance logits (pairs, sentences, STANCE_OUTPUTS) and mention logits (pairs, length).

        `markers` (pairs, sentences) are the positions of the sentence markers; a sentence's tokens follow its
        marker up to the next. It is read off its marker, the mean of its tokens and the mean of the actor's names.
        """
        x = self.read(self.norm(hidden + self.roles(roles)), mask).float()
        marked = torch.gather(x, 1, markers.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
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

    def __init__(self, shape: Shape, vocabulary: int, markers: int) -> None:
        super().__init__()
        self.shape = shape
        self.lower, self.upper = Lower(shape, vocabulary, markers), Upper(shape)

    def forward(self, ids: Tensor, mask: Tensor, pair_rows: Tensor, roles: Tensor, markers: Tensor) -> Output:
        hidden, tags, relevance = self.lower(ids, mask)
        stance, mentions = self.upper(hidden[pair_rows], mask[pair_rows], roles, markers[pair_rows])
        return Output(tags, relevance, stance, mentions)
