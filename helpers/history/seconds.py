"""Frames made easy to read."""

import pandas as pd

__all__ = ["in_seconds"]


def in_seconds(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of `frame` for reading, whose durations (timedelta64) are seconds (float64) to the millisecond."""
    durations = frame.select_dtypes("timedelta")
    return frame.assign(**{str(name): durations[name].dt.total_seconds().round(3) for name in durations})
