"""Packages of AOTInductor, which torch really compiles here: three for all tests."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.network.runtimes import aotinductor
from kinobench.bench.network.runtimes.cache import ExportCache, Made
from kinobench.bench.network.runtimes.deployed import Deployed, Loaded
from kinobench.bench.network.runtimes.errors import ExportError
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.spec import Input

from ...fakes.deployed_networks import Averages, Branching, TwoInputs

UNIT = 2.0**-24
"""The largest relative error of one rounding to float32."""


def case_of(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "model": "c3d_tiny",  # the cache asks for the code of a network that comes with kinobench
        "classes": 8,
        "protocol": preset("pointlight"),
        "runtime": "aotinductor",
        "threads": 1,
        "batch": 2,
    }
    return Case(**(fields | changes))


def deployed(
    module: nn.Module, folder: Path, kinds: tuple[Input, ...] = ("rgb",), **changes: Any
) -> Deployed:
    digest = type(module).__name__
    return Deployed(module.eval(), case_of(**changes), kinds, digest, ExportCache(folder))


def loaded(module: nn.Module, folder: Path, **changes: Any) -> Loaded:
    return deployed(module, folder, **changes).at(2)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def rounding_of(module: TwoInputs, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Bound the error of the logits in float32, whatever the order of the sums.

    Each logit is a sum of products whose magnitudes are those of the same network of absolute
    weights on absolute clips; on a product's way come as many roundings as terms are added up.
    """
    absolute = TwoInputs().double()
    weights = {name: each.double().abs() for name, each in module.state_dict().items()}
    absolute.load_state_dict(weights)
    roundings = 3 * 27 + 16 * 64 * 64 + 30 * 9 + 64 * 64 + 8 + 10
    return roundings * UNIT * absolute(clip.double().abs(), flow.double().abs())


def test_a_package_of_two_inputs_gives_eager_logits_and_is_made_for_its_threads(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module = TwoInputs()
    both: tuple[Input, ...] = ("rgb", "flow")
    made = loaded(module, tmp_path / "exports", kinds=both)
    clip, flow = torch.randn(3, 3, 16, 64, 64), torch.randn(3, 30, 64, 64)
    with torch.inference_mode():
        exact = TwoInputs().double()
        exact.load_state_dict(module.state_dict())
        difference = (made.of_clips(clip, flow) - exact(clip.double(), flow.double())).abs()
        assert (difference <= rounding_of(module, clip, flow)).all()
        torch.testing.assert_close(made.forward(clip[:2], flow[:2]), module(clip[:2], flow[:2]))
    export = made.export
    assert (export.format, export.path) == ("pt2", "torch.export, AOTInductor")
    assert (export.threads, export.runs_on, export.arithmetic) == (1, ("cpu",), "fp32")
    assert export.export_s > 0 and not export.cached
    (folder,) = [each for each in (tmp_path / "exports").iterdir() if each.is_dir()]
    assert {each.name for each in folder.iterdir()} == {"model.pt2", "about.json"}
    assert export.size_bytes == (folder / "model.pt2").stat().st_size
    assert not [each.name for each in temporary.iterdir() if "inductor_" not in each.name]
    assert not list(temporary.glob("aotinductor_*"))
    # The same again comes from the cache; another number of threads does not.
    monkeypatch.setattr(aotinductor, "write_package", refuses)
    assert loaded(module, tmp_path / "exports", kinds=both).export.cached
    with pytest.raises(ExportError, match="asked to compile"):
        loaded(module, tmp_path / "exports", kinds=both, threads=2)


def refuses(*_: object) -> Made:
    raise ExportError("asked to compile")


def test_a_stream_is_two_packages_that_hand_the_state_on(tmp_path: Path, temporary: Path) -> None:
    torch.manual_seed(0)
    module = Averages()
    made = loaded(module, tmp_path / "exports", mode="stream")
    clip = torch.randn(2, 3, 16, 64, 64)
    with torch.inference_mode():
        state = None
        for frame in clip[:, :, :3].unbind(2):
            expected, state = module.step(frame, state)
            torch.testing.assert_close(made.forward(frame), expected)
        torch.testing.assert_close(made.of_clips(clip), module(clip))
    assert len([each for each in (tmp_path / "exports").iterdir() if each.is_dir()]) == 2


def test_a_branch_on_content_is_named_as_what_can_not_be_exported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExportError) as raised:
        loaded(Branching(), tmp_path / "exports")
    assert "at operator aten::item: deployed_networks.py, line" in raised.value.reason
    assert "if colour.sum() > 0" in raised.value.reason
    assert "\n" not in str(raised.value) and capfd.readouterr() == ("", "")
    assert not [each for each in (tmp_path / "exports").iterdir() if each.is_dir()]


def test_without_a_compiler_the_cure_is_said_before_anything_is_exported(tmp_path: Path) -> None:
    from torch._inductor import config

    with (
        config.patch({"cpp.cxx": (None, "no-such-compiler")}),
        pytest.raises(
            KinobenchError, match=r"no-such-compiler can't be run; install g\+\+"
        ) as raised,
    ):
        loaded(Branching(), tmp_path / "exports")
    assert not isinstance(raised.value, ExportError)


@pytest.mark.usefixtures("two_threads")
def test_a_package_for_other_threads_than_torch_has_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    with pytest.raises(KinobenchError, match="torch has 2 threads here, and the package of c3d_t"):
        aotinductor.AotInductorSession(file, case_of(), 1)


def test_a_package_that_torch_can_not_read_is_an_error_of_one_line(
    tmp_path: Path, temporary: Path
) -> None:
    file = tmp_path / "model.pt2"
    file.write_bytes(b"not an archive")
    with pytest.raises(ExportError, match="c3d_tiny can't be loaded by AOTInductor") as raised:
        aotinductor.AotInductorSession(file, case_of(), 1)
    assert "\n" not in str(raised.value)
    assert not list(temporary.glob("kinobench-*"))


def test_what_decides_the_code_is_in_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    here = aotinductor.compiled_for(case_of(), 1)
    assert here["threads"] == 1 and "GLIBC" not in str(here["compiler"])
    assert aotinductor.compiled_for(case_of(), 2) != here
    assert aotinductor.compiled_for(case_of(precision="bf16"), 1) != here
    monkeypatch.setattr(aotinductor, "_instructions", lambda: "sse2")
    assert aotinductor.compiled_for(case_of(), 1) != here
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    on_gpu = aotinductor.compiled_for(case_of(device="cuda"), 1)
    assert on_gpu["gpu"] == "A GPU" and "threads" not in on_gpu


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precisions_are_computed_in_halves(tmp_path: Path, precision: str) -> None:
    torch.manual_seed(0)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    module = TwoInputs().to(dtype)
    made = loaded(module, tmp_path, kinds=("rgb", "flow"), precision=precision)
    clip, flow = (torch.randn(2, *shape).to(dtype) for shape in ((3, 16, 64, 64), (30, 64, 64)))
    with torch.inference_mode():
        logits = made.forward(clip, flow)
        assert logits.dtype == dtype
        torch.testing.assert_close(logits, module(clip, flow))


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_two_threads_are_written_into_the_code(tmp_path: Path) -> None:
    import zipfile

    loaded(TwoInputs(), tmp_path, kinds=("rgb", "flow"), threads=2)
    (package,) = tmp_path.glob("*/model.pt2")
    with zipfile.ZipFile(package) as archive:
        code = "".join(
            archive.read(name).decode() for name in archive.namelist() if name.endswith(".cpp")
        )
    assert "num_threads(2)" in code and os.environ.get("TMPDIR") is None
