"""The rules of the house, checked on every file: how rooms are built, and what no file may hold."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gradus.config.load import PROJECT

from .source import LIBRARY, SCRIPTS, nodes, parsed

BESIDE = [SCRIPTS / name for name in ("chat.py", "doctor.py", "manual.py", "run_all.py", "serve.py")]
NUMBERED = sorted([*SCRIPTS.glob("[0-9][0-9]_*.py"), *BESIDE])
CODE = [*LIBRARY, *NUMBERED, *sorted((PROJECT / "tests").rglob("*.py")), *sorted((PROJECT / "benchmarks").rglob("*.py"))]
ROOMS = {"collect", "extract", "curate", "augment", "prepare", "train", "evaluate", "report", "promote", "fuse", "quantize", "export"}
ROOMS |= {"serve", "doctor"}  # beside the twelve
MAX_FILE, MAX_FUNCTION = 400, 60
SHORTEST_SCRIPT, LONGEST_SCRIPT = 15, 40
FORBIDDEN_CALLS = {"print", "eval", "exec", "compile", "__import__", "yaml.unsafe_load", "yaml.full_load", "os.system"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill"}


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(PROJECT).as_posix()}:{getattr(node, 'lineno', 1)}"


def imports_of(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every imported module with its place; `from gradus import cli` also counts as `gradus.cli`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module), node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def test_the_twelve_rooms_and_their_scripts_are_there() -> None:
    assert {path.name for path in (SCRIPTS / "gradus").iterdir() if path.is_dir() and path.name != "__pycache__"} == {*ROOMS, "config", "teacher"}
    assert len(NUMBERED) == 17


def test_the_page_about_the_architecture_names_every_module_of_the_floor() -> None:
    table = (PROJECT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("\nThe floor:\n")[2].partition("\n## ")[0]
    named = {name for row in table.splitlines() if row.startswith("|") for name in re.findall(r"`([\w]+)`", row.split("|")[1])}
    assert named == {path.stem for path in (SCRIPTS / "gradus").glob("*.py")} - {"__init__"} | {"config", "teacher"}


def test_rooms_import_the_floor_never_each_other() -> None:
    wrong = []
    for path in LIBRARY:
        room = path.relative_to(SCRIPTS / "gradus").parts[0]
        for module, node in imports_of(path):
            _, _, rest = module.partition("gradus.")
            other = rest.partition(".")[0]
            if other in ROOMS and other != room and room != "pipeline.py":
                wrong.append(f"{place(path, node)} imports {module}")
    assert wrong == []


def test_imports_are_absolute_and_mlx_comes_through_the_backend() -> None:
    wrong = []
    for path in [*LIBRARY, *NUMBERED]:
        for module, node in imports_of(path):
            if isinstance(node, ast.ImportFrom) and node.level:
                wrong.append(f"{place(path, node)} relative import")
            if module in ("mlx", "mlx.core", "mlx.nn") and path.name != "backend.py":
                wrong.append(f"{place(path, node)} use gradus.backend, which loads the fast BLAS first")
            if module.partition(".")[0] in FORBIDDEN_MODULES:
                wrong.append(f"{place(path, node)} imports {module}")
    assert wrong == []


def module_of(path: Path) -> str:
    parts = path.relative_to(SCRIPTS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in LIBRARY}


@cache
def loads_the_backend(module: str, on_the_way: tuple[str, ...] = ()) -> bool:
    """Whether importing a module imports gradus.backend."""
    if module not in MODULES or module in on_the_way:
        return False
    found = {name for name, node in imports_of(MODULES[module]) if node in parsed(MODULES[module]).body}
    return module == "gradus.backend" or any(loads_the_backend(name, (*on_the_way, module)) for name in found)


def test_before_mlx_lm_comes_the_backend() -> None:
    """For what imports MLX first decides on its BLAS, and mlx_lm imports MLX."""
    wrong = []
    for path in LIBRARY:
        imports = list(imports_of(path))
        lines = [getattr(node, "lineno", 0) for name, node in imports if name.partition(".")[0] == "mlx_lm"]
        if lines and not any(loads_the_backend(name) for name, node in imports if getattr(node, "lineno", 0) < min(lines)):
            wrong.append(f"{path.relative_to(PROJECT)}:{min(lines)}")
    assert wrong == []


def test_no_print_nothing_unsafe_and_no_bare_except() -> None:
    wrong = []
    for path in LIBRARY:
        for node in nodes(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS:
                wrong.append(f"{place(path, node)} calls {ast.unparse(node.func)}")
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                wrong.append(f"{place(path, node)} bare except")
    assert wrong == []


def test_files_and_functions_stay_short() -> None:
    wrong = []
    for path in CODE:
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE:
            wrong.append(f"{place(path, parsed(path))} {lines} lines")
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION:
                wrong.append(f"{place(path, node)} {node.name} is too long")
    assert wrong == []


def test_scripts_only_parse_call_and_show() -> None:
    wrong = []
    for path in NUMBERED:
        text = path.read_text(encoding="utf-8")
        if not SHORTEST_SCRIPT <= len(text.splitlines()) <= LONGEST_SCRIPT:
            wrong.append(f"{path.name}: {len(text.splitlines())} lines")
        if f"python scripts/{path.name}" not in (ast.get_docstring(parsed(path)) or ""):
            wrong.append(f"{path.name}: the docstring does not show the command")
        if not text.endswith('if __name__ == "__main__":\n    sys.exit(main())\n'):
            wrong.append(f"{path.name}: another ending")
    assert wrong == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    wrong = []
    for path in (path for path in CODE if marks.search(path.read_text(encoding="utf-8"))):
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type == tokenize.COMMENT and marks.search(token.string):
                wrong.append(f"{path.relative_to(PROJECT)}:{token.start[0]} {token.string}")
    assert wrong == []


def test_what_others_see_says_what_it_does() -> None:
    wrong = []
    for path in LIBRARY:
        tree = parsed(path)
        if not ast.get_docstring(tree):
            wrong.append(f"{place(path, tree)} the module has no docstring")
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            # A section of a YAML file is told by the comments in that file.
            section = isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Section" for base in node.bases)
            if not section and not ast.get_docstring(node):
                wrong.append(f"{place(path, node)} {node.name} has no docstring")
    assert wrong == []
