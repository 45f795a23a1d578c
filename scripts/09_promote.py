"""Register the run's adapter and make it the current model when it passes the
gate. Or look at the registry and change it, with a command.

Examples:
  python scripts/09_promote.py
  python scripts/09_promote.py list
"""

import sys

from gradus import cli
from gradus.config import Config
from gradus.promote.flags import add_commands


def main() -> int:
    """Run the step, or the command that was named; returns the exit code."""
    parser = cli.parser(__doc__)
    add_commands(parser)
    args = cli.parse_with_command(parser)
    if args.force and args.command not in (None, "register", "promote"):
        parser.error(f"--force does nothing with {args.command}")

    def action(config: Config) -> int:
        from gradus.promote.commands import run_command

        cli.write_line(run_command(config, args))
        return 0

    # A run's log is for what concerns a run; what is done to the registry stands in its own history.
    return cli.run_one("09_promote", args) if args.command is None else cli.guard(args, action, writes=args.command == "register")


if __name__ == "__main__":
    sys.exit(main())
