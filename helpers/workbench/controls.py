"""The buttons and names of the workbench's controls."""

from collections.abc import Callable

import ipywidgets as widgets

from helpers.verbatim import clean

__all__ = ["button", "label"]


def button(words: str, icon: str, tooltip: str, act: Callable[[], None]) -> widgets.Button:
    """A button that does `act`."""
    made = widgets.Button(description=words, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: act())
    return made


def label(name: str) -> str:
    """A name as an option of a list."""
    return clean(name)[:120]
