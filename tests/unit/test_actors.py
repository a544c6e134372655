"""From names in a text to actors, and the registry of those known."""

import time
from pathlib import Path

import pytest

from stance_service.actors.names import CastMember, Kind, NameSpan, cast_of, plain_name
from stance_service.actors.registry import RegisteredActor, Registry, RegistryError, parse

NOBODY = Registry()
SHIPPED = Registry.shipped()
PERSON, FIRM = Kind.PERSON, Kind.ORGANISATION


def cast(*names: tuple[str, Kind], registry: Registry = NOBODY) -> list[CastMember]:
    return cast_of((NameSpan(k, 0, len(n), n, kind) for k, (n, kind) in enumerate(names)), registry)


def slugs(*names: tuple[str, Kind], registry: Registry = NOBODY) -> dict[str, list[str]]:
    return {m.slug: [s.text for s in m.spans] for m in cast(*names, registry=registry)}


@pytest.mark.parametrize(
    ("text", "kind", "plain"),
    [
        ("OpenAI's", FIRM, "OpenAI"),
        ("the Allen Institute", FIRM, "Allen Institute"),
        ("Quarrystone, Inc.", FIRM, "Quarrystone"),
        ("Kornmark GmbH", FIRM, "Kornmark"),
        ("l’Institut Vauban", FIRM, "Institut Vauban"),
        ("Traghetti Conero S.p.A.", FIRM, "Traghetti Conero"),
        ("De Oversteek", FIRM, "Oversteek"),
        ("“Meta”,", FIRM, "Meta"),
        ("The", FIRM, "The"),
        ("Dr. Ada Vexholm", PERSON, "Ada Vexholm"),
        ("Frau Professor Thorwald’s", PERSON, "Thorwald"),
        ("Senhora Falcoeiro", PERSON, "Falcoeiro"),
        ("Mercedes", PERSON, "Mercedes"),
    ],
)
def test_a_name_loses_what_only_dresses_it(text: str, kind: Kind, plain: str) -> None:
    assert plain_name(text, kind) == plain


def test_a_surname_or_first_name_belongs_to_the_full_name() -> None:
    assert slugs(("Vexholm", PERSON), ("Ada Vexholm", PERSON), ("Ada", PERSON)) == {
        "ada-vexholm": ["Vexholm", "Ada Vexholm", "Ada"]
    }


def test_people_of_one_surname_stay_apart() -> None:
    assert set(slugs(("Ada Vexholm", PERSON), ("Tim Vexholm", PERSON))) == {"ada-vexholm", "tim-vexholm"}


@pytest.mark.parametrize("short", ["Nordlicht", "Nordlicht Labs Ltd", "NL", "Nordlichts"])
def test_a_short_form_belongs_to_the_organisation(short: str) -> None:
    assert list(slugs(("Nordlicht Labs", FIRM), (short, FIRM))) == ["nordlicht-labs"]


def test_a_person_is_not_the_firm_of_the_same_name() -> None:
    assert set(slugs(("Ferrand Systems", FIRM), ("Luc Ferrand", PERSON), ("Ferrand", PERSON))) == {
        "ferrand-systems",
        "luc-ferrand",
    }


def test_registered_aliases_are_one_actor_under_its_slug() -> None:
    (member,) = cast(("Meta Platforms", FIRM), ("META", FIRM), ("Meta", FIRM), registry=SHIPPED)
    assert (member.slug, member.name, len(member.spans)) == ("meta", "Meta", 3)


def test_a_registered_name_is_not_the_longer_name_around_it() -> None:
    assert set(slugs(("OpenAI", FIRM), ("OpenAI Workers Council", FIRM), registry=SHIPPED)) == {
        "openai",
        "openai-workers-council",
    }


def test_a_known_surname_belongs_to_whom_the_article_names_in_full() -> None:
    assert slugs(("Musk", PERSON), registry=SHIPPED) == {"elon-musk": ["Musk"]}
    assert list(slugs(("Ruth Musk", PERSON), ("Musk", PERSON), registry=SHIPPED)) == ["ruth-musk"]


def test_the_most_often_named_comes_first_and_every_span_has_one_owner() -> None:
    found = cast(("Meta", FIRM), ("Ada Vexholm", PERSON), ("Vexholm", PERSON), ("...", FIRM))
    assert [m.slug for m in found] == ["ada-vexholm", "meta"]
    assert sorted(s.sentence for m in found for s in m.spans) == [0, 1, 2]


def test_a_run_of_capitalised_words_is_no_name() -> None:
    assert cast((" ".join(["WORD"] * 40), FIRM)) == []


def test_thousands_of_names_are_cast_in_a_moment() -> None:
    began = time.process_time()
    assert len(cast(*((f"Actor{k} Vexholm{k}", PERSON) for k in range(5000)))) == 5000
    assert time.process_time() - began < 5


def test_a_name_is_found_whatever_its_case_accents_and_hyphens() -> None:
    registry = Registry([RegisteredActor(name="Société Générale", kind="organisation", aliases=("SocGen",))])
    for name in ("societe-generale", "SOCIÉTÉ GÉNÉRALE", "socgen"):
        found = registry.find(name)
        assert found is not None
        assert found.slug == "societe-generale"
    assert registry.find("Générale") is None


def test_the_shipped_registry_has_ids_that_fit_their_form() -> None:
    assert len(SHIPPED.by_slug) >= 150
    for slug in ("openai", "elon-musk", "hugging-face", "yann-lecun", "european-commission"):
        assert slug in SHIPPED.by_slug
    ids = [a.wikidata for a in SHIPPED.by_slug.values() if a.wikidata]
    assert len(ids) == len(set(ids))


def test_a_users_entry_replaces_the_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "actors.yaml"
    file.write_text(
        "- {name: OpenAI, kind: organisation, aliases: [OAI]}\n"
        "- {name: Quarrystone, kind: organisation, founded: 1999}\n"
    )
    registry = Registry.shipped(file)
    found = registry.find("OAI")
    assert found is not None
    assert found.slug == "openai"
    assert registry.find("Open AI") is None
    assert registry.by_slug["quarrystone"].founded == "1999"
    assert len(registry.by_slug) == len(SHIPPED.by_slug) + 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- {name: A, kind: robot}", "kind"),
        ("- {kind: person}", "name"),
        ("- {name: A, kind: person, wikidata: 12}", "wikidata"),
        ("- {name: A, kind: person, founded: someday}", "founded"),
        ("- {name: A, kind: person, colour: red}", "colour"),
        ("name: A", "list"),
        ("- {", "flow"),
    ],
)
def test_a_wrong_entry_is_refused_naming_file_and_field(content: str, said: str) -> None:
    with pytest.raises(RegistryError, match=said) as refused:
        parse(content, "mine.yaml")
    assert str(refused.value).startswith("mine.yaml: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"none\.yaml"):
        Registry.shipped(tmp_path / "none.yaml")


def test_a_name_of_two_actors_is_refused() -> None:
    actors = [RegisteredActor(name=n, kind="organisation", aliases=("NL",)) for n in ("Nordlicht", "Neuland")]
    with pytest.raises(RegistryError, match="'NL' names both 'nordlicht' and 'neuland'"):
        Registry(actors)
    with pytest.raises(RegistryError, match="two actors have the slug"):
        Registry([actors[0], actors[0]])
