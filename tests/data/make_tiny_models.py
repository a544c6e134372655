"""Make the tiny models of the tests: `python tests/data/make_tiny_models.py`, with torch, onnx and transformers.

`tiny-embedded` has the form of the shipped model: it takes capitalised words for organisations, its stance is chance.
`tiny-nli` is a randomly initialised BERT for natural language inference. Neither knows anything.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import onnx
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

HERE = Path(__file__).parent
WIDTH = 16
TAGS, STANCES = 5, 14
FIXED_LENGTH = 48
SPECIAL = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
MARKER = "[S]"


def main() -> None:
    """Writes both directories."""
    torch.manual_seed(7)
    tokenizer = trained_tokenizer()
    make_embedded(HERE / "tiny-embedded", tokenizer)
    make_nli(HERE / "tiny-nli", tokenizer)


def articles() -> Iterator[str]:
    """Texts in seven languages to learn word pieces from."""
    lines = (HERE.parents[1] / "training/data/train-a.jsonl").read_text(encoding="utf-8").splitlines()
    return (json.loads(line)["body"] for line in lines)


def trained_tokenizer() -> Tokenizer:
    """Word pieces that know where words begin."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[*SPECIAL.values(), MARKER], limit_alphabet=200, show_progress=False
    )
    tokenizer.train_from_iterator(articles(), trainer)
    edges = [("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=edges
    )
    return tokenizer


class Lower(nn.Module):
    """ids -> hidden, tags, relevance."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        size = tokenizer.get_vocab_size()
        capital = [tokenizer.id_to_token(i).lstrip("▁")[:1].isupper() for i in range(size)]
        begins = [tokenizer.id_to_token(i).startswith("▁") for i in range(size)]
        names = torch.tensor([float(a and b) for a, b in zip(begins, capital, strict=True)])
        self.tag_rows = nn.Parameter(torch.stack([1 - 2 * names, *(torch.zeros(size) - 9,) * 2, names, names - 9], 1))
        self.words = nn.Embedding(size, WIDTH)
        self.mix = nn.Conv1d(WIDTH, WIDTH, 5, padding=2)
        self.relevance = nn.Linear(WIDTH, 1)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = torch.tanh(self.mix(self.words(ids).transpose(1, 2)).transpose(1, 2))
        return hidden, self.tag_rows[ids], self.relevance(hidden)[..., 0]


class Upper(nn.Module):
    """hidden, roles, markers -> stance, mentions."""

    def __init__(self) -> None:
        super().__init__()
        self.roles = nn.Embedding(3, WIDTH)
        self.mix = nn.Conv1d(WIDTH, WIDTH, 9, padding=4)
        self.stance = nn.Linear(WIDTH, STANCES)

    def forward(self, hidden: Tensor, roles: Tensor, markers: Tensor) -> tuple[Tensor, Tensor]:
        mixed = torch.tanh(self.mix((hidden + self.roles(roles)).transpose(1, 2)).transpose(1, 2))
        marked = torch.gather(mixed, 1, markers.unsqueeze(-1).expand(-1, -1, WIDTH))
        return 6 * self.stance(marked), mixed[..., 0]


def export(model: nn.Module, given: tuple[Tensor, ...], path: Path, inputs: list[str], outputs: list[str]) -> None:
    """One ONNX graph, any number of rows of any length."""
    torch.onnx.export(
        model.eval(),
        given,
        str(path),
        input_names=inputs,
        output_names=outputs,
        dynamo=False,
        opset_version=17,
        dynamic_axes={name: {0: "rows", 1: f"{name}_length"} for name in (*inputs, *outputs) if name != "logits"}
        | {"logits": {0: "rows"}},
    )


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    kept: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **SPECIAL)
    kept.save_pretrained(folder)


def make_embedded(folder: Path, tokenizer: Tokenizer) -> None:
    save_tokenizer(tokenizer, folder)
    ids, hidden, roles = torch.full((1, 12), 7), torch.zeros((2, 12, WIDTH)), torch.zeros((2, 12), dtype=torch.long)
    export(Lower(tokenizer), (ids,), folder / "lower.onnx", ["ids"], ["hidden", "tags", "relevance"])
    markers = torch.tensor([[1, 5]] * 2)
    upper = ["hidden", "roles", "markers"]
    export(Upper(), (hidden, roles, markers), folder / "upper.onnx", upper, ["stance", "mentions"])
    names = ("lower.onnx", "upper.onnx", "tokenizer.json", "tokenizer_config.json")
    weights = {"sentence": 1.0, "another": 0.0, "mentions": 0.0, "name": 0.0, "registered": 0.0}
    calibration = {"weights": weights, "intercept": 0.0, "threshold": 0.97}
    settings = {
        "version": "tiny-1",
        "marker": tokenizer.token_to_id(MARKER),
        "own": calibration,
        "alleged": calibration,
        "relevance": 0.3,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")


def make_nli(folder: Path, tokenizer: Tokenizer) -> None:
    save_tokenizer(tokenizer, folder)
    labels = {0: "contradiction", 1: "neutral", 2: "entailment"}
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=WIDTH,
        max_position_embeddings=514,
        id2label=labels,
        label2id={name: index for index, name in labels.items()},
        attn_implementation="eager",
    )
    model = BertForSequenceClassification(config)
    spread_out(model.eval(), tokenizer)
    config.save_pretrained(folder)
    ones = torch.ones((2, 12), dtype=torch.long)
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    export(Logits(model), (ones, ones, ones), folder / "model.onnx", inputs, ["logits"])
    fix_length(folder / "model.onnx", folder / "fixed_length.onnx")


def fix_length(graph: Path, fixed: Path) -> None:
    """The graph as some exporters leave it: for one length only."""
    model = onnx.load(str(graph))
    for given in model.graph.input:
        given.type.tensor_type.shape.dim[1].dim_value = FIXED_LENGTH
    onnx.save(model, str(fixed))


@torch.no_grad()
def spread_out(model: Any, tokenizer: Tokenizer) -> None:
    """As initialised, every pair gets nearly the same answer; scale the logits to mean 0, deviation 2."""
    for name, weights in model.bert.named_parameters():
        if "LayerNorm" not in name:
            weights.mul_(8)
    texts = [tokenizer.encode(body[:400], "A hypothesis.") for body in islice(articles(), 64)]
    encoded = [(torch.tensor([text.ids]), torch.tensor([text.type_ids])) for text in texts]
    logits = torch.cat([model(input_ids=ids, token_type_ids=types).logits for ids, types in encoded])
    scale = 2 / logits.std(0)
    model.classifier.bias.copy_((model.classifier.bias - logits.mean(0)) * scale)
    model.classifier.weight.mul_(scale[:, None])


class Logits(nn.Module):
    """The logits alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        logits: Tensor = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).logits
        return logits


if __name__ == "__main__":
    main()
