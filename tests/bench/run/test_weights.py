"""What was left out of a checkpoint, or else is in it, is on the record; a warning in Python."""

from pathlib import Path

import pytest
import torch

import kinobench
from kinobench.bench.records.record import from_json
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.sharded import weights_digest

from ...fakes.command import call

CHOICE = ("run", "--model", "c3d_tiny", "--dataset", "none", "--protocol", "pointlight")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Save a network of 8 classes and an average of it, with what a tool left in the former."""
    torch.manual_seed(1)
    state = registry.get("c3d_tiny").build(8, 16, 64).state_dict()
    model = {f"module.{name}": entry for name, entry in state.items()}
    content = {"model": model | {"total_ops": torch.zeros(1)}, "model_ema": state}
    torch.save(content, tmp_path / "w.pt")
    return tmp_path / "w.pt"


@pytest.mark.usefixtures("shared_workers")
@pytest.mark.parametrize("part", ["", "#ema"])
def test_notes_on_a_checkpoint_are_on_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path, part: str
) -> None:
    choice = (*CHOICE, "--classes", "8", "--weights", f"w.pt{part}", "--measure", "flops", "--json")
    done = call(monkeypatch, tmp_path, *choice)
    record = from_json(done.stdout)
    assert record.error is None and record.cost is not None, done.stderr
    notes = [note for note in record.notes if note.startswith("weights: ")]
    loaded, other = ("model_ema", "model") if part else ("model", "model_ema")
    assert notes[0] == f"weights: '{loaded}' of w.pt is loaded, which also has w.pt#{other}"
    assert len(notes) == (1 if part else 2) and ("total_ops" in notes[-1]) == (not part)
    assert record.weights_digest == weights_digest(file)
    assert record.case.weights == f"w.pt{part}"


def test_notes_on_a_checkpoint_are_warnings_in_python(file: Path) -> None:
    with pytest.warns(UserWarning, match=r"c3d_tiny: weights: .*w\.pt#model$"):
        network = kinobench.load_model("c3d_tiny", f"{file}#ema", classes=8)
    kept = torch.load(file)["model_ema"]
    assert all(torch.equal(entry, kept[name]) for name, entry in network.state_dict().items())
