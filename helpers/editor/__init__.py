"""A state machine's text beside its picture: `edit` a whole definition and see at once what becomes of it."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from helpers import diagram
from helpers.definition import library, validation
from helpers.diagram.living import Living
from helpers.editor.reading import read
from helpers.editor.still import still
from helpers.errors import DefinitionInvalid

__all__ = ["Editor", "edit"]

Source = Mapping[str, Any] | str | PathLike[str]


def edit(
    definition: Source, problems: bool = True, *, read_only: bool = False, points: Mapping[str, str] | None = None
) -> "Editor":
    """Edit a whole machine: its JSON text on one side, its picture on the other, what is wrong with it below.

    `definition` is a name of `definitions/`, the path of a file, a JSON text, or a dict. A text or a file that is no
    JSON opens too: it is what an editor is for. Nothing is written back to a file. With `problems` there is listed,
    beside the errors for which AWS refuses a machine, what `helpers.definition.problems` finds. With `read_only` the
    text may only be read.

    `points` says something of pieces of the text, by their location as AWS writes it: `{"/States/Main/Retry": "..."}`.
    They are numbered and listed; a click on one lights its piece and its state.

    Raises UnknownName for neither a definition nor a file, and DefinitionInvalid for a file that cannot be read or a
    dict that is no JSON.
    """
    return Editor(written(definition), problems, read_only, points)


def written(definition: Source) -> str:
    """A definition as the text to be edited."""
    if isinstance(definition, Mapping):
        if unreadable := validation.form(definition):
            raise DefinitionInvalid(unreadable.sentence)
        return json.dumps(definition, indent=2, ensure_ascii=False)
    if isinstance(definition, str) and (definition.lstrip().startswith("{") or "\n" in definition):
        return definition.strip("\r\n")
    if not isinstance(definition, str | PathLike):
        kind = type(definition).__name__
        raise DefinitionInvalid(
            f"What is of type {kind} cannot be edited: give a dict, a JSON text, a name or the path of a file."
        )
    return library.text_of(library.found(definition if isinstance(definition, str) else Path(definition)))


class Editor(anywidget.AnyWidget):
    """What `edit` shows: a widget in a running notebook, its text and picture as HTML where none runs.

    `definition` is what stands there, `text` its JSON text, which can be set; `problems` says what is listed below.
    `living` is the picture: of a text that is no machine, the last one.
    """

    _esm = Path(__file__).with_name("editor.js")
    _css = Path(__file__).with_name("editor.css")
    reading = traitlets.Dict().tag(sync=True)
    living = traitlets.Instance(Living, ()).tag(sync=True, **widgets.widget_serialization)

    def __init__(
        self, text: str, problems: bool = True, read_only: bool = False, points: Mapping[str, str] | None = None
    ) -> None:
        self.problems, self.read_only, self.points = problems, read_only, dict(points or {})
        self._turn = 0
        super().__init__(reading=self._read(text))
        self.on_msg(self._receive)

    @property
    def text(self) -> str:
        """The text that stands there, as far as the browser has sent it: when typing pauses, or leaves the editor."""
        return self._reading.text

    @text.setter
    def text(self, text: str) -> None:
        self.reading = self._read(text)

    @property
    def definition(self) -> dict[str, Any]:
        """The definition that stands there, as data; placeholders may be left in it.

        Raises DefinitionInvalid with the place where the text is no JSON or AWS would refuse the machine: nothing is
        run that is not what one sees.
        """
        return self._reading.valid()

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        text = content.get("text") if isinstance(content, dict) else None
        if isinstance(text, str) and not self.read_only:
            self.text = text

    def _read(self, text: str) -> dict[str, Any]:
        """What the browser gets: `turn` makes it another answer even where it says the same as the last."""
        self._reading = read(text, self.problems, self.points)
        if self._reading.can_be_drawn:
            self.living.drawn = diagram.draw(self._reading.definition or {})
        self._turn += 1
        return {
            "text": self._reading.text,
            "states": self._reading.spans,
            "notes": [{**vars(one), "sign": one.sign} for one in self._reading.notes],
            "closed": self.read_only,
            "said": self._reading.sentence(),
            "turn": self._turn,
        }

    def __repr__(self) -> str:
        return f"An editor. {self._reading.sentence()}"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        return {**data, "text/html": still(self._reading, self.living.drawn), "text/plain": repr(self)}, metadata
