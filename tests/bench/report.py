"""Prints what was measured, and whether it is what the project wants to reach."""
import os
import platform
import time

MIB = 1024 * 1024


def median_and_range(values, format="{:.0f}"):
    low, middle, high = (format.format(value) for value in values)
    return f"{middle} ({low} to {high})"


def _line(title, *cells):
    print(f"    {title:34}" + "".join(f"{cell:>28}" for cell in cells), flush=True)


def _print_sides(found, names, rows):
    sides = [side for side in ("certswapd", "floor", "crypto") if side in found]
    _line("", *sides)
    for name in rows:
        title, format = names[name]
        cells = [median_and_range(found[side][name], format) if name in found[side] else "" for side in sides]
        if any(cells):
            _line(title, *cells)


NAMES = {
    "jobs_a_second": ("jobs/s", "{:.0f}"), "commands_a_second": ("commands/s", "{:.1f}"),
    "cpu_us_a_job": ("CPU us a job", "{:.1f}"), "cpu_us_a_command": ("CPU us a command", "{:.0f}"),
    "commands_a_batch": ("commands a transaction", "{:.1f}"),
    "context_switches_a_batch": ("context switches a transaction", "{:.0f}"),
    "system_calls_a_batch": ("system calls a transaction", "{:.0f}"),
    "io_calls_a_batch": ("read() and write() a transaction", "{:.0f}"),
    "wrap_us": ("CPU us a wrap", "{:.0f}"), "seal_us": ("CPU us a seal", "{:.0f}"),
    "p50_ms": ("p50 ms", "{:.2f}"), "p90_ms": ("p90 ms", "{:.2f}"), "p99_ms": ("p99 ms", "{:.2f}"),
    "max_ms": ("max ms", "{:.2f}"), "sender_late_ms": ("latest command sent late, ms", "{:.2f}"),
    "start_s": ("seconds from start to ready", "{:.2f}"),
}


MEMORY = {
    "empty_bytes": "MiB with an empty inventory", "idle_bytes": "MiB idle", "loaded_bytes": "MiB after a backlog",
    "most_bytes": "MiB at most", "inventory_bytes": "MiB of inventory (its count)",
}


def ratio(found, name, side):
    """Median to median; None where there is no such side."""
    return found["certswapd"][name][1] / found[side][name][1] if side in found else None


def cpu_ratio(found):
    """CPU a job: to the floor's, and to that of floor and crypto floor together."""
    ours, floor, crypto = (found[side]["cpu_us_a_job"][1] for side in ("certswapd", "floor", "crypto"))
    return ours / floor, ours / (floor + crypto)


def print_case(case, found):
    print(f"\n{case.name}: {case.describe()}")
    _print_sides(found, NAMES, NAMES)
    if case.kind == "backlog":
        sizes = found["record_bytes"]
        print(f"    a job {sizes['job_bytes']:.0f} bytes, a result {sizes['result_bytes']:.0f}; "
              f"jobs/s {ratio(found, 'jobs_a_second', 'floor'):.2f} of the floor, "
              f"{ratio(found, 'jobs_a_second', 'crypto'):.2f} of the crypto floor; "
              f"CPU a job {cpu_ratio(found)[0]:.2f} times the floor's, {cpu_ratio(found)[1]:.2f} times that of floor and "
              f"crypto floor together", flush=True)
    elif case.kind == "latency":
        print(f"    p99 {ratio(found, 'p99_ms', 'floor'):.2f} times the floor's", flush=True)
    else:
        ours = found["certswapd"]
        for name, title in MEMORY.items():
            _line(title, median_and_range([value / MIB for value in ours[name]], "{:.1f}"))
        print(f"    a location takes {beside_alias(found):.0f} bytes beside its alias of resident memory, "
              f"{beside_alias(found, counted=True):.0f} by certswapd's own count", flush=True)


def beside_alias(found, counted=False):
    inventory, ours = found["inventory"], found["certswapd"]
    taken = ours["inventory_bytes"][1] if counted else ours["idle_bytes"][1] - ours["empty_bytes"][1]
    return (taken - inventory["alias_bytes"]) / inventory["locations"]


def _verdict(text, reached, figures):
    print(f"  {'reached' if reached else 'not reached':12} {text}: {figures}")


def print_verdicts(results):
    print("\nReach (medians)")
    for name in ("fan-out-100", "fan-out-100-10000"):
        if name in results:
            floor = ratio(results[name], "jobs_a_second", "floor")
            crypto = ratio(results[name], "jobs_a_second", "crypto")
            cpu, with_crypto = cpu_ratio(results[name])
            _verdict(f"{name}: 0.9 of the floor's jobs/s, or of the crypto floor's", max(floor, crypto) >= 0.9,
                     f"{floor:.2f} of the floor, {crypto:.2f} of the crypto floor")
            _verdict(f"{name}: CPU a job at most 1.3 times the floor's", cpu <= 1.3,
                     f"{cpu:.2f}; {with_crypto:.2f} times that of floor and crypto floor together")
    for name, found in results.items():
        if name.startswith("latency"):
            _verdict(f"{name}: p99 at most 1.3 times the floor's", ratio(found, "p99_ms", "floor") <= 1.3,
                     f"{ratio(found, 'p99_ms', 'floor'):.2f}")
    large, small = results.get("inventory-1000000"), results.get("inventory-10000")
    if large:
        ready, bytes_each = large["certswapd"]["start_s"][1], beside_alias(large)
        _verdict("a million locations: ready within 3 s", ready <= 3, f"{ready:.2f} s")
        _verdict("a million locations: at most 200 bytes each beside the alias", bytes_each <= 200, f"{bytes_each:.0f}")
    if small:
        idle, empty = (small["certswapd"][name][1] / MIB for name in ("idle_bytes", "empty_bytes"))
        _verdict("idle under 32 MiB (ten thousand locations)", idle < 32, f"{idle:.1f} MiB; {empty:.1f} with none")
    if large and small:
        cost = large["certswapd"]["cpu_us_a_command"][1] / small["certswapd"]["cpu_us_a_command"][1]
        _verdict("a command costs the same from ten thousand to a million locations, within 10 %", cost <= 1.1,
                 f"{cost:.2f} times")


def document(cases, results, given):
    return {"machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "repeats": given.repeat, "scale": given.scale,
            "cases": {name: {"case": vars(cases[name]), "figures": found} for name, found in results.items()}}
