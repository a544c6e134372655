"""What an event's schema may not do between two versions of it: see "Compatibility" in `shared/events.py`."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_WORDS_ONLY = frozenset({"title", "description", "default", "$schema", "$id", "$defs", "examples"})


def breaks(old: Schema, new: Schema) -> list[str]:
    """Each field that readers of one of the versions would miss or misread in events of the other."""
    return list(_breaks(_inlined(old, old), _inlined(new, new), ""))


def _breaks(old: Any, new: Any, where: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            here = f"{where}/{name}"
            if name not in new:
                yield f"{here} is gone"
            elif name in old:
                yield from _breaks(old[name], new[name], here)
            elif not where.endswith("/properties"):
                yield f"{here} is new"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _breaks(before, after, f"{where}/{number}")
    elif old != new:
        yield f"{where} was {old} and is {new}"


def _inlined(part: Any, whole: Schema) -> Any:
    """Without references, and without what only people read. Fields named like those words are kept."""
    if isinstance(part, list):
        return [_inlined(each, whole) for each in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        return _inlined(whole["$defs"][part["$ref"].removeprefix("#/$defs/")], whole)
    found = {name: _inlined(each, whole) for name, each in part.items() if name not in _WORDS_ONLY}
    if "properties" in part:
        found["properties"] = {name: _inlined(each, whole) for name, each in part["properties"].items()}
    if "required" in part:
        found["required"] = sorted(part["required"])
    return found
