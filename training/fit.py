"""Fit an exported model's calibration and thresholds on the development articles, end to end."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stance_service.actors.registry import Registry
from stance_service.classifiers.artefact import Signs
from stance_service.classifiers.base import ArticleText
from stance_service.classifiers.embedded import Network
from stance_service.classifiers.finding import Finding
from stance_service.classifiers.reader import Reader
from training.score import align

LEAST = 15
"""Percent: what is less likely than this is not worth a reader's time, whatever F1 says."""
FOLDS = 10
RIDGE = 0.1

Key = tuple[Any, ...]


@dataclass
class Sample:
    """The distinct positions that the model considers, with what the annotators say."""

    signs: list[Signs] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    article: list[int] = field(default_factory=list)
    wanted: int = 0


def collect(records: Sequence[dict[str, Any]], found: Iterable[Sequence[Finding]], *, alleged: bool) -> Sample:
    """Own or alleged positions, each by the sentence that shows it best."""
    sample = Sample()
    for number, (record, findings) in enumerate(zip(records, found, strict=True)):
        gold = record["statements"]
        actors = {f.actor for f in findings} | {f.alleged_by for f in findings if f.alleged_by}
        gold_actors = {s["actor"] for s in gold} | {s["alleged_by"] for s in gold if s["alleged_by"]}
        to_gold = align(gold_actors, actors)
        want = {
            (s["actor"], s["axis"], s["polarity"], s["alleged_by"])
            for s in gold
            if (s["basis"] == "alleged") == alleged
        }
        best: dict[Key, Finding] = {}
        for f in findings:
            if (f.alleged_by is not None) == alleged:
                key = (to_gold.get(f.actor), f.axis, f.polarity, to_gold.get(f.alleged_by or ""), f.actor)
                best[key] = max(best.get(key, f), f, key=lambda each: each.p)
        sample.signs += [f.signs for f in best.values()]
        sample.right += [key[:4] in want for key in best]
        sample.article += [number] * len(best)
        sample.wanted += len(want)
    return sample


def fit(sample: Sample) -> dict[str, object]:
    """Weights by ridge logistic regression, and the threshold of the best F1; prints what held-out articles say."""
    x = np.column_stack([np.array(sample.signs).reshape(-1, len(Signs._fields)), np.ones(len(sample.signs))])
    y = np.array(sample.right, dtype=float)
    fold = np.array(sample.article) % FOLDS
    held_out = np.empty(len(y))
    for k in range(FOLDS):
        held_out[fold == k] = _confidence(x[fold == k], _regression(x[fold != k], y[fold != k]))
    best = max(_f1_at(held_out, y, sample.wanted, t / 100) for t in range(LEAST, 96))
    error = _calibration_error(held_out, y)
    print(f"cross-validated: F1 {best[0]:.3f} at {best[1]:.2f}; expected calibration error {error:.3f}")
    *weights, intercept = (round(float(w), 4) for w in _regression(x, y))
    return {
        "weights": dict(zip(Signs._fields, weights, strict=True)),
        "intercept": intercept,
        "threshold": best[1],
    }


def _regression(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Newton steps."""
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = _confidence(x, weights)
        gradient = x.T @ (p - y) + RIDGE * weights
        hessian = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(weights))
        weights = weights - np.linalg.solve(hessian, gradient)
    return weights


def _confidence(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x @ weights)))


def _f1_at(p: np.ndarray, y: np.ndarray, wanted: int, threshold: float) -> tuple[float, float]:
    chosen = p >= threshold
    hits = float(y[chosen].sum())
    return (2 * hits / (chosen.sum() + wanted) if hits else 0.0, threshold)


def _calibration_error(p: np.ndarray, y: np.ndarray, bins: int = 10) -> float:
    index = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[index == b].sum() - y[index == b].sum()) for b in range(bins)) / max(len(p), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="an exported model directory")
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev.jsonl"))
    parser.add_argument("--language", help="fit on the articles of this language only")
    arguments = parser.parse_args()
    records = [json.loads(line) for line in arguments.dev.read_text().splitlines()]
    records = [r for r in records if arguments.language in (None, r["language"])]
    path = arguments.model / "config.json"
    network = Network(Reader(Registry.shipped(), arguments.model))
    found = []
    for record in records:
        article = network.reader.read(ArticleText(record["title"], record["body"], record["language"]))
        found.append(network.findings(article, article.passages))
    fitted = {
        "own": fit(collect(records, found, alleged=False)),
        "alleged": fit(collect(records, found, alleged=True)),
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | fitted, indent=1) + "\n")


if __name__ == "__main__":
    main()
