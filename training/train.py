"""Stage two: train the stance model on articles, contrast passages and written passages."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from training import artefact
from training.data import GROUPS, Document, Window, articles, contrast, role_row, windows, written
from training.encoder import MARKERS, batches, load_tokenizer, pad, pad_rows
from training.markup import MarkupError
from training.model import Output, StanceModel
from training.oracle import evaluate, predict
from training.pretrained import Shape, load_base
from training.rounding import round_weights, round_words

MAX_BYSTANDERS = 2
"""Of the actors without a fact in a window only so many are judged: all of them are half of the time."""
EMA, EMA_EVERY = 0.992, 4


@dataclass
class Batch:
    """Tensors of some windows. Rows are (pair, focus sentence); `allowed` says which classes a row may have."""

    ids: Tensor
    mask: Tensor
    pair_rows: Tensor
    roles: Tensor
    markers: Tensor  # (batch, sentences): positions; 0 beyond a passage's last sentence
    tags: Tensor
    relevance: Tensor  # (batch, length): 1, 0, or -100 where not judged
    mentions: Tensor  # (pairs, length): likewise
    row_pair: Tensor
    row_sentence: Tensor
    allowed: Tensor  # (rows, 4, 3) bool
    acted: Tensor  # (rows,): 1, 0, -100
    source: Tensor  # (rows,): 1, 0, -100
    some: list[tuple[list[int], int, int]]  # at least one of the rows has the label in the group


def cast_of(window: Window, rng: random.Random) -> list[str]:
    """The actors to judge: those with facts in focus, and some bystanders."""
    busy = _busy(window)
    bystanders = sorted(set(window.names) - busy)
    return sorted(busy) + rng.sample(bystanders, min(len(bystanders), MAX_BYSTANDERS))


def _busy(window: Window) -> set[str]:
    focus = {s for s, f in zip(window.sentences, window.focus, strict=True) if f}
    facts = [f for f in window.document.facts if focus & set(f.sentences)]
    return {a for f in facts for a in (f.actor, f.source)} & set(window.names)


def collate(chosen: Sequence[Window], rng: random.Random) -> Batch:
    ids, mask = pad([w.ids for w in chosen])
    length = ids.shape[1]
    tags = torch.full_like(ids, -100)
    relevance = torch.full(ids.shape, -100.0)
    pair_rows, roles, mentions = [], [], []
    row_pair: list[int] = []
    row_sentence: list[int] = []
    allowed: list[Tensor] = []
    acted: list[float] = []
    source: list[float] = []
    some: list[tuple[list[int], int, int]] = []
    for number, window in enumerate(chosen):
        tags[number, : len(window.tags)] = torch.tensor(window.tags)
        shown = {s for f in window.document.facts for s in f.sentences}
        for position, sentence, focus in zip(window.markers, window.sentences, window.focus, strict=True):
            if focus:
                relevance[number, position] = float(sentence in shown)
        for actor in cast_of(window, rng):
            pair_rows.append(number)
            roles.append(role_row(window, actor, length))
            mentions.append(_mention_row(window, actor, length))
            rows = _rows(window, actor, len(row_pair), allowed, acted, source, some)
            row_pair.extend([len(pair_rows) - 1] * len(rows))
            row_sentence.extend(rows)
    return Batch(
        ids=ids,
        mask=mask,
        pair_rows=pad_rows(torch.tensor(pair_rows)),
        roles=pad_rows(torch.stack(roles)),
        markers=marker_rows(chosen, len(ids)),
        tags=tags,
        relevance=relevance,
        mentions=torch.stack(mentions),
        row_pair=torch.tensor(row_pair),
        row_sentence=torch.tensor(row_sentence),
        allowed=torch.stack(allowed),
        acted=torch.tensor(acted),
        source=torch.tensor(source),
        some=some,
    )


def marker_rows(chosen: Sequence[Window], rows: int) -> Tensor:
    """Marker positions of each window; beyond the last sentence the window's end, so that sentences end there."""
    markers = torch.zeros(rows, max(len(w.markers) for w in chosen), dtype=torch.long)
    for number, window in enumerate(chosen):
        markers[number] = len(window.ids) - 1
        markers[number, : len(window.markers)] = torch.tensor(window.markers)
    return markers


def _mention_row(window: Window, actor: str, length: int) -> Tensor:
    row = torch.full((length,), -100.0)
    if window.document.pronouns_marked:
        row[: len(window.ids)] = 0.0
        row[window.markers] = -100.0
    for other, positions in window.mentions.items():
        row[positions] = float(other == actor)
    return row


def _rows(
    window: Window,
    actor: str,
    first: int,
    allowed: list[Tensor],
    acted: list[float],
    source: list[float],
    some: list[tuple[list[int], int, int]],
) -> list[int]:
    """Append the targets of one actor's rows; return which of the window's sentences they are."""
    document = window.document
    facts = [f for f in document.facts if f.actor == actor]
    elsewhere = torch.zeros(len(GROUPS), 3, dtype=torch.bool)
    elsewhere[:, 0] = True
    if not document.complete:
        for fact in facts:
            elsewhere[fact.group, fact.label] = True
    row_of: dict[int, int] = {}
    numbers = []
    for number, (sentence, focus) in enumerate(zip(window.sentences, window.focus, strict=True)):
        if not focus:
            continue
        row_of[sentence] = first + len(numbers)
        numbers.append(number)
        here = [f for f in facts if f.sentences == (sentence,)]
        mask = elsewhere.clone()
        for group in {f.group for f in here}:
            mask[group] = False
            for fact in here:
                if fact.group == group:
                    mask[group, fact.label] = True
        allowed.append(mask)
        bases = {f.basis for f in here if f.basis != "alleged"}
        acted.append(float(bases == {"acted"}) if len(bases) == 1 else -100.0)
        alleges = [f.sentences == (sentence,) for f in document.facts if f.source == actor and sentence in f.sentences]
        source.append(float(bool(alleges)) if all(alleges) else -100.0)
    for fact in facts:
        rows = [row_of[s] for s in fact.sentences if s in row_of]
        if len(fact.sentences) > 1 and rows:
            some.append((rows, fact.group, fact.label))
    return numbers


def losses(output: Output, batch: Batch) -> dict[str, Tensor]:
    """The parts of the loss, unweighted."""
    rows = output.stance.float()[batch.row_pair, batch.row_sentence]
    log_p = functional.log_softmax(rows[:, :12].view(-1, len(GROUPS), 3), dim=-1)
    seen = torch.logsumexp(log_p.masked_fill(~batch.allowed, -1e4), dim=-1)
    parts = {"stance": -seen.mean() * len(GROUPS)}
    signed = ~batch.allowed[..., 0] & (batch.allowed.sum(-1) == 1)
    if signed.any():
        signs = torch.logsumexp(log_p[..., 1:], dim=-1) - seen
        parts["sign"] = signs[signed].mean()
    if batch.some:
        p = log_p.exp()
        terms = [-torch.log1p(-torch.prod(1 - p[r, g, k]).clamp(max=1 - 1e-6)) for r, g, k in batch.some]
        parts["some"] = torch.stack(terms).sum() / len(rows)
    parts["acted"] = _binary(rows[:, 12], batch.acted)
    parts["source"] = _binary(rows[:, 13], batch.source)
    parts["tags"] = functional.cross_entropy(output.tags.float().flatten(0, 1), batch.tags.flatten(), ignore_index=-100)
    parts["relevance"] = _binary(output.relevance.float(), batch.relevance)
    parts["mentions"] = _binary(output.mentions.float()[: len(batch.mentions)], batch.mentions)
    return parts


def _binary(logits: Tensor, target: Tensor) -> Tensor:
    known = target > -50
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits[known], target[known])


WEIGHTS = {
    "stance": 1.0,
    "sign": 1.0,
    "some": 1.0,
    "acted": 0.1,
    "source": 0.4,
    "tags": 0.5,
    "relevance": 0.2,
    "mentions": 0.4,
}


class Average:
    """Exponential moving average of the weights (Polyak averaging), used for evaluation and export."""

    def __init__(self, model: nn.Module) -> None:
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items() if "words" not in k}
        self.steps = 0

    def update(self, model: nn.Module) -> None:
        """Once a step; takes in every fourth, as it reads all the weights."""
        self.steps += 1
        if self.steps % EMA_EVERY:
            return
        decay = min(EMA, (1 + self.steps) / (10 + self.steps))
        state = model.state_dict()
        for name, value in self.shadow.items():
            value.lerp_(state[name], 1 - decay)


def read_documents(data: Path, text: Path) -> list[Document]:
    """All training documents; a written file that is being appended to is read as far as it goes."""
    found: list[Document] = []
    for path in sorted(data.glob("train-?.jsonl")):
        found.extend(articles(path))
    for path in sorted((data / "contrast").glob("*.jsonl")):
        found.extend(contrast(path))
    for path in sorted(text.glob("*.txt")):
        try:
            found.extend(written(path))
        except MarkupError as error:
            print(f"left out the rest: {error}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--stage-one", type=Path)
    parser.add_argument("--resume", type=Path, help="go on from weights (.pt) or an exported model directory")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--written", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=600, help="stop (with a finished schedule) after this long")
    parser.add_argument("--language", help="read the articles and passages of this language only")
    parser.add_argument("--lr", type=float, default=1.5e-4)
    parser.add_argument("--new-lr", type=float, help="of the parts that the base lacks; default: the same")
    parser.add_argument("--four-bits-from", type=float, default=2.0, help="round weights from this share of the run on")
    parser.add_argument("--tokens", type=int, default=1400)
    parser.add_argument("--compile", action="store_true", help="compile the layers (needs a C++ compiler)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=1)
    arguments = parser.parse_args()
    train(arguments)


def parameter_groups(model: nn.Module, old: float, new: float) -> list[dict[str, object]]:
    """The parameters that are trained, with the highest rate of those of the base's layers and of the others."""
    base: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            known = ".blocks." in name or name.startswith(("lower.positions", "lower.norm"))
            (base if known else others).append(parameter)
    return [{"params": base, "highest": old}, {"params": others, "highest": new}]


def train(arguments: argparse.Namespace) -> None:
    rng = random.Random(arguments.seed)
    torch.manual_seed(arguments.seed)
    tokenizer = load_tokenizer(arguments.base)
    model = StanceModel(Shape.of(arguments.base), len(tokenizer) - len(MARKERS), len(MARKERS))
    load_base(model, arguments.base, arguments.stage_one)
    if arguments.resume:
        exported = arguments.resume.is_dir()
        state = artefact.weights(arguments.resume) if exported else torch.load(arguments.resume)
        model.load_state_dict(state, strict=False)
    if arguments.compile:
        for block in (*model.lower.blocks, *model.upper.blocks):
            block.compile(dynamic=True)
    if arguments.four_bits_from <= 1:
        round_words(model)
    average = Average(model)
    parameters = [p for p in model.parameters() if p.requires_grad]
    rates = parameter_groups(model, arguments.lr, arguments.new_lr or arguments.lr)
    optimizer = torch.optim.AdamW(rates, weight_decay=0.01, fused=True)
    dev = [d for d in articles(arguments.data / "dev.jsonl") if arguments.language in (None, d.language)]
    started, step, epoch = time.monotonic(), 0, 0

    def progress(part: float = 0.0) -> float:
        return max((epoch + part) / arguments.epochs, (time.monotonic() - started) / 60 / arguments.minutes)

    while progress() < 1:
        items = [w for w in _all_windows(arguments, tokenizer) if _busy(w) or rng.random() < 0.5]
        print(f"epoch {epoch}: {len(items)} windows, {sum(len(w.ids) for w in items)} tokens", flush=True)
        totals: dict[str, float] = {}
        count = done = 0
        size = sum(map(_cost, items))
        model.train()
        for chosen in batches(
            items, [len(w.ids) for w in items], list(map(_rows_read, items)), arguments.tokens * 4, rng
        ):
            now = progress(done / size)
            if now >= 1:
                break
            done += sum(map(_cost, chosen))
            if now >= arguments.four_bits_from:
                round_weights(model)
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * min(1.0, (step + 1) / 150) * max(0.02, 1 - now)
            batch = collate(chosen, rng)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                output = model(batch.ids, batch.mask, batch.pair_rows, batch.roles, batch.markers)
            parts = losses(output, batch)
            sum(WEIGHTS[k] * v for k, v in parts.items()).backward()  # type: ignore[union-attr]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            average.update(model)
            step, count = step + 1, count + 1
            for k, v in parts.items():
                totals[k] = totals.get(k, 0.0) + v.item()
            if step % 50 == 0:
                report = " ".join(f"{k} {v / count:.4f}" for k, v in totals.items())
                print(f"  step {step} {now:.3f} {report}", flush=True)
                totals, count = {}, 0
                torch.save(average.shadow, arguments.out)
        epoch += 1
        torch.save(average.shadow, arguments.out)
        if epoch % arguments.evaluate_every == 0 or progress() >= 1:
            live = {k: v.clone() for k, v in model.state_dict().items() if k in average.shadow}
            model.load_state_dict(average.shadow, strict=False)
            print(f"  dev after epoch {epoch}: {evaluate(predict(model, dev, tokenizer))}", flush=True)
            model.load_state_dict(live, strict=False)


def _rows_read(window: Window) -> int:
    """Once by the lower layers, and once for each actor by the upper."""
    busy = len(_busy(window))
    return 1 + busy + min(len(window.names) - busy, MAX_BYSTANDERS)


def _cost(window: Window) -> int:
    return len(window.ids) * _rows_read(window)


def _all_windows(arguments: argparse.Namespace, tokenizer: PreTrainedTokenizerFast) -> list[Window]:
    documents = read_documents(arguments.data, arguments.written)
    documents = [d for d in documents if arguments.language in (None, d.language)]
    return [w for d in documents for w in windows(d, tokenizer) if w.names and any(w.focus)]


if __name__ == "__main__":
    main()
