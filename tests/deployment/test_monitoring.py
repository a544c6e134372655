"""Dashboards and alerts ask for metrics that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared import observability

ROOT = Path(__file__).parents[2]
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/stancewatch.json").read_text())
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
OURS = re.compile(r"\bstance_[a-z_]+\b(?:\{([^}]*)\})?")


def exposed() -> Iterator[tuple[str, set[str]]]:
    """The names that Prometheus sees, and the labels of each."""
    for metric in vars(observability).values():
        if isinstance(metric, MetricWrapperBase):
            for suffix in SUFFIXES[str(metric._type)]:
                yield metric._name + suffix, {*metric._labelnames, "service", "instance", "le"}


def rules() -> list[dict[str, str]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for rule in rules()]


def test_every_metric_and_label_that_is_asked_for_exists() -> None:
    known = dict(exposed())
    for expression in expressions():
        for found in OURS.finditer(expression):
            name = found[0].partition("{")[0]
            assert name in known, expression
            assert set(re.findall(r"(\w+)\s*[=!]~?", found[1] or "")) <= known[name], expression


def test_every_alert_is_explained_to_who_gets_it() -> None:
    page = (ROOT / "docs/operate.md").read_text()
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in page] == []
