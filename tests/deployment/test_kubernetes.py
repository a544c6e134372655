"""The manifests are what Kubernetes takes, and agree with the services."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda

from shared import topics
from shared.rights import ROLES, USER_PREFIX
from stance_service.observe_loop import GROUP as OBSERVERS
from stance_service.publishing import GROUP as TRACKERS

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
VERSION = "1.33"
OF_KEDA = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication}


def manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def containers() -> Iterator[dict[str, Any]]:
    for workload in [*of_kind("Deployment").values(), *of_kind("Job").values()]:
        yield from workload["spec"]["template"]["spec"]["containers"]


def understood_by_keda(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that KEDA's schema does not have; ValidationError for those that it has otherwise."""
    model = OF_KEDA[manifest["kind"]].model_validate(manifest)
    return model.model_dump(by_alias=True, exclude_unset=True)


@pytest.mark.parametrize("manifest", [each for each in manifests() if each["kind"] not in OF_KEDA], ids=named)
def test_kubernetes_takes_it(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    manifest = of_kind("Deployment")["track"]
    manifest["spec"]["template"]["spec"]["containers"][0]["imagee"] = "track"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("manifest", [each for each in manifests() if each["kind"] in OF_KEDA], ids=named)
def test_keda_takes_it(manifest: dict[str, Any]) -> None:
    assert understood_by_keda(manifest) == manifest


def test_a_field_that_keda_does_not_know_is_found() -> None:
    manifest = of_kind("ScaledObject")["track"]
    manifest["spec"]["maxReplicas"] = 6
    assert understood_by_keda(manifest) != manifest


def test_every_file_is_part_of_the_base() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert {*listed, "kustomization.yaml"} == {path.name for path in FOLDER.glob("*.yaml")}


def test_every_service_runs_under_a_user_that_has_rights() -> None:
    users = {
        variable["value"]
        for container in containers()
        for variable in container["env"]
        if variable["name"] == "STANCE_KAFKA_SASL_USERNAME"
    }
    assert users <= {"admin", *(USER_PREFIX + role for role in ROLES)}


def test_what_is_mounted_is_there() -> None:
    for workload in [*of_kind("Deployment").values(), *of_kind("Job").values()]:
        pod = workload["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        assert {each["name"] for each in pod["containers"][0]["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in of_kind("PersistentVolumeClaim")
            if "configMap" in volume:
                assert volume["configMap"]["name"] in of_kind("ConfigMap")


def test_workers_are_scaled_by_the_lag_of_their_own_group_up_to_the_partitions() -> None:
    expected = {"observe": (OBSERVERS, topics.ARTICLES), "track": (TRACKERS, topics.OBSERVATIONS)}
    scaled = of_kind("ScaledObject")
    assert scaled.keys() == expected.keys()
    for name, (group, topic) in expected.items():
        spec = scaled[name]["spec"]
        (trigger,) = spec["triggers"]
        asked = trigger["metadata"]
        assert spec["scaleTargetRef"]["name"] in of_kind("Deployment")
        assert trigger["authenticationRef"]["name"] in of_kind("TriggerAuthentication")
        assert (asked["consumerGroup"], asked["topic"]) == (group, topic.name)
        assert spec["maxReplicaCount"] == topic.partitions
