"""The Step Functions API as AWS answers it, over our engine. One concern a module; `wire` finds them."""

from helpers.sandbox.states_api.backend import StatesBackend, backends
from helpers.sandbox.states_api.handler import handle
from helpers.sandbox.states_api.wire import answer

__all__ = ["answer", "backends"]

StatesBackend.handler = staticmethod(handle)
