"""The examples in `deploy/ray` fit the schemas of Ray's cluster launcher and of KubeRay, and the command line."""

import re
import shlex

import pytest
import yaml

from atsal.cli.batch import batch

QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?$"}


def closed(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def each(item):
    return {"type": "array", "items": item, "minItems": 1}


TEXT, COUNT = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
AMOUNTS = closed(["cpu", "memory"], **{"cpu": QUANTITY, "memory": QUANTITY, "nvidia.com/gpu": QUANTITY})
CONTAINER = closed(
    ["name", "image", "resources"],
    name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    image=TEXT,
    resources=closed(requests=AMOUNTS, limits=AMOUNTS),
    volumeMounts=each(closed(["name", "mountPath"], name=TEXT, mountPath=TEXT)),
)
VOLUME = closed(["name"], name=TEXT, persistentVolumeClaim=closed(["claimName"], claimName=TEXT))
PODS = closed(["spec"], spec=closed(["containers"], containers=each(CONTAINER), volumes=each(VOLUME)))
PARAMETERS = {"type": "object", "additionalProperties": TEXT}  # numbers are texts, too
WORKERS = closed(
    ["groupName", "rayStartParams", "template"],
    groupName=TEXT,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    rayStartParams=PARAMETERS,
    template=PODS,
)
CLUSTER = closed(
    ["headGroupSpec"],
    rayVersion=TEXT,
    headGroupSpec=closed(["rayStartParams", "template"], rayStartParams=PARAMETERS, template=PODS),
    workerGroupSpecs=each(WORKERS),
)
RAY_JOB = closed(  # of the fields of `ray.io/v1` in KubeRay 1.0 to 1.5 those that are used here
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=closed(["name"], name=TEXT),
    spec=closed(
        ["entrypoint", "rayClusterSpec"],
        entrypoint=TEXT,
        backoffLimit=COUNT,
        shutdownAfterJobFinishes={"type": "boolean"},
        ttlSecondsAfterFinished=COUNT,
        rayClusterSpec=CLUSTER,
    ),
)


@pytest.fixture
def folder(pytestconfig):
    return pytestconfig.rootpath / "deploy" / "ray"


def test_the_kubernetes_job(folder):
    jsonschema = pytest.importorskip("jsonschema", reason="the extra `ray` is not installed")
    job = yaml.safe_load((folder / "rayjob.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(job, RAY_JOB)
    command = shlex.split(job["spec"]["entrypoint"])
    values = batch.make_context("batch", command[2:]).params
    cluster = job["spec"]["rayClusterSpec"]
    (workers,) = cluster["workerGroupSpecs"]
    for pods in (cluster["headGroupSpec"]["template"]["spec"], workers["template"]["spec"]):
        assert {mount["name"] for mount in pods["containers"][0]["volumeMounts"]} == {
            v["name"] for v in pods["volumes"]
        }
    cpus = int(workers["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]) * workers["maxReplicas"]
    assert (values["engine"], values["workers"] * values["worker_cpus"]) == ("ray", cpus)
    image = (folder / "Containerfile").read_text(encoding="utf-8")
    assert f"FROM rayproject/ray:{cluster['rayVersion']}-" in image


def test_the_cluster_of_the_launcher(folder):
    util = pytest.importorskip("ray.autoscaler._private.util", reason="the extra `ray` is not installed")
    text = (folder / "cluster.yaml").read_text(encoding="utf-8")
    config = util.prepare_config(yaml.safe_load(text))
    util.validate_config(config)
    with pytest.raises(Exception, match="'colour' was unexpected"):
        util.validate_config(config | {"colour": "red"})
    (words,) = re.findall(r"atsal-env/bin/atsal batch ([^']+)'", text.replace("\n#", ""))
    assert batch.make_context("batch", shlex.split(words)).params["engine"] == "ray"


def test_the_image_has_what_the_package_is_built_from(folder, pytestconfig):
    copied = re.findall(r"^COPY (.+) \S+$", (folder / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((pytestconfig.rootpath / name).exists() for line in copied for name in line.split())
