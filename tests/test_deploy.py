"""What is in `deploy/` can be read by what reads it, and names settings that there are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from hub.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_it_names_settings_that_there_are(path: Path) -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z][A-Z_]*[A-Z])\b", path.read_text(encoding="utf-8")))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_compose_starts_nodes_that_share_what_they_must() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    nodes = [services[name] for name in ("node1", "node2", "node3")]
    assert all(node["environment"] == nodes[0]["environment"] for node in nodes)
    proxy = services["nginx"]["networks"]["hub"]["ipv4_address"]
    assert nodes[0]["environment"]["HUBLINE_TRUSTED_PROXIES"] == proxy
    assert "noeviction" in services["redis"]["command"]
    for service in services.values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists()


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert program is not None, "nginx is not installed: see `make setup`"
    text = (DEPLOY / "nginx" / "hubline.conf").read_text(encoding="utf-8")
    (tmp_path / "hubline.conf").write_text(text.replace("/var/log/nginx", str(tmp_path)), encoding="utf-8")
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ include {tmp_path}/hubline.conf; }}"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    checked = subprocess.run(
        [program, "-t", "-q", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", ["hubline.service", "hubline@.service"])
def test_units_give_answers_time_to_end(unit: str) -> None:
    text = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8")
    stop_s = int(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[0])
    settings = Settings.model_fields
    assert stop_s > settings["drain_s"].default + settings["shutdown_timeout_s"].default + 10
    for key in ("NoNewPrivileges=yes", "ProtectSystem=strict", "User=hubline"):
        assert re.search(rf"^{key}$", text, re.MULTILINE)


def test_the_image_does_not_run_as_root_and_says_how_it_is() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER (?!root|0)", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    assert "/healthz" in text
