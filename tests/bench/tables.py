"""Prints the tables of docs/performance.md from what script/bench --json FILE has written; of a case that several files
hold, the last one counts.
usage: tables.py FILE.json..."""
import json
import sys

from report import MIB, beside_alias, cpu_ratio, ratio, median_and_range

BACKLOGS = {
    "fan-out-1": "1", "fan-out-10": "10", "fan-out-100": "100", "fan-out-100-10000": "100, 10,000 iterations",
    "fan-out-1000": "1,000", "seal-p256-1": "100, one agent", "seal-p256-100": "100, 100 agents",
    "seal-rsa-10": "100, RSA agents", "unsealed": "100, unsealed", "one-pipeline": "100, one pipeline",
    "two-instances": "100, two instances of one pipeline",
}
LATENCIES = {"latency-1": "1 store", "latency-10": "10 stores", "latency-100": "100 stores"}
INVENTORIES = {"inventory-10000": "10,000", "inventory-100000": "100,000", "inventory-1000000": "1,000,000"}


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def head(*titles):
    print()
    row(*titles)
    print("|" + "---|" * len(titles))


def backlog(title, found):
    ours, of_floor, of_both = found["certswapd"], *cpu_ratio(found)
    row(title, f"{ours['commands_a_second'][1]:,.0f}", median_and_range(ours["jobs_a_second"], "{:,.0f}"),
        f"{ratio(found, 'jobs_a_second', 'floor'):.2f}", f"{ratio(found, 'jobs_a_second', 'crypto'):.2f}",
        f"{ours['cpu_us_a_job'][1]:.1f}", f"{of_floor:.2f}", f"{of_both:.2f}")


def latency(title, found):
    for side, name in (("certswapd", "certswapd"), ("floor", "the floor")):
        figures = found[side]
        row(f"{title}: {name}", *(f"{figures[figure][1]:.1f}" for figure in ("p50_ms", "p90_ms")),
            median_and_range(figures["p99_ms"], "{:.1f}"), f"{figures['max_ms'][1]:.1f}",
            f"{ratio(found, 'p99_ms', 'floor'):.2f}" if side == "certswapd" else "")


def inventory(title, found):
    ours = found["certswapd"]
    row(title, median_and_range(ours["start_s"], "{:.2f}"), f"{ours['idle_bytes'][1] / MIB:.0f}",
        f"{beside_alias(found):.0f} ({beside_alias(found, counted=True):.0f})",
        median_and_range(ours["cpu_us_a_command"]))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    cases = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            cases |= json.load(file)["cases"]
    for titles, print_row, columns in (
            (BACKLOGS, backlog, ("stores a command", "commands/s", "jobs/s", "of the floor", "of the crypto floor",
                                 "CPU a job, us", "of the floor's", "of both floors'")),
            (LATENCIES, latency, ("latency of a command, ms (20 a second)", "p50", "p90", "p99", "most",
                                  "p99 of the floor's")),
            (INVENTORIES, inventory, ("locations", "start to ready, s", "resident, MiB",
                                      "bytes a location beside its alias, resident (counted)",
                                      "CPU a command of 10 stores, unsealed, us"))):
        head(*columns)
        for name, title in titles.items():
            if name in cases:
                print_row(title, cases[name]["figures"])


if __name__ == "__main__":
    main()
