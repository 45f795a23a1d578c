"""Register the run's adapter and make it the current model when it passes the
gate. Or look at the registry and change it, with a command.

Examples:
  python scripts/09_promote.py
  python scripts/09_promote.py list
"""

import sys

from gradus import cli
from gradus.config import Config
from gradus.promote.flags import READING, add_commands


def main() -> int:
    """Run the step, or the command that was named; returns the exit code."""
    parser = cli.parser(__doc__)
    add_commands(parser)
    args = cli.parse_with_command(parser)

    def action(config: Config) -> int:
        from gradus.promote.commands import run_command

        cli.write_line(run_command(config, args))
        return 0

    return cli.run_one("09_promote", args) if args.command is None else cli.guard(args, action, writes=args.command not in READING)


if __name__ == "__main__":
    sys.exit(main())
