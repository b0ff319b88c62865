"""What a definition is refused for, and in which words; what AWS took is taken."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.definition import load, names
from helpers.definition.fields import OBJECTS, TYPES, Field
from helpers.definition.validation import check, errors, warnings
from helpers.errors import DefinitionInvalid
from tests.definition.machines import INVOKE, SAMPLES, choice, equals, machine, task, wait

RECORDED = pathlib.Path(
    os.environ.get("RECORDED_HISTORIES", pathlib.Path(__file__).parents[3] / "shared/aws-recorded/scenarios.json")
)
# CI tries some; `MUTATIONS=20000` tries that many.
MUTATIONS = int(os.environ.get("MUTATIONS", "400"))
DONE: dict[str, Any] = {"Type": "Succeed"}
PASS: dict[str, Any] = {"Type": "Pass", "End": True}
JSONATA = {"QueryLanguage": "JSONata"}


def one(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return machine("A", {"A": state}, **fields)


def said(definition: object, type: str = "STANDARD") -> list[str]:  # noqa: A002
    return [str(found) for found in errors(definition, type)]


@pytest.mark.skipif(not RECORDED.exists(), reason=f"needs the recorded histories at {RECORDED}")
def test_what_aws_took_is_taken():
    scenarios = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert {one["name"]: said(one["definition"]) for one in scenarios if errors(one["definition"])} == {}


@pytest.mark.parametrize("name", names())
def test_our_definitions_are_taken(name):
    assert said(load(name)) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_sound_machines_are_taken(name):
    assert said(SAMPLES[name]()) == []
