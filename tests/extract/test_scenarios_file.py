"""The scenario file: short and long forms, templates, and every mistake told in one line with its place and its cure."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from gradus.errors import UserError
from gradus.extract.scenarios.plan import Plan, open_plan

GOOD = """\
name: tea
mode: dialogue
turns: 1
group_by: [leaf]
sampling: {bins: 3, candidates: 4, follow_weights: 0}
assistant: ""
system: You write about {{ leaf }} tea.
prompt: |
  Ask about it at {{ degrees }} degrees,
  {% if cup %}
  from a {{ cup.made_of }} {{ cup }}
  {% endif %}
  please.
variables:
  leaf:
    - green
    - {value: black, label: very black, weight: 2}
  degrees: {range: {min: 60, max: 95, step: 5}}
  cup:
    probability: 0.5
    values:
      - {value: mug, attributes: {made_of: clay}}
      - {value: glass, label: tall glass, attributes: {made_of: thin}}
constraints:
  - {when: {leaf: green}, then: {degrees: {max: 80}}}
"""


def plan_of(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "tea.yaml"
    file.write_text(text, encoding="utf-8")
    return open_plan(file, 1)


def test_values_labels_attributes_and_absence_reach_the_prompt(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, GOOD)
    seen = set()
    for scenario in islice(plan.sampler, 60):
        leaf, degrees, cup = scenario.values["leaf"], scenario.values["degrees"], scenario.values.get("cup")
        assert plan.prompts.render("system", scenario.values) == f"You write about {'very black' if leaf.value == 'black' else 'green'} tea."
        middle = {None: "", "mug": "from a clay mug\n", "glass": "from a thin tall glass\n"}[str(cup.value) if cup else None]
        assert plan.prompts.render("prompt", scenario.values) == f"Ask about it at {degrees.value} degrees,\n{middle}please."
        seen.add((leaf.value, cup.value if cup else None))
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{ degrees }}", "{{ degree }}", "tea.yaml:9: unknown variable 'degree'. Did you mean 'degrees'?"),
        ("{{ cup.made_of }}", "{{ cup.made }}", "tea.yaml:11: value 'mug' of 'cup' has no attribute 'made'. Did you mean 'made_of'?"),
        ("  {% if cup %}\n", "", "tea.yaml:11: broken template"),
        ("at {{ degrees }} degrees", "in a {{ cup }} at {{ degrees }}", "tea.yaml:8: the template cannot be filled in ('cup' is undefined)"),
        ("  degrees: {", "  spare: [a, b]\n  degrees: {", "tea.yaml:18: no template, constraint or group uses variable 'spare'"),
        ("{{ degrees }}", "{{ degrees.value.__class__ }}", "tea.yaml:8: the template cannot be filled in"),
        ("{{ degrees }}", "{{ leaf.label|dictsort }}", "tea.yaml:8: the template cannot be filled in"),
        ("group_by: [leaf]", "group_by: [leave]", "tea.yaml:4: group_by names an unknown variable 'leave'. Did you mean 'leaf'?"),
        ("when: {leaf: green}", "when: {leav: green}", "tea.yaml:25: constraint about an unknown variable 'leav'. Did you mean 'leaf'?"),
        ("when: {leaf: green}", "when: {leaf: grean}", "tea.yaml:25: 'leaf' has no value 'grean'. Did you mean 'green'?"),
        ("{max: 80}", "{max: 50}", "tea.yaml:16: 'leaf' can never be green: the constraints exclude it"),
        ("then: {degrees: {max: 80}}", "then: {leaf: {min: 3}}", "tea.yaml:25: min and max need numbers, and 'leaf' has texts"),
        ("then: {degrees: {max: 80}}", "then: {degrees: {present: true}}", "tea.yaml:25: 'degrees' is always present"),
        ("then: {degrees: {max: 80}}", "then: {degrees: {maxx: 80}}", "tea.yaml:25: unknown key 'constraints.0.then.degrees.maxx'"),
        (", then: {degrees: {max: 80}}}", "}", "tea.yaml:25: key 'constraints.0': needs either when and then"),
        ("- {when: {leaf: green}, then", "- {exclude: {leaf: [green, black]}}\n  - {when: {leaf: green}, then", "no scenario obeys all constraints"),
        ("- green", "- black", "the value 'black' stands twice"),
        ("- green", "- yes", "key 'variables.leaf"),
        ("weight: 2", "weight: 0", "should be greater than 0"),
        ("weight: 2", "wait: 2", "tea.yaml:17: unknown key 'variables.leaf.values.1.wait'. Did you mean 'weight'?"),
        ("step: 5", "step: 4", "tea.yaml:18: key 'variables.degrees.range': max must be min plus a whole number of steps"),
        ("max: 95", "max: .inf", "tea.yaml:18: key 'variables.degrees.range.max"),
        ("max: 95", f"max: {10**400}", "tea.yaml:18: key 'variables.degrees.range.max"),
        ("step: 5", "step: 5.0e-324", "tea.yaml:18: key 'variables.degrees.range': a range may hold 100,000 numbers"),
        ("step: 5", "step: 1.0e+9", "tea.yaml:18: key 'variables.degrees.range': max must be min plus a whole number of steps"),
        ("weight: 2", "weight: .inf", "tea.yaml:17: key 'variables.leaf.values.1.weight'"),
        ("step: 5", "step: 5, bins: 2, weights: [1]", "weights needs bins, and one weight for each bin"),
        ("turns: 1", "turns: rounds", "tea.yaml:3: turns names an unknown variable 'rounds'"),
        ("turns: 1", "turns: leaf", "tea.yaml:3: turns needs whole numbers from 1 to 20"),
        ("mode: dialogue\nturns: 1", "mode: answer\nturns: 2", "tea.yaml:3: mode answer has one turn"),
        ("mode: dialogue", "mode: dialog", "tea.yaml:2: key 'mode'"),
        ("name: tea\n", "", "key 'name' is missing"),
        ("name: tea", "name: [", "broken YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(caught.value).replace(str(tmp_path), "")
    assert "\n" not in str(caught.value)


def test_a_template_cannot_reach_python(tmp_path: Path) -> None:
    for attack in (
        "{{ ''.__class__.__mro__ }}",
        "{{ leaf.__class__ }}",
        "{{ leaf.__init__.__globals__ }}",
        "{% include '/etc/hostname' %}",
        "{{ cycler }}",
    ):
        with pytest.raises(UserError):
            plan_of(tmp_path, GOOD.replace("from a", attack + " from a"))


def test_a_mistake_in_what_an_anchor_brought_in_has_a_place_too(tmp_path: Path) -> None:
    shared = GOOD.replace("turns: 1\n", "").replace("name: tea\n", "name: tea\n<<: {turns: 1}\n")
    assert plan_of(tmp_path, shared).scenarios.turns == 1
    with pytest.raises(UserError, match=r"tea.yaml:1: turns names an unknown variable 'rounds'"):
        plan_of(tmp_path, shared.replace("turns: 1", "turns: rounds"))
    ranged = (
        GOOD.replace("  degrees:", "  <<: {leaf: [white, black]}\n  degrees:")
        .replace("  leaf:\n    - green\n", "")
        .replace("{leaf: green}", "{leaf: white}")
    )
    never = ranged.replace("    - {value: black, label: very black, weight: 2}\n", "").replace("{max: 80}", "{max: 50}")
    with pytest.raises(UserError, match=r"tea.yaml:14: 'leaf' can never be white"):
        plan_of(tmp_path, never)
