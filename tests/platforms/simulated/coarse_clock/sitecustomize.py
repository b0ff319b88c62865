"""Clocks that go in steps of 1/64 s, as Windows' do: two things done one after the other often have the same stamp."""

import math
import time

STEP = 1 / 64


def _in_steps(name: str) -> None:
    fine = getattr(time, name)
    setattr(time, name, lambda: math.floor(fine() / STEP) * STEP)


for _name in ("time", "monotonic"):
    _in_steps(_name)
