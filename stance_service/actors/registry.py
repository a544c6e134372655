"""The actors that a user registered: slug, names and aliases, kind, Wikidata id, founding date."""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import PermanentError
from shared.events import PartialDate, Slug
from shared.ids import slug


class RegistryError(PermanentError):
    """A registry file that cannot be used; names the file and what is wrong."""


class RegisteredActor(BaseModel):
    """One entry of `actors.yaml`. The slug is derived from `name` unless given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    slug: Slug = ""
    kind: Literal["person", "organisation"]
    aliases: tuple[str, ...] = ()
    wikidata: Annotated[str, Field(pattern=r"^Q\d+$")] | None = None
    founded: PartialDate | None = None
    tags: tuple[str, ...] = ()

    def model_post_init(self, _: object) -> None:
        if not self.slug:
            object.__setattr__(self, "slug", slug(self.name))


_ENTRIES = TypeAdapter(list[RegisteredActor])


class Registry:
    """Names to registered actors; a name that two actors share is refused."""

    def __init__(self, actors: Iterable[RegisteredActor] = ()) -> None:
        self.by_slug: dict[str, RegisteredActor] = {}
        self._by_name: dict[str, RegisteredActor] = {}
        for actor in actors:
            if actor.slug in self.by_slug:
                raise RegistryError(f"two actors have the slug {actor.slug!r}")
            self.by_slug[actor.slug] = actor
            for name in (actor.name, *actor.aliases):
                other = self._by_name.setdefault(slug(name), actor)
                if other is not actor:
                    raise RegistryError(f"{name!r} names both {other.slug!r} and {actor.slug!r}")

    def find(self, name: str) -> RegisteredActor | None:
        """The actor of this exact name or alias, whatever its case, accents and hyphens."""
        return self._by_name.get(slug(name))

    @classmethod
    def shipped(cls, more: Path | None = None) -> Self:
        """The actors that come with the code; entries of the file `more` replace those of the same slug."""
        shipped = resources.files("stance_service.actors").joinpath("actors.yaml").read_text(encoding="utf-8")
        found = {actor.slug: actor for actor in parse(shipped, "actors.yaml")}
        if more is not None:
            try:
                text = more.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise RegistryError(f"{more}: {error}") from error
            found |= {actor.slug: actor for actor in parse(text, str(more))}
        return cls(found.values())


def parse(text: str, where: str) -> list[RegisteredActor]:
    """The entries of a registry file; raises RegistryError naming `where`."""
    try:
        return _ENTRIES.validate_python(yaml.load(text, Loader=yaml.BaseLoader) or [])  # noqa: S506 (strings only)
    except (yaml.YAMLError, ValidationError) as error:
        raise RegistryError(f"{where}: {error}") from error
