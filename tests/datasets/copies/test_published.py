"""What is said about published datasets: each fact with its source, and counts that add up."""

import re
from pathlib import Path

import pytest

from kinobench.datasets.copies import diving48, published
from kinobench.datasets.copies.known import DESCRIBED
from kinobench.datasets.copies.published import PUBLISHED

SOURCE = re.compile(r"arXiv:[0-9]{4}[.][0-9]{5}|[a-z0-9-]+[.](?:com|co|edu|org)/")


def test_every_dataset_that_is_read_has_its_facts_and_no_other_has() -> None:
    assert set(PUBLISHED) == set(DESCRIBED)
    for name, facts in PUBLISHED.items():
        assert facts.videos is not None and facts.videos > 1000, name
        assert facts.size_bytes is None or facts.size_bytes > 50_000 * facts.videos, name


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_facts_about_a_dataset_name_their_source(name: str) -> None:
    code = Path(published.__file__).read_text()
    facts = re.search(rf'^    "{name}": Published\($.*?^    \),$', code, re.MULTILINE | re.DOTALL)
    assert facts is not None
    comments = " ".join(re.findall(r"#.*", facts[0]))
    assert SOURCE.search(comments), comments


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ucf101", (9_537, 3_783)),
        ("ucf101", (9_586, 3_734)),
        ("ucf101", (9_624, 3_696)),
        ("kinetics400", (246_534, 19_906, 39_805)),
        ("ssv2", (168_913, 24_777, 27_157)),
        ("jester", (118_562, 14_787, 14_743)),
        ("mit", (802_264, 33_900, 67_800)),
        ("charades", (7_985, 1_863)),
    ],
)
def test_the_videos_of_a_dataset_are_those_of_its_splits(name: str, parts: tuple[int, ...]) -> None:
    assert PUBLISHED[name].videos == sum(parts)


def test_the_lists_of_diving48_have_as_many_videos_as_are_said_of_its_versions() -> None:
    counts: dict[int, list[int]] = {1: [], 2: []}
    for count, version in diving48._COUNTS.items():
        counts[version].append(count)
    paper_train, paper_test, files_train, files_test = counts[1]
    assert paper_train + paper_test == PUBLISHED["diving48"].videos
    assert files_train + files_test < paper_train + paper_test
    assert sum(counts[2]) == 16_997
