"""Write results/benchmarks.md from what pytest-benchmark measured.

    pytest tests/benchmarks --benchmark-only -m "" --benchmark-json=measured.json
    python tests/benchmarks/page.py measured.json... [TABLE.md]... > results/benchmarks.md

`-m ""` takes those that last minutes, too. Of a group that several files hold, the last counts.
Tables are put at the end as they are.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

VIDEOS = ("made", "real")
READERS = (1, 2)
RATIOS = (
    *(
        (
            f"file to unique frames, one thread, {kind} videos",
            f"test_kinobench_reads_clips[{kind}]",
            (f"test_bare_pyav_decodes_and_converts_the_same_frames[{kind}]",),
            "of the time of bare PyAV (at most 1.15)",
        )
        for kind in VIDEOS
    ),
    *(
        (
            f"files to frames and to float views, {videos} videos",
            f"test_pytorchvideos_dataset_makes_views[{videos}]",
            (f"test_kinobench_{what}[{videos}-{readers}]",),
            f"times as fast as pytorchvideo's dataset, with {readers} reader"
            f"{'s' if readers > 1 else ''}, {kind} (at least {least})",
        )
        for videos in VIDEOS
        for what, kind, least in (
            ("reads_frames", "to the unique frames of these views, as bytes", 20),
            ("makes_views", "to the same float views", 10),
        )
        for readers in READERS
    ),
    *(
        (
            f"evaluation: {kind}",
            f"test_whole_evaluation[{kind}]",
            (f"test_decoding_alone[{kind}]", f"test_forwards_alone[{kind}]"),
            f"of the larger of its parts (at most 1.15){told}",
        )
        for kind, told in (
            ("cheap", ""),
            ("cheap, resized", "; the resize is neither's, but the same processors do it"),
            (
                "cheap, 30 views of 32x256x256",
                "; to write 755 MB of views a video is neither's, but the same processors do it",
            ),
            ("dear", ""),
            ("cheap on a GPU", ""),
            ("slowfast_r50 on a GPU", ""),
        )
    ),
)
"""Of a group: the median of one over the largest median of the others, and what that says."""


def page(runs: list[dict[str, Any]], tables: list[str]) -> str:
    """Return the page in Markdown."""
    machine = runs[-1]["machine_info"]
    elsewhere: dict[str, str] = {}
    groups: dict[str, dict[str, dict[str, float]]] = {}
    for measured in runs:
        of_run: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
        for one in measured["benchmarks"]:
            of_run[one["group"] or "others"][one["name"]] = one["stats"] | one["extra_info"]
        groups |= of_run
        gpus = {one["extra_info"].get("gpu") for one in measured["benchmarks"]} - {None}
        for group in of_run:
            elsewhere.pop(group, None)
            if _machine(measured["machine_info"]) != _machine(machine) or gpus:
                where = ", ".join([*sorted(gpus), _machine(measured["machine_info"])])
                elsewhere[group] = f"{where}; {measured['datetime'][:10]}."
    lines = [
        "# Benchmarks of kinobench itself",
        "",
        f"{_machine(machine)}; {runs[-1]['datetime'][:10]}. One process; what stands in one table "
        "was measured in one run, one after the other, on a virtual machine that others used too: "
        "ratios say more than times. Written by `tests/benchmarks/page.py`.",
    ]
    medians = {name: each["median"] for group in groups.values() for name, each in group.items()}
    for group, found in sorted(groups.items()):
        lines += ["", f"## {group.capitalize()}", ""]
        if group in elsewhere:
            lines += [elsewhere[group], ""]
        lines += ["| | median, s | least, s | most, s | rounds |", "|---|---|---|---|---|"]
        for name, each in sorted(found.items(), key=lambda item: item[1]["median"]):
            test, _, parameter = name.removeprefix("test_").rstrip("]").partition("[")
            told = f": {parameter}" if parameter and parameter not in group else ""
            words = test.replace("_", " ") + told
            row = " | ".join(f"{each[key]:.3g}" for key in ("median", "min", "max"))
            if "peak_bytes" in each:
                words += f" (peak {each['peak_bytes'] / 1e9:.2f} GB)"
            if "videos_per_s" in each:
                words += f" ({each['videos_per_s']:.0f} videos/s)"
            lines.append(f"| {words} | {row} | {each['rounds']:.0f} |")
        for of, above, below, says in RATIOS:
            if of == group and {above, *below} <= medians.keys():
                ratio = medians[above] / max(medians[name] for name in below)
                lines += ["", f"**{ratio:.2f}** {says}."]
        lines += _figures(found)
    return "\n".join([*lines, *(f"\n{table.strip()}" for table in tables)]) + "\n"


def _figures(found: dict[str, dict[str, float]]) -> list[str]:
    """Return the figures that tests report beside their times, a paragraph each."""
    lines = []
    for name, each in sorted(found.items()):
        parameter = name.rstrip("]").partition("[")[2]
        if "reported_s" in each:
            reported = each["reported_s"] * 1e6
            lines.append(
                f"**{reported:.2f} us** are reported of a module that does nothing (at most 20)."
            )
        if "median_of_ratios" in each:
            lines.append(
                f"**{each['median_of_ratios']:.4f}** of the time of torch's Timer, {parameter}, "
                f"in {each['turns']} turns (within 1 % of 1)."
            )
    whole = [each["all_so_far_s"] for each in found.values() if "all_so_far_s" in each]
    if whole:
        lines.append(f"**{max(whole):.0f} s** for all {len(whole)} (at most 300).")
    return [text for line in lines for text in ("", line)]


def _machine(found: dict[str, Any]) -> str:
    cpu = found.get("cpu", {})
    return (
        f"{cpu.get('brand_raw', found['machine'])}, {cpu.get('count', '?')} processors, "
        f"{found['system']} {found['release']}, Python {found['python_version']}"
    )


if __name__ == "__main__":
    texts = {name: Path(name).read_text() for name in sys.argv[1:]}
    runs = [json.loads(text) for name, text in texts.items() if name.endswith(".json")]
    sys.stdout.write(page(runs, [t for name, t in texts.items() if not name.endswith(".json")]))
