"""What a process has used so far, as the kernel counts it."""
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    cpu_s: float = 0
    context_switches: int = 0
    io_calls: int = 0  # read() and write() and their like; sendmsg(), recvmsg() and poll() do not count

    def __add__(self, other):
        return Usage(self.cpu_s + other.cpu_s, self.context_switches + other.context_switches,
                     self.io_calls + other.io_calls)

    def __sub__(self, other):
        return Usage(self.cpu_s - other.cpu_s, self.context_switches - other.context_switches,
                     self.io_calls - other.io_calls)


def _fields(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.split(":", 1) for line in file if ":" in line)


def usage(pid):
    """Of all threads that live."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        stat = file.read().rpartition(")")[2].split()
    found = Usage(cpu_s=(int(stat[11]) + int(stat[12])) / TICKS)
    for thread in os.listdir(f"/proc/{pid}/task"):
        status = _fields(f"/proc/{pid}/task/{thread}/status")
        found.context_switches += (int(status["voluntary_ctxt_switches"])
                                   + int(status["nonvoluntary_ctxt_switches"]))
    counts = _fields(f"/proc/{pid}/io")
    found.io_calls = int(counts["syscr"]) + int(counts["syscw"])
    return found


def resident_bytes(pid, field="VmRSS"):
    """VmRSS: now; VmHWM: the most so far."""
    return int(_fields(f"/proc/{pid}/status")[field].split()[0]) * 1024


class SystemCalls:
    """Counts the system calls of processes until count(), by perf: the kernel's own counter, which costs little. None
    where there is no perf, or it may not."""

    def __init__(self, pids):
        self._perf = shutil.which("perf") and subprocess.Popen(
            ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids))],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def count(self):
        if not self._perf:
            return None
        self._perf.send_signal(signal.SIGINT)
        found = re.search(r"^(\d+),.*raw_syscalls", self._perf.communicate()[1], re.M)
        return int(found[1]) if found else None
