"""What the service holds in one account and region."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource

from helpers import engine
from helpers.sandbox import identities, process
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api.execution import Child, Execution, MapRun, tree
from helpers.sandbox.states_api.machines import Machine, Version, routed_version
from helpers.sandbox.states_api.names import parse_arn, parse_machine
from helpers.sandbox.states_api.states_error import StatesError

if TYPE_CHECKING:
    from helpers.sandbox.states_api.tokens import Activity

__all__ = ["StatesBackend", "backend_of", "backends"]

EXECUTIONS_KEPT = 2000  # ended ones: beyond them, and beyond a budget of
BYTES_KEPT = int(os.environ.get("LAB_SANDBOX_BYTES") or 256_000_000)  # the ones that ended first are forgotten
DAYS_KEPT = 90  # after its end; developer guide, "Quotas related to state machine executions"
FULL = (
    f"The sandbox keeps {BYTES_KEPT:,} bytes of histories, and this execution's own is larger than that."
    " Carry less data from state to state, or set LAB_SANDBOX_BYTES before the sandbox starts."
)


class StatesBackend(BaseBackend, TaggableResourcesMixin):
    """State machines, executions and activities, by ARN."""

    SERVICE_NAMESPACE = "states"
    handler: Callable[[engine.Call], None]  # what answers the calls of executions

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.machines: dict[str, Machine] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.executions: dict[str, Execution] = {}
        self.running: dict[str, Execution] = {}  # Express ones too
        # Child executions and Map Runs live as long as the execution that somebody started, which holds them.
        self.children: weakref.WeakValueDictionary[str, engine.Execution] = weakref.WeakValueDictionary()
        self.map_runs: dict[str, MapRun] = {}
        self.activities: dict[str, Activity] = {}
        self._ended: dict[str, None] = {}  # executions, in the order in which they have ended
        self._bytes_kept = 0  # by all that is known, running or ended
        self._forgotten = 0

    def reset(self) -> None:
        """Forget everything; what was started while the sandbox is reset ends, too. No attribute is ever missing."""
        self.stop_running()
        self.__init__(self.region_name, self.account_id)  # type: ignore[misc]

    def stop_running(self) -> int:
        """End what runs, since the sandbox is reset; returns how many these were."""
        running = list(self.running.values())
        for execution in running:
            execution.stop("Sandbox.Reset", "The sandbox was reset.")
        return len(running)

    def machine(self, arn: str) -> Machine:
        """The machine of an unqualified ARN; StateMachineDoesNotExist."""
        resource = parse_machine(arn)
        machine = self.machines.get(arn)
        if machine is None:
            if resource.unqualified in self.machines:
                raise StatesError("InvalidArn", f"Invalid Arn: 'An unqualified state machine ARN is needed: {arn}'")
            raise StatesError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def target(self, arn: str) -> tuple[Machine, Version | None, str | None]:
        """What starting an execution of `arn` starts: a machine, by one of its versions, through an alias's ARN."""
        resource = parse_machine(arn)
        machine = self.machines.get(resource.unqualified)
        if machine and not resource.qualifier:
            return machine, None, None
        if machine and arn in machine.versions:
            return machine, machine.versions[arn], None
        if machine and resource.qualifier in machine.aliases:
            return machine, routed_version(machine, machine.aliases[resource.qualifier]), arn
        raise StatesError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")

    def execution(self, arn: str) -> Execution:
        """The execution of a Standard execution's ARN; ExecutionDoesNotExist, which says if it may be forgotten."""
        parse_arn(arn, "execution")
        execution = self.child(arn) or self.executions.get(arn)
        if execution is None:
            message = f"Execution Does Not Exist: '{arn}'"
            if self._forgotten:
                kept = f"it keeps the last {EXECUTIONS_KEPT} with {BYTES_KEPT} bytes, for {DAYS_KEPT} days"
                message += f" (the sandbox has forgotten {self._forgotten} ended executions: {kept})"
            raise StatesError("ExecutionDoesNotExist", message)
        return execution

    def child(self, arn: str) -> Execution | None:
        """The child execution of an ARN, also an Express one's; None where there is none, or no longer."""
        self.forget()
        run = self.children.get(arn)
        map_run = self.map_runs.get(run.parent.arn) if run is not None and run.parent is not None else None
        if run is None or map_run is None or run not in map_run.run.children:
            return None
        return Child(map_run, run)

    def map_run(self, arn: str) -> MapRun:
        """The Map Run of an ARN; ResourceNotFound."""
        parse_arn(arn, "mapRun")
        self.forget()
        found = self.map_runs.get(arn)
        if found is None:
            raise StatesError("ResourceNotFound", f"Resource not found: '{arn}'")
        return found

    def keep(self, execution: Execution, more: int) -> None:
        """Take account of so many more bytes that an execution takes; called in the engine's thread.

        Beyond the budget the executions that ended first are forgotten, then the children of its own first Map Runs,
        then one that runs and takes most of it ends.
        """
        self._bytes_kept += more
        if self._bytes_kept <= BYTES_KEPT:
            return
        with self.lock:
            self.forget(spared=0)
            for map_run in [one for one in execution.map_runs if one.run.stopped][:-1]:
                if self._bytes_kept > BYTES_KEPT:
                    self._release(run for child in map_run.run.children for run in tree(child))
                    self._forgotten += map_run.forget()
            if self._bytes_kept > BYTES_KEPT and execution.status == "RUNNING":
                clock.post(lambda: execution.run.fail("Sandbox.OutOfMemory", FULL))

    def execution_ended(self, execution: Execution) -> None:
        """Keep an ended execution among those that may be forgotten."""
        with self.lock:
            self.running.pop(execution.arn, None)
            if self.executions.get(execution.arn) is execution:
                self._ended[execution.arn] = None
            else:  # an Express one, or one whose machine was deleted
                self._release(tree(execution.run))
        self.forget()

    def execution_redriven(self, execution: Execution) -> None:
        """A redriven execution runs again and is not forgotten while it does."""
        with self.lock:
            self._ended.pop(execution.arn, None)
            self.running[execution.arn] = execution

    def forget(self, spared: int = 1) -> None:
        """Forget the executions that ended too long ago, and the oldest ones beyond what is kept.

        So many that ended last stay, however much they take.
        """
        with self.lock:
            while self._ended:
                arn = next(iter(self._ended))
                stopped = self.executions[arn].run.stopped
                old = stopped is not None and (clock.now() - stopped).days >= DAYS_KEPT
                most = spared if self._bytes_kept > BYTES_KEPT else EXECUTIONS_KEPT
                if not old and len(self._ended) <= most:
                    break
                del self._ended[arn]
                self._let_go(self.executions.pop(arn))
                self._forgotten += 1

    def _let_go(self, execution: Execution) -> None:
        runs = list(tree(execution.run))
        self._release(runs)
        for map_run in [one for run in runs for one in run.map_runs]:
            record = self.map_runs.pop(map_run.arn, None)
            if record and map_run.stopped:
                record.forget()
        if execution.status != "RUNNING":
            execution.run.forget()

    def _release(self, runs: Iterable[engine.Execution]) -> None:
        """The bytes of these count no more."""
        for run in runs:
            self._bytes_kept -= run.accounted
            run.accounted = 0

    def end_executions_of(self, machine: Machine) -> None:
        """Stop what runs of a deleted machine, and remove what has ended; in the engine's thread, where they end."""
        with self.lock:
            found = [one for one in self.executions.values() if one.machine is machine]
            for execution in found:
                self._ended.pop(execution.arn, None)
                self._let_go(self.executions.pop(execution.arn))
        for execution in found:
            if execution.status == "RUNNING":
                execution.stop(None, "The state machine was deleted.")

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """As moto's Resource Groups Tagging API asks."""
        for arn, tags in list(self.tags.items()):
            kind = "stateMachine" if arn in self.machines else "activity"
            yield TaggedResource(arn=arn, tags=tags, resource_type=f"states:{kind}")


backends: Any = BackendDict(StatesBackend, "stepfunctions")


def backend_of(account: str, region: str) -> StatesBackend:
    """What the service holds in an account and region."""
    found: StatesBackend = backends[account][region]
    return found


identities.tags_in["states"] = lambda arn, region: backend_of(process.ACCOUNT, region).tags.get(arn, {})
