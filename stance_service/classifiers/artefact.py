"""Files of a model directory: settings with checksums, tokenizer, ONNX graphs."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import AutoTokenizer

from stance_service.classifiers.base import ModelError

Floats = npt.NDArray[np.float32]


class Calibration(BaseModel):
    """Platt scaling (Platt 1999) of the model's probability, and from which confidence on a statement is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float
    intercept: float
    threshold: float

    def confidence(self, p: float) -> float:
        """The calibrated probability of a raw one."""
        p = min(max(p, 1e-6), 1 - 1e-6)
        return 1.0 / (1.0 + math.exp(-(self.slope * math.log(p / (1 - p)) + self.intercept)))


class ModelSettings(BaseModel):
    """`config.json` of a model directory, fitted on the development articles by `training/export.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    marker: int
    own: Calibration
    alleged: Calibration
    relevance: float
    files: dict[str, str]


def sigmoid(x: Floats) -> Floats:
    """Logits to probabilities, each on its own."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float32)


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
