"""Measures certswapd on a real Apache Kafka and redis-server beside bounds that are measured in the same run: the floor
(a bare transactional producer that writes as much in the same batches) and the crypto floor (as many wraps and seals as
plain calls of OpenSSL). Prints minimum, median and maximum of the repetitions; asserts nothing."""
import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time

import world
from world import World, contract, servers

PROGRAMS = os.environ["BENCH_BIN"]


@dataclasses.dataclass
class Case:
    name: str
    fan_out: int = 10
    commands: int = 1000
    seal: str = "p256"  # or rsa2048, or none
    agents: int = 10
    iterations: int = 2048
    pipelines: int = 2
    instances: int = 1
    locations: int = 0
    kind: str = "backlog"  # or latency, or inventory
    rate: float = 20.0
    password: str = "a password of a store"
    quiet: bool = False


CASES = [
    Case("fan-out-1", 1, 2000), Case("fan-out-10", 10, 2000), Case("fan-out-100", 100, 600),
    Case("fan-out-1000", 1000, 60),
    Case("fan-out-100-one-pipeline", 100, 600, pipelines=1),
    Case("fan-out-100-two-instances", 100, 600, pipelines=1, instances=2),
    Case("fan-out-100-unsealed", 100, 600, seal="none"),
    Case("fan-out-100-rsa", 100, 600, seal="rsa2048"),
    Case("fan-out-100-1-agent", 100, 600, agents=1), Case("fan-out-100-100-agents", 100, 300, agents=100),
    Case("fan-out-100-10000-iterations", 100, 300, iterations=10000),
    Case("fan-out-10-100k-locations", 10, 2000, locations=100_000),
    Case("fan-out-10-1m-locations", 10, 2000, locations=1_000_000),
    Case("latency-10", 10, 400, kind="latency"), Case("latency-100", 100, 400, kind="latency"),
    Case("inventory-10k", kind="inventory", locations=10_000),
    Case("inventory-100k", kind="inventory", locations=100_000),
    Case("inventory-1m", kind="inventory", locations=1_000_000),
]
QUICK = ["fan-out-10", "fan-out-100", "latency-10", "inventory-10k"]


def run_json(program, *arguments):
    done = subprocess.run([os.path.join(PROGRAMS, program), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program}: {done.stderr}")
    return json.loads(done.stdout)


def floor(one, case, work):
    """The bare producer's figures for what certswapd has just done."""
    job, result = one.sizes()
    threads = case.pipelines * case.instances
    transactions = max(1, round(work["transactions"] / threads))
    commands = max(1, round(case.commands / (transactions * threads)))
    return run_json("bench_floor", one.kafka.bootstrap, contract.JOBS, contract.RESULTS, contract.COMMANDS, threads,
                    transactions, commands, case.fan_out, job, result) | {"job_bytes": job, "result_bytes": result}


def crypto_floor(case):
    return run_json("bench_crypto", case.pipelines * case.instances, case.commands, 1, case.iterations,
                    min(case.agents, case.fan_out) if case.seal != "none" else 0, case.seal, 1600)


def measure_backlog(case):
    with World(case) as one:
        one.publish_stores(case.locations)
        for number in range(case.instances):
            one.start(number)
        for daemon in one.daemons:
            daemon.wait_ready(timeout_s=120)
        one.stage()
        one.work_off(max(20, case.commands // 20))  # all is looked up and warm then
        work = one.work_off(case.commands)
        bare, crypto = floor(one, case, work), crypto_floor(case)
    jobs_s, commands_s = work["jobs"] / work["seconds"], case.commands / work["seconds"]
    floor_jobs_s, crypto_jobs_s = bare["jobs"] / bare["seconds"], case.commands * case.fan_out / crypto["seconds"]
    us = {name: figures["cpu_seconds"] * 1e6 / figures["commands"] for name, figures in
          (("work", work), ("floor", bare), ("crypto", crypto))}
    return {
        "commands_s": commands_s, "jobs_s": jobs_s, "floor_jobs_s": floor_jobs_s, "crypto_jobs_s": crypto_jobs_s,
        "of_floor": jobs_s / floor_jobs_s, "of_crypto_floor": jobs_s / crypto_jobs_s,
        "of_lower_floor": jobs_s / min(floor_jobs_s, crypto_jobs_s),
        # Both floors have all processors: who does both things has their times one after the other.
        "of_both_floors": jobs_s * (1 / floor_jobs_s + 1 / crypto_jobs_s),
        "cpu_us_command": us["work"], "cpu_us_job": us["work"] / case.fan_out,
        "floor_cpu_us_job": us["floor"] / case.fan_out, "crypto_cpu_us_job": us["crypto"] / case.fan_out,
        "cpu_of_floors": us["work"] / (us["floor"] + us["crypto"]),
        "commands_a_transaction": case.commands / work["transactions"],
        "switches_a_transaction": work["switches"] / work["transactions"],
        **({"system_calls_a_transaction": work["system_calls"] / work["transactions"]} if work["system_calls"] else {}),
        "resident_mib": work["resident_bytes"] / 2**20, "job_bytes": bare["job_bytes"],
    }


def measure_latency(case):
    with World(case) as one:
        one.publish_stores(case.locations)
        daemon = one.start().wait_ready()
        one.stage()
        one.work_off(40)
        found = one.latencies(case.commands, case.rate)
        job, result = one.sizes()
        daemon.stop()
        bare = subprocess.Popen([os.path.join(PROGRAMS, "bench_floor"), "--echo", one.kafka.bootstrap, contract.JOBS,
                                 contract.RESULTS, contract.COMMANDS, "bench-echo", str(case.fan_out), str(job), str(result)],
                                stdout=subprocess.PIPE, text=True)
        try:
            if bare.stdout.readline().strip() != "ready":
                raise RuntimeError("the floor's echo does not begin")
            one.latencies(20, case.rate)
            lowest = one.latencies(case.commands, case.rate)
        finally:
            servers.end_process(bare)
            bare.stdout.close()
    return found | {f"floor_{name}": value for name, value in lowest.items()} | {
        "p50_of_floor": found["p50_ms"] / lowest["p50_ms"], "p99_of_floor": found["p99_ms"] / lowest["p99_ms"]}


def measure_inventory(case):
    with World(case) as one:
        daemon = one.start().wait_ready()
        time.sleep(1)  # what was needed to start is given back
        idle = world.resident_bytes(daemon.process.pid)
        daemon.stop()
        one.publish_stores(case.locations)
        begin = time.monotonic()
        daemon.start().wait_ready(timeout_s=300)
        ready = time.monotonic() - begin
        loaded = world.resident_bytes(daemon.process.pid)
        cpu = world.process_figures(daemon.process.pid)["cpu_s"]
        aliases = one.alias_bytes
    return {"ready_s": ready, "start_cpu_s": cpu, "idle_mib": idle / 2**20, "loaded_mib": loaded / 2**20,
            "bytes_a_location": (loaded - idle - aliases) / case.locations}


MEASURES = {"backlog": measure_backlog, "latency": measure_latency, "inventory": measure_inventory}


def summary(runs):
    return {name: {"min": min(values), "median": statistics.median(values), "max": max(values)}
            for name in runs[0] for values in [[run[name] for run in runs]]}


def tell(name, figures):
    print(f"\n{name}")
    for figure, row in figures.items():
        print(f"  {figure:24} {row['min']:12.2f} {row['median']:12.2f} {row['max']:12.2f}", flush=True)


def verdicts(found):
    """(what is to be reached, whether it is or None, the figures) of the cases that were measured."""
    def median(case, figure):
        return found[case][figure]["median"] if case in found else None

    def line(text, case, figure, good):
        value = median(case, figure)
        return text, None if value is None else good(value), "not measured" if value is None else f"{value:.2f}"
    yield line("fan-out 100, sealed to ten agents: 0.9 of the lower of both floors", "fan-out-100", "of_lower_floor",
               lambda value: value >= 0.9)
    yield line("fan-out 100, sealed to ten agents: 0.9 of both floors on the same processors", "fan-out-100", "of_both_floors",
               lambda value: value >= 0.9)
    yield line("latency of a command: p99 at most 1.3 of the floor's", "latency-10", "p99_of_floor", lambda v: v <= 1.3)
    yield line("processor time a job: at most 1.3 of both floors'", "fan-out-100", "cpu_of_floors", lambda v: v <= 1.3)
    yield line("a million locations: ready within 3 s", "inventory-1m", "ready_s", lambda value: value <= 3)
    yield line("a million locations: at most 200 bytes each beside the alias", "inventory-1m", "bytes_a_location",
               lambda value: value <= 200)
    yield line("idle under 32 MiB", "inventory-1m", "idle_mib", lambda value: value < 32)
    small, large = (median(case, "cpu_us_command") for case in ("fan-out-10", "fan-out-10-1m-locations"))
    yield ("a command's cost within 10 % from ten to a million locations",
           None if None in (small, large) else abs(large / small - 1) <= 0.1,
           "not measured" if None in (small, large) else f"{large / small - 1:+.1%}")


def main():
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--case", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--all", action="store_true", help=f"all cases, not just {', '.join(QUICK)}")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each case (default: 3)")
    parser.add_argument("--json", metavar="FILE", help="writes all figures there too")
    parser.add_argument("--list", action="store_true", help="names the cases")
    options = parser.parse_args()
    if options.list:
        print("\n".join(names))
        return
    wanted = options.case or (names if options.all else QUICK)
    found = {}
    print(f"{'':26} {'minimum':>12} {'median':>12} {'maximum':>12}")
    for case in CASES:
        if case.name in wanted:
            found[case.name] = summary([MEASURES[case.kind](case) for _ in range(options.repeat)])
            tell(case.name, found[case.name])
    print()
    for text, good, figure in verdicts(found):
        print(f"{'reached    ' if good else 'not reached' if good is False else 'unknown    '} {text}: {figure}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"processors": os.cpu_count(), "figures": found}, file, indent=2)


if __name__ == "__main__":
    sys.exit(main())
