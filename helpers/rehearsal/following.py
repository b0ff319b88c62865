"""A machine that follows a record: until the two part, what was recorded holds; after that, only answers do."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

from helpers.engine import NEVER, Answer, Call, Execution, Identity, Machine, Scheduler, TaskFailed, text_of
from helpers.engine.execution import FITTING, Frame, Over
from helpers.engine.map_runs import DistributedMap, MapRun, answered
from helpers.engine.scheduler import SECOND, Walk, counted
from helpers.engine.simulation import MACHINE, ROLE, START, Progress
from helpers.engine.tasks import outside
from helpers.history.event_types import ENDS, Kind, details_key, read
from helpers.history.sources import text as readable
from helpers.limits import HISTORY_EVENTS
from helpers.rehearsal import parting
from helpers.rehearsal.differences import Path, differences, fits, held, parsed
from helpers.rehearsal.record import OUTSIDE, Attempt, Line, Record, Step
from helpers.rehearsal.record import MapRun as RecordedRun

__all__ = ["Course", "FollowedFrame", "FollowedMap", "follow"]

# So much earlier or later than asked for may a recorded wait have ended and be the same wait.
EARLY, LATE = -SECOND // 10, SECOND * 9 // 10
SKEW = timedelta(days=3, hours=1, seconds=7, milliseconds=7)
# What may come out otherwise each time, and texts that nobody knows yet.
VOLATILE = re.compile(r"States\.(UUID|MathRandom)|\$(random|uuid|now|millis|shuffle)\(|\$\$|\$states\.context|\$\{")
# Fields of a followed event that stay as they were recorded; of payloads only those that are texts.
KEPT = ("input", "output", "parameters", "mapRunArn", "roleArn", "region", "cause")
AGAIN_OR_CUT = parting.AGAIN | {Kind.EVALUATION_FAILED, Kind.EXECUTION_ABORTED, Kind.ITERATION_ABORTED}
CUT = frozenset({Kind.STATE_ABORTED, Kind.CONTAINER_ABORTED, Kind.ITERATION_ABORTED})
LIMITS = ("timeoutInSeconds", "heartbeatInSeconds")
Key = tuple[Any, ...]


class Course:
    """One rehearsal: what it found on its way."""

    def __init__(
        self,
        machine: Machine,
        record: Record,
        *,
        text: str,
        type: str,  # noqa: A002
        answers: Callable[[Call], Any] | None,
        knows: Callable[[str], bool],
        repeat: bool,
        volatile: bool,
        second: bool = False,
        changed: dict[Key, set[Path]] | None = None,
    ) -> None:
        self.record = record.again()
        self._answers, self._knows, self._repeat = answers, knows, repeat
        self.volatile, self.second, self.changed = volatile, second, changed or {}
        self.differing: dict[Key, dict[Path, str | None]] = {}
        self.parted: str | None = None
        self.unanswered: list[dict[str, Any]] = []
        self.followed = 0  # recorded events of the root that it came to
        self.over = False
        self.kept_back = False  # whether a child execution had to begin when it was recorded, and not before
        self.childless: set[str] = set()  # distributed Maps that end as recorded, as their children are not known
        self.beyond = record.open and (answers is not None or repeat)  # whether it goes on behind the record's end
        self._outside: list[tuple[float, int, Followed, Step]] = []
        self._number = itertools.count()
        self._held: list[FollowedFrame] = []
        self.broken: dict[Call, str] = {}  # calls whose recorded attempts were broken off
        self._used: set[int] = set()  # children that have been matched
        begin = record.steps[0].stamp or START
        self.scheduler = Scheduler(counted(begin))
        self.root = Followed(
            machine,
            text,
            _identity(record, second),
            scheduler=self.scheduler,
            handler=self._answer,
            seed=int(second),
            type=type,
            observer=Progress(),
            limit=record.limit or HISTORY_EVENTS,
            started=begin + SKEW if second else begin,
            course=self,
            record=record,
        )

    def run(self) -> Course:
        """Drive it to its end, or to where nothing goes on."""
        root, scheduler = self.root, self.scheduler
        root.start()
        while root.status == "RUNNING" or any(step.kind is Kind.EXECUTION_REDRIVEN for *_, step in self._outside):
            if root.status == "RUNNING" and (scheduler.step() or scheduler.ring()):
                continue
            deadline = scheduler.deadline() if root.status == "RUNNING" else None
            if self._outside and (deadline is None or self._outside[0][0] < deadline):
                _, _, execution, step = heapq.heappop(self._outside)
                scheduler.now = max(scheduler.now, step.at or 0)
                execution.come(step)
            elif deadline is None or (self.is_at_end and not self.beyond):
                if not self._goes_on():
                    break
            else:
                scheduler.now = deadline
        self.over = True
        if root.top.process:
            root.top.process.close()  # what still waits ends here, and writes nothing
        if self.parted is None and root.status != "RUNNING":
            self.parted = next(self._missing(), None)
        return self

    def _missing(self) -> Iterator[str]:
        """Recorded branches that did not begin; one that took no time may have begun by chance."""
        steps = self.record.steps
        for branch, line in self.record.lines.items():
            first, then = line.steps[0], steps[min(line.steps[-1].id, len(steps) - 1)]  # the event behind its last
            if not line.at and first.at is not None and then.at is not None and then.at - first.at > -EARLY:
                yield f"At {first.name} (event {first.id} of the history) they part: {branch} does not begin any more."

    @property
    def unjudged(self) -> list[str]:
        """What is not judged here, in sentences: distributed Maps whose children are not known."""
        said = "ends as it was recorded, whatever was changed in it: its children are not here."
        return [f"The Map Run of {name} {said}" for name in sorted(self.childless)]

    @property
    def is_at_end(self) -> bool:
        """Whether it has come to the end of a record that does not say how the execution ended."""
        return self.record.open and not self.parted and self.followed == len(self.record.steps)

    @property
    def end(self) -> str | None:
        """What is to be said of the end of a record that does not say how the execution ended."""
        if not self.is_at_end:
            return None
        rest = "what comes then rests on other answers" if self.beyond else "it is rehearsed as far as it goes"
        return f"The history ends with event {self.followed}: {rest}."

    def _goes_on(self) -> bool:
        """Whether something goes on where all wait: for answers, or for what broke them off and does not come."""
        waiting: list[Any] = [call.frame for call in self.broken if call.open]
        waiting += [frame for frame in self._held if not frame.process.over]
        if self.record.open:
            cut, self.broken = self.broken, {}
            for call, reason in cut.items():
                self.unknown(call, reason)
        elif waiting:
            self._outlived(waiting[0])
        return any(not frame.held for frame in waiting)

    def _outlived(self, frame: FollowedFrame) -> None:
        """What was broken off in the history is not."""
        where = parting.place(frame, None)
        self.part(frame, f"At {where} they part: it was broken off in the history, and is not now.")

    def _outlives(self, frame: FollowedFrame, waits: Callable[[], bool]) -> None:
        """See whether it still waits when what broke it off, the next event around it, has come in the history."""
        around = frame.outer
        while isinstance(around, FollowedFrame) and not (around.found and around.found.next):
            around = around.outer
        step = around.found.next if isinstance(around, FollowedFrame) and around.found else None
        until = step.at if step else frame.execution.end

        def look() -> None:
            if waits():
                self._outlived(frame)

        if until is not None:
            self._at(max(until, self.scheduler.now) + LATE, look)

    def expect(self, execution: Followed) -> None:
        """Note what came from outside to an execution."""
        for step in execution.record.steps if execution.record else ():
            if step.kind in OUTSIDE:
                at = math.inf if step.at is None else step.at
                heapq.heappush(self._outside, (at, next(self._number), execution, step))

    def child(self, run: MapRun, text: str) -> Record | None:
        """The record of a child execution: of the same Map Run, with the same input, or else at the same place."""
        frame, children = run.frame, self.record.children
        passed = frame.found.steps[: frame.found.at] if isinstance(frame, FollowedFrame) and frame.found else []
        started = next((step for step in reversed(passed) if step.kind is Kind.RUN_STARTED), None)
        arn = str(started.details.get("mapRunArn", "")) if started else ""
        label = arn.split(":")[-2].partition("/")[2] if arn.count(":") > 6 else run.label
        free = [child for child in children if id(child) not in self._used and child.label == label]
        given = parsed(text)
        found = next((child for child in free if not differences(given, parsed(child.given))), None)
        found = found or (free[0] if free else None)
        if found:
            self._used.add(id(found))
        return found

    def part(self, frame: FollowedFrame, why: str) -> None:
        """The ways part in a frame: it follows no more, and those around it have only what is inside to follow."""
        if frame.found:
            frame.found.parted = True
        inner: Frame | None = frame
        while inner is not None:
            run = inner.execution.parent if inner.outer is None else None
            inner = run.frame if run else inner.outer
            if isinstance(inner, FollowedFrame) and inner.found and not inner.found.parted:
                inner.found.parted = inner.visit
        if self.parted is None:
            child = "" if frame.execution is self.root else f"In the child execution {frame.execution.identity.name}: "
            self.parted = child + why
        for one in self._held:
            one.held = False
            if one.process and not one.process.over:
                one.process.wake()
        self._held.clear()
        cut, self.broken = self.broken, {}
        for call, reason in cut.items():
            self.unknown(call, reason)

    def hold(self, frame: FollowedFrame) -> None:
        """A branch has come to where its record was cut off: it waits for what cut it off."""
        frame.held = True
        self._held.append(frame)
        self._outlives(frame, lambda: frame.held and not frame.process.over)

    def settled(self, frame: FollowedFrame, field: str, computed: Any, recorded: Any) -> Any:
        """Computed data, with what differs from time to time as it was recorded."""
        differing = differences(computed, recorded)
        if not differing:
            return computed
        assert frame.found
        key = (frame.execution.identity.name if frame.outer else "", frame.branch, frame.found.at, field)
        self.differing[key] = differing
        return held(computed, recorded, self.changed.get(key, set()))

    def _answer(self, call: Call) -> None:
        frame = call.frame
        assert isinstance(frame, FollowedFrame)
        execution = frame.execution
        visit = execution.visits[call.branch, call.state]
        number = execution.calls[call.branch, call.state, visit, call.kind] + 1
        execution.calls[call.branch, call.state, visit, call.kind] = number
        call.visit, call.attempt = visit, number
        if call.kind != "task":
            self.unknown(call, f"the history does not hold what the Map {call.kind}s")
            return
        record = execution.record
        known = record.attempts.get((call.branch, call.state, visit), []) if record else []
        if number > len(known):
            self.unknown(call, "the history knows no such call")
            return
        attempt = known[number - 1]
        ended, asked = attempt.ended, attempt.scheduled.details
        if not all(
            fits(str(asked.get(one, "")), str(frame.asked.get(one, ""))) for one in ("resourceType", "resource")
        ):
            self.unknown(call, "it asks another resource than in the history")
        elif ended is not None and ended.is_cut:
            self.unknown(call, "its recorded answer was cut off")
        elif ended is None and frame.following is None:
            self.unknown(call, "it was broken off in the history")
        else:
            if ended is None:
                ends = record is not None and record.open
                self.broken[call] = "the history ends before its answer" if ends else "it was broken off in the history"
                if not ends:
                    self._outlives(frame, lambda: call in self.broken and call.open)
            self._give(call, frame, attempt)

    def _give(self, call: Call, frame: FollowedFrame, attempt: Attempt) -> None:
        """Give a recorded answer: when it came, or as long after the asking as then."""
        scheduler, now = self.scheduler, self.scheduler.now
        follows = frame.following is not None
        asked, ended = attempt.scheduled.details, attempt.ended
        frame.limited = any(frame.asked.get(limit) != asked.get(limit) for limit in LIMITS)

        def when(step: Step) -> int:
            return step.at if follows and step.at is not None else now + attempt.after(step)

        timeout, beat = frame.asked.get("timeoutInSeconds"), frame.asked.get("heartbeatInSeconds")
        end = max(now, when(ended)) if ended else max(now, frame.execution.end)
        in_time = end
        if timeout is not None and timeout == asked.get("timeoutInSeconds"):
            in_time = min(end, now + timeout * SECOND - 1)  # the record knows that it came in time
        if attempt.started:
            worker = attempt.started.details.get("workerName")
            self._at(min(when(attempt.started), in_time), lambda: call.start(worker))
        if attempt.submitted:
            output = parsed(attempt.submitted.details.get("output"))
            self._at(min(when(attempt.submitted), in_time), lambda: call.submit(output))
        else:
            call.submitted = True
        missed = 0
        if ended is not None and ended.kind is Kind.ATTEMPT_TIMED_OUT:
            limit = asked.get("timeoutInSeconds")
            late = end if limit is None else max(end, now + limit * SECOND)
            self._at(late + LATE, lambda: self.unknown(call, "it timed out in the history"))
            if beat is not None and (limit is None or end - now < limit * SECOND + EARLY):
                missed = asked.get("heartbeatInSeconds", beat) * SECOND
        elif ended is not None and ended.kind is Kind.ATTEMPT_SUCCEEDED:
            given = ended.details["output"]
            text = text_of(given) if parsed(given) is given else given  # as it came, where it is JSON
            self._at(in_time, lambda: call.succeed_by_token(text))
        elif ended is not None:
            error, cause = (_text(ended.details.get(field)) for field in ("error", "cause"))
            self._at(in_time, lambda: call.fail_by_token(error, cause))
        if beat:

            def pulse() -> None:
                if call.open and scheduler.now <= end - missed:
                    call.heartbeat()
                    scheduler.at(scheduler.now + beat * SECOND // 2, pulse)

            pulse()
            if missed and end - missed > now:
                scheduler.at(end - missed, call.heartbeat)

    def _at(self, when: int, action: Callable[[], Any]) -> None:
        if when <= self.scheduler.now:
            action()
        else:
            self.scheduler.at(when, action)

    def unknown(self, call: Call, reason: str) -> None:
        """A call that the history does not answer: it has an answer that was given, or stays open, if it still is."""
        frame = call.frame
        assert isinstance(frame, FollowedFrame)
        if not call.open:
            return
        if self._answers and self._knows(call.state):
            try:
                call.answer(self._answers(call))
            except TaskFailed as failure:
                call.answer(failure)
            return
        record = frame.execution.record
        attempt = record.last_attempt(call.state, call.branch) if self._repeat and record else None
        if attempt and attempt.ended:
            call.answer(_repeated(attempt))
            return
        frame.held = True
        frame.execution.waits = True
        asked = {name: getattr(call, name) for name in ("state", "branch", "visit", "attempt", "resource")}
        self.unanswered.append({**asked, "parameters": call.text, "reason": reason})


def _repeated(attempt: Attempt) -> Any:
    ended = attempt.ended
    assert ended
    seconds = attempt.after(ended) / SECOND
    if ended.kind is Kind.ATTEMPT_TIMED_OUT:
        return NEVER
    if ended.kind is not Kind.ATTEMPT_SUCCEEDED:
        return TaskFailed(_text(ended.details.get("error")), _text(ended.details.get("cause")), seconds)
    submitted = parsed(attempt.submitted.details.get("output")) if attempt.submitted else {}
    return Answer(parsed(ended.details.get("output")), seconds, submitted, attempt.after(attempt.started) / SECOND)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else readable(value)


def _identity(record: Record, second: bool) -> Identity:
    """The names of a recorded execution; where the record does not say, names of our own, others the second time."""
    parts = record.execution.split(":")
    role = str(record.steps[0].details.get("roleArn", ROLE))
    if len(parts) < 8 or parts[0] != "arn":
        machine = MACHINE + "-2" * second
        name = f"rehearsal-{int(second)}"
        arn = f"{machine.replace('stateMachine', 'execution')}:{name}"
        return Identity(arn, name, machine, machine.split(":")[6], role)
    machine = ":".join([*parts[:5], "stateMachine", parts[6]])
    return Identity(record.execution, parts[7], machine, parts[6], role)


class FollowedFrame(Frame):
    """A frame that follows the record of its branch."""

    execution: Followed
    found: Line | None = None  # its branch's record, where that is of the same way
    sought = False
    held = False
    asked: dict[str, Any] = {}  # noqa: RUF012  the details of what it asked last; never changed
    limited = False  # whether what it asked last has other time-outs than in the history

    @property
    def visit(self) -> tuple[str, int]:
        """The visit that it is in."""
        return self.state, self.execution.visits[self.branch, self.state]

    @property
    def following(self) -> Line | None:
        """Its record, until the ways part."""
        if not self.sought:
            self.sought = True
            record, outer = self.execution.record, self.outer
            self.found = record.lines.get(self.branch) if record else None
            if self.found and outer is not None:
                parted = outer.found.parted if isinstance(outer, FollowedFrame) and outer.found else True
                if parted and parted != outer.visit:  # type: ignore[attr-defined]
                    self.found = None
        return self.found if self.found and not self.found.parted else None

    def walk(self) -> Walk:
        """As the engine does, but where it is held; a redrive begins again, held by nothing."""
        walk, self.held = super().walk(), False
        try:
            while True:
                while self.held:
                    yield
                next(walk)
                yield
        except StopIteration:
            return
        finally:
            with contextlib.suppress(Over):
                walk.close()

    def enter(self, state: Any) -> None:
        course, line = self.execution.course, self.following
        step = line.next if line and course.volatile else None
        if step and step.type == state.entering and step.name == state.name and "input" in step.details:
            data = course.settled(self, "input", self.data, parsed(step.details["input"]))
            if data is not self.data:
                self.data, self.text = data, text_of(data)
        self.execution.visits[self.branch, state.name] += 1
        super().enter(state)
        entered = self.execution.events[-1]["timestamp"]
        self.entered_at = entered + SKEW if course.second else entered

    def leave(self, state: Any, output: Any, assigned: dict[str, Any] | None = None) -> None:
        course, line = self.execution.course, self.following
        step = line.next if line and course.volatile else None
        if step and step.type == state.exiting and step.name == state.name and "output" in step.details:
            output = course.settled(self, "output", output, parsed(step.details["output"]))
            known = step.details.get("assignedVariables", {})
            assigned = {
                name: course.settled(self, name, value, parsed(known[name])) if name in known else value
                for name, value in (assigned or {}).items()
            }
        super().leave(state, output, assigned)

    def evaluation(self, data: Any, states: dict[str, Any] | None = None) -> Any:
        scope = super().evaluation(data, states)
        if self.execution.course.second:
            scope.now += SKEW
        return scope

    def sleep_until(self, when: int) -> Walk:
        """Wait as long as was recorded, where that is the same wait."""
        line, now, state = self.following, self.execution.scheduler.now, self.machine.states[self.state]
        step, last = (line.next, line.last) if line else (None, None)
        waiting = state.type == "Wait"
        if line and not waiting and not self._may_retry(line):
            self.part_at("TaskScheduled", None, step)
        fits = step is not None and (step.type == "WaitStateExited" if waiting else step.kind in parting.AGAIN)
        if not (step and fits and last and step.at is not None and last.at is not None):
            return super().sleep_until(when)
        record = self.execution.record
        if record and not self.resumed and any(last.id < redrive < step.id for redrive in record.redrives):
            return super().sleep_until(when)  # it was cut off, and taken up again by a redrive
        when = max(when, now)
        asked = (when, when - now + last.at)
        uneven = [retrier for retrier in getattr(state, "retriers", ()) if retrier.full_jitter]
        most = max((round(retrier.longest(self.retries or 0) * SECOND) for retrier in uneven), default=0)
        took = step.at - last.at
        drawn = most and took <= most + LATE
        if drawn or self.resumed or any(EARLY <= step.at - one <= LATE for one in asked):
            return super().sleep_until(step.at)
        self.execution.course.part(self, parting.paused(self, step, most or when - now, took, waiting, bool(most)))
        return super().sleep_until(when)

    def part_at(self, kind: str, details: Any, step: Step | None) -> None:
        """Part from the record, which has another event than this one next, or none."""
        record = self.execution.record
        known = record.states if record else set()
        self.execution.course.part(self, parting.reason(self, self.found, known, kind, details, step))

    def _may_retry(self, line: Line) -> bool:
        """Whether the record has a retry next, or does not say."""
        record, step = self.execution.record, line.next
        if step is None:
            return record is None or record.open or record.cut(self.branch)
        if step.kind is Kind.STATE_ABORTED:  # of the state's own failure, or what ended its branch while it waited
            last = line.last
            return last is None or last.at is None or step.at is None or step.at - last.at > -EARLY
        return step.kind in AGAIN_OR_CUT

    @property
    def is_stray(self) -> bool:
        """Whether it is a branch that the record of its Map or Parallel does not have, and would have."""
        outer = self.outer
        following = outer.following if isinstance(outer, FollowedFrame) and not self.found else None
        ended = following.next if following else None
        if ended is None or "#" not in self.branch:
            return False
        # A Map that failed at that moment may not have begun each of its iterations.
        began = not self.branch.endswith("]") or ended.kind is Kind.CONTAINER_SUCCEEDED
        return began or (ended.at is not None and ended.at - self.execution.scheduler.now > -EARLY)

    def moved(self, step: Step) -> str | None:
        """How much earlier or later its iteration begins or something times out than recorded, if at another time."""
        execution, where, what, due = self.execution, self, "it times out", self.execution.scheduler.now
        if step.kind is Kind.ITERATION_STARTED:
            where, what = self.outer, f"{self.branch} begins"  # type: ignore[assignment]
            due = max(counted(execution.events[self.last - 1]["timestamp"]), execution.began)
        elif step.kind is Kind.EXECUTION_TIMED_OUT:
            what = "the execution times out"
        elif step.kind is not Kind.ATTEMPT_TIMED_OUT or not self.limited:
            return None
        if step.at is None or EARLY <= step.at - due <= LATE:
            return None
        return f"At {parting.place(where, step)} they part: {parting.moved(what, step.at - due)}."

    def write(self, kind: str, key: str = "", details: Any = None, moves: bool = True) -> int:
        execution, line, stamp = self.execution, self.following, None
        course = execution.course
        if line is None and execution is course.root and course.is_at_end and not course.beyond and not course.over:
            raise Over
        if line is None and self.is_stray:
            where = parting.place(self.outer, None)  # type: ignore[arg-type]
            course.part(self, f"At {where} they part: {self.branch} is none of the history's branches.")
        if line is not None and not course.over and not kind.startswith("Execution") and not execution.is_full(kind):
            kind, key, details, stamp = execution.follow(self, line, kind, key, details)
        if kind.endswith("Scheduled"):
            self.asked = details
        found = execution.write(kind, self.last, key, details, stamp)
        self.published = found
        if moves:
            self.last = found
        return found


class Followed(Execution):
    """An execution that follows a record, where there is one."""

    framed: ClassVar[type[Frame]] = FollowedFrame
    top: FollowedFrame

    def __init__(
        self,
        machine: Machine,
        text: str,
        identity: Identity,
        *,
        course: Course | None = None,
        record: Record | None = None,
        parent: MapRun | None = None,
        started: datetime | None = None,
        **options: Any,
    ) -> None:
        if parent is not None:
            assert isinstance(parent.parent, Followed)
            course = parent.parent.course
            record = course.child(parent, text)
            if record:
                identity, started = _identity(record, False), record.steps[0].stamp
        assert course
        self.course: Course = course
        self.record: Record | None = record
        self.visits: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[tuple[str, str, int, str]] = Counter()
        self.waits = False  # for an answer that nobody knows
        super().__init__(machine, text, identity, parent=parent, started=started, **options)
        self.began = self.scheduler.now
        course.expect(self)
        begun = record.steps[0].at if record and parent else None
        if begun is not None and begun - self.began < EARLY and self.top.following:
            course.part(self.top, f"At the beginning they part: {parting.moved('it begins', begun - self.began)}.")
            self.started = self.scheduler.stamp
        elif begun is not None and begun - self.began > LATE:
            course.kept_back = True

    @property
    def end(self) -> int:
        """When the record ends."""
        return (self.record.end.at if self.record else None) or 0

    def is_full(self, kind: str) -> bool:
        """Whether the history has room for nothing but its end."""
        return bool(self.limit) and self.written + 1 >= (self.limit or 0) and kind not in FITTING

    def follow(
        self, frame: FollowedFrame, line: Line, kind: str, key: str, details: Any
    ) -> tuple[str, str, Any, datetime | None]:
        """An event as it is to be written: as recorded, where the record has the same one next."""
        course, step, record = self.course, line.next, self.record
        assert record
        if step is None:
            if course.is_at_end and not course.beyond:
                raise Over
            if not record.open and record.cut(frame.branch):
                course.hold(frame)
            elif not record.open or course.parted:
                frame.part_at(kind, details, None)
            return kind, key, details, None
        event = read(kind).kind
        if event in CUT and (course.parted if step.type == kind else event is not Kind.STATE_ABORTED):
            return kind, key, details, None  # it follows from what happened elsewhere
        if step.type != kind:
            if step.kind is not Kind.ATTEMPT_FAILED or event is not Kind.ATTEMPT_FAILED:
                frame.part_at(kind, details, step)
                return kind, key, details, None
            kind, key = step.type, details_key(step.type)
        if step.name is not None and details and details.get("name", step.name) != step.name:
            frame.part_at(kind, details, step)
            return kind, key, details, None
        if course.volatile and step.kind is Kind.ATTEMPT_SCHEDULED:
            field = "parameters" if "parameters" in details else "input"
            if field in step.details:
                given = parsed(details[field])
                said = course.settled(frame, field, given, parsed(step.details[field]))
                details = details if said is given else {**details, field: text_of(said)}
        if moved := frame.moved(step):
            course.part(frame, moved)
            return kind, key, details, None
        why = parting.differs(kind, details, step)
        if not why and kind == "ExecutionFailed" and frame.machine.states[frame.state].type == "Fail":
            was, now = (str(one.get("cause")) for one in (step.details, details))
            why = None if course.volatile or fits(was, now) else "it fails for another cause"
        if why:
            course.part(frame, f"At {parting.place(frame, step)} they part: {why}.")
        elif details:
            known = step.details
            kept = {name: known[name] for name in KEPT if name in details and isinstance(known.get(name), str)}
            details = {**details, **kept}
        line.at += 1
        if self is course.root:
            course.followed += 1
        if step.at is not None and step.at > self.scheduler.now:
            self.scheduler.now = step.at
        return kind, key, details, step.stamp

    def write(self, kind: str, previous: int, key: str, details: Any, stamp: datetime | None = None) -> int:
        if self.course.over:
            raise Over
        if kind.startswith("Execution") or self.is_full(kind):
            if self.is_full(kind):
                kind, key = "ExecutionFailed", "executionFailedEventDetails"
                full = f"The execution reached the maximum number of history events ({self.limit})."
                details = {"error": "States.Runtime", "cause": full}
            line = self.top.following if self.status == "RUNNING" else None
            if line is not None:
                kind, key, details, stamp = self.follow(self.top, line, kind, key, details)
        return super().write(kind, previous, key, details, stamp)

    def time_out(self) -> None:
        """Not while an answer is missing that nobody knows, and not where the record knows better by a moment."""
        line = self.top.following
        end = next((step for step in line.steps[line.at :] if step.kind in ENDS), None) if line else None
        known = end is not None and end.at is not None and end.at - self.scheduler.now <= LATE
        if not self.waits and not known:
            super().time_out()

    def redrive(self) -> None:
        self.began = self.scheduler.now
        super().redrive()

    def come(self, step: Step) -> None:
        """Let what came from outside come, if the ways have not parted."""
        line = self.top.following
        if line is None or (self.parent is not None and self.course.parted):
            return  # what stopped a child may have been what its siblings did
        details = step.details
        if step.kind is Kind.EXECUTION_REDRIVEN:
            if self.status in ("FAILED", "ABORTED", "TIMED_OUT") and line.next is step:
                self.redrive()
        elif step.kind is Kind.EXECUTION_ABORTED:
            self.stop(_text(details.get("error")), _text(details.get("cause")))
        elif self.status == "RUNNING":
            limit = self.machine.timeout if self.type == "STANDARD" else min(self.machine.timeout or 300, 300)
            if limit is not None and (step.at is None or self.began + limit * SECOND <= step.at - EARLY):
                super().time_out()
            else:
                self.course.part(
                    self.top,
                    f"At {parting.place(self.top, step)} they part: the execution timed out in the history, "
                    f"and {'has no time-out' if limit is None else f'may take {limit:g} s'} now.",
                )


class Exit:
    """What a recorded Map gave: its output and the variables that it set."""

    def __init__(self, step: Step) -> None:
        self.output = parsed(step.details.get("output"))
        known = step.details.get("assignedVariables") or {}
        self.assigned = {name: parsed(value) for name, value in known.items()}


class FollowedMap(DistributedMap):
    """A distributed Map, which ends as it was recorded where it would take children whose histories are not there."""

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool, machine: Machine) -> None:
        super().__init__(name, body, jsonata, machine)
        self._body = body
        processor = body.get("ItemProcessor") or body["Iterator"]
        self._asks = "ItemReader" in body or "Resource" in body.get("ResultWriter", {}) or _asks(processor)

    def _stands(self, frame: Frame) -> bool:
        """Whether the record's outcome takes the place of its children."""
        assert isinstance(frame, FollowedFrame)
        return self._asks and frame.execution.record is not None and not frame.execution.course.record.children

    def read(self, frame: Frame, data: Any) -> Walk:
        if self._stands(frame):
            return [], ""
        return (yield from super().read(frame, data))

    def dispatch(self, frame: Frame, data: Any, run: MapRun) -> Walk:
        if not self._stands(frame):
            return (yield from super().dispatch(frame, data, run))
        assert isinstance(frame, FollowedFrame)
        execution = frame.execution
        record, course = execution.record, execution.course
        assert record
        visit = execution.visits[frame.branch, self.name]
        execution.calls[frame.branch, self.name, visit, "run"] += 1
        number = execution.calls[frame.branch, self.name, visit, "run"]
        known = record.map_runs.get((frame.branch, self.name, visit), [])
        recorded = known[min(number, len(known)) - 1] if known else None
        ended = recorded.ended if recorded else None
        result = self._result(recorded, frame.following is not None)
        if recorded and ended and (ended.kind is Kind.RUN_FAILED or result is not None):
            gap = max(0, (ended.at or 0) - (recorded.started.at or 0))
            follows = frame.following is not None and ended.at is not None
            yield from frame.process.sleep_until(ended.at if follows else execution.scheduler.now + gap)  # type: ignore[arg-type]
            course.childless.add(self.name)
            if ended.kind is Kind.RUN_FAILED:
                raise outside(_text(ended.details.get("error")), _text(ended.details.get("cause")))
            return result
        call = Call(frame, "map", "distributed Map", text_of(data))
        call.visit, call.attempt = visit, number
        if record.open or recorded is None or frame.following is None:
            course.unknown(call, "the history does not hold the children of its Map Run")
        else:
            course.broken[call] = "it was broken off in the history"
        return (yield from answered(call))

    def _result(self, recorded: RecordedRun | None, follows: bool) -> Any:
        """What the recorded run gave; None where what was made of it does not say."""
        exited = recorded.exited if recorded else None
        if exited is None or "output" not in exited.details:
            return None
        body = self._body
        plain = {"ResultSelector", "ResultPath", "OutputPath", "Output", "Assign"}.isdisjoint(body)
        return Exit(exited) if follows or plain else None

    def finished(self, frame: Frame, result: Any) -> tuple[Any, dict[str, Any] | None]:
        if isinstance(result, Exit):
            return result.output, result.assigned
        return super().finished(frame, result)


def _asks(body: Any) -> bool:
    """Whether there is a Task in it, however deep."""
    if isinstance(body, dict):
        return body.get("Type") == "Task" or any(map(_asks, body.values()))
    return isinstance(body, list) and any(map(_asks, body))


def follow(machine: Machine, again: Machine, record: Record, **options: Any) -> Course:
    """Rehearse a record on a machine; `again` is the same one, but for what stands for values that nobody knows.

    What the machine draws from chance or the clock comes out otherwise each time, and then the recorded value holds.
    To know what that is, it runs again with another chance and at another time: what comes out the same, and not as
    recorded, has changed.
    """
    first = Course(machine, record, **options).run()
    if not first.differing:
        return first
    second = Course(again, record, second=True, **options).run().differing
    changed = {
        key: {path for path, value in differing.items() if second.get(key, {}).get(path, "") == value}
        for key, differing in first.differing.items()
    }
    if not any(changed.values()):
        return first
    return Course(machine, record, changed=changed, **options).run()
