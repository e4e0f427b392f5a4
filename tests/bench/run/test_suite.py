"""Suite files and the command line: what is planned, and which mistakes are refused."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.cli import run as command
from kinobench.bench.machine.environment import physical_cores
from kinobench.bench.records.job import Budget, FileLimits
from kinobench.bench.run import suite as suites
from kinobench.bench.run.options import DataRoots
from kinobench.bench.run.plan import plan
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.settings import Settings, argument, settings_of
from kinobench.bench.run.suite import parse
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo import registry

POOLING = """
from torch import nn
from kinobench.zoo.registry import register

@register("mean_colour_of_a_suite")
def build(num_classes, frames, size):
    return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, num_classes))
"""


def planned(content: str, *models: str, **asked: object) -> list[Planned]:
    return plan(parse(content, "my.toml"), settings_of(**asked), models)


def only(content: str, *models: str, **asked: object) -> Planned:
    (entry,) = planned(content, *models, **asked)
    return entry


@pytest.mark.parametrize("key", ["plugin", "results", "data_root", "cluster", "output", "url"])
def test_a_suite_names_no_code_and_no_place(key: str) -> None:
    with pytest.raises(KinobenchError, match=f"unknown key '{key}'"):
        parse(f'models = ["x3d_tiny"]\n{key} = "/tmp/x"\n', "my.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('modles = ["c3d"]', "my.toml: unknown key 'modles': did you mean 'models'?"),
        ("[latency]\nmaxs = 1", "my.toml: [latency]: unknown key 'maxs': did you mean 'max_s'?"),
        (
            '[[case]]\nmodel = "c3d"\n[[case]]\nprecison = "fp32"',
            "my.toml: [[case]] 2: unknown key 'precison': did you mean 'precision'?",
        ),
        ("[[case]]\ntimeout_s = 3", "my.toml: [[case]] 1: unknown key 'timeout_s'"),
        ("qqq = 1", "my.toml: unknown key 'qqq': known: model, weights, dataset,"),
    ],
)
def test_a_wrong_key_names_the_file_the_place_and_the_nearest_key(
    content: str, message: str
) -> None:
    with pytest.raises(KinobenchError) as caught:
        parse(content, "my.toml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('device = "tpu"', "device = 'tpu': choose cpu or cuda"),
        (
            'device = "cuda:1"',
            "device = 'cuda:1': give cuda, and choose the GPU by the environment: ",
        ),
        ("device = 3", "device = 3: choose cpu or cuda"),
        (
            'precision = "fp61"',
            "precision = 'fp61': choose fp32, tf32, bf16, fp16 or int8; did you",
        ),
        ('mode = "compiled"', "mode = 'compiled': choose eager, compile, cudagraph,"),
        ('measure = ["flops", "latncy"]', "measure = 'latncy': choose flops, latency, "),
        ('measure = "flops, latncy"', "measure = 'latncy': choose flops, latency, "),
        ("measure = { flops = true }", "measure = {'flops': True}: choose flops, latency, "),
        ("measure = []", "measure: it is empty; give one or more"),
        ('models = "c3d"', "models = 'c3d': give a list"),
        ("models = [7]", "models = 7: give a string"),
        ('models = ["c3d_tinny"]', "models = 'c3d_tinny': no model is named 'c3d_tinny': did"),
        ('model = "c3d_tinny"', "model = 'c3d_tinny': no model is named 'c3d_tinny': did you"),
        ('dataset = "ufc101"', "dataset = 'ufc101': no dataset is named 'ufc101': did you mean"),
        ("dataset = 3", "dataset = 3: give a string"),
        (
            'dataset = "ucf101"\nsplit = "4"',
            "no split of ucf101 is named '4': known: 1, 2, 3, train1, train2, train3",
        ),
        ('protocol = "common112"', "protocol = 'common112': no protocol is named 'common112'"),
        ('views = "10 by 3"', "views = '10 by 3': write temporal x spatial views, as in"),
        (
            'views = "10x2"',
            "views = '10x2': write temporal x spatial views, as in 10x3; 1, 3, 5 or 10",
        ),
        ('views = "0x3"', "views = '0x3'"),
        ("views = 10", "views = 10: give a string"),
        ("weights = 1.5", "weights = 1.5: give a string"),
        ("classes = 0", "classes = 0: it must be from 1 to 1048576"),
        ("threads = -1", "threads = -1: it must be from 1 to 65536"),
        ("threads = 1.5", "threads = 1.5: give a whole number"),
        ("eval_batch = 0", "eval_batch = 0: it must be from 1 to 1048576"),
        ("batch = 0", "batch = 0: it must be from 1 to 1048576"),
        ("batch = [4, 0]", "batch = 0: it must be from 1 to 1048576"),
        ("batch = true", "batch = True: give whole numbers of 1 or more, such as 1,8"),
        ("batch = []", "batch: it is empty; give one or more"),
        ("description = 1", "description = 1: give a string"),
        ("timeout_s = 0", "timeout_s = 0: it must be from 0.1 to 31536000"),
        ("timeout_s = inf", "timeout_s = inf: it must be from 0.1 to 31536000"),
        ("file_timeout_s = 0", "file_timeout_s = 0: it must be from 0.1 to 31536000"),
        ("file_memory_gib = -1", "file_memory_gib = -1: it must be from 0.5 to 1048576"),
        ("memory_limit_gib = nan", "memory_limit_gib = nan: it must be from 0.1 to 1048576"),
        ("latency = 3", "latency = 3: give a table"),
        ('[latency]\nmax_s = "3"', "[latency]: max_s = '3': give a number"),
        ("[latency]\nmin_s = -1", "[latency]: min_s = -1: it must be above 0, up to 31536000"),
        ("case = 3", "case = 3: give tables, each under [[case]]"),
        ('[case]\nmodel = "c3d"', "case = {'model': 'c3d'}: give tables, each under [[case]]"),
        ("case = [3]", "[[case]] 1 = 3: give a table"),
        (
            '[[case]]\nmodel = "c3d"\n[[case]]\nmode = "comple"',
            "[[case]] 2: mode = 'comple': choose eager, compile, cudagraph, compile_cudagraph, "
            "channels_last_3d or stream; did you mean 'compile'?",
        ),
        (
            '[[case]]\nmeasure = ["flop"]',
            "[[case]] 1: measure = 'flop': choose flops, latency, memory, energy, ",
        ),
        ('[[case]]\nmodel = "c3e"', "[[case]] 1: model = 'c3e': no model is named 'c3e': did"),
        ('dataset = "ucf101"\n[[case]]\nsplit = "4"', "no split of ucf101 is named '4'"),
    ],
)
def test_a_wrong_value_names_the_file_the_key_the_value_and_what_is_right(
    content: str, message: str
) -> None:
    with pytest.raises(KinobenchError) as caught:
        parse(content, "my.toml")
    assert str(caught.value).startswith(f"my.toml: {message}")


NUMBERS = [
    *(("", key) for key in ("classes", "batch", "threads", "eval_batch", "max_batch")),
    *(("", key) for key in ("calibration", "step", "boxes")),
    *(("", key) for key in ("timeout_s", "memory_limit_gib", "file_timeout_s", "file_memory_gib")),
    *(("[[case]]\n", key) for key in ("classes", "batch", "threads", "eval_batch", "max_batch")),
    *(("[latency]\n", key) for key in Budget.__struct_fields__),
]
"""Every number of a suite file, and the table that it is in."""
LONG = "9" * 400
"""More than a float can be."""


def test_every_number_of_a_suite_is_known_to_the_tests() -> None:
    numbers = {key for table, key in NUMBERS if not table}
    for field in msgspec.inspect.type_info(suites.Suite).fields:
        kinds = str(field.type)
        if "IntType" in kinds or "FloatType" in kinds:
            assert field.name in numbers | {"case", "latency"}, field.name


@pytest.mark.parametrize(("table", "key"), NUMBERS)
@pytest.mark.parametrize(
    "number",
    [
        *("1e300", "1e30", "-1e300", "inf", "-inf", "nan", "9" * 26, "-1"),
        pytest.param(LONG, id="9"),
    ],
)
def test_a_number_that_nothing_can_be_measured_with_is_quoted_with_its_range(
    table: str, key: str, number: str
) -> None:
    with pytest.raises(KinobenchError) as caught:
        parse(f"{table}{key} = {number}", "my.toml")
    message = str(caught.value)
    assert re.search(rf"^my\.toml: .*{key} = \S.*: it must be (from|above) \S+", message), message
    if len(number) < 50:
        assert f" {key} = {tomllib.loads(f'x = {number}')['x']!r}: " in message


@pytest.mark.parametrize(
    "views", ["99999999999x3", "1001x1", pytest.param("9" * 5000 + "x3", id="endless")]
)
def test_more_views_than_a_video_has_are_refused(views: str) -> None:
    with pytest.raises(KinobenchError, match=r"x\d': the number of .* must be from 1 to 1000$"):
        parse(f'views = "{views}"', "my.toml")
    with pytest.raises(KinobenchError, match=r"^--views 9*\d*x\d: the number of temporal views"):
        settings_of(views=views)
    with pytest.raises(KinobenchError, match="write temporal x spatial views"):
        settings_of(views="1x" + "3" * 5000)


@pytest.mark.parametrize(
    "content", ["batch = " + "9" * 5000, "batch = " + "[" * 5000], ids=["digits", "lists"]
)
def test_what_python_itself_can_not_read_is_an_error_of_the_file(content: str) -> None:
    with pytest.raises(KinobenchError, match=r"^my\.toml: "):
        parse(content, "my.toml")


def test_numbers_of_a_call_in_python_have_the_same_ranges() -> None:
    with pytest.raises(KinobenchError, match=r"^batch=<about 5001 digits>: it must be from 1 to"):
        settings_of(argument, batch=(10**5000,))
    with pytest.raises(KinobenchError, match=r"^threads=inf: it must be from 1 to 65536$"):
        settings_of(argument, threads=float("inf"))
    with pytest.raises(ValueError, match=r"max_s is 1e.300; it must be above 0, up to 31536000"):
        Budget(max_s=1e300)
    with pytest.raises(KinobenchError, match=r"--batch 9+: give whole numbers of 1 or more"):
        settings_of(batch="9" * 5000)


def test_every_setting_has_a_wrong_value_that_is_refused() -> None:
    for field in Settings.__struct_fields__:
        with pytest.raises(KinobenchError, match=field):
            parse(f"{field} = {{ a = 1 }}", "my.toml")


def test_a_file_that_is_no_toml_is_named() -> None:
    with pytest.raises(KinobenchError, match=r"^my\.toml: not TOML: .*line 2"):
        parse('models = ["c3d"]\ndevice = cpu', "my.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match=r"nowhere\.toml can't be read: there is no such file"):
        suites.load(str(tmp_path / "nowhere.toml"))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KinobenchError, match=r"noise\.toml can't be read: it isn't text in UTF-8"):
        suites.load(str(tmp_path / "noise.toml"))


def test_an_unknown_suite_names_the_nearest_and_tells_how_files_are_named() -> None:
    with pytest.raises(
        UnknownNameError, match=r"did you mean 'quick'\? The name of a suite file ends in"
    ):
        suites.load("quik")


def test_a_file_is_loaded_whole(tmp_path: Path) -> None:
    path = tmp_path / "whole.toml"
    path.write_text(
        'description = "two"\nmodels = ["c3d_tiny"]\ndataset = "none"\nprotocol = "common-112"\n'
        "timeout_s = 60\nmemory_limit_gib = 1.5\n[latency]\nmin_s = 1\nmax_s = 2\n"
        '[[case]]\nmodel = "x3d_tiny"\nbatch = [1, 8]\nthreads = 2\n'
    )
    suite = suites.load(str(path))
    assert (suite.timeout_s, suite.memory_limit_gib) == (60.0, 1.5)
    assert (suite.latency.min_s, suite.latency.max_s, suite.latency.warmup_max_s) == (1, 2, 30)
    cases = [entry.case for entry in plan(suite, Settings())]
    assert [(case.model, case.batch) for case in cases] == [
        ("c3d_tiny", 1),
        ("x3d_tiny", 1),
        ("x3d_tiny", 8),
    ]
    assert cases[2].threads == 2 and cases[0].threads == physical_cores()


def test_what_nothing_says_has_the_documented_defaults() -> None:
    entry = only('models = ["c3d_tiny"]')
    case = entry.case
    assert entry.measures == ("flops", "latency", "memory")  # no dataset, no accuracy
    assert case.protocol.name == "common-224" and case.classes == 400
    assert (case.dataset, case.split, case.weights) == (None, None, None)
    assert (case.device, case.precision, case.mode) == ("cpu", "fp32", "eager")
    assert (case.batch, case.eval_batch) == (1, 8)


def test_the_command_line_stands_over_the_case_and_the_case_over_the_suite() -> None:
    content = (
        'models = ["c3d_tiny"]\nprecision = "bf16"\nmode = "compile"\nthreads = 1\n'
        'measure = ["flops"]\n'
        '[[case]]\nmodel = "x3d_tiny"\nmode = "eager"\nthreads = 2\n'
    )
    first, second = (entry.case for entry in planned(content, threads=3))
    assert (first.precision, first.mode, first.threads) == ("bf16", "compile", 3)
    assert (second.precision, second.mode, second.threads) == ("bf16", "eager", 3)
    assert only(content, "c3d_tiny", measure=("memory",)).measures == ("memory",)


def test_models_of_the_command_line_replace_all_cases_of_the_suite() -> None:
    content = 'models = ["c3d_tiny"]\nthreads = 1\n[[case]]\nmodel = "x3d_tiny"\n'
    entries = planned(content, "early_fusion_tiny", "slow_fusion_tiny")
    assert [entry.case.model for entry in entries] == ["early_fusion_tiny", "slow_fusion_tiny"]
    assert {entry.case.threads for entry in entries} == {1}


def test_a_dataset_brings_its_own_protocol_split_and_classes() -> None:
    case = only('models = ["c3d_tiny"]\ndataset = "ucf101"').case
    assert (case.protocol.name, case.split, case.classes) == ("common-112", "1", 101)


def test_another_dataset_drops_what_was_said_for_the_first() -> None:
    content = (
        'models = ["c3d_tiny"]\ndataset = "pointlight"\nprotocol = "pointlight"\n'
        'split = "train"\nclasses = 8\nviews = "3x1"\nthreads = 1\n'
    )
    same = only(content, dataset="pointlight").case
    assert (same.protocol.name, same.split) == ("pointlight/3x1", "train")
    other = only(content, dataset="ucf101").case
    assert (other.protocol.name, other.split, other.classes) == ("common-112", "1", 101)
    assert other.protocol.views == 30 and other.threads == 1
    none = only(content, dataset="none").case
    assert (none.protocol.name, none.split, none.classes) == ("common-224", None, 400)
    asked = only(content, dataset="ucf101", protocol="common-224", split="2").case
    assert (asked.protocol.name, asked.split) == ("common-224", "2")


def test_a_case_with_another_dataset_drops_them_too() -> None:
    content = (
        'dataset = "pointlight"\nsplit = "train"\n[[case]]\nmodel = "c3d_tiny"\n'
        'dataset = "kinetics400"\n'
    )
    case = only(content).case
    assert (case.dataset, case.split, case.classes) == ("kinetics400", "val", 400)


def test_no_dataset_and_none_are_the_same() -> None:
    content = 'models = ["c3d_tiny"]\nprotocol = "common-112"\nclasses = 7\n'
    case = only(content, dataset="none").case
    assert (case.protocol.name, case.classes, case.dataset) == ("common-112", 7, None)


def test_a_list_of_batches_is_a_case_each_and_one_number_is_one() -> None:
    content = 'models = ["c3d_tiny", "x3d_tiny"]\nbatch = [1, 2, 16]\n'
    cases = [entry.case for entry in planned(content)]
    assert [case.batch for case in cases] == [1, 2, 16, 1, 2, 16]
    assert len({case.digest for case in cases}) == 6
    assert only('models = ["c3d_tiny"]\nbatch = 8').case.batch == 8
    assert only('[[case]]\nmodel = "c3d_tiny"\nbatch = 4').case.batch == 4
    assert [entry.case.batch for entry in planned(content, "c3d", batch=(3, 5))] == [3, 5]


def test_views_change_the_protocol_and_its_digest() -> None:
    plain = only('models = ["c3d_tiny"]\nprotocol = "common-112"').case.protocol
    assert (plain.clips, plain.crops) == (10, 3)
    few = only('models = ["c3d_tiny"]\nprotocol = "common-112"', views="1x1").case.protocol
    assert (few.clips, few.crops, few.views) == (1, 1, 1)
    assert few.digest != plain.digest


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"mode": "cudagraph"}, "mode 'cudagraph' needs device 'cuda'"),
        ({"precision": "tf32"}, "precision 'tf32' needs device 'cuda'"),
        ({"dataset": "ucf101", "classes": 400}, "classes is 400, but ucf101 has 101; leave it"),
        ({"dataset": "ucf101", "split": "test"}, "no split of ucf101 is named 'test': known: 1"),
        ({"dataset": "pointlight", "split": "tset"}, "did you mean 'test'?"),
        ({"split": "1"}, "split is '1', but there is no dataset"),
        ({"dataset": "ufc101"}, "did you mean 'ucf101'?"),
        ({"protocol": "comon-112"}, "did you mean 'common-112'?"),
        ({"batch": (0,)}, "--batch 0: it must be from 1 to 1048576"),
        ({"threads": 0}, "--threads 0: it must be from 1 to 65536"),
        ({"device": "tpu"}, "--device tpu: choose cpu or cuda"),
        (
            {"device": "gpu:2"},
            "--device gpu:2: give cuda, and choose the GPU by the environment: CUDA_",
        ),
        ({"measure": ("flops", "enrgy")}, "--measure enrgy: choose flops, latency, memory, energy"),
        ({"views": "3"}, "--views 3: write temporal x spatial views, as in 10x3"),
    ],
)
def test_settings_that_cannot_be_are_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        planned('models = ["c3d_tiny"]', **asked)
    assert message in str(caught.value)


def test_cuda_takes_graphs_and_tf32_and_leaves_threads_to_the_device() -> None:
    case = only('models = ["c3d"]', device="cuda", mode="cudagraph", precision="tf32").case
    assert (case.mode, case.precision, case.threads) == ("cudagraph", "tf32", None)


def test_an_unknown_model_of_the_command_line_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'slowfast_tiny'"):
        planned("", "slowfast-tiny")


def test_an_empty_suite_says_what_to_give() -> None:
    with pytest.raises(KinobenchError, match=r"no cases: give `models = \[\.\.\.\]`, or --model"):
        planned('dataset = "pointlight"')
    assert only("", "c3d_tiny").case.model == "c3d_tiny"


def test_a_case_without_a_model_says_what_to_give() -> None:
    with pytest.raises(KinobenchError, match="a case has no model: give it `model ="):
        planned("[[case]]\nbatch = 2")


def test_untrained_is_said_by_none(tmp_path: Path) -> None:
    mine = (tmp_path / "mine.pt").as_posix()
    content = f'models = ["c3d"]\nweights = "{mine}"\n'
    with pytest.raises(KinobenchError, match=r"mine.pt': there is no such file"):
        only(content)
    Path(mine).touch()
    assert only(content).case.weights == mine
    assert only(content, weights="none").case.weights is None


def test_the_weights_that_come_with_kinobench_are_the_default_everywhere() -> None:
    on_pointlight = 'models = ["c3d_tiny", "x3d_tiny", "c3d"]\ndataset = "pointlight"\n'
    from_a_file = [entry.case for entry in planned(on_pointlight)]
    assert [case.weights for case in from_a_file] == ["pointlight", "pointlight", None]
    what = command.What(model=["c3d_tiny", "x3d_tiny", "c3d"])
    suite = command._suite_of(what)
    by_option = command._planned(suite, what, command.How(), command.Data(), DataRoots())
    assert [entry.case for entry in by_option] == from_a_file
    case = only('dataset = "pointlight"\n[[case]]\nmodel = "c3d_tiny"').case
    assert case == from_a_file[0]
    # Clips of another size, other classes, or no dataset: no such weights.
    others: list[dict[str, object]] = [
        {"protocol": "common-112"},
        {"dataset": "ucf101"},
        {"dataset": "none", "protocol": "pointlight"},
        {"weights": "none"},
    ]
    for asked in others:
        assert only(on_pointlight, "c3d_tiny", **asked).case.weights is None
    untrained = only('models = ["c3d_tiny"]\ndataset = "pointlight"\nweights = "none"').case
    assert untrained.weights is None
    assert only(on_pointlight, "c3d_tiny", weights="shipped").case.weights == "pointlight"


def test_what_the_cpu_cannot_compute_is_refused_while_it_is_planned() -> None:
    """The suite that the README once showed failed in its last case, after the others."""
    content = (
        'models = ["c3d_tiny", "x3d_tiny"]\ndataset = "pointlight"\n'
        'measure = ["flops", "latency", "accuracy"]\nbatch = [1, 8]\n'
        '[[case]]\nmodel = "i3d_tiny"\nprecision = "bf16"\n'
    )
    with pytest.raises(KinobenchError) as caught:
        planned(content)
    assert str(caught.value) == (
        "precision 'bf16' on device 'cpu': torch has no kernel of avg_pool3d for it, which "
        "i3d_tiny would need; give precision 'fp32' or device 'cuda', or leave this network out"
    )
    with pytest.raises(KinobenchError, match=r"which i3d_tiny, x3d_tiny would need.* these net"):
        planned(content, "i3d_tiny", "early_fusion_tiny", "x3d_tiny", precision="bf16")
    # What runs no forward in that precision, or elsewhere, or by other kernels.
    for asked in ({"measure": ("flops",)}, {"device": "cuda"}, {"mode": "compile"}):
        assert planned(content, "i3d_tiny", precision="bf16", **asked)
    assert planned(content, "c3d_tiny", "early_fusion_tiny", "videomae_tiny", precision="bf16")


@pytest.mark.parametrize("name", suites.names())
def test_every_built_in_suite_loads_and_plans(name: str) -> None:
    suite = suites.load(name)
    entries = plan(suite, Settings())
    assert suite.description and len(entries) >= len(suite.models) + len(suite.case)
    for field in tomllib.loads((suites.BUILT_IN / f"{name}.toml").read_text()):
        assert field in suites.Suite.__struct_fields__


def test_quick_is_tiny_of_every_family_and_trained_on_the_embedded_dataset() -> None:
    every = [entry.case for entry in plan(suites.load("quick"), Settings())]
    models = {case.model for case in every}
    tiny = {name for name in models if name.endswith("_tiny")}
    assert models == tiny
    of_other_tasks = {
        (case.task, case.dataset, case.split, case.weights, case.protocol.name)
        for case in every
        if case.task != "classification"
    }
    assert of_other_tasks == {
        ("localization", "pointlight-events", "quick", "pointlight-events", "pointlight"),
        ("detection", "pointlight-boxes", "quick", "pointlight-boxes", "pointlight-boxes"),
    }
    cases = [case for case in every if case.task == "classification"]
    families = {family for family, names in registry.FAMILY_MODULES.items() if models & set(names)}
    assert families == set(registry.FAMILY_MODULES)
    assert {(case.dataset, case.split, case.weights) for case in cases} == {
        ("pointlight", "quick", "pointlight")
    }
    assert {(case.protocol.name, case.classes, case.device) for case in cases} == {
        ("pointlight", 8, "cpu")
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"runtime": ["onnxruntime"]},
        {"views": "1x3"},
        {"probe": "reversed"},
        {"measure": ["flops", "accuracy"], "step": None, "dataset": "ucf101"},
    ],
)
def test_rows_of_another_task_than_the_options_are_left_out_aloud(asked: dict[str, Any]) -> None:
    said: list[str] = []
    planned = plan(suites.load("quick"), settings_of(**asked), on_left_out=said.append)
    assert {entry.case.task for entry in planned} == {"classification"} and len(planned) == 32
    assert any("actionformer_tiny" in each for each in said)
    with pytest.raises(KinobenchError, match="actionformer_tiny"):
        plan(suites.load("quick"), settings_of(**asked), ("actionformer_tiny",))


def test_a_third_partys_model_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_architectures", dict(registry._architectures))
    monkeypatch.setattr(registry, "_plugins", set(registry._plugins))
    (tmp_path / "pooling.py").write_text(POOLING)
    content = 'models = ["mean_colour_of_a_suite"]'
    with pytest.raises(KinobenchError, match="no model is named 'mean_colour_of_a_suite'"):
        parse(content, "my.toml")
    registry.load_plugin(tmp_path / "pooling.py")
    assert only(content).case.model == "mean_colour_of_a_suite"


def test_a_decoder_is_a_setting_of_what_is_scored() -> None:
    scored = 'models = ["c3d_tiny"]\ndataset = "pointlight"\n'
    assert only(scored).case.decoder == "pyav"
    assert only(scored + 'decoder = "torchcodec"').case.decoder == "torchcodec"
    assert only(scored, decoder="torchcodec").case.decoder == "torchcodec"
    with pytest.raises(KinobenchError, match="choose pyav or torchcodec; did you mean"):
        only(scored, decoder="torchcodecs")
    for asked in ({"dataset": "none"}, {"measure": ("latency",)}):
        with pytest.raises(KinobenchError, match="--decoder torchcodec: no accuracy is measured"):
            only(scored, decoder="torchcodec", **asked)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ({"device": "gpu"}, {"device": "cuda"}),
        ({"device": "CUDA"}, {"device": "cuda"}),
        ({"precision": "BF16"}, {"precision": "bf16"}),
        ({"mode": "Channels_Last_3D"}, {"mode": "channels_last_3d"}),
        ({"probe": "First-Frame"}, {"probe": "first-frame"}),
        ({"measure": "latency, flops"}, {"measure": ("latency", "flops")}),
        ({"measure": ["latency,FLOPs", "memory"]}, {"measure": ("latency", "flops", "memory")}),
        ({"batch": "1,8"}, {"batch": (1, 8)}),
        ({"batch": ["1, 8", "16"]}, {"batch": (1, 8, 16)}),
        ({"batch": 8}, {"batch": (8,)}),
    ],
)
def test_values_are_taken_as_people_type_them(
    typed: dict[str, object], meant: dict[str, object]
) -> None:
    assert settings_of(**typed) == Settings(**meant)
    (line,) = (f"{key} = {json.dumps(value)}" for key, value in typed.items())
    for content in (line, f"[[case]]\n{line}"):
        suite = parse(content, "my.toml")
        read = suite.case[0] if suite.case else suite
        for field, value in meant.items():
            assert getattr(read, field) == value


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"batch": "1,x"}, "--batch x: give whole numbers of 1 or more, such as 1,8"),
        ({"batch": ["1,0"]}, "--batch 0: it must be from 1 to 1048576"),
        ({"batch": ","}, "--batch: it is empty; give one or more"),
        ({"measure": "flops,,latncy"}, "--measure latncy: choose flops,"),
        ({"measure": []}, "--measure: it is empty"),
        ({"eval_batch": 0}, "--eval-batch 0: it must be from 1 to 1048576"),
    ],
)
def test_a_wrong_part_of_a_list_is_quoted_alone(typed: dict[str, object], message: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        settings_of(**typed)
    assert str(caught.value).startswith(message)


def test_a_call_in_python_is_told_its_argument_and_not_an_option() -> None:
    with pytest.raises(KinobenchError, match=r"^device='tpu': choose cpu or cuda$"):
        settings_of(argument, device="tpu")
    with pytest.raises(KinobenchError, match=r"^eval_batch=0: it must be from 1 to 1048576$"):
        settings_of(argument, eval_batch=0)


def test_more_threads_than_processors_are_refused_where_the_case_runs_here() -> None:
    suite = parse('models = ["c3d_tiny"]\nthreads = 8', "my.toml")
    with pytest.raises(KinobenchError, match=r"--threads 8: .* 4 processors; give --threads 4 or"):
        plan(suite, Settings(), processors=4)
    assert plan(suite, Settings(threads=4), processors=4)[0].case.threads == 4
    assert plan(suite, Settings(), processors=8)[0].case.threads == 8
    assert plan(suite, Settings())[0].case.threads == 8  # a case of another machine


def test_the_limits_of_a_file_are_the_suites_unless_the_command_gives_others() -> None:
    suite = parse('file_timeout_s = 5\nfile_memory_gib = 2\nmodels = ["c3d_tiny"]', "my.toml")

    def limits(**how: float) -> FileLimits:
        options = command._options(
            suite,
            command.What(),
            command.How(**how),
            command.Data(),
            DataRoots(),
            command.Results(),
        )
        return options.file_limits

    assert limits() == FileLimits(timeout_s=5.0, memory_bytes=2 * 2**30)
    given = limits(file_timeout=7.5, file_memory=0.5)
    assert given == FileLimits(timeout_s=7.5, memory_bytes=2**29)
    assert parse("", "my.toml").file_timeout_s == FileLimits().timeout_s
    assert parse("", "my.toml").file_memory_gib * 2**30 == FileLimits().memory_bytes
