"""A chart that shows itself in a notebook, whichever way matplotlib is set up there."""

import io

from matplotlib.figure import Figure

__all__ = ["Chart"]


class Chart(Figure):
    """A matplotlib Figure whose picture a notebook shows and stores."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor="white")

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=100)
        return written.getvalue()
