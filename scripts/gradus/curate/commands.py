"""What 03_curate.py does besides curating: an audit of finished training data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gradus import cli

if TYPE_CHECKING:
    from gradus.config import Config

SHOWN = 3  # cases of each finding on the screen; --output writes all


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of 03_curate.py beside those of every script."""
    told = "look for duplicates, leaks, faults and rows of curate.decontaminate in its train, valid and test.jsonl instead; exit code 1 on leakage"
    parser.add_argument("--audit", type=Path, metavar="FOLDER", help=told)
    parser.add_argument("--output", type=Path, metavar="FILE", help="of --audit: write every case into this JSON file")


def run(parser: argparse.ArgumentParser) -> int:
    """Do what the flags say; returns the exit code."""
    args = parser.parse_args()
    if args.audit is None:
        if args.output is not None:
            parser.error("--output goes with --audit")
        return cli.run_one("03_curate", args)
    if args.force:
        parser.error("--force does nothing with --audit")
    return cli.guard(args, lambda config: _audit(config, args), writes=False)


def _audit(config: Config, args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from gradus.curate.audit import as_table, audit
    from gradus.errors import UserError
    from gradus.files import write_json

    if args.output is not None and args.output.is_dir():
        raise UserError("it is a folder", where=f"--output {args.output}", cure="Name a file")
    found = audit(args.audit, config.curate)
    cli.write_line(as_table(found, SHOWN))
    if args.output is not None and not args.dry_run:
        write_json(args.output, asdict(found))
    return 1 if found.leaks else 0
