"""The reading process: takes one path a line on standard input and answers with one line of JSON each.

The first line in is the options, the first line out says that it is ready. It ends when its input ends, which is also
what happens when its parent dies. Should it hang inside a parser then, the alarm set for each file ends it: an alarm
without a handler is carried out by the system, whatever the process is doing.

Memory: on Linux RLIMIT_DATA refuses what goes over the limit (RLIMIT_AS would also count address space that is only
reserved, as Arrow does). macOS honours neither; there the parent alone watches the resident size, a few times a second.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from gradus.collect.readers import ReadOptions, read_file

_GRACE_SECONDS = 2.0  # the parent is to end a slow file first, because it can say so
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "webbrowser.", "urllib.")


def main() -> None:
    """Read files until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    output = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a parser prints goes to standard error, never between our lines
    options = ReadOptions(**json.loads(sys.stdin.readline()))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (options.memory, options.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _answer(output, {"ready": True})
    sys.addaudithook(_refuse)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, options.timeout + _GRACE_SECONDS)
        reading = read_file(Path(json.loads(line)), options)
        _answer(output, {**asdict(reading), "peak": _peak()})
        signal.setitimer(signal.ITIMER_REAL, 0)


def _peak() -> int:
    """The most bytes this process ever held. Linux hands `ru_maxrss` down from the parent, so there the system is asked otherwise."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _refuse(event: str, _: object) -> None:
    """No network and no further processes, whatever a parser or a file in it may want."""
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"a reader may not use {event}")


def _answer(output: TextIO, row: dict[str, Any]) -> None:
    try:
        output.write(json.dumps(row) + "\n")
        output.flush()
    except BrokenPipeError:
        os._exit(0)  # the parent is gone, so nobody waits for the answer


if __name__ == "__main__":
    main()
