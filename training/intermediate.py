"""Stage one: teach the encoder inference, stance and targeted sentiment from public sets."""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.encoder import ORGANISATIONS, PERSONS, SENTENCE, Encoder, batches, load_tokenizer, pad

TASKS = {"nli": 3, "stance": 2, "sentiment": 3}


@dataclass(frozen=True)
class Example:
    task: str
    text: str
    label: int


def _pair(first: str, second: str) -> str:
    return f"{SENTENCE} {first.strip()} {SENTENCE} {second.strip()}"


def snli(folder: Path) -> Iterator[Example]:
    names = {"entailment": 0, "neutral": 1, "contradiction": 2}
    for part in ("dev", "test"):
        rows = ((folder / f"{x}.{part}").read_text().splitlines() for x in ("s1", "s2", "labels"))
        for premise, hypothesis, label in zip(*rows, strict=True):
            if label in names:
                yield Example("nli", _pair(premise, hypothesis), names[label])


def rte3(folder: Path) -> Iterator[Example]:
    for part in ("dev-set", "test-gold"):
        with (folder / f"RTE3-FR-{part}-3class.tsv").open(newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield Example("nli", _pair(row["premise"], row["hypothesis"]), int(row["label"]))


def assin(folder: Path) -> Iterator[Example]:
    for part in ("ptbr", "ptpt"):
        for pair in ElementTree.parse(folder / f"assin-{part}-train.xml").getroot():
            label = 1 if pair.get("entailment") == "None" else 0
            yield Example("nli", _pair(pair.findtext("t") or "", pair.findtext("h") or ""), label)


def key_points(folder: Path) -> Iterator[Example]:
    for part in ("train", "dev", "test"):
        with (folder / f"arguments_{part}.csv").open(newline="") as lines:
            for row in csv.DictReader(lines):
                yield Example("stance", _pair(row["topic"], row["argument"]), int(int(row["stance"]) > 0))


def perspectrum(folder: Path) -> Iterator[Example]:
    pool = {p["pId"]: p["text"] for p in json.loads((folder / "perspective_pool_v1.0.json").read_text())}
    for claim in json.loads((folder / "perspectrum_with_answers_v1.0.json").read_text()):
        for group in claim["perspectives"]:
            label = {"SUPPORT": 1, "UNDERMINE": 0}.get(group["stance_label_3"])
            for pid in group["pids"] if label is not None else ():
                if pid in pool:
                    yield Example("stance", _pair(claim["text"], pool[pid]), label)


def targeted_sentiment(folder: Path, rng: random.Random) -> Iterator[Example]:
    for line in (folder / "train.jsonl").read_text().splitlines():
        row = json.loads(line)
        text = row["sentence"]
        target = rng.choice(PERSONS + ORGANISATIONS)
        yield Example(
            "sentiment", f"{SENTENCE} {text[: row['from']]}{target}{text[row['to'] :]}", int(row["polarity"]) + 1
        )


def examples(external: Path, rng: random.Random) -> list[Example]:
    return [
        *snli(external / "snli_devtest_en"),
        *rte3(external / "rte3_fr"),
        *assin(external / "assin1_pt"),
        *key_points(external / "kpa2021_en"),
        *perspectrum(external / "perspectrum_en"),
        *targeted_sentiment(external / "newsmtsc_en", rng),
    ]


class Heads(nn.Module):
    """One classifier a task over [last marker vector; mean vector]."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.by_task = nn.ModuleDict(
            {t: nn.Sequential(nn.Linear(2 * hidden, hidden), nn.GELU(), nn.Linear(hidden, n)) for t, n in TASKS.items()}
        )

    def forward(self, vectors: torch.Tensor, mask: torch.Tensor, marker: torch.Tensor) -> dict[str, torch.Tensor]:
        pooled = (vectors * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        features = torch.cat([vectors[torch.arange(len(marker)), marker], pooled], dim=-1)
        return {t: head(features) for t, head in self.by_task.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--external", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--lr", type=float, default=1.5e-4)
    parser.add_argument("--tokens", type=int, default=2048)
    arguments = parser.parse_args()
    rng = random.Random(1)
    torch.manual_seed(1)
    tokenizer = load_tokenizer(arguments.base)
    first = tokenizer.convert_tokens_to_ids(SENTENCE)
    encoder = Encoder(arguments.base, first)
    heads = Heads(encoder.markers.embedding_dim)
    data = examples(arguments.external, rng)
    ids = [tokenizer(e.text, truncation=True, max_length=128)["input_ids"] for e in data]
    items = list(zip(data, ids, strict=True))
    parameters = [p for m in (encoder, heads) for p in m.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=arguments.lr, weight_decay=0.01)
    started, step, running = time.monotonic(), 0, {t: [0.0, 0.0, 0] for t in TASKS}
    total = arguments.epochs * sum(map(len, ids))
    seen = 0
    while seen < total and (time.monotonic() - started) / 60 < arguments.minutes:
        for batch in batches(items, [len(i) for _, i in items], [1] * len(items), arguments.tokens, rng):
            progress = max(seen / total, (time.monotonic() - started) / 60 / arguments.minutes)
            if progress >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = arguments.lr * min(1.0, (step + 1) / 200) * max(0.02, 1 - progress)
            rows, mask = pad([i for _, i in batch])
            marker = torch.tensor([max(k for k, t in enumerate(i) if t == first) for _, i in batch])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                vectors = encoder(rows, mask)[: len(batch)]  # without the rows that padding added
                outputs = heads(vectors, mask[: len(batch)], marker)
            loss = torch.zeros(())
            for task in TASKS:
                chosen = [k for k, (e, _) in enumerate(batch) if e.task == task]
                if not chosen:
                    continue
                labels = torch.tensor([batch[k][0].label for k in chosen])
                logits = outputs[task][chosen].float()
                part = nn.functional.cross_entropy(logits, labels, reduction="sum")
                loss = loss + part / len(batch)
                running[task][0] += part.item()
                running[task][1] += (logits.argmax(-1) == labels).sum().item()
                running[task][2] += len(chosen)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            seen += sum(len(i) for _, i in batch)
            if step % 100 == 0:
                report = " ".join(f"{t} {a / n:.3f}/{b / n:.3f}" for t, (a, b, n) in running.items() if n)
                print(f"{step} {seen / total:.2f} {time.monotonic() - started:.0f}s {report}", flush=True)
                running = {t: [0.0, 0.0, 0] for t in TASKS}
            if step % 500 == 0:
                torch.save(encoder.state_dict(), arguments.out)
    torch.save(encoder.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
