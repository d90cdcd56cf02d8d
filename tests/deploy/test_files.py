"""What deploy/ names exists in the product: settings, commands, files, figures. No program but Python is needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from tingshuo.api.app import create_app
from tingshuo.api.pages import OWNED
from tingshuo.cli import app
from tingshuo.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILES = sorted((DEPLOY / "docker").glob("Dockerfile.*"))
FILES = [
    ROOT / "docker-compose.yml",
    *(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"),
    *ROOT.glob(".github/workflows/*"),
    ROOT / "docs" / "deployment.md",
    ROOT / "docs" / "security.md",
    ROOT / "docs" / "observability.md",
]
#: Read by an engine, by the pages, and by the tests.
OTHER_SETTINGS = {"TINGSHUO_SENSEVOICE_MODEL", "TINGSHUO_SENSEVOICE_DEVICE", "TINGSHUO_REQUIRE_SERVICES"}
#: Of docker-compose.yml itself.
COMPOSE_VARIABLES = {"TINGSHUO_HTTP_PORT", "TINGSHUO_HTTPS_PORT", "TINGSHUO_API_REPLICAS"}
#: Run and kept to the public internet's defaults by their own images.
FOREIGN = {"db", "broker", "proxy", "prometheus", "grafana"}


def _services() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from COMPOSE["services"].items()


def _kubernetes() -> list[dict[str, Any]]:
    paths = [path for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [document for path in paths for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def test_every_setting_that_is_named_exists() -> None:
    known = {f"TINGSHUO_{name.upper()}" for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known} | OTHER_SETTINGS | COMPOSE_VARIABLES
    for path in FILES:
        named = set(re.findall(r"\bTINGSHUO_[A-Z_]*[A-Z]\b", path.read_text("utf-8")))
        unknown = {name for name in named - known if not name.startswith("TINGSHUO_WEBUI_")}
        assert unknown <= {"TINGSHUO_X"}, path


def test_settings_in_compose_and_kubernetes_have_values_that_start_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    config = next(item for item in _kubernetes() if item["kind"] == "ConfigMap")["data"]
    environments = [COMPOSE["services"]["api"]["environment"], COMPOSE["services"]["worker"]["environment"], config]
    for environment in environments:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                plain = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value))
                if not name.endswith("_FILE") and plain:
                    patch.setenv(name, plain)
            load_settings()


def test_every_command_that_is_named_exists() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = set()
    for path in FILES:
        named |= set(
            re.findall(r"(?:exec (?:api|deploy/api)(?: --)? |bin/|`)tingshuo ([a-z]+)", path.read_text("utf-8"))
        )
        named |= set(re.findall(r"\[tingshuo, (\w+)\]", path.read_text("utf-8")))
    assert {"worker", "keys"} <= named
    assert named <= set(commands)


def test_every_file_that_is_named_exists() -> None:
    for source in [*COMPOSE["configs"].values(), *(item["build"] for _, item in _services() if "build" in item)]:
        path = source.get("file") or source["dockerfile"]
        assert (ROOT / path).is_file(), path
    for dockerfile in DOCKERFILES:
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile.read_text("utf-8"), re.MULTILINE):
            for path in line.split():
                assert (ROOT / path).exists(), path
                kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
                assert any(path.removeprefix("./").startswith(rule[1:]) for rule in kept if rule.startswith("!")), path
    resources = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert all((DEPLOY / "kubernetes" / name).is_file() for name in resources)


def test_the_secrets_that_compose_wants_are_made(tmp_path: Path) -> None:
    wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    for _ in range(2):  # what is there stays
        subprocess.run([str(DEPLOY / "secrets.sh"), str(tmp_path / "secrets")], check=True, capture_output=True)
        made = {path.name: path.read_text("utf-8") for path in (tmp_path / "secrets").iterdir()}
        assert wanted <= set(made)
        assert made["postgres_password"] in made["database_url"]
        assert json.loads(made["rabbitmq_definitions"])["users"][0]["password"] in made["broker_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_every_service_runs_without_rights_on_a_file_system_it_cannot_write() -> None:
    for name, service in _services():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        image = service["image"]
        assert ":" in image or image.startswith("tingshuo"), f"{name}: {image} has no version"
        assert not image.endswith(":latest"), name
        if name not in FOREIGN:
            assert "user" not in service  # the image says it


def test_no_secret_stands_in_an_environment() -> None:
    for name, service in _services():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|_URL$|KEY", variable) and not variable.endswith("_FILE"):
                assert variable == "TINGSHUO_WEBUI_API_URL" or str(value).startswith("/run/secrets/"), (
                    f"{name} {variable}"
                )


def test_only_the_proxy_and_grafana_can_be_reached_from_outside() -> None:
    assert {name for name, service in _services() if "ports" in service} == {"proxy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"]["grafana"]["ports"])
    assert COMPOSE["networks"]["inner"]["internal"] is True


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_have_stages_an_unprivileged_user_a_check_and_pinned_packages(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert re.search(r"^ARG PYTHON=3\.\d+-slim-\w+$", text, re.MULTILINE)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in text
    installs = re.findall(r"pip install.*", text)
    assert installs
    assert all("-c constraints.txt" in install for install in installs)


def test_the_stop_is_given_more_time_than_the_server_takes() -> None:
    from tingshuo.serving import longest_end

    environment = COMPOSE["services"]["api"]["environment"]
    settings = load_settings(drain_delay_seconds=environment["TINGSHUO_DRAIN_DELAY_SECONDS"])
    assert int(COMPOSE["services"]["api"]["stop_grace_period"].removesuffix("s")) > longest_end(settings)
    data = next(item for item in _kubernetes() if item["kind"] == "ConfigMap")["data"]
    settings = load_settings(
        drain_delay_seconds=data["TINGSHUO_DRAIN_DELAY_SECONDS"], drain_seconds=data["TINGSHUO_DRAIN_SECONDS"]
    )
    for item in _kubernetes():
        if item["kind"] == "Deployment" and item["metadata"]["name"] in ("api", "worker"):
            assert item["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > longest_end(settings)


def test_pods_have_probes_limits_and_no_rights() -> None:
    deployments = [item for item in _kubernetes() if item["kind"] == "Deployment"]
    assert {item["metadata"]["name"] for item in deployments} == {"api", "worker", "webui"}
    for item in deployments:
        pod = item["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["livenessProbe"]
            assert "memory" in container["resources"]["limits"]
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    kinds = {item["kind"] for item in _kubernetes()}
    assert {"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "Service"} <= kinds


def test_selectors_find_their_pods() -> None:
    labels = [item["spec"]["template"]["metadata"]["labels"] for item in _kubernetes() if item["kind"] == "Deployment"]
    for item in _kubernetes():
        selector = item.get("spec", {}).get("selector")
        if selector:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= own.items() for own in labels), item["metadata"]["name"]


def test_uploads_may_be_as_large_for_the_proxies_as_for_the_platform() -> None:
    settings = Settings()
    megabytes = settings.max_upload_bytes // 2**20 + 1
    batch = settings.max_batch_bytes // 2**20 + 1
    site = (DEPLOY / "nginx" / "tingshuo.conf").read_text("utf-8")
    assert re.findall(r"client_max_body_size (\d+)m;", site) == [str(megabytes), str(batch)]
    ingress = next(item for item in _kubernetes() if item["kind"] == "Ingress")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == f"{megabytes}m"


def test_the_proxies_know_which_paths_are_the_apis() -> None:
    site = (DEPLOY / "nginx" / "tingshuo.conf").read_text("utf-8")
    (pattern,) = re.findall(r"location ~ \^/\((.*?)\)\(/\|\$\)", site)
    assert {path.replace("\\", "") for path in pattern.split("|")} == OWNED - {"metrics"}
    ingress = next(item for item in _kubernetes() if item["kind"] == "Ingress")
    paths = {path["path"].strip("/") for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths - {""} == OWNED - {"metrics"}


def test_the_dashboard_and_the_alerts_ask_for_figures_that_exist(settings: Settings) -> None:
    from prometheus_client import generate_latest

    from tingshuo import metrics

    create_app(settings)
    there = set(re.findall(r"^# TYPE (\w+)", generate_latest(metrics.REGISTRY).decode(), re.MULTILINE))
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    there |= set(re.findall(r"`(tingshuo_\w+)`", page))
    dashboard = json.loads((DEPLOY / "observability" / "grafana-dashboard.json").read_text("utf-8"))
    alerts = yaml.safe_load((DEPLOY / "observability" / "alerts.yml").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    named = {name for expression in asked for name in re.findall(r"\b(?:tingshuo|process)_\w+", expression)}
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named if name.startswith("tingshuo_")}
    assert bare - there == set()
    assert len(bare) > 15
    for expression in asked:
        assert expression.count("(") == expression.count(")")
        assert expression.count("{") == expression.count("}")
    for group in alerts["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "for", "labels", "annotations"} <= set(rule)


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_units_run_without_root_on_a_system_they_cannot_write(unit: Path) -> None:
    text = unit.read_text("utf-8")
    for line in (
        "User=tingshuo",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "UMask=0077",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_plain_shell_and_stop_at_the_first_failure(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
    text = script.read_text("utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    assert script.stat().st_mode & 0o111


def test_the_health_check_of_the_images_tells_alive_from_dead() -> None:
    check = [sys.executable, str(DEPLOY / "docker" / "healthcheck.py"), "http://127.0.0.1:9/healthz"]
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_the_pipeline_runs_what_the_project_runs() -> None:
    pipeline = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    runs = [step.get("run", "") for job in pipeline["jobs"].values() for step in job["steps"]]
    assert "make check" in runs
    assert "make test" in runs
    assert set(pipeline["jobs"]["test"]["services"]) == {"postgres", "redis", "rabbitmq"}
