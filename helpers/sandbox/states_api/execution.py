"""An execution: its course, from its start through its redrives to its end."""

import copy
import datetime
import itertools
import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.eval.evaluation_details import (
    AWSExecutionDetails,
    EvaluationDetails,
    ExecutionDetails,
    StateMachineDetails,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.utils import TMP_THREADS

from helpers.sandbox.clock import Event, Thread, clock
from helpers.sandbox.clock.endings import fail
from helpers.sandbox.states_api.announcements import announce
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.history import Events
from helpers.sandbox.states_api.logs import ExecutionLog
from helpers.sandbox.states_api.machines import Alias, Machine, Revision, Version
from helpers.sandbox.states_api.progress import Place, places_of, resume

__all__ = ["Execution", "Run"]

EXPRESS_SECONDS = 300  # an Express execution's longest duration; developer guide, "Choosing workflow type"
REDRIVABLE_DAYS = 14  # after an execution's end; API reference, RedriveExecution
REDRIVABLE_EVENTS = 24_999  # a history must hold fewer; same place

Prepare = Callable[[Any, Any], Any]

_numbers = itertools.count(1)


class Execution:
    """One execution. `status`, `output`, `error`, `cause` and `stopped` come from its last event."""

    map_run: Any = None  # the Map Run that dispatched it
    program: Any = None  # what the interpreter evaluates, where that is not what the machine's definition is parsed to

    def __init__(
        self,
        backend: Any,
        machine: Machine,
        version: Version | None,
        alias: Alias | None,
        arn: str,
        name: str,
        text: str,
        trace_header: str | None = None,
    ) -> None:
        self.backend = backend
        self.machine = machine
        self.version = version
        self.alias = alias
        self.revision: Revision = version.revision if version else machine.revision
        self.number = next(_numbers)  # in order of start
        self.arn = arn
        self.name = name
        self.text = text
        self.trace_header = trace_header
        self.started = clock.now()
        self.stopped: datetime.datetime | None = None
        self.status = "RUNNING"
        self.output: str | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self.redrives = 0
        self.redriven: datetime.datetime | None = None
        self.log = ExecutionLog.of(arn, machine.name, self.revision.logging)
        self.events = Events(self._end, self.log)
        if self.express:
            self.events.places = None  # no redrive
        self.ended = Event()
        self._run: Run | None = None
        self._left: Place | None = None
        self._client_token: str | None = None
        self._map_runs: list[Any] = []

    @property
    def express(self) -> bool:
        """Whether this is an Express execution."""
        return self.machine.type == "EXPRESS"

    @property
    def root(self) -> "Execution":
        """The execution that somebody started: of a child execution the outermost one around it."""
        return self.map_run.parent.root if self.map_run else self

    def start(self, prepare: "Prepare | None" = None) -> None:
        """Let the interpreter begin, with what `prepare` makes of its environment and the definition's program."""
        self._run = Run(self, None, prepare)
        self._run.start()

    def stop(self, error: str | None, cause: str | None) -> datetime.datetime:
        """End as ABORTED, with its child executions, and return when. What still works for it is not waited for."""
        if run := self._run:
            run.environment.set_stop(stop_date=clock.now(), cause=cause, error=error)
            for map_run in self.map_runs():
                map_run.abort()
        return self.stopped or clock.now()

    def redrive(self, client_token: str | None = None) -> datetime.datetime:
        """Go on from the state that the execution was left in, and return when; ExecutionNotRedrivable.

        A request repeated with the same client token redrives once.
        """
        with self.backend.lock:
            if self.redriven and client_token and client_token == self._client_token:
                return self.redriven
            self._client_token = client_token
            reason = self.not_redrivable()
            if reason:
                raise StatesError("ExecutionNotRedrivable", reason)
            self.backend.execution_redriven(self)
            run, moment = self._reopen()
        run.start()
        return moment

    def _reopen(self) -> "tuple[Run, datetime.datetime]":
        """Run again from where it was left, with a redrive's event; the run, not started, and when."""
        self._map_runs = self.map_runs()
        self._run = None
        self.redrives += 1
        self.redriven = moment = clock.now()
        self.stopped = self.output = self.error = self.cause = None
        self.ended = Event()
        self.status = "RUNNING"
        if self.log is not None:
            self.log.redrives = self.redrives
        self.events = Events(self._end, self.log, self.events)
        self._run = run = Run(self, self._left)
        return run, moment

    def not_redrivable(self) -> str | None:
        """Why the execution cannot be redriven now, None where it can."""
        if self.status in ("RUNNING", "SUCCEEDED"):
            return f"Execution is {self.status} and cannot be redriven"
        if len(self.events) >= REDRIVABLE_EVENTS:
            return "Execution history event limit exceeded"
        if self.stopped and clock.now() - self.stopped > datetime.timedelta(days=REDRIVABLE_DAYS):
            return "Execution redrivable period exceeded"
        return None

    def callbacks(self) -> Any:
        """moto's pool of the task tokens that are out, None where the execution does not run."""
        return self._run.environment.callback_pool_manager if self._run else None

    def map_runs(self) -> list[Any]:
        """The execution's Map Runs (see `map_run`), in order of their start."""
        run = self._run  # read first: `release` moves its Map Runs before it lets go of it
        begun = run.environment.map_run_record_pool_manager.get_all() if run else []
        earlier = self._map_runs
        return earlier + [map_run for map_run in begun if map_run not in earlier]

    def events_kept(self) -> int:
        """How many events are kept of it and of its child executions; one at least, for itself."""
        of_children: list[int] = [run.events_kept for run in self.map_runs()]
        return max(len(self.events), 1) + sum(of_children)

    def announce(self) -> None:
        """Tell EventBridge of the status."""
        announce(self)

    def _end(self, status: str, details: dict[str, Any], moment: datetime.datetime) -> None:
        if self._run is not None and status != "SUCCEEDED":
            self._left = Place(self._run.environment)
        self.stopped = moment
        self.output = details.get("output")
        if status != "TIMED_OUT":  # whose States.Timeout AWS tells in the history alone
            self.error, self.cause = details.get("error"), details.get("cause")
        self.status = status
        self.ended.set()

    def release(self, run: "Run") -> None:
        """Let go of everything that only a running execution needs."""
        with self.backend.lock:
            if self._run is not run:
                return  # redriven since
            self._map_runs = self.map_runs()
            self._run = None
        TMP_THREADS.clear()  # moto's list of every thread that ever ran
        if self.express:
            self.events.forget()
        else:
            self.events.compact()
            self.events.places = places_of(self.events) if self.status != "SUCCEEDED" else {}
        self.announce()
        self._released(run)

    def _released(self, run: "Run") -> None:
        self.backend.execution_ended(self, list(run.environment.callback_pool_manager._pool))


class Run(ExecutionWorker):
    """One pass of moto's interpreter over an execution, from its start or from where it was left.

    moto's own worker makes its environment in its thread, so that an execution just started can neither be read nor
    stopped.
    """

    def __init__(self, execution: Execution, left: Place | None, prepare: Prepare | None = None) -> None:
        backend, machine, revision = execution.backend, execution.machine, execution.revision
        super().__init__(
            evaluation_details=EvaluationDetails(
                aws_execution_details=AWSExecutionDetails(
                    account=backend.account_id, region=backend.region_name, role_arn=revision.role_arn
                ),
                execution_details=ExecutionDetails(
                    arn=execution.arn,
                    name=execution.name,
                    role_arn=revision.role_arn,
                    inpt=json.loads(execution.text),
                    start_time=_iso(execution.started),
                ),
                state_machine_details=StateMachineDetails(
                    arn=machine.arn,
                    name=machine.name,
                    typ=StateMachineType(machine.type),
                    definition=revision.definition,
                ),
            ),
            exec_comm=None,  # type: ignore[arg-type]
            cloud_watch_logging_session=None,
            activity_store=backend.activities,
        )
        self._execution = execution
        self._prepare = prepare
        self._resumed: Any = None
        self.environment: Any = self._get_evaluation_environment()
        self.environment.event_manager = self.events = execution.events
        self.environment.map_run_record_pool_manager = backend.map_runs_of(execution)
        # From now on it counts as running, and can be stopped.
        program = execution.program
        first = program.start_at.start_at_name if program else json.loads(revision.definition)["StartAt"]
        self.environment.next_state_name = first
        self.events.top = self.environment.event_history_context
        if left is None:
            self.events.add_event(
                self.environment.event_history_context,
                "ExecutionStarted",
                {
                    "executionStartedEventDetails": {
                        "input": execution.text,
                        "inputDetails": {"truncated": False},
                        "roleArn": revision.role_arn,
                    }
                },
                timestamp=execution.started,
                update_source_event_id=False,
            )
        else:
            self._resumed = self._take_up(left)

    def start(self) -> None:
        """Evaluate in a thread of its own."""
        Thread(target=self.evaluate, name=self._execution.arn, daemon=True).start()

    def _take_up(self, place: Place) -> Any:
        """Write ExecutionRedriven, and return the program that goes on from a place."""
        execution, env = self._execution, self.environment
        program = resume(self._entrypoint(), env, place)
        details = {"executionRedrivenEventDetails": {"redriveCount": execution.redrives}}
        self.events.add_event(env.event_history_context, "ExecutionRedriven", details)
        data = env.states.context_object.context_object_data["Execution"]
        data |= {"RedriveCount": execution.redrives, "RedriveTime": _iso(execution.redriven or clock.now())}
        return program

    def _entrypoint(self) -> Any:
        return self._execution.program or self._get_evaluation_entrypoint()

    def _program(self) -> Any:
        program: Any = self._resumed or self._entrypoint()
        if self._prepare:
            program = self._prepare(self.environment, program)
        if self._execution.express:
            program = copy.copy(program)  # what is parsed is shared with other executions
            given = program.timeout_seconds.timeout_seconds if program.timeout_seconds else EXPRESS_SECONDS
            program.timeout_seconds = TimeoutSeconds(timeout_seconds=min(given, EXPRESS_SECONDS))
        return program

    def evaluate(self) -> None:
        """Evaluate in this thread."""
        try:
            self._execution.announce()
            self._program().eval(self.environment)
        except Exception as error:
            if not self._execution.ended.is_set():  # else it was stopped before it could begin
                fail(self.environment, error)
        finally:
            self._execution.release(self)


def _iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
