"""A measurement of a third party's: in an installed package, and in a file named by --plugin."""

import csv
import io
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.render import render
from kinobench.bench.leaderboard.values import frame
from kinobench.bench.measure import registry
from kinobench.bench.measure.measurement import Figure, Measurement
from kinobench.bench.measure.table import BUILT_IN
from kinobench.bench.records.record import RESULT_FIELDS, from_json
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import Settings
from kinobench.bench.run.suite import Suite
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.command import call, printed_by, write_distribution
from ...fakes.made_records import made_case, made_record
from ...fakes.media import FAKES

JITTER = FAKES / "jitter.py"
CASE = (
    *("--model", "early_fusion_tiny", "--dataset", "none", "--protocol", "pointlight"),
    *("--classes", "8", "--threads", "1"),
)
RESULT = {"samples_s": [0.5, 1.5]}
"""Mean 1, standard deviation 1/sqrt(2)."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which the package is installed."""
    target = tmp_path / "installed"
    target.mkdir()
    write_distribution(target, "jitter", JITTER.read_text(), {"kinobench.measurements": "jitter"})
    return target


@pytest.mark.slow  # tests/house/test_plugins.py has one of these, too
def test_an_installed_measurement_is_in_the_help_the_record_and_every_table(
    installed: Path, tmp_path: Path
) -> None:
    run = ("run", *CASE, "--measure", "flops,jitter")
    forms = {
        form: ("leaderboard", "--format", form, "--sort", "jitter")
        for form in ("md", "html", "latex")
    }
    forms["latex"] += ("--columns", "model,jitter")
    plain_forms = {form: ("leaderboard", "--format", form) for form in ("csv", "json")}
    commands = [
        *(("run", "--help"), ("list", "measurements", "--json"), run),
        *(*forms.values(), *plain_forms.values()),
    ]
    printed = printed_by(commands, tmp_path, installed, COLUMNS="80")
    assert "jitter" in printed["run", "--help"]
    lines = json.loads(printed["list", "measurements", "--json"])
    listed = {line["name"]: line for line in lines}
    assert listed["jitter"]["measures"] == "spread of the times of repeated forwards"
    assert listed["jitter"]["columns"] == "jitter (%)"
    screen = printed[run]
    assert "jitter (%)" in screen and "standard deviation of the times of forwards" in screen
    (line,) = (tmp_path / "results" / "runs").glob("*.jsonl").__next__().read_text().splitlines()
    record = json.loads(line)
    assert len(record["measurements"]["jitter"]["samples_s"]) == 12
    assert record["notes"][0] == "jitter: of 12 forwards" and record["error"] is None
    (row,) = csv.DictReader(io.StringIO(printed[plain_forms["csv"]], newline=""))
    assert float(row["jitter_share"]) > 0
    heads = {"md": "jitter (%)", "html": '"label":"jitter","unit":"%"', "latex": r"& jitter \\\\"}
    for form, head in heads.items():
        assert head in printed[forms[form]], form
    (board,) = json.loads(printed[plain_forms["json"]])
    (plain,) = board["rows"]
    assert plain["jitter_share"] == float(row["jitter_share"])
    assert plain["measurements"] == record["measurements"]


@pytest.mark.usefixtures("shared_workers")
def test_a_file_named_on_the_command_line_adds_one_to_the_run_and_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    plugin = tmp_path / "jitter_of_a_file.py"  # a name that no other test has loaded
    plugin.write_text(JITTER.read_text())

    def kinobench(*arguments: object) -> str:
        done = call(monkeypatch, tmp_path, *arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    monkeypatch.setattr(registry, "_measurements", {each.name: each for each in BUILT_IN})
    screen = kinobench("run", *CASE, "--measure", "jitter", "--plugin", plugin)
    assert "jitter (%)" in screen
    assert "jitter (%)" in (tmp_path / "results" / "leaderboard.md").read_text()
    assert "jitter (%)" in kinobench("leaderboard", "--format", "md", "--plugin", plugin)
    # Without the file the result is kept, and the table says so.
    monkeypatch.setattr(registry, "_measurements", {each.name: each for each in BUILT_IN})
    page = kinobench("leaderboard", "--format", "md")
    assert "jitter (%)" not in page
    assert "jitter: no measurement of that name is installed; its result is kept" in page
    (board,) = json.loads(kinobench("leaderboard", "--format", "json"))
    assert len(board["rows"][0]["measurements"]["jitter"]["samples_s"]) == 12


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measurement]:
    """The measurement, registered as long as the test lasts."""
    monkeypatch.setattr(registry, "_measurements", {each.name: each for each in BUILT_IN})
    runpy.run_path(str(JITTER), run_name="jitter_of_a_test")
    yield registry.get("jitter")


def record_with(result: Any, **changes: Any) -> Any:
    return made_record(measurements={"jitter": msgspec.Raw(msgspec.json.encode(result))}, **changes)


def test_a_result_is_kept_byte_for_byte_whether_its_measurement_is_known_or_not() -> None:
    odd = b'{"z": 1.10,\t"a": [1e-7, null], "text": "\\u00e9"}'
    line = made_record(measurements={"unheard_of": msgspec.Raw(odd)}).to_json()
    assert odd in line and from_json(line).to_json() == line
    assert b"measurements" not in made_record().to_json()


def test_a_registered_measurement_has_cells_values_and_an_order(jitter: Measurement) -> None:
    steady = record_with({"samples_s": [1.0, 1.0]}, case={"model": "x3d_tiny"})
    (board,) = boards([record_with(RESULT), steady, made_record("i3d_tiny")])
    board = ordered(board, "jitter")
    assert [row.record.case.model for row in board.rows] == ["x3d_tiny", "c3d_tiny", "i3d_tiny"]
    shares = list(frame([board])["jitter_share"])
    assert shares[:2] == [0.0, pytest.approx(2**-0.5)] and shares[2] is None
    page = render([board], "md")
    assert [line.rsplit("|", 2)[1].strip() for line in page.splitlines() if "tiny" in line] == [
        *("0.0", "70.7", "–"),
    ]
    assert sum("standard deviation of the times" in line for line in footnotes(board)) == 1


def test_a_result_is_taken_over_from_an_older_record_of_the_case(jitter: Measurement) -> None:
    old = record_with(RESULT, started="2026-01-01T00:00:00Z", notes=("jitter: rough",))
    new = made_record(started="2026-01-02T00:00:00Z", notes=())
    ((row,),) = (board.rows for board in boards([old, new]))
    assert row.record.has("jitter") and row.notes == ("jitter: rough",)
    assert row.since == "2026-01-01T00:00:00Z"


def test_an_unknown_result_is_taken_over_too_and_named_under_the_table() -> None:
    old = record_with(RESULT, started="2026-01-01T00:00:00Z")
    ((row,),) = (board.rows for board in boards([old, made_record(started="2026-01-02T00:00:00Z")]))
    assert row.record.measurements == old.measurements
    (note,) = row.notes
    assert note.startswith("jitter: no measurement of that name is installed")


def test_a_result_of_another_form_is_a_dash_with_its_reason(jitter: Measurement) -> None:
    (board,) = boards([record_with({"samples": 3}), record_with(RESULT, case={"model": "b"})])
    lines = [line for line in render([board], "md").splitlines() if line.startswith("| ")]
    assert {line.rsplit("|", 2)[1].strip() for line in lines[1:]} == {"–", "70.7"}
    (note,) = (line for line in footnotes(board) if "stored result" in line)
    assert note.startswith("c3d_tiny: jitter: the stored result is not a Jitter: ")


def figure(name: str) -> Figure:
    return Figure(name=name, label="x", read=lambda record: 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "latency"}, "measurement 'latency' is taken"),
        ({"name": "Jitter"}, "'Jitter': a name has lower case letters, digits and _"),
        ({"results": {"cost": dict}}, "result 'cost' is taken"),
        ({"figures": (figure("top1"),)}, "figure 'top1' is taken"),
        ({"figures": (figure("rank"),)}, "figure 'rank' is taken"),
        ({"figures": (figure("Other"),)}, "'Other': a name has lower case letters, digits and _"),
        ({"values": {"latency_s": None}}, "value 'latency_s': its name begins with other_"),
        ({"follows": ("latncy",)}, "no measurement is named 'latncy': did you mean 'latency'"),
    ],
)
def test_a_measurement_that_takes_a_name_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(registry, "_measurements", {each.name: each for each in BUILT_IN})
    fields: dict[str, Any] = {
        "name": "other",
        "summary": "x",
        "run": "a:b",
        "results": {"other": dict},
    }
    with pytest.raises(KinobenchError, match=message):
        registry.register(Measurement(**fields | changes))
    asked_for = [each.name for each in BUILT_IN if not each.follows and not each.always]
    assert registry.names() == asked_for


def test_a_value_that_tables_have_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Measurement(
        name="flow", summary="x", run="a:b", results={"flow": dict}, values={"flow_s": lambda r: 1}
    )
    monkeypatch.setattr(registry, "_measurements", {"flow": flow})
    with pytest.raises(KinobenchError, match="measurement 'flow': value 'flow_s' is taken"):
        frame([])


def test_every_measurement_that_comes_with_kinobench_can_be_imported() -> None:
    for each in BUILT_IN:
        assert callable(registry.runs(each)), each.name
        if each.check is not None:
            assert callable(registry.resolved(each.check, each.name))
    given = [name for each in BUILT_IN for name in each.results]
    assert sorted(given) == sorted(RESULT_FIELDS)


def test_an_unknown_measurement_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="no measurement is named 'latncy': did you mean"):
        registry.get("latncy")
    with pytest.raises(KinobenchError, match="peak can't be asked for: it is measured wherever"):
        registry.check("peak")


def test_measurements_run_in_an_order_that_spoils_no_timing() -> None:
    def order(device: str) -> list[str]:
        case = made_case(device=device, flow="dis")
        return [each.name for each in registry.chosen(registry.names(), case)]

    timed = ["latency", "flow_time", "peak", "energy", "sweep", "pipeline"]
    assert order("cpu") == ["flops", *timed, "memory", "accuracy"]
    assert order("cuda") == ["flops", "memory", *timed, "accuracy"]


@pytest.fixture
def offered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[str, str], Path]]:
    """Put a module under an entry point, as an installed package does; nothing is loaded yet."""

    def offer(module: str, source: str) -> Path:
        file = tmp_path / f"{module}.py"
        file.write_text(source)
        sys.modules.pop(module, None)
        point = EntryPoint(module, module, registry.ENTRY_POINT_GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: [point])
        return file

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_measurements", {each.name: each for each in BUILT_IN})
    monkeypatch.setattr(registry, "_loaded", set())
    registry._load_installed_plugins.cache_clear()
    yield offer
    registry._load_installed_plugins.cache_clear()


REGISTERED = """
from kinobench.bench.measure.measurement import Measurement
from kinobench.bench.measure.registry import register

register(Measurement(name="usual", summary="x", run="a:b", results={"usual": dict}, default=True,
                     absence="usual: not asked for"))
"""


@pytest.mark.parametrize(
    "named",
    [
        lambda: registry.defaults(dataset=False),
        lambda: " ".join(registry.absences((), made_case())),
        lambda: registry.help_text().partition("default: ")[2],
        lambda: plan(Suite(), Settings(), ("c3d_tiny",))[0].measures,
    ],
    ids=["defaults", "absences", "help", "plan"],
)
def test_an_installed_measurement_is_known_to_whoever_asks_first(
    offered: Callable[[str, str], Path], named: Callable[[], Any]
) -> None:
    offered("usual_of_a_test", REGISTERED)
    assert "usual" in named()


def test_an_installed_measurement_that_fails_fails_the_same_way_each_time_until_it_is_repaired(
    offered: Callable[[str, str], Path],
) -> None:
    file = offered("broken_of_a_test", f"{REGISTERED}\nraise OSError('no license')\n")
    for _ in range(2):
        with pytest.raises(KinobenchError, match=r"plug-in 'broken_of_a_test' .*no license"):
            registry.names()
    assert "usual" not in registry._measurements
    file.write_text(f"{REGISTERED}\nassert 'repaired'\n")
    assert "usual" in registry.names()
