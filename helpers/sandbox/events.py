"""EventBridge: rules whose targets are functions and state machines."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from helpers.sandbox import pool
from helpers.sandbox.integrations.clients import client_for
from helpers.sandbox.patching import replace


def _to_function(arn: str, region: str, event: str) -> None:
    client_for(region, "lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=event)


def _to_state_machine(arn: str, region: str, event: str) -> None:
    client_for(region, "stepfunctions").start_execution(stateMachineArn=arn, input=event)


DELIVERIES: dict[str, Callable[[str, str, str], None]] = {"lambda": _to_function, "states": _to_state_machine}


def _delivered(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The text that a target gets: the event, a text of the target's own, or one made from the event."""
    from moto.events.utils import EventTemplateParser

    if "Input" in target:
        return str(target["Input"])
    if "time" in event and not isinstance(event["time"], str):
        event = {**event, "time": f"{datetime.fromtimestamp(float(event['time']), UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if transformer := target.get("InputTransformer"):
        paths: Any = transformer.get("InputPathsMap", {})
        made: Any = EventTemplateParser.parse(transformer["InputTemplate"], paths, cast(Any, event))
        return made if isinstance(made, str) else json.dumps(made)
    return json.dumps(event)


def patch() -> None:
    """Put EventBridge's patches in place; called once, before the server answers."""
    from moto.events.exceptions import ResourceNotFoundException, ValidationException
    from moto.events.models import EventsBackend, Rule
    from moto.events.utils import EventTemplateParser

    def list_tags_for_resource(self: EventsBackend, arn: str) -> dict[str, list[dict[str, str]]]:
        # AWS looks for the ARN; moto takes the first rule or bus of that name, on whichever bus.
        kind, _, path = arn.split(":")[5].partition("/")
        bus, _, name = path.rpartition("/")
        home = self.event_buses.get(bus or "default")
        if name not in (self.event_buses if kind == "event-bus" else home.rules if home else {}):
            raise ResourceNotFoundException(f"{kind.capitalize()} {name} does not exist.")
        tags: dict[str, list[dict[str, str]]] = self.tagger.list_tags_for_resource(arn)
        return tags

    def delete_event_bus(self: EventsBackend, name: str) -> None:
        # AWS deletes no bus that has rules; moto forgets them with it.
        if name != "default" and name in self.event_buses and self.event_buses[name].rules:
            raise ValidationException("EventBus can't be deleted since it has rules.")
        delete(self, name)

    replace(EventsBackend, "list_tags_for_resource", list_tags_for_resource)
    delete = EventsBackend.delete_event_bus
    replace(EventsBackend, "delete_event_bus", delete_event_bus)
    # AWS says whose an event is; moto leaves it out of what its targets get.
    template = '{"account": "<account>", ' + EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE[1:]
    replace(EventTemplateParser, "DEFAULT_EVENT_INPUT_TEMPLATE", template)
    original = Rule.send_to_targets

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        # AWS delivers to functions and state machines, after it has answered; moto raises NotImplementedError for them.
        if self.state == "ENABLED" and self.event_pattern.matches_event(original_event):
            for target in self.targets:
                if deliver := DELIVERIES.get(target["Arn"].split(":")[2]):
                    given = _delivered(target, dict(original_event))
                    pool.run(partial(deliver, target["Arn"], self.region_name, given))
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target["Arn"].split(":")[2] not in DELIVERIES]
        original(others, original_event, transform_input)

    replace(Rule, "send_to_targets", send_to_targets)
