"""What the service holds in one account and region."""

import threading
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import moto.stepfunctions.urls
from moto.core.resource_tagging import TaggedResource
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api.activities import Activity
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.executions import start_execution
from helpers.sandbox.states_api.machines import Alias, Machine, Version
from helpers.sandbox.states_api.map_run import Child, MapRun, MapRuns
from helpers.sandbox.states_api.names import parse_arn
from helpers.sandbox.states_api.versions import routed_version

__all__ = ["StatesBackend"]

EXECUTIONS_KEPT = 2000  # ended ones, and
# their events and those of their child executions (about 150 MB): beyond either the executions that ended first are
# forgotten, with their children
EVENTS_KEPT = 500_000
TOKENS_KEPT = 10_000  # task tokens of ended executions, for the sake of a right answer to them
DAYS_KEPT = 90  # after its end; developer guide, "Quotas related to state machine executions"


class StatesBackend(StepFunctionsParserBackend):
    """State machines, executions and activities, by ARN.

    Stands where moto looks for its own backend, which keeps every execution with its threads for ever, and finds one
    by walking through all.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.machines: dict[str, Machine] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.executions: dict[str, Execution] = {}
        # Child executions and Map Runs live as long as the execution that somebody started, which holds them.
        self.children: weakref.WeakValueDictionary[str, Child] = weakref.WeakValueDictionary()
        self.map_runs: weakref.WeakValueDictionary[str, MapRun] = weakref.WeakValueDictionary()
        self.activities: dict[str, Activity] = {}  # type: ignore[assignment]
        self._ended: OrderedDict[str, int] = OrderedDict()  # executions that have ended, with their events' number
        self._events_kept = 0
        self._closed_tokens: OrderedDict[str, None] = OrderedDict()
        self._forgotten = 0

    def machine(self, arn: str) -> Machine:
        """The machine of an unqualified ARN; StateMachineDoesNotExist."""
        resource = parse_arn(arn, "stateMachine")
        machine = self.machines.get(arn)
        if machine is None:
            if resource.unqualified in self.machines:
                raise StatesError("InvalidArn", f"Invalid Arn: 'An unqualified state machine ARN is needed: {arn}'")
            raise StatesError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def machine_or_version(self, arn: str) -> tuple[Machine, Version | None]:
        """The machine of an ARN, and the version where it is a version's, or an alias's that routes to it."""
        machine, version, _ = self.target(arn)
        return machine, version

    def target(self, arn: str) -> tuple[Machine, Version | None, Alias | None]:
        """What starting an execution of `arn` starts: a machine, by one of its versions, through an alias."""
        resource = parse_arn(arn, "stateMachine")
        machine = self.machines.get(resource.unqualified)
        if machine and not resource.qualifier:
            return machine, None, None
        if machine and resource.qualifier.isdigit():
            version = machine.versions.get(int(resource.qualifier))
            if version:
                return machine, version, None
        elif machine and resource.qualifier in machine.aliases:
            alias = machine.aliases[resource.qualifier]
            return machine, routed_version(machine, alias), alias
        raise StatesError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")

    def execution(self, arn: str) -> Execution:
        """The execution of a Standard execution's ARN; ExecutionDoesNotExist, which says if it may be forgotten."""
        parse_arn(arn, "execution")
        execution = self.child(arn) or self.executions.get(arn)
        if execution is None:
            message = f"Execution Does Not Exist: '{arn}'"
            if self._forgotten:
                message += (
                    f" (the sandbox has forgotten {self._forgotten} ended executions: it keeps the last "
                    f"{EXECUTIONS_KEPT} with {EVENTS_KEPT} events, for {DAYS_KEPT} days)"
                )
            raise StatesError("ExecutionDoesNotExist", message)
        return execution

    def child(self, arn: str) -> Child | None:
        """The child execution of an ARN, also an Express one's; None where there is none, or no longer."""
        self.forget()
        child = self.children.get(arn)
        return child if child and self._is_kept(child.root) else None

    def map_run(self, arn: str) -> MapRun:
        """The Map Run of an ARN; ResourceNotFound."""
        parse_arn(arn, "mapRun")
        found = self.map_runs.get(arn)
        if found is None or not self._is_kept(found.parent.root):
            raise StatesError("ResourceNotFound", f"Resource not found: '{arn}'")
        return found

    def map_runs_of(self, execution: Execution) -> MapRuns:
        """Where the interpreter begins the Map Runs of an execution that runs, or is redriven."""
        return MapRuns(execution)

    def _is_kept(self, execution: Execution) -> bool:
        return self.executions.get(execution.arn) is execution

    def execution_ended(self, execution: Execution, tokens: list[str]) -> None:
        """Keep an ended execution among those that may be forgotten, and remember its task tokens as closed."""
        with self.lock:
            if self._is_kept(execution):
                self._drop(execution.arn)
                self._ended[execution.arn] = kept = execution.events_kept()
                self._events_kept += kept
            for token in tokens:
                self._closed_tokens[token] = None
            while len(self._closed_tokens) > TOKENS_KEPT:
                self._closed_tokens.popitem(last=False)
        self.forget()

    def execution_redriven(self, execution: Execution) -> None:
        """A redriven execution runs again and is not forgotten while it does."""
        with self.lock:
            self._drop(execution.arn)

    def forget(self) -> None:
        """Forget the executions that ended too long ago, and the oldest ones beyond what is kept."""
        with self.lock:
            while self._ended:
                arn = next(iter(self._ended))
                stopped = self.executions[arn].stopped
                old = stopped is not None and (clock.now() - stopped).days >= DAYS_KEPT
                full = len(self._ended) > EXECUTIONS_KEPT or (self._events_kept > EVENTS_KEPT and len(self._ended) > 1)
                if not (old or full):
                    break
                self._drop(arn)
                del self.executions[arn]
                self._forgotten += 1

    def map_run_ended(self, map_run: MapRun) -> None:
        """Forget the children of the Map Runs that ended first, where one execution has too many; the last one's stay.

        Otherwise an execution that runs a Map over and over would fill the memory before anything of it is forgotten.
        """
        with self.lock:
            ended = [run for run in map_run.parent.map_runs() if run.stop_date]
            kept = sum(run.events_kept for run in ended)
            for run in ended[:-1]:
                if kept <= EVENTS_KEPT:
                    break
                kept -= run.events_kept
                self._forgotten += run.forget()

    def end_executions_of(self, machine: Machine) -> None:
        """Stop what runs of a deleted machine, and remove what has ended."""
        with self.lock:
            found = [one for one in self.executions.values() if one.machine is machine]
            for execution in found:
                del self.executions[execution.arn]
                self._drop(execution.arn)
        for execution in found:
            if execution.status == "RUNNING":
                execution.stop(None, "The state machine was deleted.")

    def is_closed_token(self, token: str) -> bool:
        """Whether this is the task token of an execution that has ended."""
        return token in self._closed_tokens

    def running(self) -> list[Execution]:
        """The executions that run."""
        with self.lock:
            return [one for one in self.executions.values() if one.status == "RUNNING"]

    def _drop(self, arn: str) -> None:
        self._events_kept -= self._ended.pop(arn, 0)

    def start_execution(  # type: ignore[override]
        self, state_machine_arn: str, name: str | None = None, execution_input: str = "{}"
    ) -> Any:
        """As moto's EventBridge calls it."""
        arguments = {"stateMachineArn": state_machine_arn, "name": name or str(uuid.uuid4()), "input": execution_input}
        return start_execution(self, arguments)

    @property
    def _url_module(self) -> Any:
        """Where moto finds the service's paths, which it looks for beside the backend's class."""
        return moto.stepfunctions.urls

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """As moto's Resource Groups Tagging API asks."""
        for arn in self.machines:
            yield TaggedResource(arn=arn, tags=self.tags[arn], resource_type="states:stateMachine")

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        """As moto's Resource Groups Tagging API asks."""
        self.tags[arn].update(tags)

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        """As moto's Resource Groups Tagging API asks."""
        for key in tag_keys:
            self.tags[arn].pop(key, None)
