"""How the training process is started: alone, several times on this machine, or on several machines.

MLX's own launcher does it for ring and JACCL. MPI is started by `mpirun` itself: `mlx.launch` passes it an option that
OpenMPI 4 does not know.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

from gradus.config.schema import Launch
from gradus.errors import UserError

BACKEND = "GRADUS_BACKEND"
PARENT = "GRADUS_PARENT"
STREAMS = "GRADUS_CPU_STREAMS"
STOP_FILE = "stop"


def launched(launch: Launch, worker: list[str], environment: dict[str, str]) -> list[str]:
    """The command line that starts `worker` as often as configured; `environment` is what each process must find set.

    Raises:
        UserError: when the launcher or the host file is missing.
    """
    if not launch.is_used:
        return worker
    passed = {**environment, BACKEND: launch.backend, PARENT: socket.gethostname()}
    if not launch.hosts:
        # Each process gets its share of the cores, also for what MLX runs on a stream each.
        passed[STREAMS] = str(max((os.cpu_count() or 1) // launch.processes, 1))
    return _mpirun(launch, worker, passed) if launch.backend == "mpi" else _mlx_launch(launch, worker, passed)


def _mpirun(launch: Launch, worker: list[str], passed: dict[str, str]) -> list[str]:
    if shutil.which("mpirun") is None:
        raise UserError("mpirun is not installed", where="train.launch.backend", cure="Install OpenMPI on every machine, or take ring")
    library = find_library("mpi")
    if library:  # MLX looks for libmpi.so, which only a compiler's package brings
        passed = {"MLX_MPI_LIBNAME": library, **passed}
    hosts = launch.hosts or ["localhost"]
    places = ",".join(f"{host}:{launch.processes}" for host in hosts)
    settings = [part for name, value in passed.items() for part in ("-x", f"{name}={value}")]
    return ["mpirun", "-n", str(len(hosts) * launch.processes), "--host", places, "--bind-to", "none", *settings, *worker]


def _mlx_launch(launch: Launch, worker: list[str], passed: dict[str, str]) -> list[str]:
    if launch.hostfile:
        if not Path(launch.hostfile).is_file():
            raise UserError("the host file does not exist", where=launch.hostfile, cure="Write it with mlx.distributed_config")
        places = ["--hostfile", launch.hostfile]
    else:
        places = ["--hosts", ",".join(launch.hosts or ["127.0.0.1"]), "--repeat-hosts", str(launch.processes)]
        if not launch.hosts:
            places += ["--starting-port", str(free_port(launch.processes))]
    settings = [part for name, value in passed.items() for part in ("--env", f"{name}={value}")]
    start = "from mlx._distributed_utils.launch import main; main()"
    return [sys.executable, "-c", start, "--backend", launch.backend, *places, *settings, "--", *worker]


def free_port(count: int) -> int:
    """The first of `count` neighbouring TCP ports that nobody on this machine listens on now."""
    while True:
        first = random.SystemRandom().randrange(20000, 32000)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def ask_to_stop(child: subprocess.Popen[str], launch: Launch, folder: Path) -> None:
    """Ask for a last checkpoint: one process by a signal; several by a file, since launchers kill rather than ask."""
    if launch.is_used:
        (folder / STOP_FILE).touch()
    else:
        child.terminate()


def death(log: str) -> tuple[int, str] | None:
    """Exit code and one line on the process that a launched run died of, as its launcher told it, or None."""
    found = re.search(r"Node with rank (\d+) exited with code (-?[1-9]\d*)", log) or re.search(r"process rank (\d+) .* exited on signal (\d+)", log)
    if found is None:
        return None
    code = int(found[2]) if "with code" in found[0] else -int(found[2])
    return code, f"process {found[1]} died with code {code}, and the launcher ended the others"
