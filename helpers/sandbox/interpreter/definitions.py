"""Definitions as the interpreter holds them: texts decoded, each expression knowing its field, parsed once."""

import functools
import json
import logging
import re
from typing import Any

from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlt4utils import antlr4utils
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_binding import (
    AssignTemplateBinding,
    AssignTemplateBindingStringExpressionSimple,
)
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_array import AssignTemplateValueArray
from moto.stepfunctions.parser.asl.component.common.catch.catch_decl import CatchDecl
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_binding import JSONataTemplateBinding
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_value_array import (
    JSONataTemplateValueArray,
)
from moto.stepfunctions.parser.asl.component.common.outputdecl import Output
from moto.stepfunctions.parser.asl.component.common.parargs import Parargs
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import Heartbeat
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout, TimeoutSeconds
from moto.stepfunctions.parser.asl.component.component import Component
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.choice.choices_decl import ChoicesDecl
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import ConditionStringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.max_items_decl import (
    MaxItemsDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_selector import ItemSelector
from moto.stepfunctions.parser.asl.component.state.exec.state_map.items.items import Items
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import MaxConcurrencyDecl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.result_writer_decl import ResultWriter
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountDecl,
    ToleratedFailurePercentageDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import Credentials
from moto.stepfunctions.parser.asl.component.state.fail.cause_decl import CauseDecl
from moto.stepfunctions.parser.asl.component.state.fail.error_decl import ErrorDecl
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from helpers.sandbox.interpreter.map_data import set_apart
from helpers.sandbox.interpreter.mending import replace

# How AWS names the fields of a state in the location of a failed expression.
_FIELDS: dict[type, str] = {
    AssignDecl: "Assign",
    CauseDecl: "Cause",
    ConditionStringJSONata: "Condition",
    Credentials: "Credentials/RoleArn",
    ErrorDecl: "Error",
    Heartbeat: "HeartbeatSeconds",
    ItemReader: "ItemReader",
    ItemSelector: "ItemSelector",
    Items: "Items",
    MaxConcurrencyDecl: "MaxConcurrency",
    MaxItemsDecl: "ReaderConfig/MaxItems",
    Output: "Output",
    Parargs: "Arguments",
    ResultWriter: "ResultWriter",
    SecondsJSONata: "Seconds",
    Timeout: "TimeoutSeconds",
    Timestamp: "Timestamp",
    ToleratedFailureCountDecl: "ToleratedFailureCount",
    ToleratedFailurePercentageDecl: "ToleratedFailurePercentage",
}
_NUMBERED = {ChoicesDecl: "Choices", CatchDecl: "Catch"}
_KEYED = (JSONataTemplateBinding, AssignTemplateBinding)
_ARRAYS = (JSONataTemplateValueArray, AssignTemplateValueArray)


def _name_fields(component: Any, path: str) -> None:
    """Give every JSONata expression below a component the path of its field within its state."""
    if isinstance(component, StringJSONata):
        component.field = path  # type: ignore[attr-defined]
        return
    if isinstance(component, CommonStateField):
        path = ""
    for kind, field in _FIELDS.items():
        if isinstance(component, kind):
            path = f"{path}/{field}" if path else field
    if isinstance(component, _KEYED):
        path = f"{path}/{component.identifier}"
    for value in list(vars(component).values()):
        if isinstance(value, Component):
            _name_fields(value, path)
        elif isinstance(value, dict):
            for item in value.values():
                if isinstance(item, Component):
                    _name_fields(item, path)
        elif isinstance(value, list):
            number = next((name for kind, name in _NUMBERED.items() if isinstance(component, kind)), None)
            for index, item in enumerate(value):
                if isinstance(item, Component):
                    inside = f"{number}[{index}]" if number else path
                    _name_fields(item, f"{inside}[{index}]" if isinstance(component, _ARRAYS) else inside)


@functools.lru_cache(maxsize=512)
def program(definition: str) -> Program:
    """The parsed form of a definition; it holds no state, so that all executions of one text share it."""
    parsed: Any = AmazonStateLanguageParser.parse(definition)[0]
    _name_fields(parsed, "")
    return parsed  # type: ignore[no-any-return]


def _text(parser_rule_context: Any) -> str | None:
    text: str = parser_rule_context.getText()
    if antlr4utils.is_terminal(parser_rule_context, ASLLexer.NULL) or text == "null":
        return None
    if text.startswith('"') and text.endswith('"'):
        decoded: str = json.loads(text)
        return decoded
    return text


_WHOLE_PERCENTAGE = re.compile(r'("ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])')
_STRING_OR_EXPONENT = re.compile(r'"(?:[^"\\]|\\.)*"|(\d[eE][+-]?)0+(?=\d)')


def _put_back(component: Any, apart: dict[str, dict[str, Any]]) -> None:
    """Give every Map below a component the fields that were set apart from its definition."""
    if isinstance(component, StateMap) and component.name in apart:
        component.apart = apart[component.name]  # type: ignore[attr-defined]
        if component.item_reader:
            component.item_reader.apart = apart[component.name]["ReaderConfig"]  # type: ignore[attr-defined]
    for value in list(vars(component).values()):
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
            if isinstance(part, Component):
                _put_back(part, apart)


def _mend_grammar() -> None:
    parse = AmazonStateLanguageParser.parse

    def parse_as_aws(definition: str) -> Any:
        known, apart = set_apart(definition)
        known = _STRING_OR_EXPONENT.sub(lambda found: found[1] or found[0], known)
        parsed = parse(_WHOLE_PERCENTAGE.sub(r"\1.0", known))
        if apart:
            _put_back(parsed[0], apart)
        return parsed

    replace(AmazonStateLanguageParser, "parse", staticmethod(parse_as_aws))


def _field_of_assignment(self: Any) -> str:
    return f"{self.identifier}.$"


def _own_scopes(self: Any) -> None:
    self._query_language_per_scope = []


def _without_default_timeout(self: Any, state_props: Any, original: Any = ExecutionState.from_state_props) -> None:
    original(self, state_props)
    if self.timeout.is_default_value():
        self.timeout = TimeoutSeconds(TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS)


def mend() -> None:
    # AWS takes whole percentages, batches, JSON Lines, more formats and 1e-07; moto's grammar none of these.
    _mend_grammar()
    # moto's parsers share one list of query languages: two at once, or one that failed, spoil the next.
    replace(preprocessor.Preprocessor, "__init__", _own_scopes)
    # It says of tolerated failures that they have no effect; here they have.
    preprocessor.LOG.setLevel(logging.ERROR)
    # AWS gives a task with a heartbeat no time-out of its own; moto 60 seconds.
    replace(ExecutionState, "from_state_props", _without_default_timeout)
    # AWS reads a definition as JSON; moto keeps the escapes of its strings.
    replace(preprocessor.Preprocessor, "_inner_string_of", staticmethod(_text))
    replace(preprocessor, "from_string_literal", _text)
    # AWS names the field whose path leads nowhere; moto its own class, in Assign and ItemSelector.
    replace(AssignTemplateBindingStringExpressionSimple, "_field_name", _field_of_assignment)
    # moto parses the definition again at each execution's start, which takes longer than most executions.
    replace(
        ExecutionWorker,
        "_get_evaluation_entrypoint",
        lambda self: program(self._evaluation_details.state_machine_details.definition),
    )
