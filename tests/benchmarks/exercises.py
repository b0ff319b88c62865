"""How long a learner waits for a verdict on a machine. Run it as a script, or call `measure()`."""

import time
from typing import Any

import helpers
from helpers import exercises
from tests.exercises.answers import ANSWERS


def checks() -> list[float]:
    """Seconds that each machine among the table of answers needs to be judged, the quickest of three."""
    took = []
    for answer in ANSWERS:
        if not isinstance(answer.value, dict) or "States" not in answer.value:
            continue
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            exercises.check(answer.exercise, answer.value, answer.about)
            times.append(time.perf_counter() - begin)
        took.append(min(times))
    return took


def measure() -> list[dict[str, Any]]:
    """The slowest of all checks, since that is the one that is waited for."""
    helpers.connect()
    took = checks()
    return [
        {
            "figure": f"`exercises.check` of a machine, s, the slowest of {len(took)} answers",
            "measured": max(took),
            "bound": "<= 0.5",
        }
    ]


if __name__ == "__main__":
    for row in measure():
        print(f"{row['figure']:<70} {row['measured']:.3f} ({row['bound']})")
