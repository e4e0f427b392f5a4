"""Recipes: the numbers by which a network is trained."""

import math
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.train import recipe
from kinobench.bench.train.fit import rate_of
from kinobench.datasets.errors import KinobenchError

COMMON = recipe.load("common")


@pytest.mark.parametrize("name", ["common", "pointlight"])
def test_every_number_of_a_recipe_is_in_its_file(name: str) -> None:
    assert name in recipe.names()
    written = (recipe.BUILT_IN / f"{name}.toml").read_text()
    assert all(f"\n{field} = " in written for field in recipe.Recipe.__struct_fields__)


def test_two_recipes_that_differ_in_a_number_have_other_digests() -> None:
    other = msgspec.structs.replace(COMMON, weight_decay=0.06)
    assert recipe.load("common").digest == COMMON.digest != other.digest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("epocs = 3", "unknown key 'epocs': did you mean 'epochs'?"),
        ("batch = 1", "batch = 1: it must be from 2 to 1048576"),
        ("learning_rate = 0.0", "learning_rate = 0.0: it must be from 1e-09 to 1000"),
        ("learning_rate = inf", "learning_rate = inf: it must be from"),
        ("weight_decay = 1e300", "weight_decay = 1e+300: it must be from 0 to 1000"),
        ("clip_norm = nan", "clip_norm = nan: it must be above 0, up to 1000000000"),
        pytest.param(f"epochs = {'9' * 400}", "digits>: it must be from 1 to", id="long"),
        pytest.param(f"epochs = {'9' * 5000}", "not TOML", id="endless"),
        ("final_learning_rate = 1.0", "final_learning_rate is 1.0; it must be from 0 to 0.002"),
        ("betas = [0.9, 1.0]", "betas is (0.9, 1.0); it must be from 0 to below 1"),
        ("warmup_epochs = 40.0", "warmup_epochs is 40.0; it must be below 40"),
        ("clips_per_epoch = -1", "clips_per_epoch = -1: it must be from 0 to 1000000000"),
        ("dropout_scale = 1.5", "dropout_scale = 1.5: it must be from 0 to 1"),
        ("scale = [0.5, 1.0]", "scale = 0.5: it must be from 1 to 100"),
        ("batch = 'many'", "batch"),
    ],
)
def test_a_mistake_is_quoted_with_the_cure(tmp_path: Path, change: str, told: str) -> None:
    key = change.split(" ")[0]
    lines = (recipe.BUILT_IN / "common.toml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{key} =")]
    file = tmp_path / "own.toml"
    file.write_text("\n".join([*kept, change]))
    with pytest.raises(KinobenchError) as raised:
        recipe.load(str(file))
    assert told in str(raised.value) and str(file) in str(raised.value)


def test_an_unknown_recipe_is_told_with_those_there_are() -> None:
    with pytest.raises(KinobenchError, match="common"):
        recipe.load("comon")


def test_the_rate_rises_evenly_and_falls_as_a_cosine() -> None:
    numbers = msgspec.structs.replace(
        COMMON, epochs=10, warmup_epochs=2.0, learning_rate=1.0, final_learning_rate=0.1
    )
    rate = rate_of(numbers, steps=10)  # 20 of 100 steps warm up
    assert [rate(step) for step in (0, 9, 19)] == pytest.approx([1 / 21, 10 / 21, 20 / 21])
    assert rate(20) == pytest.approx(1.0) and rate(60) == pytest.approx(0.55)
    assert rate(100) == pytest.approx(0.1)
    assert rate(40) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)


def test_length_and_rate_may_be_others_and_the_rest_stays() -> None:
    longer = COMMON.but(epochs=4)  # the warm-up is a quarter at most
    assert longer == msgspec.structs.replace(COMMON, epochs=4, warmup_epochs=1.0)
    gentle = COMMON.but(learning_rate=1e-6)  # below the recipe's last
    assert gentle == msgspec.structs.replace(COMMON, learning_rate=1e-6, final_learning_rate=1e-6)
    slow_start = msgspec.structs.replace(COMMON, epochs=4, warmup_epochs=3.0)
    assert slow_start.but() == slow_start
    assert slow_start.but(learning_rate=1.0).warmup_epochs == 3.0
