"""Tables and networks, read back by the programs that they are for."""

import csv
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import networkx
import polars
import pytest

from shared.events import Basis, Observation, Withdrawal
from stance_service.belief import Parameters
from stance_service.exports import tables
from stance_service.exports.formats import NETWORK_FORMATS, TABLE_FORMATS, ExportError
from stance_service.exports.tables import TABLES, Row, Wanted
from stance_service.timeline import fold
from tests.alerting.changes import change
from tests.stances import observation, withdrawal

RECORDS: dict[str, list[Observation | Withdrawal]] = {
    "openai": [
        observation(-1, "2016-05", article="old", evidence='Said "never", and\nmeant it; 100 %.'),
        observation(+1, published="2024-03-13"),
        observation(+1, article="critic", basis=Basis.ALLEGED),
        observation(+1, article="gone", published="2024-05-01"),
        withdrawal("gone"),
    ]
}
NOW = Wanted()


def rows(table: str, wanted: Wanted = NOW) -> list[Row]:
    observations = tables.observations(RECORDS, Parameters(), wanted)
    if table == "edges":
        return list(tables.edges(observations))
    if table == "positions":
        return list(tables.positions(fold(RECORDS["openai"]).values(), wanted))
    return list(observations) if table == "observations" else list(tables.changes([change()], wanted))


def written(table: str, form: str, folder: Path) -> Path:
    path = folder / "out"
    {**TABLE_FORMATS, **NETWORK_FORMATS}[form](rows(table), TABLES[table], path)
    return path


@pytest.mark.parametrize("table", TABLES)
def test_all_formats_hold_the_same_documented_columns(table: str, tmp_path: Path) -> None:
    names = [each.name for each in TABLES[table]]
    assert all(row.keys() >= set(names) for row in rows(table))
    with written(table, "csv", tmp_path).open(newline="") as file:
        in_csv = list(csv.DictReader(file))
    in_jsonl = [json.loads(line) for line in written(table, "jsonl", tmp_path).read_text().splitlines()]
    in_parquet = polars.read_parquet(written(table, "parquet", tmp_path))
    assert list(in_csv[0]) == list(in_jsonl[0]) == in_parquet.columns == names
    assert len(in_csv) == len(in_jsonl) == len(in_parquet) == len(rows(table))
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in in_jsonl] == in_csv


def test_parquet_keeps_types(tmp_path: Path) -> None:
    first = polars.read_parquet(written("observations", "parquet", tmp_path)).row(0, named=True)
    assert first["published_at"] == datetime(2024, 3, 13, tzinfo=UTC)
    assert (first["polarity"], first["confidence"], first["counts"]) == (-1, 0.9, True)
    assert first["date"] == date(2016, 5, 16)
    assert first["evidence"] == 'Said "never", and\nmeant it; 100 %.'


def test_parquet_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ExportError, match=r"pip install 'stancewatch\[parquet\]'"):
        written("changes", "parquet", tmp_path)


def test_nothing_is_a_table_without_rows(tmp_path: Path) -> None:
    for form, write in TABLE_FORMATS.items():
        write([], TABLES["changes"], tmp_path / form)
    assert len(polars.read_parquet(tmp_path / "parquet")) == 0
    assert (tmp_path / "csv").read_text().strip() == ",".join(each.name for each in TABLES["changes"])


def test_what_counts_is_told_apart_from_what_is_alleged_or_withdrawn() -> None:
    told = [(row["basis"], row["counts"], row["independent"]) for row in rows("observations")]
    assert told == [("stated", True, True), ("stated", True, True), ("alleged", True, False), ("stated", False, False)]


def test_a_time_selects_what_held_then_and_what_was_shown_until_then() -> None:
    then = Wanted(as_of=datetime(2020, 1, 1, tzinfo=UTC))
    assert [row["polarity"] for row in rows("positions", then)] == [-1]
    assert [row["held_at"] for row in rows("observations", then)] == ["2016-05"]
    assert rows("changes", then) == []
    assert rows("observations", Wanted("profit")) == []


def test_networkx_reads_the_network_with_its_attributes(tmp_path: Path) -> None:
    graph = networkx.read_graphml(written("edges", "graphml", tmp_path), force_multigraph=True)
    assert dict(graph.nodes(data="kind")) == {"openai": "actor", "openness": "concept"}
    edges = [data for _, _, data in graph.edges(data=True)]
    assert [(each["agreement"], each["date"], each["weight"]) for each in edges] == [
        (0, "2016-05-16", 0.9),
        (1, "2024-03-13", 0.9),
    ]


def test_an_actor_that_is_called_like_a_concept_is_one_node_with_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    NETWORK_FORMATS["graphml"]([row | {"source": "openness"} for row in rows("edges")], TABLES["edges"], path)
    assert path.read_text().count("<node ") == 1
    assert networkx.read_graphml(path).nodes(data="kind")["openness"] == "actor"


def test_what_xml_has_no_place_for_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "out"
    odd = [row | {"evidence": "\x01a\tb\r\nc\ufffe\uffff"} for row in rows("edges")[:1]]
    NETWORK_FORMATS["graphml"](odd, TABLES["edges"], path)
    ((_, _, evidence),) = networkx.read_graphml(path).edges(data="evidence")
    assert evidence == "a\tb\nc"


def test_network_programs_find_the_columns_that_they_look_for(tmp_path: Path) -> None:
    with written("edges", "csv", tmp_path).open(newline="") as file:
        edges = list(csv.DictReader(file))
    graph = networkx.MultiGraph()
    graph.add_edges_from((each["source"], each["target"], {"weight": float(each["weight"])}) for each in edges)
    assert graph.number_of_edges("openai", "openness") == 2
    assert {each["type"] for each in edges} == {"undirected"}


def test_statements_for_the_discourse_network_analyzer_have_its_variables(tmp_path: Path) -> None:
    with written("edges", "dna", tmp_path).open(newline="") as file:
        first, second = csv.DictReader(file, delimiter=";")
    assert (first["organization"], first["concept"], first["agreement"]) == ("openai", "openness", "0")
    assert (first["time"], second["time"]) == ("2016-05-16 00:00:00", "2024-03-13 00:00:00")
    assert (second["document title"], second["document ID"]) == ("Article a", "2")
    assert first["text"] == "Said 'never', and\nmeant it, 100 %.", "as that program writes separators"
