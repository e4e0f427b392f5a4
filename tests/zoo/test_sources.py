"""Every source of a printed number has an address, and every known reason has a source."""

import re
from urllib.parse import urlsplit

import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.named import weights_of
from kinobench.zoo.tables.published import published
from kinobench.zoo.tables.published_detections import published_detections
from kinobench.zoo.tables.published_localizations import published_localizations
from kinobench.zoo.tables.published_speeds import published_speeds
from kinobench.zoo.tables.reasons import reasons
from kinobench.zoo.tables.sources import url_of


def sources() -> list[str]:
    entries = [each for name in registry.listed() for each in weights_of(name)]
    tables = (
        *published(),
        *published_speeds(),
        *published_detections(),
        *published_localizations(),
    )
    every = (*tables, *entries, *reasons().values())
    return sorted({each.source for each in every})


@pytest.mark.parametrize("source", sources())
def test_each_source_has_an_address(source: str) -> None:
    parts = urlsplit(url_of(source))
    assert parts.scheme in ("http", "https") and "." in parts.netloc
    assert re.fullmatch(r"/[\w./%~-]*", parts.path) and "//" not in parts.path
    if parts.netloc == "github.com":
        assert len(parts.path.strip("/").split("/")) in (2, 5, 6, 7, 8, 9)
    if parts.netloc == "arxiv.org":
        assert re.fullmatch(r"/abs/\d{4}\.\d{4,5}", parts.path)


def test_the_commit_or_the_version_is_part_of_an_address() -> None:
    begin = "https://github.com/open-mmlab/mmaction2/blob"
    assert url_of("open-mmlab/mmaction2@a/README.md (main, 4d6c934)") == (
        f"{begin}/4d6c934/a/README.md"
    )
    assert (
        url_of("open-mmlab/mmaction2@a/b.yml (branch 0.x, 71a938a)") == f"{begin}/71a938a/a/b.yml"
    )
    assert url_of("open-mmlab/mmaction2@a/b.yml") == f"{begin}/HEAD/a/b.yml"
    assert url_of("pytorch/vision@x.py (0.29.2)") == (
        "https://github.com/pytorch/vision/blob/v0.29.2/x.py"
    )
    assert url_of("a/b@c.md (= I3D paper Table 3)") == "https://github.com/a/b/blob/HEAD/c.md"
    assert url_of("google/vivit-b") == "https://huggingface.co/google/vivit-b"


def test_a_source_without_an_address_is_refused() -> None:
    with pytest.raises(KinobenchError, match=r"'my notes' has no address: add .*sources\.csv"):
        url_of("my notes")


def test_each_printed_speed_is_of_a_network_of_which_more_is_printed() -> None:
    found = published_speeds()
    assert len(found) == 16
    for speed in found:
        assert speed.value > 0
        assert any(
            row.source.partition(" (")[0] == speed.source.partition(" (")[0]
            for row in published(speed.model)
        ), speed
    assert published_speeds("c3d_tiny") == []
