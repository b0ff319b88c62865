"""TestState: one state, run alone."""

from typing import Any

from helpers.sandbox.states_api.errors import not_in_sandbox


def test_state(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    raise not_in_sandbox("TestState")
