"""The Step Functions API as AWS answers it, over moto's interpreter. One concern a module; `operations` lists them."""

from typing import Any

__all__ = ["mend"]


def mend() -> None:
    """Put this package's mends of moto in place; called once, before the server answers."""
    import moto.stepfunctions.models
    import moto.stepfunctions.parser.models
    import moto.stepfunctions.urls
    from moto.core.base_backend import BackendDict

    from helpers.sandbox.states_api import activities, definitions, progress
    from helpers.sandbox.states_api.backend import StatesBackend
    from helpers.sandbox.states_api.operations import OPERATIONS
    from helpers.sandbox.states_api.wire import StatesResponse

    for concern in (activities, definitions, progress):
        concern.mend()
    StatesResponse.operations = OPERATIONS
    moto.stepfunctions.urls.url_paths = {"{0}/$": StatesResponse.dispatch}
    # moto has one dictionary for its API and one for its interpreter; here both are the same.
    backends: Any = BackendDict(StatesBackend, "stepfunctions")
    moto.stepfunctions.models.stepfunctions_backends = backends
    moto.stepfunctions.parser.models.stepfunctions_parser_backends = backends
