"""Pages of a long answer, and the tokens that lead from one to the next."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter, methodcaller
from typing import Any

from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["latest_first", "listed", "page_size", "position", "token"]

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


def latest_first(when: datetime, number: int) -> int:
    """The order of a listing by time, of the same millisecond by number."""
    return -(int(when.timestamp() * 1000) << 32 | number)


def listed(
    member: str,
    what: str,
    found: Sequence[tuple[Any, Any]],
    arguments: dict[str, Any],
    describe: Callable[[Any], dict[str, Any]] = methodcaller("describe"),
) -> dict[str, Any]:
    """The answer whose `member` holds the page asked for of what was `found`: pairs of order and subject.

    A page begins at the first pair at or behind the token's order, so what is added or removed between two pages
    neither repeats nor hides an item.
    """
    start = position(what, arguments, type(found[0][0]) if found else object)
    found = sorted(found, key=itemgetter(0))
    rest = found if start is None else [pair for pair in found if pair[0] >= start]
    size = page_size(arguments)
    following = token(what, rest[size][0]) if len(rest) > size else None
    return {member: [describe(subject) for _, subject in rest[:size]], "nextToken": following}
