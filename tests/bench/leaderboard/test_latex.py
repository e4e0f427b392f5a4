"""A table in LaTeX fits a paper, marks what is best, and nothing in it is a command of a name."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.fields import field
from kinobench.bench.leaderboard.latex import USUAL, latex
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.datasets.errors import KinobenchError, UnknownNameError

from ...fakes.command import call
from ...fakes.made_records import (
    failed_record,
    made_accuracy,
    made_latency,
    made_record,
)
from ...fakes.media import REPOSITORY

TRAINED = {"weights": "pointlight"}
ODD = "/weights/a_b|c<i>&50%.pt"


def made(boards: list[Board], names: Sequence[str] = (), **about: str | None) -> str:
    return latex(boards, [field(name) for name in names] or None, **about)


def board_of(*records: Any) -> list[Board]:
    return [ordered(board) for board in boards(records)]


def scored(model: str, top1: float, latency_s: float = 0.0125, **case: Any) -> Any:
    accuracy = made_accuracy(top1, interval_top1=(top1 - 0.05, top1 + 0.025))
    latency = made_latency(latency_s)
    return made_record(model, case=TRAINED | case, accuracy=accuracy, latency=latency)


def row_of(text: str, model: str) -> list[str]:
    """The cells of a model's row."""
    name = model.replace("_", r"\_")
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} &"))
    return [cell.strip() for cell in line.removesuffix(r"\\").split(" & ")]


def test_the_usual_columns_are_the_few_that_fit() -> None:
    text = made(board_of(scored("c3d_tiny", 0.5), scored("x3d_tiny", 0.25)))
    assert row_of(text, "c3d_tiny") == [
        *("c3d\\_tiny", "10.0", "1.23", "12.5", r"$^{+0.5}_{-0.5}$"),
        *(r"\textbf{50.0}", r"$^{+2.5}_{-5.0}$"),
    ]
    assert text.startswith("% Needs \\usepackage{booktabs,graphicx}.\n\\begin{table}\n")
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    assert len(USUAL) == 6


def test_the_best_is_bold_and_the_second_underlined_by_the_better_end_and_ties_share() -> None:
    found = board_of(
        scored("a", 0.9, 0.030),
        scored("b", 0.9, 0.010),
        scored("c", 0.8, 0.020),
        scored("d", 0.7, 0.020),
        scored("e", 0.6, 0.040),
    )
    text = made(found, ["model", "latency", "score"])
    shown = {name: (row_of(text, name)[1], row_of(text, name)[3]) for name in "abcde"}
    assert shown == {
        "a": ("30.0", r"\textbf{90.0}"),
        "b": (r"\textbf{10.0}", r"\textbf{90.0}"),
        "c": (r"\underline{20.0}", r"\underline{80.0}"),
        "d": (r"\underline{20.0}", "70.0"),
        "e": ("40.0", "60.0"),
    }


def test_an_untrained_accuracy_is_never_the_best() -> None:
    untrained = made_record("lucky", accuracy=made_accuracy(0.99))
    text = made(board_of(untrained, scored("a", 0.5), scored("b", 0.4)), ["model", "score"])
    assert [row_of(text, name)[1] for name in ("lucky", "a", "b")] == [
        *("99.0", r"\textbf{50.0}", r"\underline{40.0}")
    ]
    assert "Untrained, so its accuracy is chance: lucky." in text


def test_one_row_and_equal_rows_have_no_best() -> None:
    same = [scored("a", 0.5), scored("b", 0.5)]
    for found in (board_of(same[0]), board_of(*same)):
        text = made(found, ["model", "score", "gmacs"])
        assert r"\textbf" not in text and r"\underline" not in text and "Bold" not in text


def test_a_rough_latency_is_about() -> None:
    rough = made_record("rough", latency=made_latency(1.25, converged=False))
    text = made(board_of(rough), ["model", "latency"])
    assert row_of(text, "rough")[1] == r"$\sim$1250"
    assert r"$\sim$: disturbed" in text


def test_rows_of_one_model_are_told_apart_by_what_differs() -> None:
    both = (scored("a", 0.5), scored("a", 0.5, precision="bf16"))
    text = made(board_of(*both))
    assert {row[1] for row in _rows(text)} == {"fp32", "bf16"}


def _rows(text: str) -> list[list[str]]:
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    return [[c.strip() for c in re.split(r"(?<!\\)&", line[:-2])] for line in body.splitlines()]


def test_percentages_are_rounded_as_in_the_other_tables() -> None:
    text = made(board_of(scored("a", 0.6125), scored("b", 0.8125)), ["model", "top1"])
    assert r"\underline{61.2}" in text and r"\textbf{81.2}" in text


def test_label_and_caption_are_where_one_puts_them() -> None:
    two = board_of(scored("a", 0.5), scored("b", 0.5, split="train"))
    text = made(two, label="tab:nets", caption=r"Networks \emph{here} at 5\,\%.")
    assert text.count(r"\caption{Networks \emph{here} at 5\,\%.}") == 2
    assert re.findall(r"\\label\{(.*)\}", text) == ["tab:nets", "tab:nets-2"]
    assert r"\label" not in made(two)


@pytest.mark.parametrize("label", ["a}b", "a b", "", "\\input{x}", "tab%"])
def test_a_label_that_would_break_the_table_is_refused(label: str) -> None:
    with pytest.raises(KinobenchError, match="--label"):
        made(board_of(scored("a", 0.5)), label=label)


@pytest.mark.parametrize("caption", ["}{", "{", "50 % better", "a\n\nb", "ends\\", r"\}}"])
def test_a_caption_that_would_break_the_table_is_refused(caption: str) -> None:
    with pytest.raises(KinobenchError, match="--caption"):
        made(board_of(scored("a", 0.5)), caption=caption)


def test_an_unknown_column_has_its_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'latency"):
        made(board_of(scored("a", 0.5)), ["latncy"])


def test_too_many_rows_or_columns_are_said() -> None:
    many = made(board_of(*(scored(f"n{number}", 0.5) for number in range(60))))
    assert "\n% 60 rows are higher than a page" in many
    wide = ["model", "gmacs", "video_gmacs", "gflops", "latency", "video", "throughput", "memory"]
    text = made(board_of(scored("a", 0.5)), [*wide, "top1", "top5", "score_per_gmac", "machine"])
    assert re.search(r"\n% The table is printed at about \d\d %", text) and "{table*}" in text


def hostile() -> list[Board]:
    name = r"\input{/etc/passwd}%&_#$~^{}"
    return board_of(
        scored("a", 0.5, weights=ODD),
        scored("a", 0.25, weights=r"\write18{x}"),
        failed_record("x3d_tiny", message="RuntimeError: <b>no</b> kernel | 5% of x_y & z\nsecond"),
        made_record(name),
    )


def test_nothing_of_a_name_is_a_command() -> None:
    text = made(hostile(), caption=None)
    assert text.isascii() and r"\textbackslash{}write18\{x\}" in text
    assert r"\input" not in text and r"\write" not in text
    assert r"x3d\_\allowbreak{}tiny failed: exception: RuntimeError: \ensuremath{<}b" in text
    for row in _rows(text):
        bare = re.sub(r"\\(text\w+\{\}|ensuremath\{.\}|[&%$#_{}])", "", " ".join(row))
        bare = re.sub(r"\\(textbf|underline)\{([\d.]+)\}|\$(\^\{.*?\}_\{.*?\}|\\sim)\$", "", bare)
        assert not set(bare) & set("\\%$#_{}~^&"), row


@pytest.mark.parametrize("form", ["md", "csv"])
def test_options_of_latex_are_refused_with_other_formats(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    given = ["leaderboard", "--results", tmp_path, "--format", form, "--label", "tab:x"]
    done = call(monkeypatch, tmp_path, *given)
    assert done.exit_code == 2
    assert "--label tab:x: it is for tables in LaTeX; add --format latex" in done.stderr


TEX = next((name for name in ("pdflatex", "tectonic") if shutil.which(name)), None)


@pytest.mark.skipif(TEX is None, reason="no pdflatex and no tectonic is installed")
def test_a_paper_with_two_columns_compiles_and_no_table_is_too_wide(tmp_path: Path) -> None:
    assert TEX is not None
    quick = tmp_path / "quick"
    shutil.copytree(REPOSITORY / "results" / "quick", quick)
    (every,) = read_boards(quick, lambda line: None)
    five = msgspec.structs.replace(every, rows=every.rows[:5])
    wide = ["model", "params", "macs", "video_macs", "latency", "throughput", "memory", "top1"]
    tables = [
        made([every], label="tab:all"),
        made([five], label="tab:five"),
        made([five], [*wide, "score_per_ms", "rank", "machine", "protocol"]),
        made(hostile()),
    ]
    assert [text.count("{table*}") for text in tables[:3]] == [2, 0, 2]
    paper = "\n".join(
        [
            r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}",
            *tables,
            r"See Table~\ref{tab:five}.\end{document}",
        ]
    )
    (tmp_path / "paper.tex").write_text(paper)
    options = {"pdflatex": ["-interaction=nonstopmode", "-halt-on-error"], "tectonic": ["-k"]}
    done = subprocess.run(
        [TEX, *options[TEX], "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert not re.findall(r"(?:Overfull \\hbox|Float too large).*", said)
