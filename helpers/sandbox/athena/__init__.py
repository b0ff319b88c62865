"""Athena on the sandbox: queries run by DuckDB over the objects in the sandbox's S3.

`api` is what AWS answers, `executions` a query's life, `dialect` Athena's SQL in DuckDB's, `engine` DuckDB itself,
`catalog` the databases and tables, `objects` the CSV and Parquet objects behind them, `pace` how long queries take.
"""

from helpers.sandbox.athena.pace import query_seconds

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
