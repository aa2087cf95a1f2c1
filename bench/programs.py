"""The programs of bench/programs.txt, for the scripts that measure them."""
import math
import os
import shlex
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read_programs():
    """Name, module and arguments of each program."""
    with open(os.path.join(TOP, "bench/programs.txt")) as lines:
        for line in lines:
            line = line.split("#")[0].strip()
            if not line:
                continue
            name, rest = line.split(":", 1)
            wasm, _, arguments = [part.strip() for part in rest.split("|")]
            yield name.strip(), os.path.join(TOP, wasm), shlex.split(arguments)


def processor_seconds(command):
    """Processor time in user mode; ends the script where the command fails."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("failed: " + shlex.join(command))
    return usage.ru_utime


def mean(ratios):
    """Geometric."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))
