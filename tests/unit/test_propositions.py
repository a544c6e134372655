"""Axes as configuration."""

import re

import pytest

from shared.events import Basis
from stance_service.actors.registry import Registry
from stance_service.axes import built_in_propositions
from stance_service.classifiers.prompt import messages
from stance_service.classifiers.verify import Verifier, read_answer
from stance_service.propositions import MAX_AXES, PropositionError, parse
from tests.classifiers import text

AXIS = 'safety: {question: Regulate AI, "+1": "{actor} wants rules.", "-1": "{actor} wants no rules."}'
SHOWN = '{actor: A, kind: person, polarity: "+1", basis: alleged}'
SEVEN = {"en", "de", "fr", "es", "it", "pt", "nl"}


def test_the_built_in_axes_are_worded_in_seven_languages() -> None:
    axes = built_in_propositions()
    assert list(axes.axes) == ["openness", "profit"]
    assert all(set(wording.proposition) == SEVEN for _, _, wording in axes)
    assert all(wording.includes for _, _, wording in axes)


def test_an_axis_joins_the_built_in_ones() -> None:
    axes = parse(AXIS, "axes.yaml").over(built_in_propositions())
    assert [(name, polarity) for name, polarity, _ in axes][-2:] == [("safety", 1), ("safety", -1)]
    assert axes.beyond(built_in_propositions()) == ["safety"]


def test_a_rewording_replaces_the_built_in_axis_and_changes_the_digest() -> None:
    axes = parse(AXIS.replace("safety", "profit"), "axes.yaml").over(built_in_propositions())
    assert axes.axes["profit"].question == "Regulate AI"
    assert axes.beyond(built_in_propositions()) == ["profit"]
    assert axes.digest != built_in_propositions().digest


def test_other_examples_leave_an_axis_what_it_means_and_change_the_digest() -> None:
    plain = parse(AXIS, "f")
    exemplified = parse(AXIS[:-1] + ", examples: [{sentence: Ada Vexholm wants no law.}]}", "f")
    assert exemplified.beyond(plain) == []
    assert exemplified.digest != plain.digest


def test_a_language_without_a_wording_reads_the_english_one_else_the_first() -> None:
    worded = '"+1": {proposition: {nl: "{actor} wil regels.", en: "{actor} wants rules."}}'
    axis = parse(f'a: {{question: q, {worded}, "-1": {{proposition: {{nl: "{{actor}} niet."}}}}}}', "f").axes["a"]
    assert axis.wording(1).about("Meta", "nl") == "Meta wil regels."
    assert axis.wording(1).about("Meta", "fr") == "Meta wants rules."
    assert axis.wording(-1).about("Meta", "fr") == "Meta niet."


def test_a_name_with_braces_is_a_name() -> None:
    assert parse(AXIS, "f").axes["safety"].wording(1).about("{actor} & {0}", "en") == "{actor} & {0} wants rules."


def test_the_examples_of_the_built_in_axes_are_told_as_the_model_is_to_answer() -> None:
    axes = built_in_propositions()
    (system, _) = messages(text("Body."), [(0, 5)], axes)
    article, answer = re.findall(r"An article that says\n(.*)\nis answered\n(.*)", system["content"])[0]
    verifier = Verifier(text(article), axes.axes, Registry.shipped())
    found = verifier.judgements([(read_answer(answer), [(0, len(article))])])
    assert not verifier.dropped
    assert {(j.axis, j.polarity) for j in found} == {(name, polarity) for name, polarity, _ in axes}
    assert {j.basis for j in found} == set(Basis)


def test_an_axis_may_do_without_examples() -> None:
    (system, _) = messages(text("Body."), [(0, 5)], parse(AXIS, "f"))
    assert "Answer with one JSON object and nothing else.\n" in system["content"]


def test_an_empty_file_adds_nothing() -> None:
    assert not parse("# nothing\n", "axes.yaml").axes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "file: "),
        ("safety", "file: "),
        ("{", "not YAML"),
        (AXIS + "\n" + AXIS, "safety given twice"),
        (AXIS.replace("safety", "Safety!"), r"Safety!\.\[key\]: .*\^\[a-z\]"),
        (AXIS.replace('"-1"', '"0"'), r"safety\.-1: Field required.*safety\.0: Extra inputs"),
        (AXIS.replace("question: Regulate AI, ", ""), r"safety\.question: Field required"),
        (AXIS.replace("{actor} wants no", "They want no"), r"must hold \{actor\} once"),
        (AXIS.replace("{actor} wants no", "{actor} {other}"), "no other braces"),
        (AXIS.replace('"{actor} wants no rules."', '{proposition: {english: "{actor} x"}}'), "no language.*en, de, fr"),
        (AXIS.replace('"{actor} wants no rules."', "{proposition: {}}"), "at least 1 item"),
        (AXIS.replace('"{actor} wants no rules."', "[]"), r"safety\.-1"),
        (AXIS.replace("rules.", "rules." + "x" * 1000), "longer than 1000"),
        (AXIS[:-1] + ", examples: [{}]}", r"safety\.examples\.0\.sentence: Field required"),
        (AXIS[:-1] + ", examples: [{sentence: s, shows: [" + SHOWN + "]}]}", "alleged_by is given with"),
    ],
)
def test_what_is_wrong_is_refused_naming_the_file_and_what_is_allowed(content: str, said: str) -> None:
    with pytest.raises(PropositionError, match=said) as refused:
        parse(content, "axes.yaml")
    assert str(refused.value).startswith("axes.yaml: ")


def test_the_number_of_axes_is_bounded() -> None:
    many = "\n".join(AXIS.replace("safety", f"axis{k}") for k in range(MAX_AXES))
    with pytest.raises(PropositionError, match=f"at most {MAX_AXES}"):
        parse(many, "axes.yaml").over(built_in_propositions())
