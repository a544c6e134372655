"""A sequence-classification model for natural language inference: does a premise entail a hypothesis?

From a directory or the hub: `model.onnx` by onnxruntime, or else safetensors by torch. Nothing of the model's own
code is run.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from huggingface_hub import snapshot_download

from stance_service.classifiers.artefact import Floats, load_tokenizer, session, softmax
from stance_service.classifiers.base import ModelError

PAIRS_AT_ONCE: Final = 16
MAX_TOKENS: Final = 512
GRAPHS: Final = ("model.onnx", "onnx/model.onnx")

_HUB_NAME: Final = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SMALL_FILES: Final = ("*.json", "*.txt", "*.model")

Logits: TypeAlias = Callable[[Mapping[str, Any]], Floats]


class NliModel:
    """Loads tokenizer, label order and weights; raises ModelError naming what is wrong with which file."""

    def __init__(self, name: str, revision: str | None = None) -> None:
        self.folder = _folder(name, revision)
        config = _config(self.folder)
        self.entailment_label, labels = _labels(config, self.folder)
        self.tokenizer = load_tokenizer(self.folder)
        self.logits, weights, self.length = _runner(self.folder)
        self.max_tokens = self.length or min(MAX_TOKENS, self.tokenizer.model_max_length, _positions(config))
        self.digest = _digest([self.folder / "config.json", *weights])
        self._check(labels)

    def entailment(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The probability that each premise entails its hypothesis; long premises are cut."""
        found: list[float] = []
        for first in range(0, len(pairs), PAIRS_AT_ONCE):
            logits = self.logits(self._encoded(pairs[first : first + PAIRS_AT_ONCE]))
            found += [float(p) for p in softmax(logits)[:, self.entailment_label]]
        return found

    def _encoded(self, pairs: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        premises, hypotheses = [p for p, _ in pairs], [h for _, h in pairs]
        padding = "max_length" if self.length else "longest"
        encoded: Mapping[str, Any] = self.tokenizer(
            premises, hypotheses, truncation=True, max_length=self.max_tokens, padding=padding, return_tensors="np"
        )
        return encoded

    def _check(self, labels: int) -> None:
        """Runs once: what would fail on the first article fails now, and threads find truncation set."""
        try:
            logits = self.logits(self._encoded([("A premise that is longer.", "A hypothesis."), ("One.", "Two.")]))
        except Exception as error:  # whatever tokenizer, onnxruntime or torch raise
            raise ModelError(f"{self.folder}: the model does not run on a pair of sentences: {error}") from error
        if logits.shape != (2, labels):
            raise ModelError(
                f"{self.folder}: the model gives logits of shape {logits.shape} for 2 pairs; config.json names "
                f"{labels} labels"
            )


def _folder(name: str, revision: str | None) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise ModelError(f"STANCE_NLI_MODEL: {name!r} is no directory, nor a hub name like owner/model")
    try:
        graphs = [g + end for g in GRAPHS for end in ("", "_data", ".data")]
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=[*_SMALL_FILES, *graphs]))
        if _graph(folder) is None:
            snapshot_download(name, revision=revision, allow_patterns=["*.safetensors"])
    except Exception as error:  # the hub's client raises its own, its HTTP client's and the system's
        raise ModelError(
            f"STANCE_NLI_MODEL: {name!r} is no directory and can't be fetched from the hub: {error}"
        ) from error
    return folder


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: no usable model configuration: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: no usable model configuration: it holds no JSON object")
    return config


def _labels(config: Mapping[str, Any], folder: Path) -> tuple[int, int]:
    """The index of the label that means entailment, and how many labels there are."""
    given = config.get("id2label")
    names = {str(k): str(v).casefold() for k, v in given.items()} if isinstance(given, dict) else {}
    yes = [k for k, v in names.items() if v.startswith("entail")]
    no = [k for k, v in names.items() if v.startswith(("contradict", "not"))]
    if len(yes) != 1 or not no or sorted(names) != sorted(map(str, range(len(names)))):
        raise ModelError(
            f"{folder / 'config.json'}: no NLI labels: id2label is {given!r}; it must name one label 'entailment' and "
            "one 'contradiction' or 'not_entailment', numbered from 0"
        )
    return int(yes[0]), len(names)


def _positions(config: Mapping[str, Any]) -> int:
    """How many tokens the model can place; RoBERTa and its kin use up two before the first."""
    given = config.get("max_position_embeddings")
    return given - 2 if isinstance(given, int) and given > 2 else MAX_TOKENS


def _graph(folder: Path) -> Path | None:
    return next((folder / g for g in GRAPHS if (folder / g).is_file()), None)


def _runner(folder: Path) -> tuple[Logits, list[Path], int | None]:
    """The model, its files, and the one length in tokens that it takes, if it takes no other."""
    graph = _graph(folder)
    if graph is not None:
        logits, length = _onnx(graph)
        return logits, [graph, *graph.parent.glob(graph.name + "?data")], length
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{folder}: no model file; it must hold model.onnx or, with the extra [torch], model.safetensors"
        )
    return _torch(folder), weights, None


def _onnx(graph: Path) -> tuple[Logits, int | None]:
    loaded = session(graph)
    inputs = [i.name for i in loaded.get_inputs()]
    length = loaded.get_inputs()[0].shape[-1]

    def logits(encoded: Mapping[str, Any]) -> Floats:
        some = encoded["input_ids"]
        given = {name: encoded[name] if name in encoded else np.zeros_like(some) for name in inputs}
        return np.asarray(loaded.run(None, given)[0], dtype=np.float32)

    return logits, length if isinstance(length, int) else None


def _torch(folder: Path) -> Logits:
    try:
        import torch  # noqa: PLC0415 (an extra)
        from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 (needs torch)
    except ImportError as error:
        raise ModelError(
            f"{folder}: holds no model.onnx, and its safetensors need torch: install stancewatch[torch], "
            "or export the model to ONNX as docs/models.md says"
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:  # whatever the loader raises for a broken or foreign model
        raise ModelError(f"{folder}: no model that transformers can load: {error}") from error
    model = model.to(device).eval()

    def logits(encoded: Mapping[str, Any]) -> Floats:
        with torch.inference_mode():
            given = {name: torch.from_numpy(values).to(device) for name, values in encoded.items()}
            return np.asarray(model(**given).logits.float().cpu().numpy(), dtype=np.float32)

    return logits


def _digest(files: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return total.hexdigest()
