"""Athena on the sandbox: queries run by DuckDB over the objects in the sandbox's S3.

`api` is what AWS answers, `executions` a query's life, `dialect` Athena's SQL in DuckDB's, `engine` DuckDB itself,
`catalog` the databases and tables, `objects` the CSV and Parquet objects behind them.
"""

from typing import Any

__all__ = ["mend", "query_seconds"]


def mend() -> None:
    """Put this package's mends of moto in place; called once, before the server answers."""
    import moto.athena.models
    import moto.athena.responses
    import moto.athena.urls
    from moto.core.base_backend import BackendDict

    from helpers.sandbox.athena.api import AthenaBackend, QueryResponse

    # AWS runs queries; moto answers from a queue of canned results.
    backends = BackendDict(AthenaBackend, "athena")
    for module in (moto.athena.models, moto.athena.responses):
        vars(module)["athena_backends"] = backends
    moto.athena.urls.url_paths = {"{0}/$": QueryResponse.dispatch}


def query_seconds(arguments: dict[str, Any]) -> dict[str, Any]:
    """How long queries run, in seconds of the sandbox's time; `seconds` (None: the default) sets it for those to come.

    Raises InvalidSetting for anything but a number from 0 to a day.
    """
    from helpers.errors import InvalidSetting
    from helpers.sandbox.athena.executions import RUN_SECONDS, pace

    if "seconds" in arguments:
        seconds = arguments["seconds"]
        wanted = RUN_SECONDS if seconds is None else seconds
        if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 <= wanted <= 86_400:
            raise InvalidSetting(f"A query runs from 0 to 86400 seconds, not {seconds!r}.")
        pace.seconds = float(wanted)
    return {"seconds": pace.seconds}
