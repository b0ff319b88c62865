"""The statuses, each list once: AWS's of an execution, and ours of a visit.

AWS's: `DescribeExecution` in the Step Functions API reference.
"""

RUNNING = ("RUNNING", "PENDING_REDRIVE")
"""Of an execution that has not ended."""
REDRIVABLE = ("FAILED", "ABORTED", "TIMED_OUT")
FAILED = ("FAILED", "TIMED_OUT")
"""Of an execution that ended badly by itself."""

OPEN_VISIT = ("running", "waiting", "choosing")
FAILED_VISIT = ("failed", "timed_out")
"""Also of an attempt."""
ENDED_OTHERWISE = ("caught", "aborted", *FAILED_VISIT)
"""Of a visit that is over and did not succeed."""
VISIT = ("running", "choosing", "waiting", "failed", "timed_out", "aborted", "caught", "succeeded")
"""The eight words. Of several visits of one state the first of these stands for all."""
VISIT_OF_EXECUTION = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "aborted",
    "RUNNING": "running",
    "PENDING_REDRIVE": "waiting",
}
"""How a visit would be called that fared as an execution did: for its colour and sign."""
STILL_INSIDE = {"Wait": "waiting", "Choice": "choosing"}
"""The status of a visit that goes on, by its state's type; of all other types it is running."""
