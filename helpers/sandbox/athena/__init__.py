"""Athena on the sandbox: queries run by DuckDB over the objects in the sandbox's S3.

`api` is what AWS answers, `executions` a query's life, `dialect` what SQL passes, `rewriting` and `macros` what makes
DuckDB mean by it what Athena means, `engine` DuckDB itself, `catalog` the databases and tables, which are Glue's,
`objects` the CSV and Parquet objects behind them, `pace` how long queries take.

Not as on AWS: CREATE TABLE AS, INSERT, views, UNLOAD, EXPLAIN, ORC, JSON and Avro, arrays, maps and rows, partition
projection, functions beyond those listed in `dialect`, and results of more than 100,000 rows fail with a message that
says so. A table made through Glue is not known to queries. A
result's `.metadata` object is JSON here. DataScannedInBytes counts whole objects, also of Parquet.
"""

from helpers.sandbox.athena.pace import query_seconds
from helpers.sandbox.patching import replace

__all__ = ["patch", "query_seconds"]


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
