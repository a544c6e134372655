"""Throughput of the embedded classifier beside the naive way, on the same articles, in one run.

The naive way: transformers' zero-shot pipeline in fp32 on torch, the same encoder, one (passage, proposition about an
actor) pair at a time, for each actor that a passage names, both polarities of both axes. Its classification head is
untrained, which changes no timing. Needs the training environment (`make train` builds it):

    build/train/bin/python -m benchmarks.classify --base build/base-en --language en
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from stance_service.actors.registry import Registry
from stance_service.axes import built_in_propositions
from stance_service.classifiers.base import ArticleText
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.propositions import Propositions

LABELS = ("contradiction", "neutral", "entailment")


def pairs(classifier: EmbeddedClassifier, axes: Propositions, text: ArticleText) -> Iterator[tuple[str, str]]:
    """Each passage with each proposition about each actor it names."""
    article = classifier.network(text.language).reader.read(text)
    for read in article.passages:
        passage = " ".join(article.reading.sentences[i] for i in read.passage.sentences)
        for member in article.present(read.passage):
            for _, _, wording in axes:
                yield passage, wording.about(member.name, text.language)


def naive(base: Path, work: Sequence[tuple[str, str]]) -> float:
    """Seconds for all pairs, one at a time."""
    labels = dict(enumerate(LABELS))
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=len(LABELS), id2label=labels, label2id={name: i for i, name in labels.items()}
    )
    judge = pipeline(
        "zero-shot-classification", model=model.float(), tokenizer=AutoTokenizer.from_pretrained(base), device=-1
    )
    judge("Warm up.", candidate_labels=["warm"], hypothesis_template="{}")
    started = time.perf_counter()
    for passage, proposition in work:
        judge(passage, candidate_labels=[proposition], hypothesis_template="{}")
    return time.perf_counter() - started


def ours(classifier: EmbeddedClassifier, texts: Sequence[ArticleText]) -> float:
    """Seconds for all texts."""
    list(classifier.classify(texts[:1]))
    started = time.perf_counter()
    list(classifier.classify(texts))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="what `training.base` makes, or `english_base`")
    parser.add_argument("--language", help="read the articles of this language only, as each network has a base")
    parser.add_argument("--articles", type=Path, default=Path("training/data/dev.jsonl"))
    parser.add_argument("--naive-articles", type=int, default=6, help="the naive way reads only so many")
    arguments = parser.parse_args()
    records = [json.loads(line) for line in arguments.articles.read_text(encoding="utf-8").splitlines()]
    texts = [
        ArticleText(r["title"], r["body"], r["language"])
        for r in records
        if arguments.language in (None, r["language"])
    ]
    classifier = EmbeddedClassifier(Registry.shipped())
    axes = built_in_propositions()
    few = texts[: arguments.naive_articles]
    work = [pair for text in few for pair in pairs(classifier, axes, text)]
    slow, fast = naive(arguments.base, work) / len(few), ours(classifier, texts) / len(texts)
    words = sum(len(text.body.split()) for text in texts) / len(texts)
    print(f"{len(texts)} articles of {words:.0f} words on average; naive: the first {len(few)}, {len(work)} pairs")
    print(f"naive    {1 / slow:8.2f} articles/s")
    print(f"embedded {1 / fast:8.2f} articles/s, {slow / fast:.0f} times as many")


if __name__ == "__main__":
    main()
