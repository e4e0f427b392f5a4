"""What a comparison of the frames of one file comes to."""

from itertools import pairwise
from typing import Any, NamedTuple

Answer = dict[str, Any]
BAD = ("differs", "crashes", "hangs", "raises", "ends")
"""Verdicts that should never be; "refused, doubtful" is for a person to judge."""
LEAST_S = 0.001
"""Times that differ by more are reported."""
LEAST_TURN = 6
"""Mean difference of two pictures' values, of 255, above which they are turned differently."""


class Verdict(NamedTuple):
    """What the comparison of one file comes to.

    Attributes:
        kind: "equal"; "equal, later start", where FFmpeg gives frames before and marks them as
            damaged; "refused", "refused, doubtful", "refused by both", "differs", or how kinobench
            died: "crashes", "hangs", "raises", "ends".
        reason: Where it differs, or why it is refused.
    """

    kind: str
    reason: str


def verdict(reference: Answer, kinobench: Answer) -> Verdict:
    """Compare what kinobench gives with what FFmpeg's libraries give.

    A refusal is doubtful if the libraries find nothing wrong: all packets are decoded, none is
    marked, and no frame is. Whether another refusal is right is for a person to say, from the
    libraries' messages.
    """
    if "died" in kinobench:
        return Verdict(kinobench["died"].split()[0].rstrip(":"), kinobench["died"])
    if "refused" in kinobench:
        if "refused" in reference:
            return Verdict("refused by both", kinobench["refused"])
        if "died" in reference:
            return Verdict("refused", kinobench["refused"])
        sound = not (reference["failed"] or reference["corrupt"] or "ended" in reference)
        return Verdict("refused, doubtful" if sound else "refused", kinobench["refused"])
    if "hashes" not in reference:
        return Verdict("differs", f"FFmpeg {reference.get('died', 'gives no frame')}")
    wanted, found = reference["hashes"], kinobench["hashes"]
    if wanted == found:
        return Verdict("equal", "")
    left_out = len(wanted) - len(found)
    if found and found == wanted[left_out:] and set(range(left_out)) <= set(reference["corrupt"]):
        return Verdict("equal, later start", f"begins at frame {left_out}")
    return Verdict("differs", difference(wanted, found))


def difference(wanted: list[str], found: list[str]) -> str:
    """Describe how two lists of frames differ."""
    if not wanted:
        return "FFmpeg gives no frame"
    if found and found == wanted[-len(found) :]:
        return f"begins at frame {len(wanted) - len(found)}"
    if found == wanted[: len(found)]:
        return f"ends {len(wanted) - len(found)} frames early"
    if wanted == found[: len(wanted)]:
        return f"{len(found) - len(wanted)} frames more at the end"
    pairs = zip(wanted, found, strict=False)
    first = next(number for number, (one, other) in enumerate(pairs) if one != other)
    if sorted(wanted) == sorted(found):
        return f"other order from frame {first}"
    if not set(found) - set(wanted):
        return f"frames are missing or repeated from frame {first}"
    new = sum(one not in set(wanted) for one in found)
    return f"other pixels from frame {first}; FFmpeg gives none of {new} frames"


def times_differ(reference: Answer, kinobench: Answer) -> str:
    """Return where the times of equal frames differ; "" if they don't.

    The reference's times count only where they ascend: others are not the frames' own.
    """
    theirs, ours = reference.get("times_s", []), kinobench.get("times_s", [])
    if len(theirs) != len(ours) or not ours or None in theirs:
        return ""
    if any(later <= earlier for earlier, later in pairwise(theirs)):
        return "times: FFmpeg's don't ascend"
    far = [abs(our - (their - theirs[0])) for our, their in zip(ours, theirs, strict=True)]
    if max(far) <= LEAST_S:
        return ""
    number = next(number for number, apart in enumerate(far) if apart > LEAST_S)
    return f"times: they differ from frame {number}, by up to {max(far):.3f} s"


def command_agrees(reference: Answer, command: Answer) -> str:
    """Return "" if FFmpeg's command gives the frames of its libraries, else how they differ."""
    if "hashes" not in reference or "hashes" not in command:
        if "hashes" in command:
            return f"command: {len(command['hashes'])} frames, libraries: none"
        if "hashes" in reference:
            return f"command: {command.get('died') or command['refused']}"
        return ""
    own, theirs = reference["own_hashes"], command["hashes"]
    if len(own) != len(theirs):
        return f"command: {len(theirs)} frames, libraries: {len(own)}"
    pairs = enumerate(zip(own, theirs, strict=True))
    other = [number for number, (one, two) in pairs if one is not None and one != two]
    if other:
        return f"command: other pixels from frame {other[0]}"
    if "upright" in reference and not _look_alike(reference["upright"], command["upright"]):
        return "command: the first frame is turned otherwise"
    return ""


def _look_alike(one: list[int], other: list[int]) -> bool:
    """Report whether two small pictures differ by no more than two ways of converting them."""
    differences = [abs(first - second) for first, second in zip(one, other, strict=False)]
    return len(one) == len(other) and sum(differences) <= LEAST_TURN * len(one)
