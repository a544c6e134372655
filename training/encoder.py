"""The shared encoder: a pruned multilingual-e5-small with marker and placeholder tokens added."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

SENTENCE = "[S]"
PERSONS = tuple(f"[P{i}]" for i in range(1, 13))
ORGANISATIONS = tuple(f"[O{i}]" for i in range(1, 13))
MARKERS = (SENTENCE, *PERSONS, *ORGANISATIONS)
HIDDEN = 384

T = TypeVar("T")


def load_tokenizer(base: Path) -> PreTrainedTokenizerFast:
    """The base tokenizer with the marker tokens appended (their ids follow the base vocabulary)."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
    return tokenizer


class Encoder(nn.Module):
    """BERT body with frozen word embeddings and trainable embeddings for the marker tokens."""

    def __init__(self, base: Path, first_marker: int) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)
        words = self.body.embeddings.word_embeddings
        words.weight.requires_grad = False
        self.first_marker = first_marker
        scale = words.weight.std(dim=0)
        self.markers = nn.Embedding(len(MARKERS), HIDDEN)
        with torch.no_grad():
            self.markers.weight.copy_(words.weight.mean(dim=0) + torch.randn(len(MARKERS), HIDDEN) * scale)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token vectors, (batch, length, HIDDEN)."""
        is_marker = input_ids >= self.first_marker
        words = self.body.embeddings.word_embeddings(input_ids.masked_fill(is_marker, 0))
        markers = self.markers((input_ids - self.first_marker).clamp(min=0))
        embedded = torch.where(is_marker.unsqueeze(-1), markers, words)
        return self.body(inputs_embeds=embedded, attention_mask=attention_mask).last_hidden_state


def pad(rows: Sequence[Sequence[int]], value: int = 1) -> tuple[Tensor, Tensor]:
    """Ids padded to the longest row, and the attention mask; both (batch, length)."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*r, *[value] * (longest - len(r))] for r in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    return ids, mask


def batches(items: Sequence[T], lengths: Sequence[int], tokens: int, rng: random.Random) -> Iterator[list[T]]:
    """Shuffled batches of items of like length, each of about `tokens` padded tokens."""
    order = sorted(range(len(items)), key=lambda i: lengths[i] * (1 + 0.2 * rng.random()))
    found: list[list[T]] = []
    current: list[int] = []
    for index in order:
        longest = max(lengths[i] for i in [*current, index])
        if current and longest * (len(current) + 1) > tokens:
            found.append([items[i] for i in current])
            current = []
        current.append(index)
    if current:
        found.append([items[i] for i in current])
    rng.shuffle(found)
    yield from found


def mean_over(vectors: Tensor, spans: Iterable[Sequence[int]]) -> Tensor:
    """Mean token vector of each list of flat token positions; (n, HIDDEN)."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    return torch.stack([flat[list(s)].mean(dim=0) for s in spans])
