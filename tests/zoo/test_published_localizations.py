"""What is printed of temporal localization is copied right, and stands beside the zoo's heads."""

from decimal import Decimal
from pathlib import Path

import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.localizers.families import KINDS
from kinobench.zoo.tables.published_localizations import (
    TABLE,
    published_localizations,
    read_localizations,
)

THUMOS, ACTIVITYNET = "mAP@0.3:0.1:0.7", "mAP@0.5:0.05:0.95"


@pytest.mark.parametrize(
    ("variant", "rule", "metric", "values"),
    [
        ("ActionFormer", "opentad", THUMOS, {"68.44"}),
        ("TriDet", "opentad", THUMOS, {"69.60"}),
        ("TemporalMaxer", "opentad", THUMOS, {"68.33"}),
        ("BMN", "opentad", THUMOS, {"51.70", "46.19"}),
        ("G-TAD", "opentad", THUMOS, {"49.70"}),
        ("AdaTAD", "opentad", THUMOS, {"69.03", "71.14", "73.51", "74.95", "75.06"}),
        ("ActionFormer", "actionformer", THUMOS, {"66.83"}),
        ("ActionFormer", "actionformer", ACTIVITYNET, {"36.56", "36.03"}),
        ("ActionFormer", "opentad", ACTIVITYNET, {"37.07"}),
        ("TriDet", "opentad", ACTIVITYNET, {"36.96"}),
        ("BMN", "opentad", ACTIVITYNET, {"36.40", "34.21"}),
        ("BMN", "activitynet", "AUC", {"67.25", "67.23", "68.47"}),
        ("BSN", "activitynet", "AUC", {"66.26"}),
    ],
)
def test_each_printed_number_is_there_with_its_rule(variant, rule, metric, values):
    rows = published_localizations()
    found = {
        str(row.value)
        for row in rows
        if (row.variant, row.rule, row.metric) == (variant, rule, metric)
    }
    assert found == values


def test_the_classifier_that_a_score_depends_on_is_said():
    rows = [row for row in published_localizations() if row.metric == ACTIVITYNET]
    assert all(row.classifier for row in rows)
    adatad = {row.classifier: row.value for row in rows if row.variant == "AdaTAD"}
    assert adatad == {"CUHK 2017": Decimal("39.86"), "InternVideo2": Decimal("42.90")}


def test_the_rows_of_a_registered_name_are_those_of_its_head():
    assert {row.model for row in published_localizations()} - {None} <= set(KINDS)
    of_head = published_localizations("tridet")
    assert of_head and published_localizations("tridet_on_slow_r50") == of_head
    assert published_localizations("tridet_tiny", "thumos14") == [
        row for row in of_head if row.dataset == "thumos14"
    ]
    assert published_localizations("windows_tiny") == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (",opentad,68.44,", ",,68.44,", "line 2: a score has a rule, and a cost has none"),
        (",opentad,68.44,", ",opentad,168.44,", "line 2: value is 168.44; give a percentage"),
        ("thumos14", "thumos", "line 2: .*dataset"),
    ],
)
def test_a_wrong_cell_is_named(old: str, new: str, complaint: str, tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text(TABLE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(KinobenchError, match=complaint):
        read_localizations(table)
