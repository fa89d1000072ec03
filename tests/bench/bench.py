"""What script/bench runs: cases on one Kafka and one Redis, repeated, and their figures."""
import argparse
import json
import os
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import processes  # noqa: E402
import report  # noqa: E402
import rig as rigs  # noqa: E402
from cases import CASES  # noqa: E402


def run_backlog(rig, case, repeats):
    """Lists of figures of certswapd, the floor and the crypto floor, one a repeat. The first round warms the broker
    up and does not count."""
    found = {"certswapd": [], "floor": [], "crypto": []}
    found["start_s"] = rig.start_daemons()
    for number in range(repeats + 1):
        commands = case.commands if number > 0 else max(20, case.commands // 4)
        ours = rig.backlog(commands)
        floor = rig.floor_backlog(commands, ours["commands_a_batch"])
        crypto = rig.crypto_backlog(commands)
        if number > 0:
            for name, figures in (("certswapd", ours), ("floor", floor), ("crypto", crypto)):
                found[name].append(figures)
    found["record_bytes"] = rig.record_bytes
    return found


def run_latency(rig, case, repeats):
    """As run_backlog(): a broker that has just started answers several times as slowly."""
    found = {"certswapd": [], "floor": []}
    for number in range(repeats + 1):
        ours = rig.latency(case.commands)
        floor = rig.floor_latency(case.commands)
        if number > 0:
            found["certswapd"].append(ours)
            found["floor"].append(floor)
    found["record_bytes"] = rig.record_bytes
    return found


def run_inventory(rig, case, repeats):
    """Start and memory, and what a command costs with that inventory."""
    found = {"certswapd": [], "inventory": rig.inventory}
    for _ in range(repeats):
        rig.start_daemon(CERTSWAP_TOPIC_INVENTORY=rig.topic(rigs.EMPTY))
        empty = processes.resident_bytes(rig.daemons[0].process.pid)
        rig.stop_daemons()
        start_s = max(rig.start_daemons())
        pid = rig.daemons[0].process.pid
        idle = processes.resident_bytes(pid)
        counted = rig.metric("certswap_inventory_bytes")
        rig.backlog(max(20, case.commands // 4))
        figures = rig.backlog(case.commands)
        found["certswapd"].append(figures | {
            "start_s": start_s, "empty_bytes": empty, "idle_bytes": idle, "inventory_bytes": counted,
            "loaded_bytes": processes.resident_bytes(pid), "most_bytes": processes.resident_bytes(pid, "VmHWM")})
        rig.stop_daemons()
    return found


RUN = {"backlog": run_backlog, "latency": run_latency, "inventory": run_inventory}


def spread(runs):
    """{figure: [minimum, median, maximum]} of the repeats."""
    return {name: [min(values), statistics.median(values), max(values)]
            for name in runs[0] for values in [[run[name] for run in runs]]}


def run_case(rig, case, repeats):
    rig.begin_case(case)
    try:
        found = RUN[case.kind](rig, case, repeats)
    finally:
        rig.end_case()
    return {name: spread(value) if isinstance(value, list) and isinstance(value[0], dict) else value
            for name, value in found.items()}


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--case", action="append", default=[], metavar="NAME")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--scale", type=float, default=1, metavar="FACTOR")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--folder", metavar="DIR")
    given = parser.parse_args()
    unknown = [name for name in given.case if name not in CASES]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; --list shows them")
    return given


def main():
    given = arguments()
    if given.list:
        for case in CASES.values():
            print(f"{case.name:20} {'*' if case.quick else ' '} {case.kind:9} {case.describe()}")
        return
    chosen = [case for case in CASES.values()
              if case.name in given.case or given.all or (not given.case and case.quick)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="certswap-bench-", dir=given.folder) as folder:
        rig = rigs.Rig(folder)
        try:
            for case in chosen:
                results[case.name] = run_case(rig, case.scaled(given.scale), given.repeat)
                report.print_case(case, results[case.name])
        finally:
            rig.close()
    report.print_verdicts(results)
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(report.document(CASES, results, given), file, indent=1)


if __name__ == "__main__":
    main()
