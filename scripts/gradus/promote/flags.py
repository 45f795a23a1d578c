"""The commands of 09_promote.py, as the parser of the script takes them."""

from __future__ import annotations

import argparse


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands; without one the script runs its step."""
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("register", help="enter the run's adapter as a candidate, ask no gate")
    commands.add_parser("list", help="all versions")
    commands.add_parser("show", help="one version").add_argument("version", nargs="?", metavar="VERSION")
    promote = commands.add_parser("promote", help="make a version the current model")
    promote.add_argument("version", metavar="VERSION")
    promote.add_argument("--force", action="store_true", default=argparse.SUPPRESS, help="go past the gate; the history says so")
    commands.add_parser("rollback", help="back to the model that was current before")
    diff = commands.add_parser("diff", help="what differs between two versions")
    diff.add_argument("version", metavar="OLD")
    diff.add_argument("other", nargs="?", metavar="NEW")
