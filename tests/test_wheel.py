"""The wheel, installed into an empty environment, shows the viewer without Node."""

import re
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.running import running

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert (ROOT / "hub/viewer/index.html").is_file(), "the viewer is not built: run `make viewer`"
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_carries_the_package_and_the_built_viewer_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"hub/app.py", "hub/py.typed", "hub/viewer/index.html"} <= set(names)
    assert any(name.startswith("hub/viewer/assets/") and name.endswith(".js") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"hub"}
    assert [name for name in names if name.endswith((".db", ".ts", ".tsx"))] == []
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_serves_the_viewer_without_node(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    # The packages that it depends on, as pip would have fetched them. Not our own: a path file's folder is searched,
    # but the path files in it (one is of the editable install) are not read.
    (site_packages,) = (environment / "lib").glob("python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    command = (str(environment / "bin" / "hubline"), "serve")
    with running(tmp_path, command=command, environment={"PATH": str(environment / "bin")}) as server:
        with urllib.request.urlopen(server.url) as answer:
            page = answer.read().decode()
        assert "<title>" in page
        assets = re.findall(r'(?:src|href)="\.?(/[^"]+\.(?:js|css))"', page)
        assert assets
        for asset in assets:
            with urllib.request.urlopen(server.url + asset) as answer:
                assert answer.status == 200
                assert len(answer.read()) > 1000
    where = subprocess.run(
        [str(python), "-c", "import hub; print(hub.__file__)"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert Path(where.stdout.strip()).is_relative_to(environment)
