"""What Athena asks Glue and S3 for as whoever started the query.

Source: Athena user guide, "Access to Amazon S3 from Athena" and "Fine-grained access to databases and tables".
"""

import dataclasses
import re

from sqlglot import exp

from helpers.sandbox import process
from helpers.sandbox.actions import Need, needs_of
from helpers.sandbox.athena.catalog import Table
from helpers.sandbox.athena.problem import QueryFailure
from helpers.sandbox.identities import Identity, refusal

__all__ = ["Caller"]

# What of Glue a statement that is no query calls, by its first words.
_CALLS = {
    r"CREATE (DATABASE|SCHEMA)": "CreateDatabase",
    r"CREATE EXTERNAL": "CreateTable",
    r"DROP (DATABASE|SCHEMA)": "DeleteDatabase",
    r"DROP TABLE": "DeleteTable",
    r"SHOW (DATABASES|SCHEMAS)": "GetDatabases",
    r"SHOW TABLES": "GetTables",
    "DESC": "GetTable",
}


@dataclasses.dataclass(frozen=True)
class Caller:
    """Whoever started a query; None is whoever holds the sandbox's own keys."""

    identity: Identity | None
    region: str

    def may(self, action: str, url: str) -> bool:
        """Whether an action of S3 is allowed on an object, or if it is one on buckets on the object's."""
        place = url.removeprefix("s3://")
        need = Need(f"s3:{action}", f"arn:aws:s3:::{place.split('/')[0] if 'Bucket' in action else place}")
        return refusal(self.identity, need, self.region) is None

    def call(self, operation: str, database: str, table: str = "") -> None:
        """Call an operation of Glue. Raises QueryFailure where it is denied."""
        given = {"DatabaseName": database, "Name": table or database} | ({"TableName": table} if table else {})
        for need in needs_of("glue", self.region, process.ACCOUNT, operation, given):
            if said := refusal(self.identity, need, self.region):
                details = "Service: AmazonDataCatalog; Status Code: 400; Error Code: AccessDeniedException; Proxy: null"
                raise QueryFailure(f"{said} ({details})", 1301)

    def state(self, statement: exp.Expr, words: list[str], database: str) -> None:
        """Do what a statement that is no query calls of Glue, in its own database or the present one.

        Raises QueryFailure.
        """
        operation = next((call for start, call in _CALLS.items() if re.match(start, " ".join(words))), None)
        if operation:
            on_databases, named = "Database" in operation, statement.find(exp.Table)
            own = named and (named.db or (named.name if on_databases else ""))
            self.call(operation, own or database, "" if on_databases else "*")

    def read(self, table: Table, urls: list[str]) -> None:
        """Look a table up and read these objects of it. Raises QueryFailure."""
        self.call("GetTable", table.database, table.name)
        for action, url in [("ListBucket", table.location), *(("GetObject", url) for url in urls)]:
            if not self.may(action, url):
                raise QueryFailure(f"Permission denied on S3 path: {url}", 1301)

    def write(self, url: str) -> None:
        """Write the result to its place. Raises QueryFailure."""
        if not self.may("PutObject", url):
            said = f"Access denied when writing output to url: {url} ."
            raise QueryFailure(f"{said} Please ensure you are allowed to access the S3 bucket.", 1301)
