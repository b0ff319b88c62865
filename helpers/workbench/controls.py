"""The buttons and names of the workbench's controls."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from helpers.verbatim import clean

__all__ = ["button", "label", "offer"]


def button(words: str, icon: str, tooltip: str, act: Callable[[], None]) -> widgets.Button:
    """A button that does `act`."""
    layout = {"width": "auto", "align_self": "flex-start"}  # as wide as its words, also below others
    made = widgets.Button(description=words, icon=icon, tooltip=tooltip, layout=layout)
    made.on_click(lambda _: act())
    return made


def label(name: str) -> str:
    """A name as an option of a list."""
    return clean(name)[:160]


def offer(dropdown: widgets.Dropdown, options: list[tuple[str, Any]]) -> None:
    """Have a list offer other options; what was chosen stays so where it is still among them, else it is the first."""
    chosen = dropdown.value
    if list(dropdown.options) != options:
        dropdown.options = options
    values = [value for _, value in options]
    dropdown.value = chosen if chosen in values else values[0]
