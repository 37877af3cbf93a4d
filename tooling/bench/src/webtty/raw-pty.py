"""What a pty itself can do, with no product around it. Prints one JSON line.

raw-pty.py read COMMAND    reads everything that a shell command writes on a terminal: {"bytes", "seconds"}
raw-pty.py echo COUNT      one byte into a raw cat and back: {"p50", "p99"} in ms
"""

import json
import os
import pty
import sys
import time

mode, argument = sys.argv[1:]
pid, master = pty.fork()
if pid == 0:
    script = argument if mode == "read" else "stty raw -echo; echo ready; exec cat"
    os.execvp("sh", ["sh", "-c", script])

if mode == "read":
    total = 0
    started = time.perf_counter()
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # EIO: the last process on it has ended.
            break
        if not chunk:
            break
        total += len(chunk)
    print(json.dumps({"bytes": total, "seconds": time.perf_counter() - started}))
else:
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 4096)
    times = []
    for _ in range(int(argument)):
        started = time.perf_counter()
        os.write(master, b"x")
        os.read(master, 4096)
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    print(json.dumps({"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}))
    os.kill(pid, 9)
os.waitpid(pid, 0)
