"""Pages of a long answer, and the tokens that lead from one to the next."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from helpers.sandbox.states_api.errors import StatesError

__all__ = ["page", "page_size", "position", "token"]

Item = TypeVar("Item")

# Items of a page, of every listing; API reference, parameter maxResults, which may also be 0 for the default.
DEFAULT_SIZE, LARGEST = 100, 1_000


def page_size(arguments: dict[str, Any]) -> int:
    """How many items the caller asks for, at most 1,000 (which the service's model sees to)."""
    return int(arguments.get("maxResults") or DEFAULT_SIZE)


def token(what: str, where: Any) -> str:
    """A token for the page of `what` (a listing and its filters) that begins at `where`."""
    return base64.urlsafe_b64encode(json.dumps([what, where]).encode()).decode()


def position(what: str, arguments: dict[str, Any], kind: type) -> Any:
    """Where the page asked for begins, of type `kind`, or None for the first; InvalidToken for any other token."""
    given = arguments.get("nextToken")
    if given is None:
        return None
    try:
        listing, where = json.loads(base64.urlsafe_b64decode(given))
    except (ValueError, TypeError):
        listing, where = None, None
    if listing != what or not isinstance(where, kind):
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'")
    return where


def page(
    what: str, items: Sequence[Item], order: Callable[[Item], Any], arguments: dict[str, Any]
) -> tuple[Sequence[Item], str | None]:
    """The page asked for of `items`, which are sorted by `order`, and the token of the next one.

    A page begins at the first item at or behind the token's order, so what is added or removed between two pages
    neither repeats nor hides an item.
    """
    start = position(what, arguments, type(order(items[0])) if items else object)
    rest = items if start is None else [item for item in items if order(item) >= start]
    size = page_size(arguments)
    return rest[:size], token(what, order(rest[size])) if len(rest) > size else None
