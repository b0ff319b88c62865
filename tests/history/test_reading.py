"""Frames made easy to read."""

import pandas as pd

from helpers import history


def test_durations_become_seconds_and_nothing_else_changes():
    frame = pd.DataFrame({"state": ["A"], "duration": pd.to_timedelta([2002.4], unit="ms"), "visit": [1]})
    shown = history.in_seconds(frame)
    assert shown["duration"].tolist() == [2.002]
    assert shown.drop(columns="duration").equals(frame.drop(columns="duration"))
    assert frame["duration"].dt.total_seconds().tolist() == [2.0024]


def test_a_missing_duration_stays_missing():
    assert history.in_seconds(pd.DataFrame({"exited": pd.to_timedelta([None])}))["exited"].isna().all()
