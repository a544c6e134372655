"""Score the raw model on annotated articles with the annotated actors (no actor finding)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerFast

from training.data import GROUPS, MINUS, PLUS, Document, Window, role_row, windows
from training.encoder import ROW_STEP, pad, pad_rows, rounded
from training.model import StanceModel


@dataclass(frozen=True)
class Judgement:
    """Probabilities of (none, +1, -1) by group for one sentence and actor; and of being a source."""

    document: Document
    sentence: int
    actor: str
    probabilities: tuple[tuple[float, float, float], ...]
    acted: float
    source: float


@torch.no_grad()
def predict(model: StanceModel, documents: Sequence[Document], tokenizer: PreTrainedTokenizerFast) -> list[Judgement]:
    model.eval()
    return [j for d in documents for w in windows(d, tokenizer) if w.names for j in _judge(model, w)]


def _judge(model: StanceModel, window: Window) -> Iterator[Judgement]:
    ids, mask = pad([window.ids])
    cast = list(window.names)
    roles = torch.stack([role_row(window, actor, ids.shape[1]) for actor in cast])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rows = torch.zeros(rounded(len(cast), ROW_STEP), dtype=torch.long)
        output = model(ids, mask, rows, pad_rows(roles), torch.tensor([window.markers] * len(ids)))
    stance = output.stance.float()
    for number, actor in enumerate(cast):
        for place, (sentence, focus) in enumerate(zip(window.sentences, window.focus, strict=True)):
            if focus:
                row = stance[number, place]
                p = torch.softmax(row[:12].view(len(GROUPS), 3), dim=-1)
                acted, source = torch.sigmoid(row[12:]).tolist()
                yield Judgement(window.document, sentence, actor, tuple(map(tuple, p.tolist())), acted, source)


def evaluate(judgements: Sequence[Judgement]) -> str:
    """A line: best own micro F1 and its threshold, polarity accuracy at the evidence, best alleged F1."""
    report = []
    for name, groups in (("own", (0, 1)), ("alleged", (2, 3))):
        best: dict[tuple[str, str, int, int], float] = {}
        for j in judgements:
            for group in groups:
                for label in (PLUS, MINUS):
                    key = (j.document.id, j.actor, group, label)
                    best[key] = max(best.get(key, 0.0), j.probabilities[group][label])
        documents = {id(j.document): j.document for j in judgements}.values()
        gold = {(d.id, f.actor, f.group, f.label) for d in documents for f in d.facts if f.group in groups}
        report.append(f"{name} " + _best_f1(best, gold))
    right = total = 0
    wanted = {(d.id, f.actor, f.group, s): f.label for d in {id(j.document): j.document for j in judgements}.values()
              for f in d.facts for s in f.sentences[:1] if f.group < 2}  # fmt: skip
    for j in judgements:
        for group in (0, 1):
            label = wanted.get((j.document.id, j.actor, group, j.sentence))
            if label is not None:
                total += 1
                right += (j.probabilities[group][PLUS] > j.probabilities[group][MINUS]) == (label == PLUS)
    report.append(f"polarity at evidence {right / max(1, total):.3f} of {total}")
    return "; ".join(report)


def _best_f1(scores: dict[tuple[str, str, int, int], float], gold: set[tuple[str, str, int, int]]) -> str:
    found = (0.0, 0.0, 0.0, 0.0)
    for threshold in [x / 40 for x in range(4, 38)]:
        chosen = {k for k, v in scores.items() if v >= threshold}
        hits = len(chosen & gold)
        if hits:
            precision, recall = hits / len(chosen), hits / len(gold)
            found = max(found, (2 * precision * recall / (precision + recall), precision, recall, threshold))
    return "F1 {:.3f} (P {:.3f} R {:.3f} at {:.3f})".format(*found)
