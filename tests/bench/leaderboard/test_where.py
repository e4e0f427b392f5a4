"""Expressions of `--where`: what they choose, what they refuse, and that they are safe."""

import random
import re
import subprocess
import sys

import pytest

from kinobench.bench.leaderboard.fields import fields
from kinobench.bench.leaderboard.kinds import kind_of
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.where import LONGEST, parse
from kinobench.bench.leaderboard.where_parts import NESTED
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import failed_record, made_accuracy, made_latency, made_record

TRAINED = {"weights": "mine"}


def board() -> Board:
    """Four rows: fast and slow ones, one without a latency, one that failed."""
    records = [
        made_record("x3d_m", case=TRAINED, latency=made_latency(0.004), params=3_800_000),
        made_record(
            "c3d",
            case=TRAINED | {"precision": "fp16", "probe": "reverse"},
            latency=made_latency(0.0125),
            accuracy=made_accuracy(0.75),
        ),
        made_record("mvit_b", latency=None, params=36_000_000, accuracy=None),
        failed_record("slow_r50"),
    ]
    (found,) = boards(records)
    return found


BOARD = board()


def models(text: str) -> list[str]:
    where = parse(text)
    rows = [row for row in BOARD.rows if where.condition.holds(BOARD, row)]
    return [row.record.case.model for row in rows]


def unknown(text: str) -> list[str]:
    where = parse(text)
    rows = [row for row in BOARD.rows if where.condition.holds(BOARD, row) is None]
    return [row.record.case.model for row in rows]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("latency_ms < 5", ["x3d_m"]),
        ("latency < 5", ["x3d_m"]),
        ("4 <= latency_ms <= 12.5", ["x3d_m", "c3d"]),
        ("4 < latency_ms <= 12.5", ["c3d"]),
        ("latency_ms > 5 and params_m < 30", ["c3d"]),
        ("latency_ms < 5 or params_m > 30", ["x3d_m", "mvit_b"]),
        ("top1 >= 70", ["c3d"]),
        ("top1 = 75", ["c3d"]),
        ("top1 != 75", ["x3d_m"]),
        ("params < gmacs", []),
        ("params > gmacs", ["x3d_m", "c3d", "mvit_b"]),
        ("model ~ '3d'", ["x3d_m", "c3d"]),
        ("model ~ 'X3D'", ["x3d_m"]),
        ("model ~ '*3d'", ["c3d"]),
        ("model ~ '?3d_[lm]'", ["x3d_m"]),
        ("not model ~ '3d'", ["mvit_b", "slow_r50"]),
        ("model == 'c3d'", ["c3d"]),
        ("model == 'C3D'", []),
        ('model in ("c3d", "mvit_b",)', ["c3d", "mvit_b"]),
        ("model NOT IN ('c3d', 'mvit_b')", ["x3d_m", "slow_r50"]),
        ("precision != 'fp32'", ["c3d"]),
        ("trained", ["x3d_m", "c3d"]),
        ("not trained", ["mvit_b", "slow_r50"]),
        ("trained == true AND failed = False", ["x3d_m", "c3d"]),
        ("failed", ["slow_r50"]),
        ("latency_ms is none", ["mvit_b", "slow_r50"]),
        ("latency_ms is not none", ["x3d_m", "c3d"]),
        ("probe is none", ["x3d_m", "mvit_b", "slow_r50"]),
        # A probe that a row doesn't have is known: it is none of these.
        ("probe == 'reverse'", ["c3d"]),
        ("probe != 'reverse'", ["x3d_m", "mvit_b", "slow_r50"]),
        ("probe not in ('reverse')", ["x3d_m", "mvit_b", "slow_r50"]),
        ("not probe ~ 'rev'", ["x3d_m", "mvit_b", "slow_r50"]),
        ("threads == 1 and batch in (1, 8)", ["x3d_m", "c3d", "mvit_b", "slow_r50"]),
        (
            "started >= '2026-01-01' and started < '2026-01-02'",
            [r.record.case.model for r in BOARD.rows],
        ),
        ("started > '2026-02'", []),
        # `not` binds closer than `and`, and `and` closer than `or`.
        ("not trained and failed", ["slow_r50"]),
        ("not (trained and failed)", [r.record.case.model for r in BOARD.rows]),
        ("failed or trained and latency < 5", ["x3d_m", "slow_r50"]),
        ("(failed or trained) and latency < 5", ["x3d_m"]),
    ],
)
def test_the_rows_are_those_counted_by_hand(text: str, found: list[str]) -> None:
    assert models(text) == found


def test_what_was_not_measured_satisfies_no_comparison_and_no_opposite_of_one() -> None:
    for text in ("latency_ms < 5", "latency_ms >= 5", "latency_ms != 5", "not latency_ms < 5"):
        assert not {"mvit_b", "slow_r50"} & set(models(text)), text
        assert unknown(text) == ["mvit_b", "slow_r50"], text
    # Three values: what is known already decides.
    assert unknown("latency_ms < 5 and trained") == []
    assert unknown("latency_ms < 5 and not trained") == ["mvit_b", "slow_r50"]
    assert unknown("latency_ms < 5 or model == 'mvit_b'") == ["slow_r50"]
    where = parse("latency_ms < 5 and top1 > 10 and batch == 1")
    assert list(where.condition.unknown(BOARD, BOARD.rows[2])) == ["latency_ms", "top1_percent"]


@pytest.mark.parametrize(
    ("text", "why", "under"),
    [
        ("latncy < 5", "no column is named 'latncy': did you mean 'latency'?", "latncy"),
        ("latency < 'a'", "latency is a number, and 'a' is a text", "'a'"),
        ("model == 5", "model is a text, and 5 is a number", "5"),
        ("model < 'a'", "has no order: compare it by == or !=, ~ or in", "model < 'a'"),
        ("latency < model", "latency is a number, and model is a text", "latency < model"),
        (
            "latency < 5ms",
            "'5ms': a number has no unit here: that of latency is ms; write 5",
            "5ms",
        ),
        ("latency < 5 ms", "'ms': numbers have no unit here; leave it out", "ms"),
        ("top1 > 70%", "that of top1 is %; write 70", "70%"),
        ("device == cuda", "if it is a text, write it in quotes, 'cuda'", "cuda"),
        ("latency", "latency is a number: compare it, as in `latency < 5`", "latency"),
        ("latency < 1e999", "'1e999' is too large a number", "1e999"),
        ("latency == none", "write `latency is none`", "none"),
        ("trained < true", "true or false, which has no order", "trained < true"),
        ("1 < 2", "two constants are compared", "1 < 2"),
        ("'x3d' ~ model", "`~` has a name before it", "'x3d' ~ model"),
        ("latency ~ '5'", "`~` is for texts", "latency"),
        ("model ~ ''", "an empty text is in every other one", "''"),
        ("started > 'yesterday'", "'yesterday' is no time: write it as", "'yesterday'"),
        ("batch in (1, 'a')", "batch is a number, and 'a' is a text", "'a'"),
        ("latency < 5 and and", "unexpected 'and': a name or a value must come here", "and"),
        ("latency < 5 params < 3", "two conditions are joined by `and` or `or`", "params"),
        ("latency < 5 && trained", "unexpected '&': write `and`", "&"),
        ("!trained", "unexpected '!': write `not`", "!"),
        ("2**99999 > latency", "unexpected '*': there is no arithmetic", "*"),
        ("latency + 1 < 5", "unexpected '+': there is no arithmetic", "+"),
        ("latency -1 < 5", "unexpected '-1': there is no arithmetic", "-1"),
        ("model.__class__ == 'a'", "unexpected '.': a name has no parts", "."),
        ("__import__('os')", "there are no functions", "("),
        ("model[0] == 'a'", "unexpected '[': write (...) for a list", "["),
        ("model == 'a", "this text has no closing quote", "'"),
        ("batch in 5", "unexpected '5': write a list, as in NAME in ('a', 'b')", "5"),
        ("lambda: 0", "unexpected ':'", ":"),
    ],
)
def test_what_is_refused_is_quoted_with_a_caret_under_it(text: str, why: str, under: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        parse(text)
    reason, line, carets = str(caught.value).split("\n")
    assert reason.startswith("--where: ") and why in reason
    assert line == text
    begin = carets.index("^")
    assert line[begin : len(carets)] == under and set(carets[begin:]) == {"^"}


@pytest.mark.parametrize(
    ("text", "missing"),
    [("(latency < 5", "a `)`"), ("latency <", "a name or a value"), ("not", "a name or a value")],
)
def test_an_end_that_comes_too_soon_is_pointed_at(text: str, missing: str) -> None:
    with pytest.raises(KinobenchError, match=f"ends too soon: {re.escape(missing)}") as caught:
        parse(text)
    assert str(caught.value).endswith("\n" + " " * len(text) + "^")


def test_an_empty_and_a_long_expression_are_refused() -> None:
    with pytest.raises(KinobenchError, match="it is empty; write"):
        parse("  ")
    parse("trained or " * 90 + "trained")
    with pytest.raises(KinobenchError, match=f"has {LONGEST + 1} characters, and {LONGEST}"):
        parse("trained".ljust(LONGEST + 1))


def test_what_is_nested_too_deeply_is_refused_however_it_is() -> None:
    assert parse("(" * 450 + "trained" + ")" * 450).condition is not None  # they say nothing
    assert parse("not " * NESTED + "trained").condition is not None
    for text in ("not " * 200 + "trained", "(trained and " * 60 + "trained" + ")" * 60):
        with pytest.raises(KinobenchError, match=f"nested more than {NESTED} times"):
            parse(text)


def test_slips_are_warned_of_once() -> None:
    (warning,) = parse("top1 > 0.7 and 0.7 < top1").warnings
    assert warning == "top1 is in percent: write 70 for 70 %, not 0.7"
    assert parse("mfu > 1").warnings and not parse("top1 > 1.5 and top1 > 0").warnings
    assert not parse("latency_ms < 0.5 and score_per_ms > 0.5").warnings
    (warning,) = parse("latency == 5").warnings
    assert "`==` hardly ever holds" in warning
    assert not parse("rank == 1 and batch == 8").warnings


def test_every_field_can_be_compared_by_a_constant_of_its_kind() -> None:
    constants = {"number": "> 2", "text": "== 'a'", "truth": "!= true", "time": "> '2026'"}
    for name, each in fields().items():
        where = parse(f"{name} {constants[kind_of(each)]}")
        for row in BOARD.rows:
            value = each.read(BOARD, row)
            assert where.condition.holds(BOARD, row) in (True, False, None)
            if value is not None:
                kinds = {"number": int | float, "text": str, "truth": bool, "time": str}
                assert isinstance(value, kinds[kind_of(each)]), name


PIECES = (
    *("latency_ms", "top1", "model", "trained", "started", "batch", "nonsense", "__class__"),
    *("<", "<=", ">", ">=", "==", "=", "!=", "~", "and", "or", "not", "in", "is", "none", "true"),
    *("(", ")", ",", "5", "-3.5", "1e9", "9" * 40, "5ms", "'x3d'", '"*?["', "'", "0.5"),
    *(".", "**", "\n", "\x00", "\u202e", "漢", "eval('1')", "lambda", "{", "%s", "é"),
)


VALID = (
    ["latency_ms", "<", "5", "and", "not", "(top1", ">=", "70", "or", "model", "~", "'x3d')"],
    ["4", "<", "latency", "<", "12.5", "or", "precision", "in", "(", "'fp32'", ",", "'fp16'", ")"],
    ["rank", "is", "not", "none", "and", "started", ">", "'2026-01-01'"],
)


def typed(drawn: random.Random) -> str:
    """Characters, pieces of expressions, or an expression with a few slips."""
    kind = drawn.random()
    if kind < 0.2:
        return "".join(chr(drawn.randrange(32, 0x250)) for _ in range(drawn.randint(1, 40)))
    if kind < 0.6:
        return drawn.choice(["", " "]).join(drawn.choices(PIECES, k=drawn.randint(1, 12)))
    parts = list(drawn.choice(VALID))
    for _ in range(drawn.randint(0, 2)):
        at = drawn.randrange(len(parts))
        parts[at : at + drawn.randint(0, 1)] = drawn.choices(PIECES, k=drawn.randint(0, 1))
    return " ".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_typed_is_a_condition_or_a_clear_error(seed: int) -> None:
    drawn = random.Random(seed)
    accepted = 0
    for _ in range(1500):
        text = typed(drawn)
        try:
            where = parse(text)
        except KinobenchError as error:
            assert len(str(error)) < 500
            continue
        accepted += 1
        for row in BOARD.rows:
            assert where.condition.holds(BOARD, row) in (True, False, None)
    assert 100 < accepted < 1000


@pytest.mark.parametrize("seed", range(3))
def test_made_up_conditions_hold_where_the_tables_of_three_values_say(seed: int) -> None:
    """Each is written as text and as a function, which is worked out by itself."""
    drawn = random.Random(seed)
    known = [
        {"latency": 4.0, "top1": 25.0, "model": "x3d_m"},
        {"latency": 12.5, "top1": 75.0, "model": "c3d"},
        {"latency": None, "top1": None, "model": "mvit_b"},
    ]

    def made(depth: int) -> tuple[str, list[bool | None]]:
        kind = drawn.choice(["leaf", "and", "or", "not"]) if depth else "leaf"
        if kind == "leaf":
            name, number = drawn.choice(["latency", "top1"]), drawn.choice([4, 12.5, 25, 50])
            values = [row[name] for row in known]
            return f"{name} <= {number}", [v if v is None else v <= number for v in values]  # type: ignore[operator]
        text, one = made(depth - 1)
        if kind == "not":
            return f"not ({text})", [None if each is None else not each for each in one]
        other_text, other = made(depth - 1)
        decides = kind == "or"
        both = [
            decides if decides in pair else None if None in pair else not decides
            for pair in zip(one, other, strict=True)
        ]
        return f"({text}) {kind} ({other_text})", both

    for _ in range(150):
        text, expected = made(4)
        if len(text) <= LONGEST:
            condition = parse(text).condition
            assert [condition.holds(BOARD, row) for row in BOARD.rows[:3]] == expected, text


def test_a_pattern_takes_few_steps_however_it_is_made() -> None:
    """Ways to match that multiply would not end: 2^30 of them here."""
    (one,) = boards([made_record("a" * 60 + "b")])
    for pattern in ("a*" * 30 + "c", "*a" * 30 + "c", "*?" * 30 + "[c]", "[" * 40):
        where = parse(f"model ~ '{pattern}'")
        assert where.condition.holds(one, one.rows[0]) is False


def test_nothing_of_an_expression_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("print('run')", "model == f'{print(1)}'", "__import__('os').system('echo run')"):
        with pytest.raises(KinobenchError):
            parse(text)
    where = parse('model == \'__import__("os").system("echo run")\'')
    assert not any(where.condition.holds(BOARD, row) for row in BOARD.rows)
    assert capsys.readouterr().out == ""


def test_the_parser_is_imported_by_an_expression_alone() -> None:
    code = (
        "import sys; from kinobench.bench.leaderboard.selection import selection; selection(top=3);"
        "assert 'lark' not in sys.modules; selection(where='trained');"
        "assert 'lark' in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_time_must_be_of_a_day_that_there_is() -> None:
    for text in ("2026", "2026-12", "2026-02-28", "2028-02-29", "2026-11-30T12:00:00Z"):
        assert parse(f"started >= '{text}'").condition
    for text in ("2026-13", "2026-02-29", "2026-00-01", "2026-11-31T12:00:00Z"):
        with pytest.raises(KinobenchError, match="is no time: write it as '2026-11-30'"):
            parse(f"started >= '{text}'")
