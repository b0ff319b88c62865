"""What the tasks of executions call: the sandbox's other services, as Step Functions integrates them.

`answering` takes a call of the engine and answers it, `integration` says which there are, `service_call` calls one with
one of the `clients`, `jobs` is what `.sync` waits for, `objects` what a distributed Map reads and writes. Names and
values of requests and answers are put into AWS's forms by `shapes`.
"""

from helpers.sandbox.integrations.answering import handle
from helpers.sandbox.integrations.integration import problem_of
from helpers.sandbox.integrations.jobs import ended

__all__ = ["ended", "handle", "problem_of"]
