"""YAML of which every scalar is a string."""

from typing import Any

import yaml


class Strings(yaml.BaseLoader):
    """Refuses the same key twice: the first value would be lost in silence."""


def _mapping(loader: Strings, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value]
    if twice := {str(key) for key in keys if keys.count(key) > 1}:
        raise yaml.constructor.ConstructorError(
            problem=f"{', '.join(sorted(twice))} given twice", problem_mark=node.start_mark
        )
    return yaml.BaseLoader.construct_mapping(loader, node, deep=True)


Strings.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
