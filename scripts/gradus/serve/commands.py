"""What scripts/serve.py and scripts/chat.py do."""

from __future__ import annotations

import logging

from gradus.cli import write_line
from gradus.config import Config
from gradus.errors import UserError
from gradus.registry import Registry
from gradus.serve.current import Current
from gradus.step import workspace_of

log = logging.getLogger(__name__)


def serve(config: Config, *, dry_run: bool = False) -> int:
    """Answer OpenAI clients with the current model until Ctrl-C; returns the exit code.

    Raises:
        UserError: when no model is current, or the port is taken. GradusError: when the model cannot be used.
    """
    if dry_run:
        return _plan(config, f"would serve {{}} at {config.serve.host}, port {config.serve.port}")
    current = Current(Registry(workspace_of(config)), config.serve)
    from gradus.serve.server import Server

    server = Server(current, config.serve)
    if not config.serve.is_private:
        log.warning("Whoever reaches this machine at %s may use the model: there is no password and no encryption.", config.serve.host)
    try:
        server.run()
    except KeyboardInterrupt:
        log.info("Stopped.")
    return 0


def chat(config: Config, *, dry_run: bool = False) -> int:
    """Talk with the current model in the terminal; returns the exit code.

    Raises:
        UserError: when no model is current. GradusError: when the model cannot be used.
    """
    if dry_run:
        return _plan(config, "would talk to {}")
    current = Current(Registry(workspace_of(config)), config.serve)
    from gradus.serve.chat import talk

    return talk(current, config)


def _plan(config: Config, what: str) -> int:
    """Say what would happen; that there is no model yet is no mistake of a dry run."""
    try:
        write_line(what.format(Current(Registry(workspace_of(config)), config.serve).served))
    except UserError as error:
        write_line(f"would stop: {error}")
    return 0
