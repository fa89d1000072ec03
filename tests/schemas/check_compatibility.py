#!/usr/bin/env python3
"""Each schema against its last released version (schemas/released/<version>/): records of either are read by the
other, as Apache Avro's own checker judges. That the checker finds what is not so is shown on altered copies.

usage: check_compatibility.py <folder of .avsc files>
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

from avro_tools import JAR, fetch, unavailable

HERE = pathlib.Path(__file__).parent


def verdicts(pairs):
    """For each pair of files (older, newer): {direction: None, or why not}."""
    files = [str(path) for pair in pairs for path in pair]
    try:
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", str(JAR), str(HERE / "Compatible.java"), *files],
                              capture_output=True, text=True, timeout=500)
    except OSError as fault:
        unavailable(f"java cannot be run: {fault}")
    if done.returncode != 0:
        sys.exit(f"Compatible.java: {done.stderr.strip()}")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    told = [{direction: None if yes == "yes" else why for yes, direction, why in lines[at:at + 2]}
            for at in range(0, len(lines), 2)]
    if len(told) != len(pairs):
        sys.exit(f"{len(pairs)} pairs, {len(told)} verdicts")
    return told


def altered(schema):
    """(what, how the schema was changed, directions that must fail) of changes that break readers."""
    def change(alter):
        other = copy.deepcopy(schema)
        alter(other["fields"])
        return other
    required = next(i for i, field in enumerate(schema["fields"]) if "default" not in field)
    return [
        ("a field more, with a default", change(lambda f: f.append({"name": "x", "type": "int", "default": 0})), set()),
        ("a field more, without one", change(lambda f: f.append({"name": "x", "type": "int"})), {"backward"}),
        ("a field less", change(lambda f: f.pop(required)), {"forward"}),
        ("another type", change(lambda f: f[required].update(type="boolean")), {"backward", "forward"}),
    ]


def last_release(folder):
    return max(folder.iterdir(), key=lambda path: [int(part) for part in path.name.split(".")])


def main():
    folder = pathlib.Path(sys.argv[1])
    released = last_release(folder / "released")
    fetch()
    names = sorted(path.name for path in released.glob("*.avsc"))
    faults = [f"{name} was released in {released.name} and is gone" for name in names if not (folder / name).exists()]
    present = [name for name in names if (folder / name).exists()]
    pairs = [(released / name, folder / name) for name in present]
    with tempfile.TemporaryDirectory() as scratch:
        cases = altered(json.loads((released / "store-inventory.avsc").read_text(encoding="utf-8")))
        for number, (_, schema, _) in enumerate(cases):
            path = pathlib.Path(scratch, f"{number}.avsc")
            path.write_text(json.dumps(schema), encoding="utf-8")
            pairs.append((released / "store-inventory.avsc", path))
        told = verdicts(pairs)
    for name, found in zip(present, told):
        faults += [f"{name} is not {direction} compatible with {released.name}: {why}"
                   for direction, why in found.items() if why is not None]
        print(f"{name}: compatible with {released.name}")
    for (what, _, wanted), found in zip(cases, told[len(present):]):
        failed = {direction for direction, why in found.items() if why is not None}
        if failed != wanted:
            faults.append(f"{what}: the checker refuses {failed or 'nothing'}, not {wanted or 'nothing'}")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
