"""Which variables a state reads."""

from helpers.definition import variables


def test_a_state_reads_what_stands_in_its_fields_and_not_what_its_inner_states_read():
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": "{% $inner %}", "End": True}}}
    each = {"Type": "Map", "Items": "{% $outer %}", "Comment": "{% $said %}", "ItemProcessor": inner, "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": each}}
    assert variables.read(definition) == {"M": ["outer"], "I": ["inner"]}
