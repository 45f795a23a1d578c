"""Register the run's adapter and make it the current model when it passes the gate.

Example:
    python scripts/09_promote.py                      register this run, promote it if the gate passes
    python scripts/09_promote.py list                 all versions with state and grade
    python scripts/09_promote.py show [VERSION]       one version, the current one without a name
    python scripts/09_promote.py promote VERSION      make it current; --force goes past the gate and is recorded
    python scripts/09_promote.py rollback             back to the model that was current before
"""

import argparse
import sys

from gradus import cli
from gradus.config import Config


def main() -> int:
    """Run the step, or the command that was named; returns the exit code."""
    parser = cli.parser(__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("list", help="all versions")
    commands.add_parser("show", help="one version").add_argument("version", nargs="?", metavar="VERSION")
    promote = commands.add_parser("promote", help="make a version the current model")
    promote.add_argument("version", metavar="VERSION")
    promote.add_argument("--force", action="store_true", default=argparse.SUPPRESS, help="go past the gate; the history says so")
    commands.add_parser("rollback", help="back to the model that was current before")
    args = parser.parse_args()

    def action(config: Config) -> int:
        from gradus.promote.commands import run_command

        cli.write_line(run_command(config, args))
        return 0

    return cli.run_one("09_promote", args) if args.command is None else cli.guard(args, action)


if __name__ == "__main__":
    sys.exit(main())
