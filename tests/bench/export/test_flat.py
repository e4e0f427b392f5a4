"""A record as trackers take it, against values that are followed by hand."""

from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.export.flat import flattened
from kinobench.bench.export.secrets import without_secrets
from kinobench.bench.export.tracker import Published, chosen, publish
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.made_records import failed_record, made_accuracy, made_copy, made_record


def test_metrics_are_base_units_by_path_and_figures_by_unit() -> None:
    record = made_record(accuracy=made_accuracy(0.25, copy=made_copy()))
    flat = flattened(record, Path("results"))
    assert flat.metrics["latency.median_s"] == 0.0125
    assert flat.metrics["latency_ms"] == pytest.approx(12.5)
    assert flat.metrics["latency_ms_low"] == pytest.approx(12.0)
    assert flat.metrics["latency.interval_s.high"] == pytest.approx(0.013)
    assert flat.metrics["accuracy.top1"] == 0.25 and flat.metrics["top1_percent"] == 25
    assert flat.metrics["top1_percent_high"] == pytest.approx(32.8125)
    assert flat.metrics["params"] == 10_000_000 and flat.metrics["params_m"] == 10
    assert flat.metrics["cost.by_operator.linear"] == 90
    assert not any("samples" in name or name.startswith("rank") for name in flat.metrics)
    assert all(type(value) is float for value in flat.metrics.values())


def test_params_are_the_case_the_machine_and_versions() -> None:
    params = flattened(made_record(), Path("results")).params
    assert params["model"] == "c3d_tiny" and params["weights"] == "none"
    assert params["protocol.frames"] == 16 and params["protocol.mean"] == "0.45, 0.45, 0.45"
    assert params["cold_l2"] is False
    assert params["machine.fingerprint"] == "00000000feedface"
    assert params["version.torch"] == "2.11.0"


def test_the_identity_of_a_result_is_in_its_tags() -> None:
    record = made_record(accuracy=made_accuracy(copy=made_copy()))
    tags = flattened(record, Path("results")).tags
    assert tags["kinobench.record"] == record.id
    assert tags["kinobench.manifest"] == "0123456789abcdef"
    assert tags["kinobench.copy"] == "fedcba9876543210"
    assert tags["kinobench.protocol_digest"] == record.case.protocol.digest
    assert tags["kinobench.version"] == "unknown"  # of a record that doesn't say it
    assert tags["latency.converged"] == "true"
    assert "kinobench.error" not in tags


def test_a_failed_record_says_why_and_has_no_metrics() -> None:
    flat = flattened(failed_record(message="it\x1b[31m broke"), Path("results"))
    assert flat.metrics == {} and flat.error is not None
    assert flat.tags["kinobench.error"].startswith("exception: it")
    assert "\x1b" not in flat.tags["kinobench.error"]


def test_what_is_not_finite_is_no_metric() -> None:
    record = made_record(accuracy=made_accuracy(wall_s=float("nan")))
    assert "accuracy.wall_s" not in flattened(record, Path("results")).metrics


def test_a_time_that_is_none_is_an_error_with_the_record() -> None:
    record = made_record(started="yesterday")
    with pytest.raises(KinobenchError, match=rf"{record.id}: 'yesterday' is no time"):
        flattened(record, Path("results"))


def test_records_are_chosen_by_model_run_and_condition() -> None:
    one, other = made_record("c3d_tiny"), made_record("x3d_tiny", run="20260202T000000Z-000000")
    assert chosen([one, other])[0] == [one, other]
    assert chosen([one, other], models=["x3d_tiny"])[0] == [other]
    assert chosen([one, other], runs=[one.id])[0] == [one]
    assert chosen([one, other], where="model ~ 'x3d'")[0] == [other]
    with pytest.raises(KinobenchError, match=r"--model r3d.*there are c3d_tiny, x3d_tiny"):
        chosen([one, other], models=["r3d"])
    with pytest.raises(KinobenchError, match="--run 1999"):
        chosen([one, other], runs=["1999"])
    with pytest.raises(KinobenchError, match="no stored record is left"):
        chosen([one, other], where="latency_ms > 1000")
    with pytest.raises((KinobenchError, UnknownNameError), match="lattency"):
        chosen([one, other], where="lattency < 5")


class _Shelf:
    """A tracker that keeps ids in memory."""

    place = "shelf"

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def there(self) -> set[str]:
        return set(self.ids)

    def add(self, flat: Any) -> str | None:
        assert flat.id not in self.ids
        if flat.error:
            return "it failed"
        self.ids.add(flat.id)
        return None

    def notes(self, flats: Any) -> list[str]:
        return [flat.id for flat in flats]

    def close(self) -> str:
        return ""


def test_a_record_is_published_once() -> None:
    shelf = _Shelf()
    flats = [flattened(record, Path("r")) for record in (made_record(), made_record())]
    flats.append(flattened(failed_record("x3d_tiny"), Path("r")))
    assert flats[0].id == flats[1].id
    first = publish(flats, shelf)
    assert first == Published(
        place="shelf",
        new=(flats[0].id,),
        there=(flats[0].id,),
        left_out={flats[2].id: "it failed"},
        notes=(flats[0].id,),
    )
    assert publish(flats[:1], shelf).new == ()


def test_secrets_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TRACKER_TOKEN", "abcdef123456")
    monkeypatch.setenv("SHORT_KEY", "a")
    text = without_secrets("https://me:pass@host/x?token=qwe&a=1 says abcdef123456\n")
    assert "pass" not in text and "qwe" not in text and "abcdef" not in text
    assert text.startswith("https://***@host/x?token=***&a=1 says ***")
    text = without_secrets("http://me:p@ss@host/x?X-Amz-Signature=qwe, Authorization: Bearer asd")
    assert text == "http://***@host/x?X-Amz-Signature=*** Authorization: Bearer ***"
