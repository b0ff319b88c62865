"""Athena on the sandbox: queries run by DuckDB over the objects in the sandbox's S3.

`api` is what AWS answers, `query_execution` a query's life, `dialect` what SQL passes, `rewriting` what makes DuckDB
mean by it what Athena means, `sql` DuckDB itself, `catalog` the databases and tables, which are Glue's, `readers` what
reads the CSV and Parquet objects behind them, `caller` who asks, `problem` why a query fails.

Not as on AWS: CREATE TABLE AS, INSERT, ALTER, views, UNLOAD, EXPLAIN, PREPARE, SHOW of anything but databases and
tables, information_schema, ORC, JSON and Avro, arrays, maps and rows, partitions, functions beyond those listed in
`dialect`, and results of more than 100,000 rows fail with a message that says so. A result's `.metadata` object is JSON
here. DataScannedInBytes counts whole objects, also of Parquet.
"""

from typing import Any

from helpers.errors import InvalidSetting
from helpers.sandbox.patching import replace

__all__ = ["pace", "patch", "query_seconds"]

DEFAULT = 1.0
pace = {"seconds": DEFAULT}
"""How long a query runs, in `seconds` of the sandbox's time, if its work takes no longer: some lessons need time."""


def query_seconds(arguments: dict[str, Any]) -> dict[str, Any]:
    """The sandbox's verb: `seconds` (None: the default) sets how long the queries to come run; answers with it.

    Raises InvalidSetting for anything but a number from 0 to a day.
    """
    if "seconds" in arguments:
        given = arguments["seconds"]
        wanted = DEFAULT if given is None else given
        if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 <= wanted <= 86_400:
            raise InvalidSetting(f"A query runs from 0 to 86400 seconds, not {given!r}.")
        pace["seconds"] = float(wanted)
    return dict(pace)


def patch() -> None:
    """Put this package's patches of moto in place; called once, before the server answers."""
    import moto.athena.models
    import moto.athena.responses
    import moto.athena.urls
    from moto.core.base_backend import BackendDict

    from helpers.sandbox.athena.api import AthenaBackend, QueryResponse

    # AWS runs queries; moto answers from a queue of canned results.
    backends = BackendDict(AthenaBackend, "athena")
    for module in (moto.athena.models, moto.athena.responses):
        replace(module, "athena_backends", backends)
    replace(moto.athena.urls, "url_paths", {"{0}/$": QueryResponse.dispatch})
