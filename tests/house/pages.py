"""What the documentation shows: its pages, their blocks of code, and the commands in them."""

import re
import shlex
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        ROOT / "results" / "README.md",
        *(ROOT / "docs").glob("*.md"),
    ]
)

NEEDS = {
    "data": "videos that kinobench doesn't have",
    "gpu": "a GPU",
    "minutes": "more time than a test has",
    "network": "a network connection",
    "results": "predictions of an earlier run",
    "cluster": "a Ray cluster",
}
"""What a block may need, so that it isn't run: `<!-- needs: gpu -->` in the line before it."""

PROGRAMS = (["kinobench"], ["python", "bench.py"], ["python", "-m", "kinobench"])

_FENCE = re.compile(
    r"(?:^ *<!-- needs: (?P<needs>[^>]*?) -->\n\s*)?"
    r"^(?P<indent> *)```(?P<kind>[\w-]+)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """A block of code.

    Attributes:
        page: The page's name, from the root of the repository.
        number: The line at which it begins.
        kind: `sh`, `python`, `toml`, `text`.
        needs: What stands in the comment before it.
        code: Its lines, without the indentation of a list.
    """

    page: str
    number: int
    kind: str
    needs: tuple[str, ...]
    code: str

    @property
    def file(self) -> str | None:
        """The file that its first line names: `# mydata.py`."""
        first = self.code.partition("\n")[0]
        found = re.fullmatch(r"# ([\w./]+\.(?:py|toml))(?:, .*)?", first)
        return found[1] if found else None


class Command(NamedTuple):
    """A line of a shell block.

    Attributes:
        program: `kinobench`, or the name of another program.
        arguments: What it is called with.
        into: The file that its standard output goes to.
        block: Where it stands.
    """

    program: str
    arguments: tuple[str, ...]
    into: str | None
    block: Block

    @property
    def said(self) -> str:
        """The page and the line, as a test's id."""
        return f"{self.block.page}: {shlex.join((self.program, *self.arguments))}"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(
            page=name,
            number=text.count("\n", 0, found.start("kind")) + 1,
            kind=found["kind"],
            needs=tuple(need.strip() for need in (found["needs"] or "").split(",") if need.strip()),
            code=textwrap.dedent(found["code"]),
        )
        for found in _FENCE.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a shell block; those that `&&` joins are two."""
    found = []
    for line in block.code.splitlines():
        for part in line.split("&&"):
            parts = shlex.split(part, comments=True)
            if not parts:
                continue
            into = None
            if ">" in parts:
                at = parts.index(">")
                (into,) = parts[at + 1 :]
                parts = parts[:at]
            program, arguments = _program(parts)
            found.append(Command(program, arguments, into, block))
    return found


def _program(parts: list[str]) -> tuple[str, tuple[str, ...]]:
    for names in PROGRAMS:
        if parts[: len(names)] == names:
            return "kinobench", tuple(parts[len(names) :])
    if parts[0] == "torchrun":
        return "kinobench", tuple(parts[parts.index("bench.py") + 1 :])
    return parts[0], tuple(parts[1:])


COMMANDS = [command for block in BLOCKS if block.kind == "sh" for command in commands_of(block)]


def files_of(page: str) -> dict[str, str]:
    """Return the files that a page shows: name -> content."""
    return {block.file: block.code for block in BLOCKS if block.page == page and block.file}
