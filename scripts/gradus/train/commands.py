"""What 06_train_mlx.py does besides training: each flag is one function, and the flags exclude each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gradus import cli
from gradus.errors import UserError

if TYPE_CHECKING:
    from gradus.config import Config


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of 06_train_mlx.py beside those of every script."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--find-lr", action="store_true", help="measure which learning rate suits, and suggest one")
    group.add_argument("--sweep", type=Path, metavar="FILE", help="train every combination of this grid")
    group.add_argument("--replay", type=Path, metavar="FOLDER", help="train this adapter's run again, compare the losses")
    group.add_argument("--watch", action="store_true", help="show a run that trains elsewhere in a browser")
    parser.add_argument("--port", type=int, metavar="NUMBER", help="of --watch (default: monitor.port; 0: any free one)")
    group.add_argument("--from-log", type=Path, metavar="FILE", help="draw the curve of this saved log of mlx_lm.lora")


def run(args: argparse.Namespace) -> int:
    """Do what the flags say; returns the exit code."""
    if args.port is not None and not args.watch:
        return cli.guard(args, _port_without_watch, writes=False)
    actions = {"find_lr": _find_lr, "sweep": _sweep, "replay": _replay, "watch": _watch, "from_log": _from_log}
    for flag, action in actions.items():
        if getattr(args, flag):
            return cli.guard(args, lambda config, action=action: action(config, args))  # type: ignore[misc]
    return cli.run_one("06_train_mlx", args)


def _port_without_watch(_config: Config) -> int:
    raise UserError("--port goes with --watch", cure="Add --watch, or leave --port out")


def _find_lr(config: Config, args: argparse.Namespace) -> int:
    from gradus.files import read_json
    from gradus.pipeline import STEPS
    from gradus.step import run_step
    from gradus.train.find_lr import STEP

    outcome = run_step(STEP, config, STEPS, force=args.force, dry_run=args.dry_run)
    cli.show(outcome, args)
    if outcome.status != "would run":
        rate = read_json(outcome.target / "find_lr.json")["suggestion"]
        cli.write_line(f"  train with it   {cli.command(args, '06_train_mlx', f'train.learning_rate={rate:g}')}")
    return 0


def _sweep(config: Config, args: argparse.Namespace) -> int:
    from gradus.pipeline import STEPS
    from gradus.step import workspace_of
    from gradus.train import STEP
    from gradus.train.comparison import as_text, write_comparison
    from gradus.train.sweep import read_sweep, shown, train_all, would_train

    combinations = read_sweep(args.sweep, config)
    if args.dry_run:
        cli.write_line(would_train(combinations, STEP, STEPS))
        return 0
    trained = train_all(combinations, STEP, STEPS, force=args.force)
    folder = workspace_of(config) / "reports" / config.run.name / "sweep"
    cli.write_line(as_text(write_comparison(trained, folder)))
    best = min(trained, key=lambda one: one.loss)
    cli.write_line(f"  output  {cli.near(folder)}")
    if not best.failed:
        settings = [f"{key}={shown(value)}" for key, value in best.combination.settings.items()]
        cli.write_line(f"  next    {cli.command(args, '07_evaluate', *settings, run=best.combination.name)}")
    return 1 if best.failed else 0


def _replay(_config: Config, args: argparse.Namespace) -> int:
    from gradus.train.replay import replay

    same, told = replay(args.replay, dry_run=args.dry_run)
    cli.write_line(told)
    return 0 if same else 1


def _watch(config: Config, args: argparse.Namespace) -> int:
    from gradus.train.watch import watch

    watch(config, args.port, cli.write_line, dry_run=args.dry_run)
    return 0


def _from_log(config: Config, args: argparse.Namespace) -> int:
    from gradus.train.stock_log import draw_log

    cli.write_line(draw_log(config, args.from_log, dry_run=args.dry_run))
    return 0
