"""Start a command, wait for its end, and write what the operating system counted for it into a file.

python launch.py FILE COMMAND...

A process of its own, and a small one: a child's largest memory is never less than its parent's was.
"""

import json
import os
import subprocess
import sys
import time

started = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
found = {
    "seconds": time.perf_counter() - started,
    "cpu": usage.ru_utime + usage.ru_stime,
    "peak": usage.ru_maxrss / 1024,
}
with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a third of this process's memory
    json.dump(found, file)
process.returncode = os.waitstatus_to_exitcode(status)  # wait4 has taken it from Popen
sys.exit(process.returncode)
