"""`biodata` forked off a process that has the product imported: most of a command's time is to load what it needs.

`python forked.py serve SOCKET` listens; `python -I -S forked.py SOCKET words…` is `biodata words…`, with this process's own
streams, folder and environment, and ends with its exit code. Whoever is ended himself ends his command.
"""

import array
import json
import os
import signal
import socket
import sys
from pathlib import Path

LOADED = """
biodata.cli biodata.worker biodata.pipeline biodata.exports.selection biodata.exports.layers biodata.surveys biodata.runs
biodata.runs.engines.work biodata.analysis.corridors matplotlib.pyplot
""".split()


def ask(address: str, words: list[str]) -> int:
    """Have a command run, and return its exit code."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    told = json.dumps([words, str(Path.cwd()), dict(os.environ)]).encode()
    line.sendmsg([len(told).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    line.sendall(told)
    return int(line.recv(16) or b"1")


def serve(address: str) -> None:
    """Fork a command for everybody who asks."""
    import importlib

    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is waited for by nobody
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{address}.new")
    listening.listen()
    Path(f"{address}.new").rename(address)
    while True:
        line, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            attend(line)
        line.close()


def attend(line: socket.socket) -> None:
    """Read what is asked, run it in a process of its own, and tell its exit code; end it where nobody waits any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, streams, *_ = socket.recv_fds(line, 8, 3)
    told = b""
    while len(told) < int.from_bytes(length, "big"):
        told += line.recv(65536)
    words, folder, environment = json.loads(told)
    number = os.fork()
    if number == 0:
        line.close()
        os.setsid()
        for own, given in enumerate(streams):
            os.dup2(given, own)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["biodata", *words]
        run()
    for given in streams:
        os.close(given)
    watching = os.fork()
    if watching == 0:
        line.recv(1)
        os.kill(number, signal.SIGTERM)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    os.kill(watching, signal.SIGKILL)
    line.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def run() -> None:
    """Run the command that `sys.argv` names, and end as a forked process may: libraries that were loaded before are not torn down."""
    from biodata.cli import main

    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except Exception:  # noqa: BLE001 - as the interpreter ends
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
