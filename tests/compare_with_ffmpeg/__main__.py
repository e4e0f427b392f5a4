"""Compare every frame that kinobench reads from a folder's videos with what FFmpeg gives.

    python tests/compare_with_ffmpeg FOLDER
    python tests/compare_with_ffmpeg FOLDER --ffmpeg ffmpeg --json comparison.jsonl
    python tests/compare_with_ffmpeg --page comparison.jsonl

The reference is the FFmpeg inside PyAV's wheel, which decodes each file from its first packet to
its last: its frames, in the order in which they come out. With `--ffmpeg`, FFmpeg's command (best
of the same version) is asked whether it gives the same frames.
"""

import argparse
import json
import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from children import in_child
from frames import MOST_FRAMES, by_command, by_kinobench, by_libraries
from page import page, read_rows
from verdicts import BAD, command_agrees, times_differ, verdict

SHOWN = ("died", "refused", "ended", "failed", "corrupt", "messages")
"""What a row says of the reference, besides the number of its frames."""


def main() -> int:
    """Compare the files of a folder, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="Exit code 1: a file differs, or reading it crashes, hangs or raises.",
    )
    parser.add_argument("folder", type=Path, nargs="?", help="folder of videos, or one video")
    parser.add_argument(
        "--page",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="print what was written by --json, also if it is compressed by gzip, as Markdown",
    )
    parser.add_argument("--ffmpeg", metavar="COMMAND", help="FFmpeg's command, to be asked too")
    parser.add_argument("--json", default=os.devnull, metavar="FILE", help="write a line a file")
    parser.add_argument("--limit-s", type=float, default=60, help="seconds a file (default: 60)")
    parser.add_argument("--limit-mb", type=int, default=4096, help="memory a file (default: 4096)")
    options = parser.parse_args()
    if options.page:
        print(page([(file.name.partition(".")[0], read_rows(file)) for file in options.page]))
        return 0
    if options.folder is None:
        parser.error("name a folder of videos, or --page FILE")
    if not options.folder.exists():
        parser.error(f"{options.folder} doesn't exist; name a folder of videos")
    found = [options.folder, *sorted(options.folder.rglob("*"))]
    counts: Counter[str] = Counter()
    print(f"{'FFmpeg':>7} {'here':>7}  {'verdict':18} file: reason")
    with Path(options.json).open("w") as output:
        for file in filter(Path.is_file, found):
            name = file.name if file == options.folder else str(file.relative_to(options.folder))
            row = compared(file, options.ffmpeg, options.limit_s, options.limit_mb * 2**20)
            row = {"file": name, **row}
            counts[row["verdict"]] += 1
            print("\n".join(lines(row)), flush=True)
            output.write(json.dumps(row) + "\n")
            output.flush()
    print()
    for kind, count in counts.most_common():
        print(f"{count:6}  {kind}")
    return int(any(counts[kind] for kind in BAD))


def compared(path: Path, ffmpeg: str | None, limit_s: float, limit_bytes: int) -> dict[str, Any]:
    """Compare one file, each reader in a process of its own; return what the table shows."""
    kinobench = in_child(partial(by_kinobench, path), limit_s, limit_bytes)
    if "too_long" in kinobench:
        reason = f"{kinobench['too_long']} frames; at most {MOST_FRAMES} are compared"
        return {"verdict": "too long", "reason": reason}
    reference = in_child(partial(by_libraries, path), limit_s, limit_bytes)
    found = verdict(reference, kinobench)
    row: dict[str, Any] = {
        "verdict": found.kind,
        "reason": found.reason,
        "frames_of_ffmpeg": len(reference["hashes"]) if "hashes" in reference else None,
        "frames_of_kinobench": len(kinobench["hashes"]) if "hashes" in kinobench else None,
        "times": times_differ(reference, kinobench),
        "ffmpeg": {key: reference[key] for key in SHOWN if key in reference},
    }
    if ffmpeg:
        row["command"] = command_agrees(reference, by_command(path, ffmpeg, limit_s))
    return row


def lines(row: dict[str, Any]) -> list[str]:
    """Return a row of the table: a line, and what FFmpeg says of a file that is not read alike."""
    counts = [row.get("frames_of_ffmpeg"), row.get("frames_of_kinobench")]
    cells = " ".join(f"{'–' if count is None else count:>7}" for count in counts)
    reason = f": {row['reason']}" if row["reason"] else ""
    text = [f"{cells}  {row['verdict']:18} {row['file']}{reason}"]
    indent = " " * 17
    text += [f"{indent} {row[key]}" for key in ("command", "times") if row.get(key)]
    if row["verdict"] == "equal":
        return text
    ffmpeg = row.get("ffmpeg", {})
    for key in ("died", "refused", "ended"):
        if key in ffmpeg:
            text.append(f"{indent} FFmpeg {key}: {ffmpeg[key]}")
    if ffmpeg.get("failed") or ffmpeg.get("corrupt"):
        marked = ffmpeg["corrupt"]
        text.append(
            f"{indent} FFmpeg: {ffmpeg['failed']} packets failed, {len(marked)} frames marked"
            + (f", the first {marked[0]}" if marked else "")
        )
    for message, count in ffmpeg.get("messages", {}).items():
        text.append(f"{indent} FFmpeg, {count}x: {message}")
    return text


if __name__ == "__main__":
    sys.exit(main())
