"""Data and times as texts."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from helpers.engine import text
from helpers.engine.failures import StateFailed
from tests.engine.conftest import DATA


@given(DATA)
def test_data_comes_back_from_its_text(data: Any) -> None:
    assert text.data_of(text.text_of(data)) == data


def test_texts_are_compact_and_not_escaped() -> None:
    assert text.text_of({"é": [1, 1.0, 0.1, True, None, 'a"\n']}) == '{"é":[1,1.0,0.1,true,null,"a\\"\\n"]}'


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), b"", datetime.now(UTC), {(): 1}])
def test_what_is_no_json_data(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^This is no JSON data: .*\.$"):
        text.text_of([value])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("", "it cannot be read at its end (character 1)"),
        ("{'a': 1}", "it cannot be read at \"'a': 1}\" (character 2)"),
        ('{"a":', "it cannot be read at its end (character 6)"),
        ("[1] x", "it cannot be read at 'x' (character 5)"),
        ("NaN", "NaN is none"),
        ("[1e999]", "the number 1e999 is too large"),
        ("[" * 200_000, "it is nested too deeply"),
    ],
)
def test_what_is_no_json(found: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^This is no JSON: .*\.$") as caught:
        text.data_of(found)
    assert reason in str(caught.value)


@pytest.mark.parametrize("levels", [501, 700, 100_000])
def test_data_that_a_machine_nested_too_deeply_fails_its_state(levels: int) -> None:
    data: Any = "["
    for level in range(levels):
        data = [data] if level % 2 else {"a": 1, "b": data}
    with pytest.raises(StateFailed, match=r"^States\.Runtime: The data is nested too deeply\.$"):
        text.text_of(data)


def test_what_is_nested_less_is_written_and_read() -> None:
    for found in ("[" * 500 + "]" * 500, "[" + ",".join(["{}"] * 1000) + "]", '"' + "[" * 1000 + '"'):
        assert text.text_of(text.data_of(found)) == found
    with pytest.raises(ValueError, match="nested too deeply"):
        text.data_of("[" * 501 + "]" * 501)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("x" * 262_144, False),
        ("x" * 262_145, True),
        ("é" * 131_072, False),
        ("é" * 131_073, True),
        ("\U0001f600" * 65_536, False),
        ("\U0001f600" * 65_537, True),
        ("\ud800" * 87_381, False),
        ("\ud800" * 87_382, True),
    ],
)
def test_a_payload_is_measured_in_bytes(found: str, wanted: bool) -> None:
    assert text.exceeds(found) is wanted


def test_times() -> None:
    when = datetime(2016, 3, 14, 1, 59, 0, 500_999, timezone(timedelta(hours=1)))
    assert text.time_text(when) == "2016-03-14T00:59:00.500Z"
    assert text.time_text(when.replace(microsecond=999)) == "2016-03-14T00:59:00Z"
    assert text.moment("2016-03-14T01:59:00.500999+01:00") == when
    assert text.moment("2016-03-14t01:59+01:00") == when.replace(microsecond=0)
    assert text.moment(text.time_text(when)) == when.replace(microsecond=500_000)


NO_TIMES = [
    "",
    "2016-03-14",
    "2016-03-14T01:59:00",
    "2016-03-14 01:59:00Z",
    "2016-13-14T01:59:00Z",
    "05-12-2016T21:29:29Z",
]
NO_TIMES += ["2016-03-14T25:59:00Z", "2016-03-14T01:59.5Z", "2016-03-14T01:59:00Zx", "٢016-03-14T01:59:00Z"]


@pytest.mark.parametrize("found", NO_TIMES)
def test_what_is_no_time(found: str) -> None:
    assert text.moment(found) is None
