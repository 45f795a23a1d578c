"""Prompts from templates: Jinja in its sandbox, where a variable that does not exist or is absent is an error, never an empty text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gradus.errors import UserError
from gradus.extract.scenarios.schema import Scalar, Scenarios, Value, Variable, nearest

TEMPLATES = ("assistant", "system", "prompt")
_OWN = ("value", "label")


class _Absent(StrictUndefined):
    """An absent variable: `{% if hobby %}` may ask for it, saying it is an error."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


class _Shown:
    """A value as a template sees it: its label as text, `.value`, and its attributes."""

    __slots__ = ("_parts",)

    def __init__(self, value: Value) -> None:
        label = value.label if value.label is not None else str(value.value)
        self._parts: dict[str, Scalar] = {"value": value.value, "label": label, **value.attributes}

    def __str__(self) -> str:
        return str(self._parts["label"])

    def __getitem__(self, name: str) -> Scalar:
        return self._parts[name]

    def __eq__(self, other: object) -> bool:
        return self._parts["value"] == other

    def __hash__(self) -> int:
        return hash(self._parts["value"])


# Plain text comes out, no HTML, so nothing is escaped.
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=_Absent, trim_blocks=True, lstrip_blocks=True, autoescape=False)
_ENVIRONMENT.globals.clear()


class Prompts:
    """The templates of a scenario file, checked.

    Raises:
        UserError: for a broken template, an unknown variable or attribute, a variable that nothing uses, and an
            optional one that is said without asking whether it is there.
    """

    def __init__(self, scenarios: Scenarios, places: Mapping[str, str]) -> None:
        self._places = places
        self._texts = {name: getattr(scenarios, name) for name in TEMPLATES}
        self._templates: dict[str, Template] = {}
        used = _used_elsewhere(scenarios)
        for name in TEMPLATES:
            used |= self._check(name, scenarios.variables)
        if unused := [name for name in scenarios.variables if name not in used]:
            cure = f"Write {{{{ {unused[0]} }}}} into the prompt, or take the variable out"
            raise UserError(f"no template, constraint or group uses variable '{unused[0]}'", where=places[f"variables.{unused[0]}"], cure=cure)
        self._try_out(scenarios.variables)

    def render(self, name: str, values: Mapping[str, Value]) -> str:
        """The text of a template for the values of one scenario; absent variables are left out of `values`."""
        try:
            return self._templates[name].render({variable: _Shown(value) for variable, value in values.items()}).strip()
        except Exception as error:  # an expression may run into anything when it is evaluated
            optional = "Ask first for an optional variable: {% if name %} … {% endif %}"
            cure = optional if isinstance(error, UndefinedError) else "Mend or take out that expression"
            raise UserError(f"the template cannot be filled in ({error})", where=self._places[name], cure=cure) from error

    def _check(self, name: str, variables: Mapping[str, Variable]) -> set[str]:
        """Parse one template; returns the variables that it uses."""
        try:
            tree = _ENVIRONMENT.parse(self._texts[name])
            self._templates[name] = _ENVIRONMENT.from_string(tree)
        except TemplateSyntaxError as error:
            cure = "Variables are written {{ name }}, conditions {% if name %} … {% endif %}"
            raise UserError(f"broken template ({error.message})", where=self._line(name, error.lineno), cure=cure) from error
        used = find_undeclared_variables(tree)
        for found in tree.find_all(nodes.Name):
            if found.name in used - variables.keys():
                raise UserError(f"unknown variable '{found.name}'", where=self._line(name, found.lineno), cure=nearest(found.name, variables))
        for access in tree.find_all(nodes.Getattr):
            if isinstance(access.node, nodes.Name) and access.node.name in variables:
                self._check_attribute(access.node.name, access.attr, variables[access.node.name], self._line(name, access.lineno))
        return used

    def _check_attribute(self, name: str, attribute: str, variable: Variable, where: str) -> None:
        for value in variable.values or [Value(value=0)]:
            if attribute not in (*_OWN, *value.attributes):
                known = [*_OWN, *value.attributes]
                what = f"value '{value.value}' of '{name}'" if variable.values else f"'{name}'"
                raise UserError(f"{what} has no attribute '{attribute}'", where=where, cure=nearest(attribute, known))

    def _line(self, name: str, line: int) -> str:
        """File and line of a line of a template; one of several lines begins below its key (`prompt: |`)."""
        file, _, key_line = self._places[name].rpartition(":")
        return f"{file}:{int(key_line) + (line if chr(10) in self._texts[name] else 0)}"

    def _try_out(self, variables: Mapping[str, Variable]) -> None:
        """Fill every template in with the first value of every variable, and with nothing optional."""
        first = {name: next(_values(variable)) for name, variable in variables.items()}
        sure = {name: value for name, value in first.items() if variables[name].probability == 1}
        for template in TEMPLATES:
            self.render(template, sure)
            self.render(template, first)


def _values(variable: Variable) -> Iterator[Value]:
    yield from variable.values or [Value(value=number) for number in (variable.range.numbers() if variable.range else ())]


def _used_elsewhere(scenarios: Scenarios) -> set[str]:
    """The variables that constraints, groups and the number of turns use."""
    parts = (conditions for constraint in scenarios.constraints for conditions in constraint.parts().values())
    turns = {scenarios.turns} if isinstance(scenarios.turns, str) else set()
    return {name for conditions in parts for name in conditions} | set(scenarios.group_by) | turns
