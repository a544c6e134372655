"""Model directories that are not as they should be, and settings that name none: one clear error each."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import PermanentError
from stance_service import build
from stance_service.classifiers.base import ModelError
from stance_service.classifiers.directory import DirectoryClassifier
from stance_service.classifiers.embedded import EmbeddedClassifier
from stance_service.classifiers.nli import NliModel
from stance_service.propositions import PropositionError
from stance_service.settings import ClassifierSettings
from tests.classifiers import NLI, REGISTRY, TINY, text

PAIR = ("Meta publishes its weights.", "Meta is open.")


@pytest.fixture
def embedded(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "embedded"))


@pytest.fixture
def nli(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NLI, tmp_path / "nli"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ClassifierSettings.model_fields:
        monkeypatch.delenv(f"STANCE_{field.upper()}", raising=False)


def settings(**given: Any) -> ClassifierSettings:
    return ClassifierSettings(**given)


def edited(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize("name", ["lower.onnx", "upper.onnx", "tokenizer.json"])
def test_an_altered_file_of_the_embedded_model_is_named_with_its_checksum(embedded: Path, name: str) -> None:
    with (embedded / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelError, match=rf"{name}: checksum [0-9a-f]{{64}} is not"):
        EmbeddedClassifier(REGISTRY, embedded)


@pytest.mark.parametrize("name", ["lower.onnx", "tokenizer_config.json"])
def test_a_missing_file_of_the_embedded_model_is_named(embedded: Path, name: str) -> None:
    (embedded / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: missing"):
        EmbeddedClassifier(REGISTRY, embedded)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"version": 3}'])
def test_settings_of_an_embedded_model_that_make_no_sense_are_named(embedded: Path, content: str | None) -> None:
    (embedded / "config.json").unlink()
    if content is not None:
        (embedded / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json: no usable model settings"):
        EmbeddedClassifier(REGISTRY, embedded)


@pytest.fixture
def with_german(embedded: Path) -> Path:
    """Takes everything for a position, but for German, which has a network of its own that finds none."""
    calibration = json.loads((embedded / "config.json").read_text())["own"]
    own = Path(shutil.copytree(embedded, embedded / "de"))
    for folder, threshold in ((embedded, 0.0), (own, 2.0)):
        edited(folder, **dict.fromkeys(("own", "alleged"), calibration | {"threshold": threshold}))
    edited(embedded, languages=["de"])
    edited(own, version="tiny-de")
    return embedded


def test_articles_of_a_language_with_a_network_of_its_own_are_read_by_that(with_german: Path) -> None:
    body = "Meta publishes its weights. Nordlicht refuses. Quarrystone sells licences to Pellworm."
    dutch, german = EmbeddedClassifier(REGISTRY, with_german).classify([text(body, "nl"), text(body, "de")])
    assert dutch
    assert german == []


def test_the_version_names_the_networks_of_all_languages(with_german: Path) -> None:
    assert EmbeddedClassifier(REGISTRY, with_german).version == "tiny-1,de:tiny-de"


def test_a_missing_network_of_a_language_is_named(with_german: Path) -> None:
    shutil.rmtree(with_german / "de")
    with pytest.raises(ModelError, match=r"de/config\.json: no usable model settings"):
        EmbeddedClassifier(REGISTRY, with_german)


def test_a_directory_model_gives_the_same_probability_alone_and_in_any_article() -> None:
    model = NliModel(str(NLI))
    assert model.entailment([PAIR]) == model.entailment([PAIR])
    assert model.entailment([]) == []
    assert 0 < model.entailment([PAIR])[0] < 1


def test_a_premise_beyond_the_model_is_cut() -> None:
    assert len(NliModel(str(NLI)).entailment([("word " * 20_000, PAIR[1])])) == 1


def test_a_graph_of_one_length_answers_as_one_of_any_length_does(nli: Path) -> None:
    any_length = NliModel(str(nli)).entailment([PAIR])
    shutil.copy(nli / "fixed_length.onnx", nli / "model.onnx")
    model = NliModel(str(nli))
    assert model.entailment([PAIR]) == pytest.approx(any_length)
    assert len(model.entailment([("word " * 20_000, PAIR[1])])) == 1


def test_label_order_is_read_from_the_configuration(nli: Path) -> None:
    first = NliModel(str(nli)).entailment([PAIR])
    edited(nli, id2label={"0": "ENTAILMENT", "1": "neutral", "2": "Contradiction"})
    assert NliModel(str(nli)).entailment([PAIR]) != first


def onnx_cut(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:5000])


def no_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_tokenizer, "no tokenizer"),
        (lambda f: (f / "tokenizer.json").write_text("{"), "no usable tokenizer"),
        (
            lambda f: (f / "model.onnx").unlink(),
            r"no model file; it must hold model\.onnx or, with the extra \[torch\]",
        ),
        (onnx_cut, r"model\.onnx: not a model that onnxruntime can load"),
        (lambda f: (f / "config.json").unlink(), r"config\.json: no usable model configuration"),
        (lambda f: (f / "config.json").write_text("[]"), "holds no JSON object"),
        (lambda f: edited(f, id2label={"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}), "no NLI labels"),
        (lambda f: edited(f, id2label=None), "no NLI labels"),
        (lambda f: edited(f, id2label={"0": "entailment", "1": "not_entailment"}), "names 2 labels"),
    ],
)
def test_a_directory_that_holds_no_nli_model_is_told_what_it_lacks(
    nli: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(nli)
    with pytest.raises(ModelError, match=said):
        NliModel(str(nli))


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c", "two words", "../.."])
def test_what_is_neither_a_directory_nor_a_hub_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="STANCE_NLI_MODEL"):
        NliModel(name if name != "../.." else str(tmp_path / "none"))


def test_weights_for_torch_work_with_torch_and_name_the_extra_without(nli: Path) -> None:
    (nli / "model.onnx").unlink()
    (nli / "model.safetensors").write_bytes(b"\0" * 8)
    try:
        import torch  # noqa: F401
    except ImportError:
        with pytest.raises(ModelError, match=r"stancewatch\[torch\]"):
            NliModel(str(nli))
        return
    from transformers import BertConfig, BertForSequenceClassification

    BertForSequenceClassification(BertConfig.from_pretrained(nli)).save_pretrained(nli)
    assert 0 < NliModel(str(nli)).entailment([PAIR])[0] < 1


def test_other_weights_or_wording_are_another_version(nli: Path, tmp_path: Path) -> None:
    file = tmp_path / "axes.yaml"
    file.write_text('safety: {question: Regulate, "+1": "{actor} wants rules.", "-1": "{actor} wants no rules."}')
    common = {"classifier": "directory", "model_dir": TINY, "nli_model": str(nli)}
    plain, worded = settings(**common), settings(**common, propositions=file)
    versions = [build.classifier(plain).version, build.classifier(worded).version]
    edited(nli, comment="changed")
    versions.append(build.classifier(plain).version)
    assert len(set(versions)) == 3


def test_an_axis_of_ones_own_is_judged_by_a_directory_model(tmp_path: Path) -> None:
    file = tmp_path / "axes.yaml"
    file.write_text('safety: {question: Regulate, "+1": "{actor} wants rules.", "-1": "{actor} wants no rules."}')
    classifier = build.classifier(
        settings(classifier="directory", model_dir=TINY, nli_model=str(NLI), nli_threshold=0.0, propositions=file)
    )
    assert isinstance(classifier, DirectoryClassifier)
    (found,) = classifier.classify([text("Meta and Vexholm argued about rules.")])
    assert {j.axis for j in found} == {"openness", "profit", "safety"}


@pytest.mark.parametrize("backend", ["embedded", "cascade"])
@pytest.mark.parametrize("axis", ["safety", "profit"])
def test_the_embedded_model_says_that_it_knows_its_own_axes_only(tmp_path: Path, backend: str, axis: str) -> None:
    file = tmp_path / "axes.yaml"
    file.write_text(f'{axis}: {{question: Regulate, "+1": "{{actor}} wants rules.", "-1": "{{actor}} wants none."}}')
    with pytest.raises(PropositionError, match=f"can't judge {axis}; set STANCE_CLASSIFIER to directory or chat"):
        build.classifier(settings(classifier=backend, model_dir=TINY, propositions=file))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"classifier": "directory"}, "STANCE_NLI_MODEL"),
        ({"classifier": "chat"}, "STANCE_CHAT_BASE_URL"),
        ({"classifier": "chat", "chat_base_url": "http://localhost/v1"}, "STANCE_CHAT_MODEL"),
        ({"classifier": "cascade", "model_dir": TINY}, "STANCE_CHAT_BASE_URL"),
    ],
)
def test_a_setting_that_a_classifier_needs_is_named(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=f"{named} is not set"):
        build.classifier(settings(**given))


def test_the_key_comes_from_a_file_or_the_environment_never_both(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hush\n")
    common = {"classifier": "chat", "chat_base_url": "http://localhost/v1", "chat_model": "m"}
    found: Any = build.classifier(settings(**common, chat_api_key_file=file))
    assert found.endpoint.settings.api_key.get_secret_value() == "hush"
    with pytest.raises(PermanentError, match="both set"):
        build.classifier(settings(**common, chat_api_key_file=file, chat_api_key="other"))
    with pytest.raises(PermanentError, match="STANCE_CHAT_API_KEY_FILE"):
        build.classifier(settings(**common, chat_api_key_file=tmp_path / "none"))
