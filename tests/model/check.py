#!/usr/bin/env python3
"""Checks the models of this folder exhaustively by spin: the protocol within several bounds, where no violation may be,
and with each of its defects, where one must be found. Ends 77 (skipped) without spin, but fails with CI=true."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent

# What is checked, and how many of each fault there may be, in any order and at any moment.
SOUND = [
    ("ledger", "EVICTIONS=2 CRASHES=0 ABORTS=0 RETRIES=1"),
    ("ledger", "EVICTIONS=1 CRASHES=1 ABORTS=0 RETRIES=2"),
    ("ledger", "EVICTIONS=1 CRASHES=0 ABORTS=1 RETRIES=3"),
    ("ledger", "EVICTIONS=0 CRASHES=1 ABORTS=2 RETRIES=3"),
    ("ledger", "EVICTIONS=1 CRASHES=1 ABORTS=0 RETRIES=2 DIFFERENT_PAYLOADS"),
    ("watermark", "MOVES=0 CRASHES=1 REDELIVERIES=1"),
    ("watermark", "MOVES=1 CRASHES=1 REDELIVERIES=0 RECORDS=1 TICKS=2"),
    ("watermark", "MOVES=1 CRASHES=0 REDELIVERIES=0 TICKS=2"),
    # Going back is no danger, it only takes longer; nor is a renewed moment, under which it need not end.
    ("watermark", "MOVES=1 CRASHES=0 REDELIVERIES=0 RECORDS=1 TICKS=2 WATERMARKS_GO_BACK"),
    ("watermark", "MOVES=0 CRASHES=1 REDELIVERIES=0 DEFECT_FIRST_SEEN_RENEWED DECIDED_OR_NOT"),
]

# Millions of states each: with TEST_LONG set.
LONG = [
    ("ledger", "EVICTIONS=2 CRASHES=0 ABORTS=0 RETRIES=2"),
    ("ledger", "EVICTIONS=1 CRASHES=1 ABORTS=0 RETRIES=3"),
    ("ledger", "EVICTIONS=1 CRASHES=1 ABORTS=0 RETRIES=3 DIFFERENT_PAYLOADS"),
]

# Each asserts that something never happens which must happen: else the rest would hold of a model that does nothing.
REACHED = [
    ("watermark", "MOVES=0 CRASHES=0 REDELIVERIES=0 NEVER_SAID"),
]

# Bounds in which the defects show.
DEFECTS = {
    "ledger": "EVICTIONS=1 CRASHES=1 ABORTS=1 RETRIES=3",
    "watermark": "MOVES=0 CRASHES=1 REDELIVERIES=1",
}
# And smaller ones for what is found late in those.
SMALLER = {
    "DEFECT_UNSTABLE_FETCH": "EVICTIONS=1 CRASHES=0 ABORTS=0 RETRIES=3",
}

# In a model whose processes stand still once all is decided, that is no error; it asserts itself that all was done.
OPTIONS = {"watermark": ["-E"]}
# The checker's own compiler options: no liveness properties, compressed states; -O2 takes longer to compile than it saves.
COMPILE = ["cc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"]


def defects(model):
    text = (FOLDER / f"{model}.pml").read_text()
    return sorted(set(re.findall(r"\bDEFECT_[A-Z_]*[A-Z]\b", text)))


def check(model, macros):
    """(violated assertion or None, states, seconds) of one run."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        def run(*command):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
            return done.stdout

        shutil.copy(FOLDER / f"{model}.pml", folder)
        run("spin", *(f"-D{macro}" for macro in macros), "-a", f"{model}.pml")
        run(*COMPILE)
        said = run("./pan", *OPTIONS.get(model, []), "-m100000", "-w22")
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    seconds = re.search(r"elapsed time ([\d.]+)", said)
    if not errors or not states or "max search depth too small" in said or "out of memory" in said:
        sys.exit(f"{model} {' '.join(macros)}: the search did not come to its end:\n{said}")
    violated = re.search(r"pan:1: (.*?) \(at depth", said)
    text = (violated.group(1) if violated else "an error") if int(errors.group(1)) else None
    return text, int(states.group(1)), float(seconds.group(1)) if seconds else 0.0


def main():
    if not shutil.which("spin") or not shutil.which("cc"):
        reason = "no spin (apt install spin) or no cc"
        print(f"skipped: {reason}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    sound = SOUND + (LONG if os.environ.get("TEST_LONG") else [])
    runs = [(model, macros.split(), False) for model, macros in sound]
    runs += [(model, macros.split(), True) for model, macros in REACHED]
    runs += [(model, [*SMALLER.get(defect, bounds).split(), defect], True)
             for model, bounds in DEFECTS.items() for defect in defects(model)]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for (model, macros, defective), (violated, states, seconds) in zip(
                runs, pool.map(lambda one: check(one[0], one[1]), runs)):
            good = bool(violated) == defective
            wrong += not good
            said = f"violated: {violated}" if violated else "holds"
            print(f"{'ok ' if good else 'NOT OK'} {model} {' '.join(macros)}: {said}; {states} states, {seconds} s",
                  flush=True)
    print(f"{len(runs) - wrong} of {len(runs)} as expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
