"""A name that nobody knows gets the one suggested that was most likely meant."""

import pytest

from kinobench.datasets.errors import UnknownNameError, nearest_name
from kinobench.zoo import registry


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # All words, and others between or after them.
        ("i3d_flow", "i3d_inception_flow"),
        ("I3D-Flow", "i3d_inception_flow"),
        ("i3d_two_stream", "i3d_inception_two_stream"),
        ("flow_inception_i3d", "i3d_inception_flow"),
        ("slowfast_101", "slowfast_r101"),
        ("x3d-m", "x3d_m"),
        ("x3dm", "x3d_m"),
        ("X3D_M", "x3d_m"),
        # The family before what is merely spelled alike.
        ("slowfast_r51", "slowfast_r50"),
        ("c3d_tny", "c3d_tiny"),
        ("slow_fast_r50", "slowfast_r50"),
        ("slwfast_tiny", "slowfast_tiny"),
        ("late_fusion_pol_r50", "late_fusion_pool_r50"),
        ("videomae_vitl", "videomae_vit_l"),
    ],
)
def test_the_network_that_was_meant_is_suggested(typed: str, meant: str) -> None:
    assert nearest_name(typed, registry.listed()) == meant


@pytest.mark.parametrize("typed", ["quux", "zzzzzzzzzz", "", "_", "--"])
def test_nothing_is_suggested_for_what_is_like_nothing(typed: str) -> None:
    assert nearest_name(typed, registry.listed()) is None


def test_a_suggestion_is_the_same_in_whatever_order_the_names_come() -> None:
    names = ["x3d_s", "x3d_m", "x3d_l"]
    assert nearest_name("x3d", names) == nearest_name("x3d", names[::-1]) == "x3d_l"
    assert nearest_name("x3d", []) is None


def test_the_message_quotes_the_name_and_says_the_cure() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'i3d_inception_flow'"):
        raise UnknownNameError("model", "i3d_flow", ["x3d_l", "i3d_inception_flow"])
