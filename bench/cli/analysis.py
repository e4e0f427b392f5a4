"""`analyse` and `compare`: what is computed from stored logits."""

from typing import Any

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import MEAN
from . import common
from . import mistakes as listing
from .analysis_options import Analysed, Compared, Mistakes, Pair, Source, WhereVideos
from .frame import EXIT_INCONCLUSIVE, RESULTS, command, print_page, report


@command("analyse", RESULTS)
def analyse(source: Source, mistakes: Mistakes, where: WhereVideos, analysed: Analysed) -> None:
    """Analyse stored predictions: averages, fewer views, classes, confusions, or errors."""
    from ..analysis import command as analysis

    if mistakes.errors:
        listing.list_errors(source, mistakes, where, analysed)
        return
    listing.refuse_unused("--errors", mistakes, where)
    page, content = analysis.analyse(
        source.source,
        source.fuse,
        common.results_of(analysed.results),
        views=source.views,
        aggregation=source.aggregation,
        rows=10 if analysed.rows is None else analysed.rows,
        on_problem=report,
    )
    print_page(page, content, analysed.output, analysed.json)


@command("compare", RESULTS)
def compare(pair: Pair, where: WhereVideos, compared: Compared) -> None:
    """Test whether two networks differ in accuracy: paired, on the same videos."""
    from ..analysis import command as analysis

    if pair.split not in (None, MEAN):
        raise KinobenchError(f"--split {pair.split}: give {MEAN}, or the ids of two records")
    if compared.videos and pair.split == MEAN:
        raise KinobenchError(
            f"--videos: with --split {MEAN} a video may stand in several splits; compare one split"
        )
    if not compared.videos:
        listing.refuse_unused("--videos", where, rows=compared.rows)
    said: dict[str, Any] = {
        "aggregation": pair.aggregation,
        "strict": compared.strict,
        "on_problem": report,
    }
    results = common.results_of(compared.results)
    if pair.split == MEAN:
        page, content = analysis.compare_split_means(pair.a, pair.b, results, **said)
    else:
        also = listing.only_one_right(pair, where, compared) if compared.videos else None
        page, content = analysis.compare(pair.a, pair.b, results, **said, also=also)
    print_page(page, content, compared.output, compared.json)
    if not content["significant"]:
        raise SystemExit(EXIT_INCONCLUSIVE)
