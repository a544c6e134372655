"""Files of a model directory: settings with checksums, tokenizer, ONNX graphs."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import AutoTokenizer

from stance_service.classifiers.base import ModelError

Floats = npt.NDArray[np.float32]


class Signs(NamedTuple):
    """What speaks for a position of an actor, as one sentence of an article shows it."""

    sentence: float
    """Log-odds that the sentence shows the position."""
    another: float
    """Log-odds that the likeliest other sentence of the article does."""
    mentions: float
    """Logarithm of how often the article names the actor, up to six times."""
    name: float
    """Log-odds that those are names of an actor, rather than of a product or place."""
    registered: float
    """1 for an actor of the registry, else 0."""


class Calibration(BaseModel):
    """Logistic regression of whether careful readers agree (Platt 1999, of several signs rather than one)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Signs
    intercept: float
    threshold: float
    """From which confidence on a statement is made."""

    def confidence(self, signs: Signs) -> float:
        """The calibrated probability."""
        logit = self.intercept + sum(w * x for w, x in zip(self.weights, signs, strict=True))
        return 1.0 / (1.0 + math.exp(-logit))


class ModelSettings(BaseModel):
    """`config.json` of a model directory, fitted on the development articles by `training/fit.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    marker: int
    own: Calibration
    alleged: Calibration
    relevance: float
    languages: tuple[str, ...] = ()
    """Those with a network of their own, each a model directory inside this one."""
    files: dict[str, str]


def sigmoid(x: Floats) -> Floats:
    """Logits to probabilities, each on its own."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float32)


def log_odds(p: float) -> float:
    """The logit, of probabilities up to one in a thousand from certainty."""
    p = min(max(p, 1e-3), 1 - 1e-3)
    return math.log(p / (1 - p))


def softmax(x: Floats) -> Floats:
    """Logits to probabilities that sum to 1 along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True), dtype=np.float32)


def load_tokenizer(directory: Path) -> Any:
    """The directory's tokenizer, nothing fetched; raises ModelError naming the directory."""
    if not (directory / "tokenizer_config.json").is_file() and not (directory / "tokenizer.json").is_file():
        raise ModelError(f"{directory}: no tokenizer; the directory must hold tokenizer.json or tokenizer_config.json")
    try:
        return AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except Exception as error:  # whatever the tokenizer's own code raises
        raise ModelError(f"{directory}: no usable tokenizer: {error}") from error


def session(path: Path) -> Any:
    """The graph on one thread of the CPU; raises ModelError naming the file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common base of their own
        raise ModelError(f"{path}: not a model that onnxruntime can load: {error}") from error


def verified_settings(directory: Path) -> ModelSettings:
    """The settings, once every file has the checksum they give; raises ModelError naming the file."""
    path = directory / "config.json"
    try:
        settings = ModelSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(f"{path}: no usable model settings: {error}") from error
    for name, expected in settings.files.items():
        file = directory / name
        if not file.is_file():
            raise ModelError(f"{file}: missing; the model directory must hold {', '.join(settings.files)}")
        with file.open("rb") as content:
            actual = hashlib.file_digest(content, "sha256").hexdigest()
        if actual != expected:
            raise ModelError(f"{file}: checksum {actual} is not {expected} as config.json says; restore the file")
    return settings
