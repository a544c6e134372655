"""Score a classifier end to end on annotated articles: by language, class and difficulty, with intervals.

Everything runs as `stance-service annotate` runs it: actors are found, not given. The figures are those of
`training/score.py`; intervals are 95 % bootstrap percentiles over articles.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from stance_service.build import classifier as build_classifier
from stance_service.classifiers.base import ArticleText, Classifier
from stance_service.commands.annotate import fields
from stance_service.observe import statements
from stance_service.settings import ClassifierSettings
from training.score import align, score

Record = dict[str, Any]
RESAMPLES = 1000
BINS = 10


def read(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def predict(classifier: Classifier, records: Sequence[Record]) -> list[Record]:
    """What `annotate` answers for each record."""
    texts = [ArticleText(r["title"], r["body"], r["language"]) for r in records]
    answers = []
    for record, text, judgements in zip(records, texts, classifier.classify(texts), strict=True):
        found = statements(text, date.fromisoformat(record["published_at"]), judgements)
        rows = [fields(s, text.body) for s in found]
        answers.append({"id": record["id"], "statements": rows})
    return answers


def scores(gold: Sequence[Record], predicted: Sequence[Record]) -> dict[str, Any]:
    """`training/score.py` over all articles."""
    return score({r["id"]: r for r in gold}, {r["id"]: r for r in predicted})  # type: ignore[no-any-return,no-untyped-call]


def polarity_right(gold: Sequence[Record], predicted: Sequence[Record]) -> tuple[int, int]:
    """Of the (actor, axis) with positions of one sign on both sides, how many signs agree, and of how many."""
    right = total = 0
    for want, got in zip(gold, predicted, strict=True):
        names = _aligned(want, got)
        signs_want, signs_got = _signs(want["statements"], {}), _signs(got["statements"], names)
        for key in signs_want.keys() & signs_got.keys():
            if len(signs_want[key]) == len(signs_got[key]) == 1:
                total += 1
                right += signs_want[key] == signs_got[key]
    return right, total


def _aligned(want: Record, got: Record) -> dict[str, str]:
    def actors(record: Record) -> set[str]:
        return {a for s in record["statements"] for a in (s["actor"], s["alleged_by"]) if a}

    return align(actors(want), actors(got))  # type: ignore[no-any-return,no-untyped-call]


def _signs(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> dict[tuple[str, str], set[int]]:
    found: dict[tuple[str, str], set[int]] = {}
    for s in rows:
        if s["basis"] != "alleged":
            found.setdefault((names.get(s["actor"], s["actor"]), s["axis"]), set()).add(s["polarity"])
    return found


def interval(
    gold: Sequence[Record], predicted: Sequence[Record], figure: Callable[[dict[str, Any]], float]
) -> tuple[float, float]:
    """The 95 % bootstrap interval of a figure over articles."""
    rng = random.Random(1)
    pairs = list(zip(gold, predicted, strict=True))
    values = []
    for _ in range(RESAMPLES):
        sample = [pairs[rng.randrange(len(pairs))] for _ in pairs]
        numbered = [({**g, "id": i}, {**p, "id": i}) for i, (g, p) in enumerate(sample)]
        values.append(figure(scores([g for g, _ in numbered], [p for _, p in numbered])))
    values.sort()
    return values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES) - 1]


def recall_by_difficulty(gold: Sequence[Record], predicted: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """Found and wanted own positions, by what makes them hard."""
    counts: dict[str, tuple[int, int]] = {}
    for want, got in zip(gold, predicted, strict=True):
        names = _aligned(want, got)
        found = {(names.get(s["actor"], s["actor"]), s["axis"], s["polarity"]) for s in got["statements"]}
        for s in want["statements"]:
            if s["basis"] == "alleged":
                continue
            hit = (s["actor"], s["axis"], s["polarity"]) in found
            for kind in _difficulties(s, want["statements"]):
                hits, total = counts.get(kind, (0, 0))
                counts[kind] = (hits + hit, total + 1)
    return dict(sorted(counts.items()))


def _difficulties(s: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    words = set(s["actor"].split("-"))
    text = s["evidence"].lower()
    yield "named in its evidence" if any(w in text for w in words if len(w) > 2) else "only referred to in its evidence"
    yield "held earlier than published" if s["held_at"] else "held when published"
    yield s["basis"]
    if any(o["evidence"] == s["evidence"] and o["actor"] != s["actor"] for o in others):
        yield "several actors in one sentence"
    if any(o["actor"] == s["actor"] and o["axis"] == s["axis"] and o["polarity"] != s["polarity"] for o in others):
        yield "both polarities in one article"


def reliability(gold: Sequence[Record], predicted: Sequence[Record]) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, number) of own predictions by tenths of confidence."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for want, got in zip(gold, predicted, strict=True):
        names = _aligned(want, got)
        true = {(s["actor"], s["axis"], s["polarity"]) for s in want["statements"] if s["basis"] != "alleged"}
        for s in got["statements"]:
            if s["basis"] != "alleged":
                right = (names.get(s["actor"]), s["axis"], s["polarity"]) in true
                bins[min(int(s["confidence"] * BINS), BINS - 1)].append((s["confidence"], right))
    return [(sum(c for c, _ in b) / len(b), sum(r for _, r in b) / len(b), len(b)) for b in bins if b]


def calibration_error(bins: Sequence[tuple[float, float, int]]) -> float:
    """Expected calibration error (Guo et al. 2017)."""
    return sum(n * abs(c - r) for c, r, n in bins) / max(1, sum(n for _, _, n in bins))


def report(gold: Sequence[Record], predicted: Sequence[Record]) -> str:
    """All figures as Markdown."""
    result = scores(gold, predicted)
    right, total = polarity_right(gold, predicted)
    lines = ["| | precision | recall | F1 | 95 % interval |", "|---|---|---|---|---|"]
    for name in sorted(k for k, v in result.items() if isinstance(v, dict)):
        v = result[name]
        low, high = interval(gold, predicted, lambda r, n=name: r[n]["f1"] if n in r else 0.0)  # type: ignore[misc]
        lines.append(f"| {name} | {v['precision']:.3f} | {v['recall']:.3f} | {v['f1']:.3f} | {low:.3f}-{high:.3f} |")
    lines += ["", "| | |", "|---|---|"]
    lines.append(f"| macro F1 over classes | {result['macro f1 over classes']:.3f} |")
    lines.append(f"| polarity right, of positions found | {right / max(1, total):.3f} ({total}) |")
    lines.append(f"| year of `held_at` right | {result['held_at year right']:.3f} |")
    lines.append(f"| false statements in an article without any | {result['false positives per empty article']:.2f} |")
    lines += ["", "| own positions that are ... | found |", "|---|---|"]
    lines += [f"| {k} | {h / n:.2f} ({h} of {n}) |" for k, (h, n) in recall_by_difficulty(gold, predicted).items()]
    bins = reliability(gold, predicted)
    lines += ["", f"Expected calibration error {calibration_error(bins):.3f}:", "", "```"]
    lines += [f"confidence {c:.2f}  right {r:.2f}  {'#' * round(40 * r)} ({n})" for c, r, n in bins]
    return "\n".join([*lines, "```"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path, nargs="?", default=Path("training/data/dev.jsonl"))
    parser.add_argument("--predictions", type=Path, help="score these instead (JSON lines of `annotate`)")
    parser.add_argument("--errors", action="store_true", help="list what was missed and what was false")
    arguments = parser.parse_args()
    gold = read(arguments.articles)
    if arguments.predictions:
        by_id = {r["id"]: r for r in read(arguments.predictions)}
        predicted = [by_id.get(r["id"], {"id": r["id"], "statements": []}) for r in gold]
    else:
        predicted = predict(build_classifier(ClassifierSettings()), gold)
    print(report(gold, predicted))
    if arguments.errors:
        for want, got in zip(gold, predicted, strict=True):
            _print_errors(want, got)


def _print_errors(want: Record, got: Record) -> None:
    names = _aligned(want, got)

    def key(s: Mapping[str, Any], actor: str) -> tuple[object, ...]:
        return actor, s["axis"], s["polarity"], s["basis"] == "alleged"

    wanted = {key(s, s["actor"]): s for s in want["statements"]}
    found = {key(s, names.get(s["actor"], s["actor"])): s for s in got["statements"]}
    for k, s in wanted.items():
        if k not in found:
            print(f"missed {want['id']} {k}: {s['evidence']}")
    for k, s in found.items():
        if k not in wanted:
            print(f"false  {want['id']} {k} {s['confidence']:.2f}: {s['evidence']}")


if __name__ == "__main__":
    main()
