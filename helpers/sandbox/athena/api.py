"""Athena's API for queries, as AWS answers it."""

import functools
import json
import threading
from typing import TYPE_CHECKING, Any

from moto.athena.models import AthenaBackend as MotoBackend
from moto.athena.models import Database
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError
from moto.s3.models import S3Backend, s3_backends

from helpers.sandbox import identities
from helpers.sandbox.athena.caller import Caller
from helpers.sandbox.athena.problem import Malformed
from helpers.sandbox.clock import clock

if TYPE_CHECKING:
    from moto.glue.models import GlueBackend

    from helpers.sandbox.athena.query_execution import QueryExecution

__all__ = ["AthenaBackend", "QueryResponse"]

MOST_EXECUTIONS = 1_000  # that are remembered; AWS keeps them for 45 days
InvalidRequest = functools.partial(JsonRESTError, "InvalidRequestException")


class AthenaBackend(MotoBackend):
    """AWS runs queries; moto answers from a queue of canned results."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.query_executions: dict[str, QueryExecution] = {}
        self._lock = threading.Lock()

    @property
    def glue(self) -> "GlueBackend":
        """The databases and tables that queries see."""
        from moto.glue.models import glue_backends

        glue = glue_backends[self.account_id][self.region_name]
        if "default" not in glue.databases:
            glue.create_database("default", {"Name": "default"})
        return glue

    @property
    def s3(self) -> S3Backend:
        return s3_backends[self.account_id][self.partition]

    def start(self, request: dict[str, Any]) -> "QueryExecution":
        """Start a query; `request` is StartQueryExecution's."""
        # DuckDB, Arrow and the SQL parser take a second to load: only the first to use Athena waits for them.
        from helpers.sandbox.athena.catalog import Catalog
        from helpers.sandbox.athena.query_execution import QueryExecution

        caller = Caller(identities.acting.get(), self.region_name)
        group = str(request.get("WorkGroup") or "primary")
        output = self._output(group, request.get("ResultConfiguration") or {}, caller)
        with clock.working(), self._lock:  # no time is skipped between its submission and its wait in the queue
            token = request.get("ClientRequestToken")
            same = (one for one in self.query_executions.values() if token and one.request_token == token)
            if known := next(same, None):
                if known.given != request.get("QueryString"):
                    raise InvalidRequest("Idempotent parameters do not match")
                return known
            try:
                execution = QueryExecution(request, group, output, Catalog(self.glue, caller), self.s3)
            except Malformed as error:
                raise InvalidRequest(error.reason) from error
            self.query_executions[execution.id] = execution
            for old in list(self.query_executions.values())[:-MOST_EXECUTIONS]:
                if old.completed is not None:
                    del self.query_executions[old.id]
        return execution

    def find(self, execution_id: str) -> "QueryExecution":
        """A query by its id. Raises InvalidRequestException."""
        execution = self.query_executions.get(execution_id)
        if execution is None:
            raise InvalidRequest(f"QueryExecution {execution_id} was not found")
        return execution

    def reset(self) -> None:
        for execution in list(self.query_executions.values()):
            execution.stop()
        super().reset()

    def _output(self, group: str, given: dict[str, Any], caller: Caller) -> str:
        """Where the results of a query go, whose bucket is there and may be looked for."""
        found = self.work_groups.get(group)
        if found is None:
            raise InvalidRequest(f"WorkGroup {group} is not found.")
        configuration = found.configuration
        of_group = (configuration.get("ResultConfiguration") or {}).get("OutputLocation")
        of_request = given.get("OutputLocation")
        enforced = configuration.get("EnforceWorkGroupConfiguration")
        output = str((enforced and of_group) or of_request or of_group or "")
        if not output:
            raise InvalidRequest(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        bucket = output.removeprefix("s3://").split("/")[0]
        there = output.startswith("s3://") and bucket in self.s3.buckets
        if not there or not caller.may("GetBucketLocation", output):
            raise InvalidRequest(f"Unable to verify/create output bucket {bucket}")
        return output


class QueryResponse(AthenaResponse):
    """The operations on queries; all others are moto's."""

    @property
    def athena_backend(self) -> AthenaBackend:
        backend: AthenaBackend = super().athena_backend  # type: ignore[assignment]
        if "Database" in self._get_action():  # moto knows no others than these
            names = backend.glue.databases
            backend.databases = {("AwsDataCatalog", name): Database("AwsDataCatalog", name) for name in names}
        return backend

    def start_query_execution(self) -> str:
        return json.dumps({"QueryExecutionId": self.athena_backend.start(json.loads(self.body)).id})

    def get_query_execution(self) -> str:
        execution = self.athena_backend.find(self._get_param("QueryExecutionId"))
        return json.dumps({"QueryExecution": execution.describe()})

    def stop_query_execution(self) -> str:
        self.athena_backend.find(self._get_param("QueryExecutionId")).stop()
        return "{}"

    def list_query_executions(self) -> str:
        group = self._get_param("WorkGroup") or "primary"
        found = [one.id for one in list(self.athena_backend.query_executions.values()) if one.work_group == group]
        page, token = self._page(found[::-1], 50)
        return json.dumps({"QueryExecutionIds": page} | token)

    def get_query_results(self) -> str:
        execution = self.athena_backend.find(self._get_param("QueryExecutionId"))
        if not Caller(identities.acting.get(), self.athena_backend.region_name).may("GetObject", execution.output):
            raise InvalidRequest(f"Access denied when reading the results at {execution.output}")
        if execution.state in ("QUEUED", "RUNNING"):
            raise InvalidRequest(f"Query has not yet finished. Current state: {execution.state}")
        if execution.state != "SUCCEEDED":
            raise InvalidRequest(f"Query did not finish successfully. Final query state: {execution.state}")
        rows, token = self._page(execution.rows(), 1_000)
        metadata = {"ColumnInfo": execution.result.columns}
        return json.dumps({"UpdateCount": 0, "ResultSet": {"Rows": rows, "ResultSetMetadata": metadata}} | token)

    def _page(self, items: list[Any], largest: int) -> tuple[list[Any], dict[str, str]]:
        size = int(self._get_param("MaxResults") or largest)
        if not 1 <= size <= largest:
            raise InvalidRequest(f"MaxResults is more than maximum allowed length {largest}.")
        try:
            start = int(self._get_param("NextToken") or 0)
        except ValueError as error:
            raise InvalidRequest("Invalid NextToken.") from error
        end = start + size
        token = {"NextToken": str(end)} if end < len(items) else {}
        return items[start:end], token
