"""What a measurement changes in torch is put back."""

import json
import subprocess
import sys
from typing import Any

import pytest
import torch

from kinobench.bench.network.network import Network
from kinobench.bench.network.settings import settings_restored

from ...fakes.made_records import made_case


def settings() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    return (
        torch.backends.cuda.matmul.allow_tf32,
        cudnn.allow_tf32,
        cudnn.benchmark,
        cudnn.deterministic,
        torch.get_num_threads(),
        torch.random.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("tf32", [True, False])
def test_a_network_changes_settings_and_the_context_puts_them_back(
    tf32: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", tf32)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", tf32)
    before = settings()
    precision = "fp32" if tf32 else "tf32"
    with settings_restored():
        Network(made_case("early_fusion_tiny", precision=precision))
        assert torch.backends.cudnn.allow_tf32 is not tf32
        assert torch.backends.cuda.matmul.allow_tf32 is not tf32
        assert torch.backends.cudnn.benchmark
        torch.backends.cudnn.deterministic = not tf32
        torch.set_num_threads(3)
        assert settings() != before
    assert settings() == before


def test_settings_are_put_back_after_an_error_too() -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), settings_restored():
        torch.manual_seed(7)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        raise ZeroDivisionError
    assert settings() == before


SET_BEFORE = {
    "nothing": "",
    "medium": "torch.set_float32_matmul_precision('medium')",
    "high": "torch.set_float32_matmul_precision('high')",
    "matmul of the newer way": "backends.cuda.matmul.fp32_precision = 'tf32'",
    "all by the newer way": "backends.fp32_precision = 'tf32'",
    "all ieee": "backends.fp32_precision = 'ieee'",
    "cudnn ieee": "backends.cudnn.fp32_precision = 'ieee'",
    "one of cudnn's": "backends.cudnn.conv.fp32_precision = 'ieee'",
    "the older way": "backends.cuda.matmul.allow_tf32 = True; backends.cudnn.allow_tf32 = False",
    "both ways": "torch.set_float32_matmul_precision('high'); backends.fp32_precision = 'tf32'",
}
"""What a notebook may have set before a measurement; each needs a process of its own."""

IN_A_PROCESS = """
import json, os, sys
import torch
from torch import backends
from kinobench.bench.network.settings import choose_arithmetic, settings_restored

def read(place, field):
    try:
        return getattr(place, field)
    except RuntimeError:
        return "it raises"

def matmul():
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "it raises"

def state():
    cuda, cudnn, cpu = backends.cuda.matmul, backends.cudnn, backends.mkldnn
    places = cuda, cudnn.conv, cudnn.rnn, cpu.matmul, cpu.conv, cpu.rnn, cudnn, backends
    older = read(cuda, "allow_tf32"), read(cudnn, "allow_tf32"), matmul()
    return [*(each.fp32_precision for each in places), *older]

def with_wider():
    # What followed a wider setting must follow it still. (cuDNN's default can't be set again.)
    found = [state()]
    for wider in ("tf32", "ieee", "none"):
        backends.fp32_precision = wider
        matmul, conv, rnn, *others, of_matmul, of_cudnn, precision = state()
        found.append([matmul, *others, of_matmul, precision])
    return found

for setting in json.load(sys.stdin):
    for measured in (False, True):
        if os.fork() == 0:
            exec(setting)
            during = []
            if measured:
                with settings_restored():
                    for precision in ("tf32", "fp32"):
                        choose_arithmetic(precision)
                        during.append(state())
            print(json.dumps([with_wider(), during]), flush=True)
            os._exit(0)
        os.wait()
"""


@pytest.fixture(scope="module")
def states() -> dict[str, list[Any]]:
    """Torch's state without a measurement, after one and during one, for each of SET_BEFORE."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS],
        input=json.dumps([*SET_BEFORE.values()]),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not done.stderr, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    pairs = zip(found[::2], found[1::2], strict=True)
    return {
        name: [without, after, during]
        for name, ((without, _), (after, during)) in zip(SET_BEFORE, pairs, strict=True)
    }


@pytest.mark.parametrize("name", SET_BEFORE)
def test_torch_computes_after_a_measurement_as_before_however_it_was_set(
    name: str, states: dict[str, list[Any]]
) -> None:
    without, after, _ = states[name]
    assert after == without


@pytest.mark.parametrize("name", SET_BEFORE)
def test_a_case_computes_in_its_own_precision_however_torch_was_set(
    name: str, states: dict[str, list[Any]]
) -> None:
    tf32, fp32 = states[name][2]
    matmul, conv, rnn, *cpu = tf32[:6]
    assert (matmul, conv, rnn) == ("tf32", "tf32", "tf32")
    assert set(cpu) <= {"none", "ieee"}
    assert set(fp32[:6]) <= {"none", "ieee"}
    # Torch's compiler reads the older settings.
    assert tf32[8:] == [True, True, "high"]
    assert fp32[8:] == [False, False, "highest"]
