"""Environment variables that change results: which are kept, and what of a fingerprint they are."""

import json
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.leaderboard.diff import _notes
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.matching import Group, Match
from kinobench.bench.leaderboard.matching import Place as At
from kinobench.bench.machine import environment
from kinobench.bench.machine.environment import decisive, describe
from kinobench.bench.machine.threads import thread_variables
from kinobench.bench.machine.variables import THREADS, variables
from kinobench.bench.records.record import from_json
from kinobench.bench.records.store import read_records

from ...fakes.command import call
from ...fakes.made_records import MACHINE, made_record

RESULTS = Path(__file__).parents[3] / "results"
GIVEN = {
    "ATEN_CPU_CAPABILITY": "default",
    "KMP_BLOCKTIME": "0",
    "OMP_NUM_THREADS": "3",
    "NVIDIA_TF32_OVERRIDE": "0",
    "KMP_DUPLICATE_LIB_OK": "True",
    "KMP_INIT_AT_FORK": "FALSE",
    "LD_PRELOAD": "/home/me/lib/libjemalloc.so.2:/usr/lib/libother.so",
    "TORCHINDUCTOR_MAX_AUTOTUNE": "1",
    "TORCHINDUCTOR_CACHE_DIR": "/home/me/cache",
    "MALLOC_TRACE": "/home/me/trace",
    "OMP_WAIT_POLICY": "",
    "HF_TOKEN": "hf_secret",
    "KAGGLE_KEY": "secret",
    "PATH": "/usr/bin",
    "CUDA_VISIBLE_DEVICES": "GPU-01234567",
}
ON_CPU = {
    "ATEN_CPU_CAPABILITY": "default",
    "KMP_BLOCKTIME": "0",
    "LD_PRELOAD": "libjemalloc.so.2 libother.so",
    "TORCHINDUCTOR_MAX_AUTOTUNE": "1",
}


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in variables("cuda"):
        monkeypatch.delenv(name)
    return monkeypatch


def test_what_is_listed_and_set_is_kept_without_secrets_and_folders() -> None:
    assert variables("cpu", GIVEN) == ON_CPU
    on_gpu = {"NVIDIA_TF32_OVERRIDE": "0", "OMP_NUM_THREADS": "3"}
    assert variables("cuda", GIVEN) == ON_CPU | on_gpu
    assert not any("/home/me" in value for value in variables("cuda", GIVEN).values())


def test_the_variables_of_threads_that_a_case_sets_are_those_left_to_it() -> None:
    assert thread_variables(3) == dict.fromkeys(THREADS, "3")
    assert variables("cpu", thread_variables(3)) == {}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_set_variable_changes_the_fingerprint_of_the_devices_that_read_it(
    device: str, nothing_set: pytest.MonkeyPatch
) -> None:
    def fingerprint(name: str, value: str) -> str:
        with nothing_set.context() as patch:
            patch.setenv(name, value)
            return describe(device, first_gpu=True).fingerprint  # type: ignore[arg-type]

    before = describe(device, first_gpu=True).fingerprint  # type: ignore[arg-type]
    assert fingerprint("KMP_BLOCKTIME", "0") not in (before, fingerprint("KMP_BLOCKTIME", "1"))
    assert (fingerprint("NVIDIA_TF32_OVERRIDE", "0") != before) == (device == "cuda")
    for name in (*THREADS, "HF_TOKEN", "TORCHINDUCTOR_CACHE_DIR"):
        assert fingerprint(name, "7") == before


def test_a_record_keeps_them_and_says_what_its_fingerprint_is_of(
    nothing_set: pytest.MonkeyPatch,
) -> None:
    assert describe().variables == {}
    nothing_set.setenv("KMP_BLOCKTIME", "0")
    nothing_set.setenv("ATEN_CPU_CAPABILITY", "default")
    described = describe()
    assert described.variables == {"ATEN_CPU_CAPABILITY": "default", "KMP_BLOCKTIME": "0"}
    parts = decisive(described, "cpu")
    assert parts["variables"] == "ATEN_CPU_CAPABILITY=default KMP_BLOCKTIME=0"
    record = made_record(environment=described)
    assert from_json(record.to_json()) == record


def test_older_records_have_none_and_keep_their_fingerprints() -> None:
    line = json.loads(made_record().to_json())
    del line["environment"]["variables"]
    assert from_json(json.dumps(line)).environment.variables is None
    for folder in ("quick", "zoo", "h200"):
        records, problems = read_records(RESULTS / folder)
        assert records and not problems
        for record in records:
            if folder == "h200":  # of before CUDA, cuDNN and triton were part of it
                assert record.environment.variables is None
                continue
            of = record.environment
            assert environment._fingerprint(decisive(of, record.case.device)) == of.fingerprint


def test_environment_lists_them(nothing_set: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = call(nothing_set, tmp_path, "environment")
    assert "none is set" in done.stdout
    nothing_set.setenv("KMP_BLOCKTIME", "0")
    done = call(nothing_set, tmp_path, "environment")
    assert "KMP_BLOCKTIME                  0" in done.stdout
    assert "variables KMP_BLOCKTIME=0" in " ".join(done.stdout.split())
    done = call(nothing_set, tmp_path, "environment", "--json")
    assert json.loads(done.stdout)["variables"] == {"KMP_BLOCKTIME": "0"}


def test_a_difference_of_two_runs_names_the_variables_that_differ() -> None:
    other = msgspec.structs.replace(
        MACHINE, fingerprint="0123456701234567", variables={"KMP_BLOCKTIME": "0"}
    )
    one, two = boards([made_record(), made_record(environment=other)])
    pair = Match(At(one, one.rows[0]), At(two, two.rows[0]))
    notes = _notes(Group((pair,), (), ()), field("latency"))
    assert "Environment variables differ: KMP_BLOCKTIME none in A, 0 in B." in notes
