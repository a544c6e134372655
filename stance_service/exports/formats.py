"""Rows to files that other programs read."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from shared.errors import PermanentError
from stance_service.exports.tables import Column, Row

Write = Callable[[Iterable[Row], Sequence[Column], Path], None]
_GRAPHML: Final = "http://graphml.graphdrawing.org/xmlns"
_GRAPHML_TYPES: Final = {"integer": "int", "number": "double", "truth": "boolean"}
_DNA: Final = (
    "statement ID", "time", "document ID", "document title", "author", "source", "section", "type", "text",
    "person", "organization", "concept", "agreement",
)  # fmt: skip
_DNA_HAS_NO: Final = str.maketrans({";": ",", '"': "'"})


class ExportError(PermanentError):
    """There is no such export, or it can't be written here."""


def write_csv(rows: Iterable[Row], columns: Sequence[Column], path: Path) -> None:
    """RFC 4180, with a header; UTF-8. What is empty is an empty field."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([each.name for each in columns])
        writer.writerows([_plain(row.get(each.name)) for each in columns] for row in rows)


def write_jsonl(rows: Iterable[Row], columns: Sequence[Column], path: Path) -> None:
    """One object a line; what is empty is null."""
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            found = {each.name: _plain(row.get(each.name)) for each in columns}
            out.write(json.dumps(found, ensure_ascii=False) + "\n")


def write_parquet(rows: Iterable[Row], columns: Sequence[Column], path: Path) -> None:
    """With types of its own for instants and dates. Needs the extra `parquet`."""
    try:
        import polars  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ExportError(
            "Parquet needs the package polars: pip install 'stancewatch[parquet]'. csv and jsonl need nothing."
        ) from error
    types: dict[str, Any] = {
        "text": polars.String,
        "integer": polars.Int64,
        "number": polars.Float64,
        "truth": polars.Boolean,
        "instant": polars.Datetime("us", "UTC"),
        "date": polars.Date,
    }
    schema = {each.name: types[each.kind] for each in columns}
    found = [{each.name: row.get(each.name) for each in columns} for row in rows]
    polars.DataFrame(found, schema).write_parquet(path)


def write_graphml(rows: Iterable[Row], columns: Sequence[Column], path: Path) -> None:
    """An undirected graph of actors and concepts, an edge for each row; for Gephi and networkx."""
    attributes = [each for each in columns if each.name not in {"source", "target", "type"}]
    root = Element("graphml", xmlns=_GRAPHML)
    SubElement(root, "key", {"id": "kind", "for": "node", "attr.name": "kind", "attr.type": "string"})
    for each in attributes:
        kind = _GRAPHML_TYPES.get(each.kind, "string")
        SubElement(root, "key", {"id": each.name, "for": "edge", "attr.name": each.name, "attr.type": kind})
    graph = SubElement(root, "graph", edgedefault="undirected")
    found = list(rows)
    kinds = {row["target"]: "concept" for row in found} | {row["source"]: "actor" for row in found}
    for name, kind in sorted(kinds.items()):
        SubElement(SubElement(graph, "node", id=name), "data", key="kind").text = kind
    for row in found:
        edge = SubElement(graph, "edge", id=row["observation"], source=row["source"], target=row["target"])
        for each in attributes:
            value = _plain(row.get(each.name))
            if value is not None:
                SubElement(edge, "data", key=each.name).text = _fit_for_xml(str(value))
    tree = ElementTree(root)
    indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def write_dna(rows: Iterable[Row], _columns: Sequence[Column], path: Path) -> None:
    """Statements as in the event list that version 3 of the Discourse Network Analyzer writes."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(_DNA)
        documents: dict[str, int] = {}
        for number, row in enumerate(rows, 1):
            document = documents.setdefault(row["article_id"], len(documents) + 1)
            texts = (row["title"], "", row["url"] or "", "", "", row["evidence"], "", row["source"], row["target"])
            plain = [each.translate(_DNA_HAS_NO) for each in texts]
            writer.writerow([number, f"{row['date']} 00:00:00", document, *plain, row["agreement"]])


TABLE_FORMATS: Final[Mapping[str, Write]] = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}
NETWORK_FORMATS: Final[Mapping[str, Write]] = {"graphml": write_graphml, "dna": write_dna}
"""For edges alone."""


def _plain(value: Any) -> Any:
    """Instants and dates in ISO 8601."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _fit_for_xml(text: str) -> str:
    """Without what XML has no place for."""
    return "".join(each for each in text if (each >= " " and each not in "\ufffe\uffff") or each in "\t\n")
