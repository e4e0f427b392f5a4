"""What a check shows: on terminals of any width, and in a pull request."""

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from kinobench.bench.gate import page as gate_page
from kinobench.bench.gate import table as gate_table
from kinobench.bench.gate.page import Report
from kinobench.bench.gate.stored import StoredCheck
from kinobench.bench.gate.verdict import Checked
from kinobench.bench.records.case_names import names_of
from kinobench.datasets.protocol import preset
from kinobench.datasets.visible import one_line

from ...fakes.hostile import NAMES, controls, read_markdown
from ...fakes.made_records import MACHINE, made_case
from .test_gate import checked, forever, made_bench

TRACE = "the candidate ended by itself: Traceback (most recent call last):\n" + "\n".join(
    f'  File "a*b.py", line {number}, in <module>\n    raise `x`' for number in range(20)
)
TRACE += "\nRuntimeError: no | such layer"


def report(*verdicts: Checked, **changes: Any) -> Report:
    fields: dict[str, Any] = {"title": "The checkout against abc.", "budget": 0.015}
    return Report(**(fields | {"checked": verdicts} | changes))


def slower(model: str = "c3d_tiny", **settings: Any) -> Checked:
    bench, _ = made_bench(forever(0.049, 0.050, 0.051))
    return msgspec.structs.replace(checked(bench), case=made_case(model, **settings))


def undecided(model: str, **settings: Any) -> Checked:
    bench, _ = made_bench(forever(0.1849, -0.06, 0.13, -0.05))
    return msgspec.structs.replace(checked(bench), case=made_case(model, **settings))


def printed(shown: Report, width: int) -> str:
    file = io.StringIO()
    gate_table.show(shown, Console(file=file, width=width))
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_name_verdict_or_number_is_cut_however_narrow_the_terminal_is(width: int) -> None:
    shown = report(
        slower("early_fusion_tiny"),
        undecided("single_frame_tiny", batch=8),
        undecided("single_frame_tiny", batch=16),
    )
    text = printed(shown, width)
    assert "…" not in text and "..." not in text
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for row in gate_page.table(shown)[1]:
        for cell in row:
            assert cell in words, cell


def test_a_narrow_terminal_tells_the_processor_time_below_the_table() -> None:
    wide, narrow = (printed(report(slower()), width) for width in (120, 70))
    (head,) = (line for line in wide.splitlines() if line.startswith("model"))
    assert "processor time" in head
    (head,) = (line for line in narrow.splitlines() if line.startswith("model"))
    assert "processor time" not in head and "interval" in head
    assert "c3d_tiny: processor time +5.00 %" in narrow


def test_a_line_that_is_in_brackets_is_no_markup() -> None:
    broken = msgspec.structs.replace(slower(), verdict="inconclusive", reason="[bold]said[/bold]")
    assert "[bold]said[/bold]" in printed(report(broken), 120)


def test_names_and_reasons_are_shown_as_they_are() -> None:
    def named(name: str) -> Report:
        failed = Checked(case=made_case(name), verdict="new", reason=f"{name}\n{TRACE}\n{name}")
        return report(
            failed,
            title=name,
            notes=(name,),
            environment=msgspec.structs.replace(MACHINE, cpu=name),
            started=name,
        )

    harmless, _ = read_markdown(gate_page.markdown(named("innocent")))
    for name in NAMES.values():
        for width in (60, 200):
            assert not controls(printed(named(name), width)), name
        page = gate_page.markdown(named(name))
        tags, text = read_markdown(page)
        assert tags == harmless and not controls(page), name
        assert one_line(name) in text.replace("\u200b", ""), name


def test_cases_of_one_model_are_told_apart_by_the_settings_in_which_they_differ() -> None:
    cases = [
        made_case("c3d_tiny", batch=1),
        made_case("c3d_tiny", batch=8),
        made_case("x3d_tiny", batch=8),
    ]
    assert names_of(cases) == ["c3d_tiny (batch 1)", "c3d_tiny (batch 8)", "x3d_tiny"]
    assert names_of(cases[:1] * 2) == ["c3d_tiny"] * 2
    mixed = [made_case(), made_case(precision="bf16"), made_case(precision="bf16", batch=2)]
    assert names_of(mixed) == [
        "c3d_tiny (precision fp32)",
        "c3d_tiny (precision bf16, batch 1)",
        "c3d_tiny (precision bf16, batch 2)",
    ]
    # What nothing else tells apart has at least another digest.
    changed = msgspec.structs.replace(preset("pointlight"), frames=8)  # under the same name
    others = [made_case(), made_case(protocol=changed)]
    assert names_of(others) == [f"c3d_tiny (case {case.digest})" for case in others]


def test_rows_and_remarks_name_the_settings() -> None:
    shown = report(undecided("c3d_tiny", batch=1), undecided("c3d_tiny", batch=8))
    assert [row[0] for row in gate_page.table(shown)[1]] == [
        "c3d_tiny (batch 1)",
        "c3d_tiny (batch 8)",
    ]
    one, other = gate_page.remarks(shown)
    assert one.startswith("c3d_tiny (batch 1): ") and other.startswith("c3d_tiny (batch 8): ")


def test_a_report_says_when_and_on_what_it_was_measured() -> None:
    dated = {
        "environment": MACHINE,
        "started": "2026-01-31T12:00:00Z",
        "candidate": "1234567+",
        "baseline": "0123456789",
    }
    shown = report(slower(), **dated)
    (line,) = gate_page.origin(shown)
    for part in (
        MACHINE.cpu,
        "2 cores",
        "torch 2.11.0",
        "Python 3.11.0",
        "checkout 1234567+ (with uncommitted changes)",
        "kinobench commit abc1234",
        "2026-01-31T12:00:00Z",
        "machine 00000000feedface",
    ):
        assert part in line
    assert "Made-up CPU &amp; Sons &lt;i9>" in gate_page.markdown(shown)
    assert MACHINE.cpu in printed(shown, 200)
    plain = gate_page.plain(shown)
    assert plain["environment"]["fingerprint"] == MACHINE.fingerprint
    assert (plain["started"], plain["candidate"], plain["baseline"]) == (
        "2026-01-31T12:00:00Z",
        "1234567+",
        "0123456789",
    )


def test_the_end_of_a_trace_does_not_break_the_list_of_a_comment() -> None:
    broken = Checked(case=made_case(), verdict="inconclusive", reason=TRACE)
    text = gate_page.markdown(report(broken))
    (bullet,) = (line for line in text.splitlines() if line.startswith("- "))
    assert "ended by itself" in bullet and "RuntimeError: no \\| such layer" in bullet
    assert len(bullet) < 2 * gate_page.LONGEST
    listed, details, folded = text.partition("<details>")
    assert details and 'File "a' not in listed
    assert "```text\nthe candidate ended" in folded and TRACE in folded


def test_a_fence_is_longer_than_those_in_the_text() -> None:
    reason = "one\n````\ntwo"
    text = gate_page.markdown(report(Checked(case=made_case(), verdict="new", reason=reason)))
    assert f"`````text\n{reason}\n`````" in text


def test_a_comment_is_never_too_long_for_github() -> None:
    long = "one\n" + "\n".join(["x" * 100] * 15)
    broken = [
        Checked(case=made_case(batch=batch), verdict="inconclusive", reason=long)
        for batch in range(1, 61)
    ]
    text = gate_page.markdown(report(*broken))
    assert len(text) < 65_536 and "the rest of the long remarks" in text
    assert text.count("- c3d_tiny (batch ") == 60  # none is left out of the list


def test_a_network_that_is_broken_fails_the_check() -> None:
    broken = StoredCheck(case=made_case(), verdict="broken", reason="it can't be timed: it broke")
    shown = report(stored=(broken,))
    assert shown.exit_code == 1 and shown.summary == "FAIL: see the rows with the verdict BROKEN."
    assert gate_page.table(shown)[1] == [["c3d_tiny", "BROKEN", "–", "–", "–", "–"]]


def test_a_verdict_that_is_not_known_here_is_shown_as_it_is() -> None:
    unknown: Any = "unheard_of"
    shown = report(msgspec.structs.replace(slower(), verdict=unknown))
    assert gate_page.table(shown)[1][0][1] == "unheard_of"
