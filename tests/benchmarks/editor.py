"""A character typed into the editor, in a real browser: how long until it is on the screen."""

import json
import statistics

from tests.benchmarks.workbench import running
from tests.browser.conftest import CHROMIUM

STATES, CHARACTERS = 40, 200
BOUND = 50.0  # ms
# The character is in the text and, where there is one, in the layer behind it; then the first frame after that.
TYPED = """async ([selector, number]) => {
    const area = document.querySelector(selector), root = area.parentElement;
    const at = area.value.indexOf('"Comment": "') + 12;
    area.focus({preventScroll: true});
    area.setSelectionRange(at, at);
    await new Promise(requestAnimationFrame);
    const began = performance.now(), typed = String(number);
    document.execCommand('insertText', false, typed);
    const layer = root.querySelector('.layer');
    if (!area.value.includes(`"Comment": "${typed}`)) throw new Error('not typed');
    if (layer && !layer.textContent.includes(`"Comment": "${typed}`)) throw new Error('not shown');
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""
BARE = """() => {
    const made = document.createElement('div');
    made.innerHTML = '<textarea id="bare" rows="20" cols="80"></textarea>';
    document.querySelector('.sfn-editor').before(made);
    made.firstChild.value = document.querySelector('.sfn-editor textarea').value;
}"""


def machine() -> str:
    """A machine of many tasks, one after the other."""
    task = {
        "Comment": "",
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${Function}", "Payload.$": "$"},
        "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 6}],
    }
    states: dict[str, object] = {f"Step{n}": {**task, "Next": f"Step{n + 1}"} for n in range(STATES - 1)}
    return json.dumps({"StartAt": "Step0", "States": {**states, f"Step{STATES - 1}": {"Type": "Succeed"}}})


def measure() -> list[dict[str, object]]:
    """The 95th percentile of a typed character (ms), against a bare text field in the same page."""
    if CHROMIUM is None:
        print("Chromium is not installed: the editor is not measured.")
        return []
    cells = ["import json\nfrom helpers.editor import edit\nedit(json.load(open('machine.json')))"]
    with running(cells, ".sfn-editor [data-state='Step0']", {"machine.json": machine()}) as page:
        page.evaluate(BARE)
        slow, least = (
            statistics.quantiles([page.evaluate(TYPED, [where, n % 10]) for n in range(CHARACTERS)], n=20)[-1]
            for where in (".sfn-editor textarea", "#bare")
        )
    return [
        {
            "figure": f"a character typed into the editor on screen, {STATES} states, ms, 95th percentile (baseline: a "
            "bare text field)",
            "measured": slow,
            "baseline": least,
            "ratio": slow / least,
            "bound": f"<= {BOUND:g} ms",
        }
    ]


if __name__ == "__main__":
    for figure in measure():
        print(figure)
