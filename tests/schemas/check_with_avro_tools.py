#!/usr/bin/env python3
"""Holds our canonical forms and fingerprints against Apache Avro's own tools.

usage: check_with_avro_tools.py <print_schemas program> <folder of .avsc files>

Needs java, and mvn to fetch the jar once into ~/.m2. Without them: exit 77 (skipped), with CI set: failure.
"""
import pathlib
import subprocess
import sys
import tempfile

from avro_tools import JAR, fetch, unavailable


def tool(*arguments):
    try:
        # Each call is over before a second compiler would pay.
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", str(JAR), *arguments],
                              capture_output=True, text=True, timeout=60)
    except OSError as fault:
        unavailable(f"java cannot be run: {fault}")
    if done.returncode != 0:
        sys.exit(f"avro-tools {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    fetch()
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    ours = [line.split("\t") for line in printed.splitlines()]
    faults = []
    on_disk = sorted(path.name for path in folder.glob("*.avsc"))
    if sorted(name for name, _, _ in ours) != on_disk:
        faults.append(f"the library knows {sorted(name for name, _, _ in ours)}, the folder holds {on_disk}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, fingerprint, canonical in ours:
            theirs = pathlib.Path(scratch, name)
            tool("canonical", str(folder / name), str(theirs))
            if theirs.read_text(encoding="utf-8").strip() != canonical:
                faults.append(f"{name}: canonical form\n  ours   {canonical}\n  theirs {theirs.read_text().strip()}")
            # The tool prints the eight bytes as they stand in a message, the lowest first.
            little_endian = bytes.fromhex(fingerprint)[::-1].hex()
            given = tool("fingerprint", "--fingerprint", "CRC-64-AVRO", str(folder / name)).split()[0]
            if given != little_endian:
                faults.append(f"{name}: fingerprint, ours {little_endian}, theirs {given}")
            print(f"{name}: {fingerprint}")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
