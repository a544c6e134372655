"""A file of rules and channels, read or refused with the line, the field and what is allowed. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from shared.errors import PermanentError
from shared.events import Axis
from stance_service.alerts.rules import Name, Part, QuietHours, Rule, Tags
from stance_service.alerts.specs import SPECS, ChannelSpec
from stance_service.yaml_strings import Strings

Path = tuple[str | int, ...]


class RulesError(PermanentError):
    """A file of rules that cannot be used; each line of the message names one problem."""


class Rulebook(Part):
    """What is sent where. Rules are in the order of the file."""

    channels: Annotated[Mapping[Name, ChannelSpec], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Known:
    """What rules may refer to."""

    axes: Set[Axis]
    tags: Tags


def parse(text: str, where: str, known: Known) -> Rulebook:
    """The rules of a file; raises RulesError naming `where`."""
    try:
        root = yaml.compose(text, Loader=Strings)
        content = yaml.load(text, Loader=Strings)  # noqa: S506 (strings only)
    except (yaml.YAMLError, RecursionError) as error:
        raise RulesError(f"{where}: not YAML: {error}") from error
    try:
        book = Rulebook.model_validate(content)
    except ValidationError as error:
        problems = [(each["loc"], _said(each)) for each in error.errors(include_url=False)]
        raise RulesError(_told(where, root, problems)) from error
    if problems := list(_unknown(book, known)):
        raise RulesError(_told(where, root, problems))
    return book


def _unknown(book: Rulebook, known: Known) -> Iterator[tuple[Path, str]]:
    """References to what isn't there, and names given twice."""
    names = Counter(rule.name for rule in book.rules)
    tags = frozenset().union(*known.tags.values())
    for number, rule in enumerate(book.rules):
        here = ("rules", number)
        if names[rule.name] > 1:
            yield (*here, "name"), f"{rule.name!r} names {names[rule.name]} rules"
        for field, given, allowed in (
            ("channels", rule.channels, book.channels.keys()),
            ("axes", rule.axes, known.axes),
            ("tags", rule.tags, tags),
        ):
            for value in sorted(given - allowed):
                named = ", ".join(sorted(allowed)) or "none, as no actor of the registry has any (STANCE_REGISTRY)"
                yield (*here, field), f"there is no {value!r}; allowed are {named}"


def _said(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        allowed = sorted(field.alias or name for name, field in _part(error["loc"]).model_fields.items())
        return f"is no field; allowed are {', '.join(allowed)}"
    return f"{error['msg']}, not {error['input']!r}" if isinstance(error["input"], str) else str(error["msg"])


def _part(path: Path) -> type[Part]:
    match path:
        case ("channels", _, str(kind), _):
            return SPECS[kind]
        case ("rules", int(), "quiet", _):
            return QuietHours
        case ("rules", int(), _):
            return Rule
        case _:
            return Rulebook


def _told(where: str, root: yaml.Node | None, problems: list[tuple[Path, str]]) -> str:
    return "\n".join(
        f"{where}, line {_line(root, path)}: {'.'.join(map(str, path)) or 'file'}: {said}" for path, said in problems
    )


def _line(node: yaml.Node | None, path: Path) -> int:
    """Of the part at the path, or of the last part on the way there that the file has."""
    line = node.start_mark.line if node else 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if found:  # the kind of a channel is a step, but no part of the file
                line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
    return line + 1
