"""The documentation is true: its commands run, its links lead somewhere, its pictures are new."""

import ast
import importlib
import importlib.util
import json
import re
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import msgspec
import pytest
import torch
import typer.main
import yaml

from kinobench.bench.cli.commands import app
from kinobench.bench.machine.systems import SUPPORTED
from kinobench.bench.measure import registry as measurements
from kinobench.bench.network.network import Network
from kinobench.bench.network.settings import settings_restored
from kinobench.bench.run import plan as planning
from kinobench.bench.run import settings as settings_module
from kinobench.bench.run import suite as suites
from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.zoo import registry

from ..fakes.command import call
from ..fakes.media import numbered_frames, write_video
from .pages import BLOCKS, COMMANDS, NEEDS, PAGES, ROOT, Block, Command, files_of

OWN = [command for command in COMMANDS if command.program == "kinobench"]
SOON = list({(c.arguments, c.into): c for c in reversed(OWN) if not c.block.needs}.values())[::-1]
"""Commands that are run as they stand, each once."""


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.SimpleNamespace]:
    """Give the scripts of `docs/`, which no package has."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    names = ("pictures", "generate", "check_site", "readme_table")
    yield types.SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


@pytest.fixture
def _own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the datasets and measurements that a page registers."""
    monkeypatch.setattr(catalog, "_registered", {})
    monkeypatch.setattr(measurements, "_measurements", dict(measurements._measurements))


# --- commands -------------------------------------------------------------------------------------


def test_the_pages_have_commands_of_every_kind() -> None:
    assert len(OWN) > 60 and len(SOON) > 20
    assert {block.page for block in BLOCKS} >= {"README.md", "CONTRIBUTING.md", "docs/start.md"}
    used = {need for block in BLOCKS for need in block.needs}
    assert used <= set(NEEDS), f"unknown: {used - set(NEEDS)}"
    shown = {name for command in OWN for name in command.arguments[:1]}
    hidden = {name for name, found in _group().commands.items() if found.hidden}
    assert (
        shown - {"--help", "--version", "--install-completion"} == set(_group().commands) - hidden
    )


def test_other_programs_are_not_run_and_say_what_they_need() -> None:
    others = [command for command in COMMANDS if command.program != "kinobench"]
    known = {"pip", "pytest", "pre-commit", "sphinx-build"}
    assert {command.program for command in others} <= known
    assert all(command.block.needs for command in others)


@pytest.mark.usefixtures("_own_names")
@pytest.mark.parametrize("command", OWN, ids=lambda command: command.said)
def test_every_option_exists_and_every_value_can_be_read(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for page in ("docs/network.md", "docs/data.md", "CONTRIBUTING.md"):
        for file, content in files_of(page).items():
            if "/" not in file:
                Path(file).write_text(content)
    if set(command.arguments) & {"--help", "--version"}:
        return  # they end the program; they are run below
    if command.arguments == ("--install-completion",):
        assert any("--install-completion" in option.opts for option in _group().params)
        return
    name, values = _parsed(command.arguments)
    for plugin in values.get("plugin") or ():
        registry.load_plugin(plugin)
    models = values.get("model") or ()
    for model in (models,) if isinstance(models, str) else models:
        registry.check(model)
    if values.get("dataset") not in (None, "none"):
        catalog.get(values["dataset"])
    if name in ("run", "check", "motion", "fit"):
        known = settings_module.Settings.__struct_fields__
        given = {
            field: value
            for field, value in values.items()
            if field in known and field != "model" and value not in (None, False, ())
        }
        settings_module.settings_of(**given)


def test_a_wrong_option_and_a_wrong_value_are_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        _parsed(("run", "--modle", "x3d_tiny"))
    with pytest.raises(Exception, match="valid integer"):
        _parsed(("show", "x3d_tiny", "--frames", "many"))


def _group() -> Any:
    return typer.main.get_command(app)


def _parsed(arguments: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Parse a command line by the real parser, without running it; return its name and values."""
    group, rest = _group(), list(arguments)
    context = group.make_context("kinobench", rest)
    while hasattr(group, "commands"):
        rest = [*context._protected_args, *context.args]
        name, group, rest = group.resolve_command(context, rest)
        context = group.make_context(name, rest, parent=context)
    return name, dict(context.params)


def _is_my_net(record: dict[str, Any]) -> None:
    assert record["case"]["model"] == "my_net"
    assert record["params"] == 32 * 3 * 27 + 32 + 32 * 400 + 400
    assert record["cost"]["macs"] == 16 * 224 * 224 * 32 * 3 * 27 + 32 * 400


def _is_of_falls(record: dict[str, Any]) -> None:
    assert record["case"]["dataset"] == "falls" and record["case"]["classes"] == 2
    assert record["accuracy"]["scored"] == 2 and record["error"] is None


def _has_zeros(record: dict[str, Any]) -> None:
    found = record["measurements"]["zeros"]
    assert found["weights"] == record["params"] > found["zeros"] >= 0
    assert record["cost"]["macs"] > 0 and record["latency"] is None


PLUGINS = {
    "docs/network.md": _is_my_net,
    "docs/data.md": _is_of_falls,
    "CONTRIBUTING.md": _has_zeros,
}
"""Page -> what must be true of the record that its last measurement leaves."""


@pytest.mark.usefixtures("shared_workers", "_own_names")
@pytest.mark.parametrize("page", sorted({command.block.page for command in SOON}))
def test_the_quick_commands_of_a_page_run_as_they_stand(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They run one after the other in this process, which has imported torch."""
    for file, content in files_of(page).items():
        if "/" not in file:
            (tmp_path / file).write_text(content)
    if "mydata.py" in files_of(page):
        for name in ("fall", "walk"):
            write_video(tmp_path / "videos" / name / f"{name}_1.mp4", numbered_frames(20))
    commands = [command for command in SOON if command.block.page == page]
    names = [command.arguments[0] for command in commands]
    reads = [at for at, name in enumerate(names) if name in ("leaderboard", "publish", "history")]
    if reads and "run" not in names[: reads[0]]:
        shutil.copytree(ROOT / "results" / "quick", tmp_path / "results")
    for command in commands:
        done = call(monkeypatch, tmp_path, *command.arguments)
        assert done.exit_code == 0, f"{command.said}\n{done.stderr}{done.exception}"
        assert done.stdout or "--output" in command.arguments, command.said
        if command.into is not None:
            (tmp_path / command.into).write_text(done.stdout)
    if page in PLUGINS:
        runs = sorted((tmp_path / "results" / "runs").glob("*.jsonl"))
        record = json.loads(runs[-1].read_text().splitlines()[-1])
        PLUGINS[page](record)


# --- Python, TOML ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("only_shipped", "shared_workers")
def test_the_python_of_the_api_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of("docs/python.md")
    assert set(files) >= {"models.py", "measure.py", "count.py", "records.py"}
    shutil.copytree(ROOT / "results" / "quick", tmp_path / "results" / "quick")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for file, code in files.items():
        exec(compile(code, file, "exec"), names)
    assert f"{len(registry.listed())} networks" in capsys.readouterr().out


def test_the_plugins_are_short() -> None:
    files = files_of("docs/network.md") | files_of("docs/data.md")
    assert {"mymodels.py", "mydata.py", "test_speed.py"} <= set(files)
    assert all(len(files[name].splitlines()) <= 30 for name in ("mymodels.py", "mydata.py"))


def test_the_timed_model_and_its_settings_exist() -> None:
    import inspect

    from kinobench.bench.pytest_plugin.model_benchmark import ModelBenchmark

    called = []

    def model_benchmark(*names: str, **settings: Any) -> Any:
        inspect.signature(ModelBenchmark.__call__).bind(None, *names, **settings)
        called.extend(names)
        return types.SimpleNamespace(shape=(settings["batch"], 400))

    names: dict[str, Any] = {}
    exec(files_of("docs/network.md")["test_speed.py"], names)
    names["test_speed"](model_benchmark)
    assert called and set(called) <= set(registry.listed())
    page = (ROOT / "docs" / "network.md").read_text()
    said = page.partition("The other arguments are")[2].partition(". The benchmark")[0]
    named = set(re.findall(r"`(\w+)`", said.replace("common-224", "")))
    assert named and named <= set(inspect.signature(ModelBenchmark.__call__).parameters)


SUITES = [
    block
    for block in BLOCKS
    if block.kind == "toml" and re.search(r"^models = |^\[\[case\]\]", block.code, re.MULTILINE)
]


@pytest.mark.parametrize("block", SUITES, ids=lambda block: f"{block.page}:{block.number}")
def test_a_suite_of_the_pages_is_planned_and_each_of_its_cases_runs(block: Block) -> None:
    """Whatever it measures as it stands, a reader may ask for its latency, which runs a forward."""
    suite = suites.parse(block.code, block.page)
    assert planning.plan(suite, settings_module.Settings())
    for entry in planning.plan(suite, settings_module.Settings(measure=("latency",))):
        if entry.case.device == "cpu":
            with settings_restored():
                Network(entry.case).settle(reference=False)


def test_every_toml_block_is_a_suite_or_for_pyproject() -> None:
    assert "docs/start.md" in {block.page for block in SUITES}
    others = [block for block in BLOCKS if block.kind == "toml" and block not in SUITES]
    assert all(block.code.startswith("[project.") for block in others)


def test_the_suite_file_gives_the_cases_that_it_names() -> None:
    toml = files_of("docs/start.md")["my_suite.toml"]
    planned = planning.plan(suites.parse(toml, "my_suite.toml"), settings_module.Settings())
    assert [(p.case.model, p.case.batch, p.case.precision) for p in planned] == [
        ("c3d_tiny", 1, "fp32"),
        ("c3d_tiny", 8, "fp32"),
        ("x3d_tiny", 1, "fp32"),
        ("x3d_tiny", 8, "fp32"),
        ("videomae_tiny", 1, "bf16"),
        ("videomae_tiny", 8, "bf16"),
    ]


# --- CONTRIBUTING.md ------------------------------------------------------------------------------


def _module(name: str, code: str, folder: Path) -> types.ModuleType:
    """Run code as a module of kinobench, so that its relative imports work."""
    file = folder / f"{name.rpartition('.')[2]}.py"
    file.write_text(code)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_architecture_of_the_contributing_page_keeps_the_contract(tmp_path: Path) -> None:
    files = files_of("CONTRIBUTING.md")
    code = files["zoo/families/frame_difference.py"]
    family = _module("kinobench.zoo.families.frame_difference", code, tmp_path)
    listed = ast.literal_eval(_without_comment(files["zoo/families/__init__.py"]))
    assert listed == {"frame_difference": tuple(family.VARIANTS)}
    for name, width in family.VARIANTS.items():
        network = registry.get(name).build(8, 16, 64)
        assert network(torch.randn(2, 3, 16, 64, 64)).shape == (2, 8)
        params = sum(parameter.numel() for parameter in network.parameters())
        assert params == width * 3 * 9 + width + width * 8 + 8
    still = torch.randn(1, 3, 1, 64, 64).expand(1, 3, 16, 64, 64)
    bias = network.convolution.bias.relu()
    assert torch.allclose(network(still), network.head(bias)[None], atol=1e-6)


@pytest.mark.usefixtures("_own_names")
def test_the_dataset_of_the_contributing_page_is_read(tmp_path: Path) -> None:
    files = files_of("CONTRIBUTING.md")
    reader = _module("kinobench.datasets.lists.falls", files["datasets/lists/falls.py"], tmp_path)
    sys.modules[reader.__name__] = reader
    try:
        tree = ast.parse(_without_comment(files["datasets/built_in.py"]))
        (*before, last) = tree.body
        assert isinstance(last, ast.Expr)
        names = {"__package__": "kinobench.datasets", "Dataset": catalog.Dataset}
        exec(compile(ast.Module(before, []), "built_in", "exec"), names)
        catalog.register(eval(compile(ast.Expression(last.value), "built_in", "eval"), names))
        dataset, root = catalog.get("falls"), tmp_path / "data"
        for name in ("fall", "walk"):
            write_video(root / name / "1.mp4", numbered_frames(4))
        split = dataset.load(root, None)
        assert [(video.id, video.label) for video in split.videos] == [("fall/1", 0), ("walk/1", 1)]
        assert split.classes == ("fall", "walk") and dataset.num_classes == 2
        with pytest.raises(DatasetError, match="fall is missing"):
            dataset.load(tmp_path, "all")
    finally:
        del sys.modules[reader.__name__]


def _without_comment(code: str) -> str:
    return code.partition("\n")[2]


# --- links, pictures, generated parts -------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("_generated/"):
            assert (page.parent / target).exists(), target


def test_a_path_in_the_text_is_that_of_a_file() -> None:
    """Pages name files of the repository where they are now."""
    begins = "bench/|zoo/|datasets/|tests/|results/quick|docs/"
    for page in PAGES:
        text = page.read_text()
        for path in re.findall(rf"`((?:{begins})[\w./-]*)`", text):
            made_up = ("falls", "frame_difference", "zeros", "NAME", "_build")
            if not any(name in path for name in made_up):
                assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_kept_pictures_are_those_that_the_code_draws(tools: types.SimpleNamespace) -> None:
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    for file, draw in tools.pictures.KEPT.items():
        kept = (ROOT / "docs" / "pictures" / file).read_text(encoding="utf-8")
        drawn = draw()
        if file != "clips.svg" and f"matplotlib=={matplotlib.__version__}" not in pinned:
            kept, drawn = (" ".join(_texts(each)) for each in (kept, drawn))  # the rest may differ
        assert kept == drawn, f"{file} is old; run: python docs/pictures.py"


def _texts(drawing: str) -> list[str]:
    return re.findall(r"<(?:text|title|desc)[^>]*>([^<]*)<", drawing)


def test_the_picture_of_clips_shows_where_origins_differ(tools: types.SimpleNamespace) -> None:
    ends = {name: tools.pictures.clips_of(name)[-1][-1] for name in tools.pictures.CLIP_PROTOCOLS}
    assert ends["common-112"] == ends["mmaction2"] == 299
    room = 300 - 64  # of a clip of 8 frames, stride 8
    for name in ("pytorchvideo", "pyslowfast"):
        assert abs(ends[name] - (299 - room / 10)) <= 1


def test_every_generated_part_is_made(tools: types.SimpleNamespace, tmp_path: Path) -> None:
    tools.generate.write_all(tmp_path)
    report = (tmp_path / "site" / "own-report.html").read_text()
    assert "<title>kinobench&#39;s own records" in report
    for file in tools.generate.PARTS:
        assert len((tmp_path / file).read_text()) > 200
    commands = (tmp_path / "commands.md").read_text()
    for name in ("run", "check", "data make", "leaderboard"):
        assert f"## {name}\n" in commands
    assert "`torchrun --nproc-per-node 4 bench.py fit MODEL --device cuda`" in commands
    assert "(default: results) (default" not in commands
    assert "`--skip-unreadable`" in commands and "## worker" not in commands
    assert json.loads((tmp_path / "quickstart.ipynb").read_text())["cells"]


def test_a_package_stands_below_those_that_it_imports(tools: types.SimpleNamespace) -> None:
    for layer in tools.generate.LAYERS:
        imports = tools.generate.layer_imports(layer)
        order = tools.generate.in_order(imports)
        for name in order:
            assert imports[name] <= set(order[: order.index(name)]), name
    assert {"run", "measure", "records"} <= imports["api"]
    assert set(order[-3:]) == {"api", "pytest_plugin", "cli"}  # nobody imports them


def test_every_field_of_a_record_has_a_meaning(tools: types.SimpleNamespace) -> None:
    """A struct whose docstring lists its fields lists them all."""
    import inspect

    from kinobench.bench.records.record import Record

    structs = tools.generate.structs_of(Record)
    assert {struct.__name__ for struct in structs} >= {"Record", "Case", "Protocol", "Latency"}
    for struct in structs:
        meanings = tools.generate.attributes_of(inspect.cleandoc(struct.__doc__ or ""))
        unknown = set(meanings) - set(struct.__struct_fields__)
        assert not unknown, f"{struct.__name__} has no {unknown}"


def test_the_keys_that_follow_from_a_record_are_all_described(
    tools: types.SimpleNamespace,
) -> None:
    from kinobench.bench.records.record import Record

    stored = ROOT / "results"
    lines = [
        line
        for file in (*stored.glob("quick/runs/*.jsonl"), *stored.glob("h200/runs/*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    described = set(tools.generate.DERIVED)
    seen: set[str] = set()
    for line in lines:
        written = json.loads(msgspec.json.decode(line, type=Record).to_json())
        fields = msgspec.to_builtins(msgspec.json.decode(line, type=Record))
        extra = _paths(written) - _paths(fields)
        assert extra <= described, extra - described
        seen |= extra
    assert {path for path in described if not path.startswith("sweep.")} == seen


def _paths(plain: Any, before: str = "") -> set[str]:
    """Return the paths of all keys, those of lists' items without a number."""
    if isinstance(plain, list | tuple):
        return {path for item in plain for path in _paths(item, before)}
    if not isinstance(plain, dict):
        return set()
    found = set()
    for key, value in plain.items():
        path = f"{before}{key}"
        found |= {path} | _paths(value, f"{path}.")
    return found


def test_the_counts_in_the_text_are_right() -> None:
    def page(name: str) -> str:
        return " ".join((ROOT / name).read_text().split())

    weights = len(list((ROOT / "zoo" / "weights" / "pointlight").glob("*.safetensors")))
    quick, gate = suites.load("quick").models, suites.load("gate").models
    assert f"suite `gate` is checked: {len(gate)} tiny networks" in page("docs/gate.md")
    assert f"the {len(quick)} networks of the quick suite" in page("README.md")
    assert f"{weights} tiny networks" in page("docs/training.md")
    assert f"and {weights} of them come" in page("docs/choose.md")
    assert len(registry.listed()) > 200 and "More than 200 networks" in page("README.md")


def test_the_pages_name_the_supported_systems() -> None:
    for name in ("README.md", "docs/start.md"):
        assert SUPPORTED in " ".join((ROOT / name).read_text().split()), name


def test_every_name_in_the_table_of_networks_is_there() -> None:
    page = (ROOT / "docs" / "choose.md").read_text()
    (table,) = re.findall(r"^\| kind \| names.*?\n\n", page, flags=re.DOTALL | re.MULTILINE)
    beginnings = re.findall(r"`([a-z]\w+)`", table)
    assert len(beginnings) > 30
    for beginning in beginnings:
        assert any(name.startswith(beginning) for name in registry.listed()), beginning
    shown = [name for name in registry.listed() if any(map(name.startswith, beginnings))]
    assert set(registry.listed()) - set(shown) == set()


# --- the site, the workflows, the root's files ----------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example.org/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/b.css">',
        '<img alt="" src="http://example.org/c.png">',
        "<style>@import 'https://example.org/d.css'; p {}</style>",
        '<p style="background: url(https://example.org/e.png)">',
    ],
)
def test_a_page_that_loads_from_elsewhere_is_refused(
    html: str, tools: types.SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(f"<html><body>{html}</body></html>")
    (found,) = tools.check_site.loads_from_elsewhere(tmp_path)
    assert found.startswith("index.html: ") and "example.org" in found


def test_a_page_that_only_links_elsewhere_passes(
    tools: types.SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        tools.check_site.loads_from_elsewhere(tmp_path)
    links = '<a href="https://example.org">there</a><link rel="canonical" href="https://e.org/">'
    (tmp_path / "index.html").write_text(f'{links}<img src="a.png"><script src="b.js"></script>')
    (tmp_path / "site.css").write_text("p { background: url(c.png) }")
    assert tools.check_site.loads_from_elsewhere(tmp_path) == []
    (tmp_path / "site.css").write_text("@font-face { src: url('https://e.org/f.woff2') }")
    assert tools.check_site.loads_from_elsewhere(tmp_path) == ["site.css: https://e.org/f.woff2"]


@pytest.mark.parametrize("name", ["ci.yml", "docs.yml"])
def test_a_workflow_is_yaml_of_steps_that_exist(name: str) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    runs = "\n".join(step["run"] for step in steps if "run" in step)
    for step in steps:
        assert ("uses" in step) != ("run" in step)
        assert "${{" not in step.get("run", "")
    if name == "ci.yml":
        assert set(workflow[True]) == {"push", "pull_request"}  # YAML takes `on` for a truth
        assert runs == ".ci/run" and (ROOT / runs).stat().st_mode & 0o111
    else:
        assert "sphinx-build -W" in runs and "docs/check_site.py" in runs
        assert (ROOT / "docs" / "check_site.py").is_file()


def test_the_ci_builds_the_site_with_warnings_as_errors_and_checks_it() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "sphinx-build -W" in script and "python docs/check_site.py" in script


def test_the_tested_versions_satisfy_the_bounds_of_the_documentation() -> None:
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    for bound in map(Requirement, project["optional-dependencies"]["docs"]):
        assert bound.specifier.contains(pinned[bound.name.lower()]), bound


def test_the_version_to_cite_is_that_of_the_package() -> None:
    import tomllib

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["version"] == project["version"] and cited["license"] == project["license"]
    assert f"## {project['version']}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_hooks_of_pre_commit_run_programs_of_the_environment() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {"ruff-check", "ruff-format"} <= {hook["id"] for hook in hooks}


def test_the_promise_names_the_schema_that_records_have() -> None:
    from kinobench.bench.records.record import SCHEMA

    promise = (ROOT / "CHANGELOG.md").read_text().partition("## Unreleased")[0]
    assert f"schema {SCHEMA}" in promise and "Protocol digests" in promise
