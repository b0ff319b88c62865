"""Rules of a Choice, as people read them."""

import pytest

from helpers.definition.spoken_rules import condition

PRESENT = {"Variable": "$.n", "IsPresent": True}


def nested(word, depth):
    rule = PRESENT
    for _ in range(depth):
        rule = {word: rule if word == "Not" else [rule]}
    return rule


@pytest.mark.parametrize("word", ["And", "Or", "Not"])
def test_a_rule_is_told_forty_deep_and_no_deeper(word):
    assert "$.n is present" in condition(nested(word, 40))
    assert "$.n" not in condition(nested(word, 41))
    assert "..." in condition(nested(word, 41))
