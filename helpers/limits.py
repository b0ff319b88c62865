"""AWS's quotas and prices, each once, as they were in November 2026.

Quotas: "Service quotas" in the Step Functions Developer Guide
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), where nothing else is said. Prices: of
us-east-1, in US dollars, without what is free each month (https://aws.amazon.com/step-functions/pricing/ and
https://aws.amazon.com/lambda/pricing/).
"""

HISTORY_EVENTS = 25_000
"""The events of a Standard execution; the last can only be its end. An Express execution has no such limit."""
PAYLOAD_BYTES = 262_144
"""Bytes of UTF-8 in an input, an output, a result, or the variables of one Assign."""
VARIABLES_BYTES = 10 * 1024 * 1024
"""Bytes of all variables of an execution ("Passing data between states with variables")."""
EXECUTION_SECONDS = 365 * 24 * 3600
"""How long a Standard execution may run."""
EXPRESS_SECONDS = 300
"""How long an Express execution may run."""
NAME_LENGTH = 80
"""Characters of the name of a state machine, an execution, a state or a variable."""
DEFINITION_LENGTH = 1_048_576
"""Characters of a definition (API reference, CreateStateMachine)."""
REDRIVABLE_DAYS = 14
"""After an execution's end (API reference, RedriveExecution)."""
REDRIVABLE_EVENTS = 24_999
"""A history must hold fewer to be redriven (API reference, RedriveExecution)."""
API_BUCKETS = {
    "CreateStateMachine": ((100, 1), (100, 1)),
    "DescribeExecution": ((300, 15), (250, 10)),
    "DescribeStateMachine": ((200, 20), (200, 20)),
    "GetExecutionHistory": ((400, 20), (400, 20)),
    "ListExecutions": ((200, 5), (100, 2)),
    "StartExecution": ((1300, 300), (800, 150)),
    "StopExecution": ((1000, 200), (500, 25)),
}
"""Calls: the size of an account's bucket and its refill per second, in the large regions and in the others."""

TRANSITION = 0.025 / 1_000
"""Dollars, of a Standard execution; the first 4,000 a month are free."""
EXPRESS_REQUEST = 1.00 / 1_000_000
EXPRESS_GB_SECOND = 0.00001667
"""Dollars, in steps of 100 ms and of 64 MB."""
EXPRESS_LEAST_GB = 64 / 1024
EXPRESS_STEPS_A_SECOND = 10
INVOCATION = 0.20 / 1_000_000
LAMBDA_GB_SECOND = 0.0000166667
"""Dollars, of an x86 function."""
LAMBDA_LEAST_GB = 0.125
ATHENA_BYTE = 5.00 / 1_000_000_000_000
"""Dollars, of each byte that a query scans (https://aws.amazon.com/athena/pricing/)."""
ATHENA_LEAST_BYTES = 10_000_000
"""Of each query; statements that define tables are free."""
