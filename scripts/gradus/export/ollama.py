"""An Ollama Modelfile: where the weights are, the chat template in Go's form, stop tokens and parameters."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradus.errors import GradusError, UserError
from gradus.export.chat_form import CURE, Around, ChatForm
from gradus.export.programs import run_program


def modelfile(weights: str, form: ChatForm, *, bos: str, stops: Sequence[str], parameters: Mapping[str, float | int]) -> str:
    """The text of a Modelfile.

    Args:
        weights: path of the GGUF file, relative to the Modelfile.
        bos: the token that llama.cpp itself puts in front of every prompt, '' when it puts none.
        stops: texts of the tokens that end an answer.

    Raises:
        UserError: when a Modelfile cannot hold the template.
    """
    template = go_template(form, bos=bos)
    if '"""' in template or any('"' in stop for stop in stops):
        raise UserError("the chat template holds quotes that a Modelfile cannot hold", where="export.formats", cure=CURE)
    lines = [f"FROM {weights}", f'TEMPLATE """{template}"""', *(f'PARAMETER stop "{stop}"' for stop in stops)]
    return "\n".join([*lines, *(f"PARAMETER {key} {value:.10g}" for key, value in parameters.items())]) + "\n"


def go_template(form: ChatForm, *, bos: str = "") -> str:
    """The chat form as a template of Go over `.Messages`, as Ollama fills it."""
    opening = _literal(form.opening.removeprefix(bos))
    if form.system_in_user:
        # A system message is the first of .Messages, so the first user turn is at 0 or 1.
        inside = "{{ if and $.System (le $i 1) }}{{ $.System }}" + _literal(form.system.after) + "{{ end }}"
        system, user = "", _literal(form.user.before) + inside + "{{ .Content }}" + _literal(form.user.after)
        loop = "{{ range $i, $_ := .Messages }}"
    else:
        opening = "{{ if not .System }}" + opening + "{{ end }}" if opening else ""
        system, user = _turn(Around(form.system.before.removeprefix(bos), form.system.after)), _turn(form.user)
        loop = "{{ range .Messages }}"
    roles = {"system": system, "user": user, "assistant": _turn(form.assistant)}
    turns = "{{ else ".join(f'{"" if i else "{{ "}if eq .Role "{role}" }}}}{text}' for i, (role, text) in enumerate(roles.items()))
    return opening + loop + turns + "{{ end }}{{ end }}" + _literal(form.prompt)


def _turn(around: Around) -> str:
    return _literal(around.before) + "{{ .Content }}" + _literal(around.after)


def _literal(text: str) -> str:
    """A text that Go's templates write as it is; a brace at its end would join those of what follows."""
    return re.sub(r"\{\{|\{\Z", r'{{ "\g<0>" }}', text)


def ollama_program() -> str:
    """The `ollama` program. Raises UserError when it is not installed."""
    found = shutil.which("ollama")
    if found is None:
        cure = "Install it from https://ollama.com, or set export.ollama.create=false and run ollama create yourself later"
        raise UserError("ollama is not installed", where="export.ollama.create", cure=cure)
    return found


def create(program: str, name: str, file: Path) -> None:
    """Run `ollama create NAME -f Modelfile`. Raises GradusError with its last line when it fails."""
    code, said = run_program([program, "create", name, "-f", str(file)])
    if code:
        raise GradusError(f"ollama create failed: {said}", where=str(file), cure="Is Ollama running? Start it with: ollama serve")
