"""What Athena asks Glue and S3 for as whoever started the query.

Source: Athena user guide, "Access to Amazon S3 from Athena" and "Fine-grained access to databases and tables".
"""

import dataclasses

from helpers.sandbox import process
from helpers.sandbox.actions import Need, needs_of
from helpers.sandbox.athena.problem import QueryFailure
from helpers.sandbox.identities import Identity, refusal

__all__ = ["Caller"]


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

    def read(self, location: str, urls: list[str]) -> None:
        """List the objects of a table and read them. Raises QueryFailure."""
        for action, url in [("ListBucket", location), *(("GetObject", url) for url in urls)]:
            if not self.may(action, url):
                raise QueryFailure(f"Permission denied on S3 path: {url}", 1301)

    def write(self, url: str) -> None:
        """Write the result to its place. Raises QueryFailure."""
        if not self.may("PutObject", url):
            said = f"Access denied when writing output to url: {url} ."
            raise QueryFailure(f"{said} Please ensure you are allowed to access the S3 bucket.", 1301)
