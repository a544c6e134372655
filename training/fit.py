"""Fit an exported model's calibration and thresholds on the development articles, end to end."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from stance_service.actors.registry import Registry
from stance_service.classifiers.base import ArticleText, Judgement
from stance_service.classifiers.embedded import EmbeddedClassifier
from training.export import UNFITTED
from training.score import align

LEAST = 15
"""Percent: what is less likely than this is not worth a reader's time, whatever F1 says."""

Scored = list[tuple[float, bool]]
"""Raw confidence of each distinct prediction, and whether the annotators agree."""


def collect(
    records: Sequence[dict[str, object]], found: Iterable[Sequence[Judgement]]
) -> dict[str, tuple[Scored, int]]:
    """For own and alleged positions: scored predictions, and how many the annotators have."""
    scored: dict[str, Scored] = {"own": [], "alleged": []}
    wanted = {"own": 0, "alleged": 0}
    for record, judgements in zip(records, found, strict=True):
        gold = record["statements"]
        actors = {j.actor for j in judgements} | {j.alleged_by for j in judgements if j.alleged_by}
        gold_actors = {s["actor"] for s in gold} | {s["alleged_by"] for s in gold if s["alleged_by"]}  # type: ignore[attr-defined,index]
        to_gold = align(gold_actors, actors)
        for kind, alleged in (("own", False), ("alleged", True)):
            want = {
                (s["actor"], s["axis"], s["polarity"], s["alleged_by"])  # type: ignore[index]
                for s in gold  # type: ignore[attr-defined]
                if (s["basis"] == "alleged") == alleged
            }
            best: dict[tuple[object, ...], float] = {}
            for j in judgements:
                if (j.alleged_by is not None) == alleged:
                    key = (to_gold.get(j.actor), j.axis, j.polarity, to_gold.get(j.alleged_by or ""), j.actor)
                    best[key] = max(best.get(key, 0.0), j.confidence)
            scored[kind] += [(p, key[:4] in want) for key, p in best.items()]
            wanted[kind] += len(want)
    return {k: (scored[k], wanted[k]) for k in scored}


def fit(scored: Scored, wanted: int) -> dict[str, float]:
    """Platt scaling by Newton steps, then the threshold of the best F1."""
    x = np.array([math.log(p / (1 - p)) for p, _ in ((min(max(p, 1e-6), 1 - 1e-6), r) for p, r in scored)])
    y = np.array([float(right) for _, right in scored])
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y) + 1e-3 * weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(2)
        weights = weights - np.linalg.solve(hessian, gradient)
    calibrated = 1 / (1 + np.exp(-design @ weights))
    best = max(_f1_at(calibrated, y, wanted, t / 100) for t in range(LEAST, 96))
    print(f"F1 {best[0]:.3f} at {best[1]:.2f}; expected calibration error {_ece(calibrated, y):.3f}")
    return {"slope": round(float(weights[0]), 4), "intercept": round(float(weights[1]), 4), "threshold": best[1]}


def _f1_at(p: np.ndarray, y: np.ndarray, wanted: int, threshold: float) -> tuple[float, float]:
    chosen = p >= threshold
    hits = float(y[chosen].sum())
    return (2 * hits / (chosen.sum() + wanted) if hits else 0.0, threshold)


def _ece(p: np.ndarray, y: np.ndarray, bins: int = 10) -> float:
    index = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[index == b].sum() - y[index == b].sum()) for b in range(bins)) / len(p))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="an exported, unfitted model directory")
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev.jsonl"))
    arguments = parser.parse_args()
    records = [json.loads(line) for line in arguments.dev.read_text().splitlines()]
    path = arguments.model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | UNFITTED, indent=1) + "\n")
    classifier = EmbeddedClassifier(Registry.shipped(), arguments.model)
    found = list(classifier.classify(ArticleText(r["title"], r["body"], r["language"]) for r in records))
    fitted = {kind: fit(scored, wanted) for kind, (scored, wanted) in collect(records, found).items()}
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | fitted, indent=1) + "\n")


if __name__ == "__main__":
    main()
