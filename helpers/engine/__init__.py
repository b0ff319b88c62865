"""The Amazon States Language, run on a virtual clock: pure, deterministic, without any service.

Read it in this order: `scheduler` moves processes through time, `execution` holds what is known of a run and writes its
history, `states`, `tasks`, `branches` and `map_runs` say what each state does, `machine` compiles a definition into
them, `simulation` runs one on answers given beforehand. Data is shaped by `paths`, `intrinsics`, `expressions`,
`templates` and `rules`, which are compiled to closures once per machine.
"""

from helpers.engine.execution import Execution, Identity, Observer
from helpers.engine.machine import Machine, compiled
from helpers.engine.map_runs import MapRun
from helpers.engine.scheduler import Scheduler
from helpers.engine.simulation import Run, run
from helpers.engine.tasks import NEVER, Answer, Call, TaskFailed
from helpers.engine.text import data_of, text_of

__all__ = [
    "NEVER",
    "Answer",
    "Call",
    "Execution",
    "Identity",
    "Machine",
    "MapRun",
    "Observer",
    "Run",
    "Scheduler",
    "TaskFailed",
    "compiled",
    "data_of",
    "run",
    "text_of",
]
