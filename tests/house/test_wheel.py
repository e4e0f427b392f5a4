"""However kinobench is installed, it is one package that runs the same."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ..fakes.command import call
from ..fakes.media import REPOSITORY
from ..fakes.wheel import OFFLINE, PIP, copy_source

MODES = {
    "lenient editable": [],
    "strict editable": ["--config-settings", "editable_mode=strict"],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, which an editable install may write into."""
    return copy_source(tmp_path_factory.mktemp("source"))


def test_the_wheels_one_top_level_name_is_kinobench(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kinobench"}
    inside = {name.split("/")[1] for name in names if name.startswith("kinobench/")}
    own = {path.name for path in (REPOSITORY / "bench" / "api").iterdir() if path.is_file()}
    assert inside == {"bench", "zoo", "datasets"} | own
    assert {"__init__.py", "__main__.py", "py.typed"} <= own


def test_everything_that_the_packages_read_is_in_the_wheel(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package in ("bench", "zoo", "datasets"):
        for path in (REPOSITORY / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(REPOSITORY).as_posix().removeprefix("bench/api/")
                assert f"kinobench/{name}" in packed


def environment_with(folder: Path, shared: Path | None, *install: str) -> str:
    """Make a virtual environment, install kinobench into it, and return its interpreter.

    It has the packages of the folder `shared`, too.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    if shared is not None:
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "shared.pth").write_text(f"{shared}\n")
    python = str(folder / "bin" / "python")
    command = [*PIP, "--python", python, "install", *OFFLINE, *install]
    subprocess.run(command, check=True, timeout=120)
    return python


def packages(folder: Path) -> Path:
    """Return a folder of links to every installed package but kinobench."""
    folder.mkdir()
    for entry in sys.path:
        path = Path(entry or ".")
        if path.name != "site-packages":
            continue
        for shared in sorted(path.iterdir()):
            own = "kinobench" in shared.name or shared.suffix == ".pth"
            if not own and not (folder / shared.name).exists():
                (folder / shared.name).symlink_to(shared)
    return folder


def answers(output: Callable[..., str]) -> dict[str, object]:
    """Return what the package says of itself and of a network.

    Args:
        output: Returns what a command prints in an empty folder.
    """
    choice = ("--model", "early_fusion_tiny", "--dataset", "none", "--protocol", "pointlight")
    record = json.loads(output("run", *choice, "--measure", "flops", "--json"))
    return {"suites": output("list", "suites"), "cost": record["cost"], "params": record["params"]}


SEEN = """
import json, kinobench, kinobench.datasets.catalog, kinobench.zoo.registry, kinobench.bench.cli
from kinobench.bench.records.files import CHECKOUT
print(json.dumps({
    "models": [model.name for model in kinobench.models()],
    "datasets": [dataset.name for dataset in kinobench.datasets()],
    "protocols": [protocol.name for protocol in kinobench.protocols()],
    "version": kinobench.__version__,
    "file": kinobench.__file__,
    "macs": kinobench.count("early_fusion_tiny").macs,
}))
"""


@pytest.fixture
def from_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    folder = tmp_path / "here"
    folder.mkdir()

    def output(*arguments: str) -> str:
        done = call(monkeypatch, folder, *arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return answers(output)


@pytest.mark.usefixtures("only_shipped", "shared_workers")
@pytest.mark.parametrize(
    "mode",
    [
        "wheel",
        # The README's command installs so, and the tests themselves run in it.
        pytest.param("lenient editable", marks=pytest.mark.slow),
        pytest.param("strict editable", marks=pytest.mark.slow),
    ],
)
def test_an_installed_kinobench_gives_the_same_as_the_checkout(
    mode: str,
    source: Path,
    wheel: Path,
    from_the_checkout: dict[str, object],
    tmp_path: Path,
) -> None:
    wanted = (str(wheel),) if mode == "wheel" else (*MODES[mode], "-e", str(source))
    python = environment_with(tmp_path / "venv", packages(tmp_path / "shared"), *wanted)
    empty = tmp_path / "empty"
    empty.mkdir()

    def output(*arguments: str) -> str:
        done = subprocess.run(
            [python, "-m", "kinobench", *arguments],
            cwd=empty,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert answers(output) == from_the_checkout
    assert list((empty / "results" / "runs").glob("*.jsonl"))
    done = subprocess.run(
        [python, "-W", "error", "-c", SEEN],  # the warnings about torch.jit are not the user's
        cwd=empty,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    here = Path(seen.pop("file"))
    lenient = source / "bench" / "api" / "__init__.py"
    assert here == lenient if mode == "lenient editable" else here.parent.name == "kinobench"
    import kinobench

    assert seen == {
        "models": [model.name for model in kinobench.models()],
        "datasets": [dataset.name for dataset in kinobench.datasets()],
        "protocols": [protocol.name for protocol in kinobench.protocols()],
        "version": kinobench.__version__,
        "macs": kinobench.count("early_fusion_tiny").macs,
    }


USER = """\
import kinobench

reveal_type(kinobench.measure)
reveal_type(kinobench.models())
reveal_type(kinobench.Records.read("results")[0].case.batch)
kinobench.measure("c3d_tiny", bach=8)
kinobench.measured
"""


def test_type_checkers_see_the_types_of_an_installed_kinobench(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has nothing else, so that they are quick about it."""
    python = environment_with(tmp_path / "venv", None, str(wheel))
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = done.stdout.splitlines()
    assert "kinobench.bench.records.record.Record" in lines[0], done.stdout + done.stderr
    assert lines[1].endswith('"list[kinobench.bench.cost.models.Model]"'), done.stdout
    assert 'Revealed type is "int"' in lines[2] or "builtins.int" in lines[2]
    assert any('Unexpected keyword argument "bach"' in line for line in lines), done.stdout
    assert any('has no attribute "measured"' in line for line in lines), done.stdout


def test_the_import_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; begin = time.process_time(); import kinobench\n"
        "spent = time.process_time() - begin\n"
        "heavy = {'torch', 'numpy', 'pandas', 'msgspec', 'typer', 'rich', 'scipy', 'av'}\n"
        "print(spent, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    seconds, heavy = done.stdout.split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert float(seconds) < 0.05


def test_the_packages_need_no_init_where_one_would_do_harm() -> None:
    assert not (REPOSITORY / "datasets" / "__init__.py").exists()
    assert (REPOSITORY / "bench" / "__init__.py").exists()
    assert len((REPOSITORY / "bench.py").read_text().splitlines()) <= 60


def test_bench_py_leaves_the_name_datasets_to_others(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import importlib.util, pathlib, kinobench\n"
        "found = importlib.util.find_spec('datasets')\n"
        f"free = 'shadowed' if found and {str(REPOSITORY)!r} in str(found) else 'free'\n"
        "said = pathlib.Path(__file__).with_name('said')\n"
        "said.write_text(free + '\\n' + kinobench.__file__)\n"
    )
    command = [sys.executable, str(REPOSITORY / "bench.py"), "list", "suites", "--plugin"]
    done = subprocess.run([*command, str(plugin)], cwd=REPOSITORY, capture_output=True, text=True)
    free, file = (tmp_path / "said").read_text().splitlines()
    assert free == "free", done.stderr
    assert Path(file) == REPOSITORY / "bench" / "api" / "__init__.py"
