"""Durations as people write them, also where one unit goes over into the next."""

from datetime import timedelta

import pytest

from helpers.quantities import duration, exact_duration


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 ms"),
        (0.0154, "15 ms"),
        (0.9994, "999 ms"),
        (0.9999, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (172_799, "47 h 59 min"),
        (302_400, "3 d 12 h"),
    ],
)
def test_a_duration(seconds, written):
    assert duration(seconds) == written


def test_nothing_of_an_exact_one_is_lost_below_two_minutes():
    assert exact_duration(timedelta(milliseconds=119_999)) == "119.999 s"
