"""An execution and a Map Run as the service knows them: the engine's, with the machine that each runs by.

An execution has its version and its log, too; a Map Run has its child executions.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import json
import logging
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from helpers import definition as asl
from helpers import engine
from helpers.engine.failures import PERMISSIONS, RUNTIME
from helpers.engine.tasks import outside
from helpers.sandbox import integrations, pool
from helpers.sandbox.actions import Need
from helpers.sandbox.clock import clock, most_events
from helpers.sandbox.identities import refusal, session
from helpers.sandbox.states_api.history import put_away, take_out
from helpers.sandbox.states_api.logs import ExecutionLog
from helpers.sandbox.states_api.machines import Machine
from helpers.sandbox.states_api.names import check_input, check_name
from helpers.sandbox.states_api.states_error import StatesError

if TYPE_CHECKING:
    from helpers.sandbox.states_api.backend import StatesBackend

__all__ = ["Child", "Execution", "MapRun", "tree"]

LOG = logging.getLogger(__name__)
_numbers = itertools.count(1)
# How many client tokens are known, and how long; API reference, RedriveExecution, parameter clientToken.
TOKENS_KEPT, TOKEN_VALID = 10, datetime.timedelta(minutes=15)


class Execution(engine.Observer):
    """One execution that somebody started. All that changes about it changes in the engine's thread.

    It looks on at each event, of its children too, and has what takes time done elsewhere: its log, its announcements,
    and the account of what is kept.
    """

    map_run: MapRun | None = None  # the Map Run that dispatched it

    def __init__(self, backend: StatesBackend, arguments: dict[str, Any]) -> None:
        """What a request to start one describes, not started and known to nobody yet."""
        machine, version, alias = backend.target(arguments["stateMachineArn"])
        self.backend, self.machine, self.version, self.alias = backend, machine, version, alias
        self.revision = (version or machine).revision
        name = check_name(arguments["name"]) if "name" in arguments else str(uuid.uuid4())
        text, express = check_input(arguments.get("input", "{}")), machine.type == "EXPRESS"
        kind, end = ("express", f":{uuid.uuid4()}") if express else ("execution", "")
        arn = f"{machine.arn.replace(':stateMachine:', f':{kind}:')}:{name}{end}"
        self.number = next(_numbers)  # in order of start
        self.trace_header = arguments.get("traceHeader")
        self.after_end: list[Callable[[], Any]] = []  # what is done at its end, in the engine's thread
        self.redriven_by: dict[str, datetime.datetime] = {}  # when, by the client token that asked for it
        logging = self.revision.logging
        self.log = ExecutionLog(machine.name, logging) if logging["level"] != "OFF" else None
        now = clock.now()
        self.run = engine.Execution(
            engine.compiled(self.revision.definition, machine.type),
            text,
            engine.Identity(arn, name, machine.arn, machine.name, self.revision.role_arn),
            scheduler=clock.scheduler,
            handler=backend.handler,
            seed=secrets.randbits(128),
            type=machine.type,
            limit=most_events(),
            observer=self,
            started=now.replace(microsecond=now.microsecond // 1000 * 1000),
            keeps_events=not express,  # an Express execution's events live in its log only
        )

    @property
    def arn(self) -> str:
        return self.run.identity.arn

    @property
    def express(self) -> bool:
        """Whether this is an Express execution."""
        return self.run.type == "EXPRESS"

    @property
    def status(self) -> str:
        return self.run.status

    @property
    def map_runs(self) -> list[MapRun]:
        """Its Map Runs, in order of their start."""
        return [self.backend.map_runs[run.arn] for run in self.run.map_runs if run.arn in self.backend.map_runs]

    def event(self, execution: engine.Execution, event: dict[str, Any]) -> None:
        if self.log is not None:
            self.log.put(execution, event)
        more = execution.size - execution.accounted
        if more:
            execution.accounted = execution.size
            self.backend.keep(self, more)

    def ended(self, execution: engine.Execution) -> None:
        if execution is not self.run:
            return
        clock.executions -= 1
        try:
            self.backend.execution_ended(self)
            self._announce()
        except Exception:
            LOG.exception("Something of the sandbox's own failed when an execution had ended.")
        for action in (*self.after_end, lambda: integrations.ended(self.arn), lambda: put_away(execution)):
            clock.post(action)  # so that one that fails keeps no other from being done
        self.after_end.clear()

    def crashed(self, execution: engine.Execution, error: Exception) -> None:
        LOG.error("An execution met an error of the sandbox's own.", exc_info=error)
        execution.fail(RUNTIME, "The sandbox met an error of its own in this state; its log has the details.")

    def map_run_began(self, run: engine.MapRun) -> None:
        parent = self if run.parent is self.run else self.backend.child(run.parent.identity.arn)
        if parent is not None:
            self.backend.map_runs[run.arn] = MapRun(parent, run)

    def map_run_started(self, run: engine.MapRun) -> None:
        """A Map starts its children as its machine's role."""
        names = run.parent.identity
        said = refusal(session(names.role_arn), Need("states:StartExecution", self.machine.arn), names.region)
        if said:
            raise outside("StepFunctions.AWSStepFunctionsException", said, PERMISSIONS)

    def child_began(self, child: engine.Execution) -> None:
        self.backend.children[child.identity.arn] = child

    def begin(self) -> None:
        """Begin; the first event is there before anybody knows of it, who might stop it. Then `go` is to be posted."""
        with self.backend.lock:
            self.run.begin()
            self._announce()
            self.backend.running[self.arn] = self
            if not self.express:
                self.backend.executions[self.arn] = self

    def go(self) -> None:
        """Go on from the first event; in the engine's thread."""
        clock.executions += 1
        self.run.go()

    def stop(self, error: str | None, cause: str | None) -> datetime.datetime:
        """End as ABORTED, with its child executions, and return when. What still works for it is not waited for."""
        clock.call(lambda: self.run.stop(error, cause))
        return self.run.stopped or clock.now()

    def redrive(self, client_token: str | None = None) -> datetime.datetime:
        """Go on from the state that it was left in, and return when; ExecutionNotRedrivable. In the engine's thread.

        A request repeated with the same client token redrives once.
        """
        known = self.redriven_by.get(client_token or "")
        if known and clock.now() - known <= TOKEN_VALID:
            return known
        self.backend.execution(self.arn)  # it may be forgotten by now
        if reason := self.run.not_redrivable():
            raise StatesError("ExecutionNotRedrivable", reason)
        self.backend.execution_redriven(self)
        clock.executions += 1
        self.run.events = take_out(self.run)
        self.run.redrive()
        self._announce()
        when = self.run.redriven or clock.now()
        if client_token:
            self.redriven_by = dict([*self.redriven_by.items(), (client_token, when)][-TOKENS_KEPT:])
        return when

    def _announce(self) -> None:
        """Put "Step Functions Execution Status Change", as it is now, on the default bus, if a rule is there.

        Source: EventBridge's events reference, "Step Functions Execution Status Change"; times are in milliseconds.
        """
        events = events_backends[self.backend.account_id][self.backend.region_name]
        if self.express or not events.event_buses["default"].rules:
            return
        detail = {
            name: int(value.timestamp() * 1000) if isinstance(value, datetime.datetime) else value
            for name, value in self.describe().items()
            if name not in ("traceHeader", "mapRunArn")
        }
        entry = {
            "Source": "aws.states",
            "DetailType": "Step Functions Execution Status Change",
            "Resources": [self.arn],
            "Detail": json.dumps(detail),
        }
        pool.publish(lambda: events.put_events([entry]))  # in order, and outside of the engine's thread

    def describe(self, with_data: bool = True) -> dict[str, Any]:
        """The members of DescribeExecution's answer."""
        status = self.status  # read first: what goes with an end is there before it
        reason = self.run.not_redrivable()
        return {
            "executionArn": self.arn,
            "stateMachineArn": self.machine.arn,
            "name": self.run.identity.name,
            "status": status,
            "startDate": self.run.started,
            "stopDate": self.run.stopped,
            "input": self.run.input_text if with_data else None,
            "inputDetails": {"included": with_data},
            "output": self.run.output if with_data else None,
            "outputDetails": {"included": with_data} if status == "SUCCEEDED" else None,
            "traceHeader": self.trace_header,
            "mapRunArn": self.map_run and self.map_run.arn,
            "error": None if status == "TIMED_OUT" else self.run.error,  # which AWS names in the history alone
            "cause": self.run.cause,
            "stateMachineVersionArn": self.version and self.version.arn,
            "stateMachineAliasArn": self.alias,
            "redriveCount": self.run.redrives,
            "redriveDate": self.run.redriven,
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason,
        }


class Child(Execution):
    """A child execution as the service knows it, made when somebody asks for it."""

    def __init__(self, map_run: MapRun, run: engine.Execution) -> None:
        self.run, self.map_run = run, map_run
        self.backend, self.machine = map_run.parent.backend, map_run.machine
        self.revision, self.version, self.alias, self.trace_header = map_run.machine.revision, None, None, None


class MapRun:
    """What one distributed Map dispatches. Its children live and are forgotten with the execution around it."""

    def __init__(self, parent: Execution, run: engine.MapRun) -> None:
        self.parent, self.run, self.arn = parent, run, run.arn

    @functools.cached_property
    def machine(self) -> Machine:
        """The machine of the children, made when somebody asks for it."""
        run, revision = self.run, self.parent.revision
        processor = engine.text_of(_processor(engine.data_of(revision.definition), run.state.name))
        own = replace(revision, definition=processor)
        return Machine(run.machine_arn, run.machine_name, run.type, run.started, own)

    def counts(self, of: dict[str, int], total: int) -> dict[str, int]:
        """How many of the items, or of the children, are in which status, as DescribeMapRun says it."""
        run = self.run
        begun = sum(of.values())
        pending = max(total - begun - run.undispatched, 0) if run.status == "RUNNING" else 0
        return {
            **of,
            "failed": of["failed"] + run.undispatched,
            "timedOut": of["timed_out"],
            "pending": pending,
            "total": begun + run.undispatched + pending,
            "resultsWritten": of["succeeded"],
            "failuresNotRedrivable": 0,
            "pendingRedrive": 0,
        }

    def describe(self) -> dict[str, Any]:
        """The members of DescribeMapRun's answer, and of a list's."""
        run = self.run
        return {
            "mapRunArn": run.arn,
            "executionArn": run.parent.identity.arn,
            "stateMachineArn": run.machine_arn,
            "status": run.status,
            "startDate": run.started,
            "stopDate": run.stopped,
            "maxConcurrency": run.concurrency,
            "toleratedFailurePercentage": run.percentage,
            "toleratedFailureCount": run.count,
            "itemCounts": self.counts(run.item_counts, run.total),
            "executionCounts": self.counts(run.counts, len(run.items or ())),
            "redriveCount": run.redrives,
            "redriveDate": run.redriven,
        }

    def forget(self) -> int:
        """Forget the children, and return how many they were."""
        run = self.run
        forgotten, run.children, run.latest, run.items = run.children, [], {}, None
        for child in forgotten:
            child.forget()
        return len(forgotten)


def tree(run: engine.Execution) -> Iterator[engine.Execution]:
    """An execution and its child executions, at every depth."""
    yield run
    for map_run in run.map_runs:
        for child in map_run.children:
            yield from tree(child)


def _processor(definition: Any, name: str) -> dict[str, Any]:
    """What a Map runs for each item, as a definition of its own."""
    [scope] = next(state for state in asl.states(definition) if state.name == name).inner
    language = {"QueryLanguage": scope.language} if scope.language != "JSONPath" else {}
    return {**language, **scope.body}
