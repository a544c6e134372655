"""The axes as configuration: for each, both polarities worded as propositions about an actor. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.errors import PermanentError
from shared.events import Axis, Polarity
from shared.ids import digest
from stance_service.yaml_strings import Strings

POLARITIES: Final[tuple[Polarity, Polarity]] = (1, -1)
MAX_AXES: Final = 20
MAX_CHARACTERS: Final = 1000

_PLACEHOLDER: Final = "{actor}"
_EVERY_LANGUAGE: Final = "en"
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
_FORM: Final = (
    'AXIS: {question: ..., "+1": {proposition: ..., includes: ...}, "-1": {proposition: ...}, '
    'examples: [{sentence: ..., shows: [{actor: ..., kind: person, polarity: "+1", basis: stated}]}]}'
)


_Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


class PropositionError(PermanentError):
    """Axes that cannot be used as worded; names the file, the axis and what is allowed."""


def _by_language(value: object) -> object:
    return {_EVERY_LANGUAGE: value} if isinstance(value, str) else value


def _with_proposition(value: object) -> object:
    return {"proposition": value} if isinstance(value, str) else value


class Wording(BaseModel):
    """One polarity of an axis: the claim that an actor of this polarity accepts, by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposition: Annotated[dict[str, str], BeforeValidator(_by_language), Field(min_length=1)]
    includes: Annotated[str, Field(max_length=MAX_CHARACTERS)] = ""

    @field_validator("proposition")
    @classmethod
    def _speaks_of_the_actor(cls, value: dict[str, str]) -> dict[str, str]:
        for language, text in value.items():
            if not _LANGUAGE.fullmatch(language):
                raise ValueError(f"{language!r} is no language; allowed are ISO 639 codes such as en, de, fr")
            if text.count(_PLACEHOLDER) != 1 or re.search(r"[{}]", text.replace(_PLACEHOLDER, "")):
                raise ValueError(f"{text!r} must hold {_PLACEHOLDER} once and no other braces")
            if len(text) > MAX_CHARACTERS:
                raise ValueError(f"the proposition in {language!r} is longer than {MAX_CHARACTERS} characters")
        return value

    def about(self, actor: str, language: str) -> str:
        """The claim about an actor, in the language if it is worded there, else in English, else as given first."""
        worded = self.proposition
        text = worded.get(language) or worded.get(_EVERY_LANGUAGE) or next(iter(worded.values()))
        return text.replace(_PLACEHOLDER, actor)


class Shown(BaseModel):
    """A position that an example shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: _Text
    kind: Literal["person", "organisation"]
    polarity: Literal["+1", "-1"]
    basis: Literal["stated", "acted", "alleged"]
    alleged_by: _Text | None = None

    @model_validator(mode="after")
    def _names_who_alleges(self) -> Self:
        if (self.basis == "alleged") != (self.alleged_by is not None):
            raise ValueError("alleged_by is given with the basis alleged, and only then")
        return self


class Example(BaseModel):
    """An invented sentence, and what it shows on its axis; nothing is an example too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentence: _Text
    shows: tuple[Shown, ...] = ()


class AxisWording(BaseModel):
    """An axis of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: _Text
    positive: Annotated[Wording, BeforeValidator(_with_proposition), Field(alias="+1")]
    negative: Annotated[Wording, BeforeValidator(_with_proposition), Field(alias="-1")]
    examples: tuple[Example, ...] = ()

    @property
    def meaning(self) -> tuple[str, Wording, Wording]:
        """What examples only make clearer."""
        return self.question, self.positive, self.negative

    def wording(self, polarity: Polarity) -> Wording:
        """How a polarity is worded."""
        return self.positive if polarity == 1 else self.negative


_FILE: Final = TypeAdapter(dict[Axis, AxisWording])


@dataclass(frozen=True)
class Propositions:
    """All axes by name, in the order of their files."""

    axes: Mapping[str, AxisWording]

    @property
    def digest(self) -> str:
        """Changes whenever a wording does; part of the version of what judges by it."""
        return digest("propositions", {name: axis.model_dump(by_alias=True) for name, axis in self.axes.items()})

    def __iter__(self) -> Iterator[tuple[str, Polarity, Wording]]:
        """(axis, polarity, wording), `+1` before `-1`."""
        for name, axis in self.axes.items():
            for polarity in POLARITIES:
                yield name, polarity, axis.wording(polarity)

    def over(self, built_in: "Propositions") -> "Propositions":
        """The built-in axes and these; these win where both word an axis."""
        axes = {**built_in.axes, **self.axes}
        if len(axes) > MAX_AXES:
            raise PropositionError(f"{len(axes)} axes; at most {MAX_AXES} are allowed, with those built in")
        return Propositions(axes)

    def beyond(self, built_in: "Propositions") -> list[str]:
        """The axes that `built_in` lacks or words otherwise, whatever their examples."""
        known = {name: axis.meaning for name, axis in built_in.axes.items()}
        return [name for name, axis in self.axes.items() if known.get(name) != axis.meaning]


def parse(text: str, where: str) -> Propositions:
    """The axes of a file; raises PropositionError naming `where`, the axis and what is allowed."""
    try:
        content: Any = yaml.load(text, Loader=Strings)  # noqa: S506 (strings only)
        return Propositions(_FILE.validate_python({} if content is None else content))
    except (yaml.YAMLError, RecursionError) as error:
        raise PropositionError(f"{where}: not YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise PropositionError(f"{where}: {wrong}. Allowed is {_FORM}") from error
