"""The videos that only one of two networks gets right: what McNemar's test counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ..evaluation.predictions import Predictions
from ..statistics.scores import Averaged, averaged_of
from .answers import answers_of
from .compare import refuse_two_scorings
from .errors import Misclassified, misclassified, with_paths
from .pairing import pair


class OnlyOneRight(msgspec.Struct, frozen=True, kw_only=True):
    """A video that one of two networks gets right.

    Attributes:
        wrong: What the other one said, and how sure it was.
        right: What the one that is right said: the true class that it names.
        right_score: Its score of that class.
        right_margin: That score less its highest score of a wrong class; None if unknown.
    """

    wrong: Misclassified
    right: str
    right_score: float
    right_margin: float | None


class Disagreements(msgspec.Struct, frozen=True, kw_only=True):
    """The videos that only one of two networks, A and B, gets right.

    Attributes:
        scoring: `top-k`, or `hit-k` or `map` where a video may have several labels.
        averaged_a, averaged_b: What the scores of each are: `softmax`, `sigmoid` or `logits`.
        both, neither: Number of videos that both get, that neither gets; with the two lists they
            are all that both scored.
        only_a, only_b: The videos that only A, only B gets, those first of which the other was most
            sure. Their numbers are those of McNemar's test of top-1 or hit@1.
    """

    scoring: Scoring
    averaged_a: Averaged
    averaged_b: Averaged
    both: int
    neither: int
    only_a: tuple[OnlyOneRight, ...]
    only_b: tuple[OnlyOneRight, ...]


def find_disagreements(
    a: Predictions,
    b: Predictions,
    aggregation_a: Aggregation = "softmax",
    aggregation_b: Aggregation = "softmax",
    names: Sequence[str] | None = None,
) -> Disagreements:
    """Find the videos whose first class is right in only one of two predictions.

    Under `map`, where no such test is made, a video is right if the class with the highest score is
    one of its own; a video without a label is right in none.

    Args:
        a: Per-view logits of the first network.
        b: Per-view logits of the second.
        aggregation_a: Rule that averages A's views.
        aggregation_b: Rule that averages B's views.
        names: Names of the classes; their numbers stand for them if they aren't known.

    Raises:
        KinobenchError: They have no common video, or disagree on labels; they can't be read.
    """
    refuse_two_scorings(a, b)
    named = names or [str(each) for each in range(a.classes)]
    of_a, of_b = answers_of(a, aggregation_a), answers_of(b, aggregation_b)
    pairing = pair(of_a.labelled(a), of_b.labelled(b))
    in_a, in_b = pairing.in_a, pairing.in_b
    hits_a, hits_b = of_a.places[in_a] == 0, of_b.places[in_b] == 0

    def listed(right: np.ndarray, is_a_right: bool) -> tuple[OnlyOneRight, ...]:
        good, bad = (of_a, of_b) if is_a_right else (of_b, of_a)
        in_good, in_bad = (in_a, in_b) if is_a_right else (in_b, in_a)
        found = []
        for at in np.flatnonzero(right):
            video = int(in_good[at])
            true = set(good.classes_of(video))
            scored = zip(good.first[video].tolist(), good.first_scores[video].tolist(), strict=True)
            others = [score for label, score in scored if label not in true]
            score = float(good.named_scores[video])
            found.append(
                OnlyOneRight(
                    wrong=misclassified(bad, int(in_bad[at]), named),
                    right=named[int(good.named[video])],
                    right_score=score,
                    right_margin=score - others[0] if others else None,
                )
            )
        return tuple(sorted(found, key=_least_sure_last))

    return Disagreements(
        scoring=a.scoring,
        averaged_a=averaged_of(aggregation_a, a.scoring),
        averaged_b=averaged_of(aggregation_b, b.scoring),
        both=int(np.count_nonzero(hits_a & hits_b)),
        neither=int(np.count_nonzero(~hits_a & ~hits_b)),
        only_a=listed(hits_a & ~hits_b, True),
        only_b=listed(hits_b & ~hits_a, False),
    )


def _least_sure_last(each: OnlyOneRight) -> tuple[bool, float, str]:
    margin = each.wrong.margin
    return margin is None, -(margin or 0.0), each.wrong.video


def located(found: Disagreements, paths: Mapping[str, Path]) -> Disagreements:
    """Return the same videos with the paths of their files, where these are known."""

    def placed(listed: tuple[OnlyOneRight, ...]) -> tuple[OnlyOneRight, ...]:
        wrong = with_paths([each.wrong for each in listed], paths)
        return tuple(
            msgspec.structs.replace(each, wrong=its)
            for each, its in zip(listed, wrong, strict=True)
        )

    return msgspec.structs.replace(found, only_a=placed(found.only_a), only_b=placed(found.only_b))
