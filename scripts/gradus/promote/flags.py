"""The commands of 09_promote.py, as the parser of the script takes them."""

from __future__ import annotations

import argparse


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands; without one the script runs its step."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog="python scripts/09_promote.py")
    _add(commands, "register", "enter the run's adapter as a candidate, ask no gate")
    _add(commands, "list", "all versions with state and grade")
    _add(commands, "show", "one version", "show v1").add_argument("version", nargs="?", metavar="VERSION", help="default: the current one")
    promote = _add(commands, "promote", "make a version the current model when it passes the gate", "promote v1")
    promote.add_argument("version", metavar="VERSION", help="say v1; the command list has them all")
    promote.add_argument("--force", action="store_true", default=argparse.SUPPRESS, help="go past the gate; the history says so")
    _add(commands, "rollback", "back to the model that was current before")
    diff = _add(commands, "diff", "what differs between two versions", "diff v1 v2")
    diff.add_argument("version", metavar="OLD", help="say v1")
    diff.add_argument("other", nargs="?", metavar="NEW", help="default: the current one")


def _add(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, told: str, example: str = "") -> argparse.ArgumentParser:
    """A command whose help opens with the purpose and ends with an example."""
    shown = f"Example:\n  python scripts/09_promote.py {example or name}"
    purpose = f"{told[0].upper()}{told[1:]}."
    return commands.add_parser(name, help=told, description=purpose, epilog=shown, formatter_class=argparse.RawDescriptionHelpFormatter)
