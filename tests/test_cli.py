"""What every script does around its room: exit codes, one line instead of a trace, and a light start."""

from __future__ import annotations

import argparse
import ast
import json
import logging
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gradus import cli
from gradus.config import Config
from gradus.config.load import PROJECT
from gradus.errors import GradusError, UserError
from gradus.pipeline import STEPS
from gradus.promote.flags import add_commands

from .terminal import in_terminal

SCRIPTS = PROJECT / "scripts"
NUMBERED = sorted(path.name for path in SCRIPTS.glob("[0-9][0-9]_*.py"))
BESIDE = ["run_all.py", "serve.py", "chat.py", "doctor.py", "manual.py"]
HEAVY = {
    "mlx.core",
    "mlx_lm",
    "numpy",
    "matplotlib",
    "transformers",
    "tokenizers",
    "huggingface_hub",
    "datasketch",
    "detect_secrets",
    "ftfy",
    "jinja2",
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, env=environment, check=False)


def guarded(tmp_path: Path, body: str, *flags: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script of the usual form whose work is `body`."""
    code = (
        f"import sys\nfrom gradus import cli\n{before}\n"
        f"def action(config):\n    {body}\n"
        f"sys.exit(cli.guard(cli.parser('test').parse_args(sys.argv[1:]), action))\n"
    )
    return python("-c", code, "--set", f"paths.workspace={tmp_path}", *flags)


def test_there_are_twelve_numbered_scripts() -> None:
    assert [int(name[:2]) for name in NUMBERED] == list(range(1, 13))


@pytest.mark.parametrize("script", [*NUMBERED, *BESIDE])
def test_help_is_light_and_fits_one_screen(script: str) -> None:
    """24 lines of 80 columns; the purpose first, a command last."""
    code = f"""
import runpy, sys
sys.argv = [{script!r}, "--help"]
try:
    runpy.run_path({str(SCRIPTS / script)!r}, run_name="__main__")
except SystemExit as end:
    heavy = {HEAVY!r} & set(sys.modules)
    print("HEAVY", sorted(heavy), end.code)
"""
    done = python("-c", code)
    *lines, last = done.stdout.splitlines()
    assert (last, done.stderr) == ("HEAVY [] 0", "")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"usage: python scripts/{script} [options]"
    assert lines[2].startswith(ast.get_docstring(ast.parse((SCRIPTS / script).read_text(encoding="utf-8"))).splitlines()[0])  # type: ignore[union-attr]
    assert f"python scripts/{script}" in " ".join(lines[-2:])
    if script not in ("doctor.py", "manual.py"):
        assert [flag for flag in ("--config", "--set", "--run", "--force", "--dry-run", "--log-level") if flag not in done.stdout] == []


def test_help_of_a_command_of_the_registry_is_a_screen_too() -> None:
    parser = cli.parser("Purpose.")
    add_commands(parser)
    commands = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices
    assert sorted(commands) == ["diff", "list", "promote", "register", "rollback", "show"]
    for name, command in commands.items():
        lines = command.format_help().splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 80
        assert lines[2].endswith(".") and lines[-1].startswith(f"  python scripts/09_promote.py {name}")


def test_next_command_carries_the_flags() -> None:
    args = cli.parser("t").parse_args(["--config", "mine.yaml", "--set", "collect.folders=[a, b]", "--run", "x"])
    assert cli.command(args, "02_extract") == "python scripts/02_extract.py --config mine.yaml --set 'collect.folders=[a, b]' --run x"
    assert cli.command(args, "07_evaluate", "a.b=1", run="y").endswith("--set a.b=1 --run y")
    assert cli.command(cli.parser("t").parse_args([]), "chat") == "python scripts/chat.py"


def test_missing_package_is_one_line_with_the_cure(tmp_path: Path) -> None:
    done = guarded(tmp_path, "import no_such_package")
    assert done.returncode == 2
    told = r"ERROR the package 'no_such_package' is not installed in \S*python\S*\. "
    cure = r"Run source \.venv/bin/activate, which make run sets up, or python -m pip install -r requirements\.txt\.\n"
    assert re.fullmatch(told + cure, done.stderr)


SHOWN = """
import os, sys
from gradus import cli
os.chdir(sys.argv[1])
rows = {"grade": "B", "why": "one two three four five " * 8, "page": sys.argv[1] + "/reports/x.html"}
rows["next"] = "python scripts/02_extract.py " + "x" * 80
cli.show_table("01_collect", "done in 2.0 s", rows)
"""


@pytest.mark.parametrize(("settings", "codes"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), (None, False)])
def test_summary_wraps_on_a_terminal_and_is_plain_elsewhere(settings: dict[str, str] | None, codes: bool, tmp_path: Path) -> None:
    program = (SHOWN, str(tmp_path))
    text = python("-c", *program).stdout if settings is None else in_terminal(*program, COLUMNS="60", **settings)
    assert ("\x1b[" in text) == codes
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert lines[0] == "01_collect  done in 2.0 s"
    assert "  page   reports/x.html" in lines
    assert lines[-1] == "  next   python scripts/02_extract.py " + "x" * 80, "a command stays in one piece"
    assert (len(lines) > 5) == codes
    assert all(len(line) <= 60 for line in lines[:-1]) == codes


def test_no_color_is_honoured(tmp_path: Path) -> None:
    text = in_terminal(SHOWN, str(tmp_path), TERM="xterm-256color", NO_COLOR="1")
    assert re.findall(r"\x1b\[(?:3[0-7]|9[0-7]|38;)", text) == []


def test_a_run_with_nothing_to_do_is_light(tmp_path: Path) -> None:
    """What it must import, and what each step asks of the world outside; each heavy package would cost up to seconds."""
    code = f"""
import sys, gradus.road
from gradus.config import load_config
from gradus.pipeline import STEPS
config = load_config(settings=["paths.workspace={tmp_path}"])
asked = [step.outside(config) for step in STEPS.values() if step.outside]
print(len(asked), sorted({HEAVY!r} & set(sys.modules)))
"""
    done = python("-c", code)
    assert (done.stdout, done.stderr) == (f"{sum(step.outside is not None for step in STEPS.values())} []\n", "")


def test_users_mistake_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """Of every script; they are started one after the other in one process, which is faster."""
    scripts = [*NUMBERED, "run_all.py", "serve.py", "chat.py"]
    code = f"""
import runpy, sys
for script in {scripts!r}:
    sys.argv = [script, "--set", "paths.workspace={tmp_path / "w"}", "--set", "train.iteratons=3"]
    try:
        runpy.run_path(f"{SCRIPTS}/{{script}}", run_name="__main__")
    except SystemExit as end:
        print(script, end.code)
"""
    done = python("-c", code)
    assert done.stdout.splitlines() == [f"{script} 2" for script in scripts]
    assert done.stderr == "ERROR --set train.iteratons=3: unknown key 'train.iteratons'. Did you mean 'train.iterations'?\n" * len(scripts)
    assert not (tmp_path / "w").exists()


def test_missing_input_is_exit_code_2(tmp_path: Path) -> None:
    done = python(str(SCRIPTS / "03_curate.py"), "--set", f"paths.workspace={tmp_path}")
    assert done.returncode == 2
    assert "Run python scripts/02_extract.py first" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_log_level_below_error_hides_it(tmp_path: Path) -> None:
    done = guarded(tmp_path, "from gradus.errors import UserError; raise UserError('x')", "--log-level", "error")
    assert (done.returncode, done.stderr) == (2, "ERROR x.\n")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("return 0", 0, ""),
        ("from gradus.errors import GradusError; raise GradusError('broken', where='f', cure='Mend it')", 1, "ERROR f: broken. Mend it.\n"),
        ("raise KeyboardInterrupt", 130, "ERROR Interrupted. The last finished outputs are whole; the same command goes on.\n"),
        pytest.param(
            "open('/dev/full', 'wb', 0).write(b'x' * 100000)", 2, "the disk is full. Free some space and run the same command again",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full"),
        ),
        ("open('/dev/null/x', 'w')", 2, "/dev/null/x: a file stands where a folder is needed. Move it away, or set another paths.workspace.\n"),
        ("open('/', 'w')", 1, "IsADirectoryError"),
        ("raise PermissionError(13, 'Permission denied', '/root/x')", 2, "ERROR /root/x: no permission. Check the owner"),
        ("raise OSError(27, 'File too large', 'x')", 2, "ERROR x: the file would be larger than its limit or its file system allows."),
        ("from pathlib import Path; Path('~nobody-has-this-name/x').expanduser()", 2, "begins with ~ and the name of nobody here"),
    ],
    ids=["success", "failure", "interrupt", "full disk", "file in the way", "other", "permission", "large file", "home of nobody"],
)  # fmt: skip
def test_exit_codes(body: str, code: int, message: str, tmp_path: Path) -> None:
    done = guarded(tmp_path, body)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert message in done.stderr if message else done.stderr == ""


def test_a_workspace_that_is_a_file_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = guarded(tmp_path / "file", "return 0")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert re.fullmatch(r"ERROR \S+/file\S*: a file stands where a folder is needed\. .*\n", done.stderr)


def test_defect_is_one_line_and_its_trace_is_in_the_log(tmp_path: Path) -> None:
    done = guarded(tmp_path, "return [][0]")
    log = tmp_path / "reports" / "default" / "log.jsonl"
    assert done.returncode == 1
    assert done.stderr == (f"ERROR IndexError: list index out of range. This is a defect of Gradus, please report it; the trace is in {log}.\n")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["level"] for row in rows] == ["ERROR", "DEBUG"]
    assert "IndexError" in rows[1]["traceback"]


def test_dry_run_shows_a_trace_since_it_writes_no_log(tmp_path: Path) -> None:
    done = guarded(tmp_path / "w", "return [][0]", "--dry-run")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_with_130(number: signal.Signals, tmp_path: Path) -> None:
    done = guarded(tmp_path, f"import os, time; os.kill(os.getpid(), {int(number)}); time.sleep(30)")
    assert (done.returncode, done.stderr.count("Interrupted")) == (130, 1)


@pytest.mark.parametrize("script", ["serve.py", "06_train_mlx.py", "09_promote.py"])
def test_ctrl_c_while_a_script_still_loads_ends_it_with_130_and_no_trace(script: str) -> None:
    code = f"""
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "gradus.config":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = [{str(SCRIPTS / script)!r}, "--dry-run"]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    done = python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_nohup_is_honoured(tmp_path: Path) -> None:
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert guarded(tmp_path, "import os; os.kill(os.getpid(), 1); return 0", before=before).returncode == 0


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f'{sys.executable} -c "$CODE" --set paths.workspace={tmp_path} | head -c 1'
    body = "[cli.write_line('x' * 1000) for _ in range(1000)]; return 0"
    code = (
        f"import sys\nfrom gradus import cli\ndef action(config):\n    {body}\nsys.exit(cli.guard(cli.parser('t').parse_args(sys.argv[1:]), action))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "CODE": code}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("x", "")


def test_the_doctors_reader_may_go_away_too(tmp_path: Path) -> None:
    command = f"{sys.executable} {SCRIPTS / 'doctor.py'} --set paths.workspace={tmp_path} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    try:
        return subprocess.run([*MOUNT, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux" or not can_mount(), reason="needs the right to mount a small disk")
def test_full_disk_under_a_step_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A disk of 1 MB: the step's old output stays, what it half wrote goes, and the full log is no second error."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom pathlib import Path\nfrom gradus import cli\nfrom gradus.files import write_jsonl\nfrom gradus.step import Step, run_step\n"
        "def action(config):\n"
        "    def work(context):\n"
        "        rows = 10 if config.run.seed == 1 else 100_000\n"
        "        write_jsonl(context.out / 'a.jsonl', ({'row': i, 'text': 'x' * 100} for i in range(rows)))\n"
        "        return {}\n"
        "    run_step(Step('01_first', 'first', 1, 'data/01_first', work, config_keys=('run.seed',)), config, {})\n"
        "    return 0\n"
        "sys.exit(cli.guard(cli.parser('t').parse_args(sys.argv[1:]), action))\n"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    run = f"{sys.executable} {program} --set paths.workspace={disk} --set run.seed"
    shell = f"mount -t tmpfs -o size=1m tmpfs {disk} && {run}=1; echo first $?; {run}=2; echo second $?; {run}=1; echo third $?; find {disk} -type f"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([*MOUNT, "sh", "-c", shell], capture_output=True, text=True, timeout=120, env=environment, check=False)
    lines = done.stdout.splitlines()
    assert lines[:3] == ["first 0", "second 2", "third 0"], done.stderr
    assert "a.jsonl: the disk is full. Free some space" in done.stderr
    assert "Traceback" not in done.stderr
    data = {line.removeprefix(f"{disk}/data/") for line in lines[3:] if "/data/" in line}
    assert data == {"01_first/a.jsonl", "01_first/01_first.done.json", ".work/01_first.lock", ".work/01_first.fingerprint"}


@pytest.mark.skipif(sys.platform != "linux" or not can_mount(), reason="needs the right to mount a small disk")
def test_full_disk_under_weights_is_known_too(tmp_path: Path) -> None:
    """MLX writes files itself and tells nothing but that it could not."""
    program = (
        "import sys\nfrom gradus import cli\n"
        "def action(config):\n"
        "    from gradus.backend import mx\n"
        "    mx.save_safetensors(sys.argv[1].partition('=')[2] + '/x.safetensors', {'a': mx.zeros((1000, 1000))})\n"
        "sys.exit(cli.guard(cli.parser('t').parse_args(sys.argv[2:]), action))\n"
    )
    shell = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && {sys.executable} - disk={tmp_path} --set paths.workspace={tmp_path}"
    done = subprocess.run(
        [*MOUNT, "sh", "-c", shell], input=program, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"ERROR {tmp_path / 'reports' / 'default'}: the disk is full. Free some space" in done.stderr


def test_errors_are_sentences() -> None:
    assert str(UserError("bad", where="f:1", cure="Mend it")) == "f:1: bad. Mend it."
    assert str(UserError("bad", cure="Did you mean 'x'?")) == "bad. Did you mean 'x'?"
    assert str(GradusError("bad")) == "bad."
    assert (UserError.exit_code, GradusError.exit_code) == (2, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (12345.678, "12,346"),
        (-1500.5, "-1,500"),
        (1e-5, "1e-05"),
        (True, "True"),
        ("x", "x"),
        (0, "0"),
        (2.0, "2"),
    ],
)
def test_numbers_are_shown_short(value: object, text: str) -> None:
    assert cli.format_value(value) == text


@pytest.mark.parametrize("name", ["7", "2025-01-31", "yes", "1e5"])
def test_the_name_of_a_run_is_text_whatever_yaml_makes_of_it(name: str) -> None:
    assert cli.config_of(cli.parser("t").parse_args(["--run", name])).run.name == name


@pytest.mark.parametrize("name", ["", "../x", "/etc/x", "a b", "ä", 'x"'])
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"^--set run\.name=.*: key 'run\.name': is no valid name, got "):
        cli.config_of(cli.parser("t").parse_args(["--run", name]))


def test_guard_takes_its_handlers_off_again(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def action(config: Config) -> int:
        logging.getLogger("gradus.test").info("hello %s", config.run.name)
        return 3

    args = cli.parser("t").parse_args(["--set", f"paths.workspace={tmp_path}", "--run", "mine"])
    assert cli.guard(args, action) == 3
    assert signal.getsignal(signal.SIGTERM) is before
    assert logging.getLogger("gradus").handlers == []
    row = json.loads((tmp_path / "reports" / "mine" / "log.jsonl").read_text())
    assert (row["level"], row["logger"], row["message"]) == ("INFO", "gradus.test", "hello mine")
    assert row["time"].endswith("+00:00")
