"""What is to be shown letter for letter: without formulas, and with a code for each character that hides or harms.

And what is to be shown as a picture, whether or not the notebook is trusted.
"""

import base64
import html
import re

__all__ = ["clean", "image", "shorten", "titled", "verbatim", "visible"]

# Controls, marks that turn the direction of writing, characters without width, and what XML has no way to write.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]|\r(?!\n)"
)


def verbatim(document: str) -> str:
    """HTML in which a notebook sets no formulas: it would take what stands between two dollar signs for one."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{document}</div>'


def image(png: bytes, what: str, height: int = 0) -> str:
    """A PNG as HTML, no wider than its cell and, where `height` is given, no higher than so many pixels.

    An SVG within HTML would lose its shapes in a notebook that is not trusted, and show its words alone.
    """
    limit = f"max-height:{height}px;" if height else ""
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(what)}" style="{limit}max-width:100%" src="data:image/png;base64,{data}">'


def visible(text: str) -> str:
    r"""The text with its code in place of each character that a terminal obeys or that a reader does not see.

    Tabs and line ends stay.

    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


def clean(text: str) -> str:
    """The same on one line, for names and pictures."""
    return visible(re.sub(r"[\t\r\n]+", " ", text))


def shorten(text: str, longest: int) -> str:
    """The text, cut to `longest` characters with an ellipsis where it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def titled(state: str, branch: str, longest: int) -> str:
    """A state's name for a picture, behind that of its branch if it is in one, cut to `longest` characters.

    >>> titled("Pack", "Each#1[4]", 40)
    'Each#1[4] · Pack'
    """
    return shorten(clean(f"{branch} · {state}" if branch else state), longest)
