"""The shared encoder: a base network with marker and placeholder tokens added."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

SENTENCE = "[S]"
PERSONS = tuple(f"[P{i}]" for i in range(1, 13))
ORGANISATIONS = tuple(f"[O{i}]" for i in range(1, 13))
MARKERS = (SENTENCE, *PERSONS, *ORGANISATIONS)

T = TypeVar("T")


def load_tokenizer(base: Path) -> PreTrainedTokenizerFast:
    """The base tokenizer with the marker tokens appended (their ids follow the base vocabulary)."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
    return tokenizer


class Encoder(nn.Module):
    """The base with frozen word embeddings and trainable embeddings for the marker tokens."""

    def __init__(self, base: Path, first_marker: int) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)
        words = self.body.embeddings.word_embeddings
        words.weight.requires_grad = False
        self.first_marker = first_marker
        scale = words.weight.std(dim=0)
        self.markers = nn.Embedding(len(MARKERS), words.embedding_dim)
        with torch.no_grad():
            self.markers.weight.copy_(words.weight.mean(dim=0) + torch.randn_like(self.markers.weight) * scale)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token vectors, (batch, length, hidden)."""
        is_marker = input_ids >= self.first_marker
        words = self.body.embeddings.word_embeddings(input_ids.masked_fill(is_marker, 0))
        markers = self.markers((input_ids - self.first_marker).clamp(min=0))
        embedded = torch.where(is_marker.unsqueeze(-1), markers, words)
        return self.body(inputs_embeds=embedded, attention_mask=attention_mask).last_hidden_state


LENGTH_STEP, ROW_STEP = 32, 4
"""Shapes are rounded up to these: each new shape costs seconds of kernel generation on a CPU."""


def rounded(number: int, step: int) -> int:
    return -(-number // step) * step


def pad(rows: Sequence[Sequence[int]], value: int = 1) -> tuple[Tensor, Tensor]:
    """Ids padded to a rounded length and number of rows, and the attention mask; both (batch, length)."""
    length = rounded(max(map(len, rows)), LENGTH_STEP)
    ids = torch.full((rounded(len(rows), ROW_STEP), length), value)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return ids, mask


def pad_rows(rows: Tensor) -> Tensor:
    """The rows, and zeros up to a rounded number of them."""
    missing = rounded(len(rows), ROW_STEP) - len(rows)
    return torch.cat([rows, rows.new_zeros((missing, *rows.shape[1:]))])


def batches(
    items: Sequence[T], lengths: Sequence[int], widths: Sequence[int], tokens: int, rng: random.Random
) -> Iterator[list[T]]:
    """Shuffled batches of items of like length; each of at most `tokens`, padded, where an item has `widths` rows."""
    order = sorted(range(len(items)), key=lambda i: lengths[i] * (1 + 0.1 * rng.random()))
    found: list[list[T]] = []
    current: list[T] = []
    longest = rows = 0
    for index in order:
        longest, rows = max(longest, lengths[index]), rows + widths[index]
        if current and longest * rows > tokens:
            found.append(current)
            current, longest, rows = [], lengths[index], widths[index]
        current.append(items[index])
    if current:
        found.append(current)
    rng.shuffle(found)
    yield from found
