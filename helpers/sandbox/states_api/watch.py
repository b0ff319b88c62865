"""What the service does at each event of an execution: its log, its announcements, and the account of what is kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from helpers import engine
from helpers.engine.failures import PERMISSIONS, RUNTIME
from helpers.engine.tasks import outside
from helpers.sandbox.actions import Need
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import refusal, session
from helpers.sandbox.states_api.history import put_away

if TYPE_CHECKING:
    from helpers.sandbox.states_api.execution import Execution

__all__ = ["Watch"]

LOG = logging.getLogger(__name__)


class Watch(engine.Observer):
    """Looks on in the engine's thread, and has what takes time done elsewhere."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def event(self, execution: engine.Execution, event: dict[str, Any]) -> None:
        record = self._execution
        if record.log is not None:
            record.log.put(execution, event)
        more = execution.size - execution.accounted
        if more:
            execution.accounted = execution.size
            record.backend.keep(record, more)

    def ended(self, execution: engine.Execution) -> None:
        record = self._execution
        if execution is not record.run:
            return
        clock.executions -= 1
        try:
            record.backend.execution_ended(record)
            record.backend.announce(record)
        except Exception:
            LOG.exception("Something of the sandbox's own failed when an execution had ended.")
        for action in (*record.after_end, lambda: put_away(execution)):
            clock.post(action)  # so that one that fails keeps no other from being done
        record.after_end.clear()

    def crashed(self, execution: engine.Execution, error: Exception) -> None:
        LOG.error("An execution met an error of the sandbox's own.", exc_info=error)
        execution.fail(RUNTIME, "The sandbox met an error of its own in this state; its log has the details.")

    def map_run_began(self, run: engine.MapRun) -> None:
        self._execution.backend.map_run_began(self._execution, run)

    def map_run_started(self, run: engine.MapRun) -> None:
        """A Map starts its children as its machine's role."""
        names = run.parent.identity
        machine = self._execution.machine.arn
        said = refusal(session(names.role_arn), Need("states:StartExecution", machine), names.region)
        if said:
            raise outside("StepFunctions.AWSStepFunctionsException", said, PERMISSIONS)

    def child_began(self, child: engine.Execution) -> None:
        self._execution.backend.children[child.identity.arn] = child
