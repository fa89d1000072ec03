"""The servers of a benchmark and what is measured on them, one function a kind of case."""
import base64
import json
import os
import re
import signal
import subprocess
import time

import processes
import servers

TOOLS = os.path.join(os.path.dirname(servers.BIN), "tests")
TOPICS = ("enrollments", "renewals", "inventory", "commands", "retry", "dlq", "jobs", "results")
EMPTY = "empty"  # an inventory without a store
FLOOR = "floor"  # the topic of the commands that the floor answers, and certswapd does not see
WARM_UP = 20  # commands that bench_load latency sends before those that count
FIRST_NEW = 1_000_000_000  # certificate ids of the new certificates
STAGING_KEYS = "bench:" + base64.b64encode(bytes(range(32))).decode()


def tool(name, *arguments, **options):
    """Runs a program of the benchmark and returns what its last line says."""
    words = list(arguments)
    for option, value in options.items():
        words += ["--" + option.replace("_", "-"), str(value)]
    done = subprocess.run([os.path.join(TOOLS, name), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name} {' '.join(words)}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def metric(text, name):
    """The sum of a metric's samples; `name` may end with labels that all must have."""
    name, _, labels = name.partition("{")
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
               if re.match(re.escape(name) + r"[ {]", line) and labels.rstrip("}") in line)


class Rig:
    """One Kafka and one Redis for all cases; topics and certswapd of one case at a time."""

    def __init__(self, folder):
        self.folder = folder
        # Every run writes much that nobody reads again.
        self.kafka = servers.Kafka(folder, {"log.segment.delete.delay.ms": 1000, "log.retention.check.interval.ms": 5000})
        try:
            self.redis = servers.Redis(folder)
        except BaseException:
            self.kafka.stop()
            raise
        self.daemons, self.case, self.number = [], None, 0

    def close(self):
        self.end_case()
        self.redis.stop()
        self.kafka.stop()

    def tool(self, name, *arguments, **options):
        return tool(name, *arguments, bootstrap=self.kafka.bootstrap, **options)

    def topic(self, role):
        return f"b{self.number}.{role}"

    # A case

    def begin_case(self, case):
        """Topics of its own, with the inventory; certswapd is not started yet."""
        self.case, self.number = case, self.number + 1
        self.group = f"bench-{self.number}"
        self.redis("FLUSHALL")
        self.committed, self.enrolled, self.sample = 0, FIRST_NEW, None
        self.agents = os.path.join(self.folder, f"agents-{self.number}")
        os.makedirs(self.agents)
        for others in ({}, {"CERTSWAP_TOPIC_COMMANDS": self.topic(FLOOR), "CERTSWAP_TOPIC_INVENTORY": self.topic(EMPTY)}):
            done = servers.run(servers.CERTSWAP, ["topics", "create", "--partitions", "4"], self._settings(0) | others)
            if done.returncode != 0:
                raise RuntimeError(f"certswap topics create: {done.stderr}{done.stdout}")
        self.inventory = self.tool("bench_load", "inventory", topic=self.topic("inventory"), locations=case.locations,
                                   fan_out=case.fan_out, agents=case.agents, seal=case.seal, folder=self.agents)

    def stop_daemons(self):
        for daemon in self.daemons:
            daemon.stop()
        self.daemons = []

    def end_case(self):
        self.stop_daemons()
        if self.case is not None:
            self.tool("bench_load", "delete", topics=",".join(map(self.topic, (*TOPICS, EMPTY, FLOOR))))
            self.case = None

    def _settings(self, number):
        settings = {
            "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap, "CERTSWAP_REDIS_URL": self.redis.url,
            "CERTSWAP_STAGING_KEYS": STAGING_KEYS, "CERTSWAP_REQUIRE_SEALED": "false",
            "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0", "CERTSWAP_LOG_FORMAT": "json", "CERTSWAP_GROUP_ID": self.group,
            "CERTSWAP_INSTANCE_ID": f"bench-{number}", "CERTSWAP_PIPELINES": self.case.pipelines,
            "CERTSWAP_PKCS12_ITERATIONS": self.case.iterations,
        }
        return settings | {f"CERTSWAP_TOPIC_{role.upper()}": self.topic(role) for role in TOPICS}

    def start_daemon(self, **others):
        """With settings beside the case's; returns the seconds from the start until it is ready."""
        number = len(self.daemons)
        begin = time.monotonic()
        daemon = servers.Daemon(self.folder, self._settings(number) | others, f"certswapd-{self.number}-{number}")
        self.daemons.append(daemon)
        servers.wait_for(daemon.ready, "certswapd to be ready", timeout_s=300, every_s=0.005)
        return time.monotonic() - begin

    def start_daemons(self):
        took = [self.start_daemon() for _ in range(self.case.instances)]
        for daemon in self.daemons:
            daemon.wait_ready()
        return took

    def usage(self):
        return sum((processes.usage(daemon.process.pid) for daemon in self.daemons), processes.Usage())

    def metric(self, name):
        return sum(metric(daemon.metrics(), name) for daemon in self.daemons)

    def stage(self, count):
        """So many new certificates; returns the first one's id."""
        first = self.enrolled
        self.enrolled += count
        self.tool("bench_load", "enroll", topic=self.topic("enrollments"), first=first, count=count)
        keys = [f"certswap:staged:{first + i}" for i in range(count)]
        servers.wait_for(lambda: self.redis("EXISTS", *keys) == count, f"{count} certificates to be staged",
                         timeout_s=120, every_s=0.05)
        return first

    def commands_options(self):
        return {"certificates": self.case.locations // self.case.fan_out}

    def ends(self, role):
        return self.tool("bench_load", "ends", topic=self.topic(role))["ends"]

    # Backlog

    def backlog(self, commands):
        """certswapd works off so many commands that are there when it begins."""
        case = self.case
        first = self.stage(commands)
        results_from, jobs_from = self.ends("results"), self.ends("jobs")
        transactions = self.metric('certswap_transactions_total{outcome="committed"}')
        before = self.usage()
        for daemon in self.daemons:
            daemon.pause()
        self.tool("bench_load", "commands", topic=self.topic("commands"), first=first, count=commands,
                  **self.commands_options())
        self.committed += commands
        calls = processes.SystemCalls([daemon.process.pid for daemon in self.daemons])
        begin = time.monotonic()
        for daemon in self.daemons:
            daemon.resume()
        end = self.tool("bench_load", "wait", topic=self.topic("commands"), group=self.group, count=self.committed)
        used = self.usage() - before
        system_calls = calls.count()
        seconds = end["ended_at"] - begin
        transactions = self.metric('certswap_transactions_total{outcome="committed"}') - transactions
        self.tool("bench_load", "check", topic=self.topic("results"), count=commands, fan_out=case.fan_out,
                  **{"from": results_from})
        if self.sample is None:
            self.take_sample(jobs_from, results_from, min(500, commands * case.fan_out))
        return figures(commands, case.fan_out, seconds, used.cpu_s) | {
            "transactions": transactions, "commands_a_batch": commands / transactions,
            "context_switches_a_batch": used.context_switches / transactions,
            "io_calls_a_batch": used.io_calls / transactions,
            **({"system_calls_a_batch": system_calls / transactions} if system_calls is not None else {})}

    def take_sample(self, jobs_from, results_from, count):
        self.sample = os.path.join(self.folder, f"sample-{self.number}")
        self.record_bytes = self.tool(
            "bench_load", "sample", jobs=self.topic("jobs"), jobs_from=jobs_from, results=self.topic("results"),
            results_from=results_from, count=count, file=self.sample)

    def floor_options(self):
        return {"jobs": self.topic("jobs"), "results": self.topic("results"), "commands": self.topic("commands"),
                "group": self.group + "-floor", "sample": self.sample, "fan_out": self.case.fan_out}

    def floor_backlog(self, commands, batch):
        case = self.case
        found = self.tool("bench_floor", "backlog", count=commands, batch=max(1, round(batch)),
                          producers=case.pipelines * case.instances, **self.floor_options())
        return figures(commands, case.fan_out, found["seconds"], found["cpu_s"]) | {
            "transactions": found["transactions"],
            "context_switches_a_batch": found["context_switches"] / found["transactions"]}

    def crypto_backlog(self, commands):
        case = self.case
        agents = 0 if case.seal == "none" else min(case.agents, case.fan_out)
        found = tool("bench_crypto", count=commands, iterations=case.iterations, agents=agents, folder=self.agents,
                     threads=min(case.pipelines * case.instances, len(os.sched_getaffinity(0))))
        return figures(commands, case.fan_out, found["seconds"], found["cpu_s"]) | {
            name: found[name] for name in ("wrap_us", "seal_us")}

    # Latency

    def latency(self, commands):
        """Single commands in an open loop, to certswapd; starts and ends it."""
        self.start_daemons()
        first = self.stage(commands + WARM_UP)
        ends = self.ends("jobs"), self.ends("results")
        before = self.usage()
        found = self._latency("commands", first, commands)
        found["cpu_us_a_command"] = (self.usage() - before).cpu_s / (commands + WARM_UP) * 1e6
        if self.sample is None:
            self.take_sample(*ends, min(500, commands * self.case.fan_out))
        self.stop_daemons()
        return found

    def _latency(self, topic, first, commands):
        return self.tool("bench_load", "latency", commands=self.topic(topic), results=self.topic("results"), first=first,
                         count=commands, rate=self.case.rate, **self.commands_options())

    def floor_latency(self, commands):
        """The same of a bare loop, with no certswapd in the way."""
        words = [os.path.join(TOOLS, "bench_floor"), "echo", "--bootstrap", self.kafka.bootstrap]
        for option, value in (self.floor_options() | {"commands": self.topic(FLOOR)}).items():
            words += ["--" + option.replace("_", "-"), str(value)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as echo:
            try:
                if echo.stdout.readline() != "ready\n":
                    raise RuntimeError("bench_floor echo does not get ready")
                found = self._latency(FLOOR, FIRST_NEW, commands)
                echo.send_signal(signal.SIGTERM)
                ended = json.loads(echo.stdout.readline())
            finally:
                servers.end_process(echo)
        found["cpu_us_a_command"] = ended["cpu_s"] / ended["transactions"] * 1e6
        return found


def figures(commands, fan_out, seconds, cpu_s):
    jobs = commands * fan_out
    return {"commands": commands, "seconds": seconds, "cpu_s": cpu_s, "jobs_a_second": jobs / seconds,
            "commands_a_second": commands / seconds, "cpu_us_a_job": cpu_s / jobs * 1e6,
            "cpu_us_a_command": cpu_s / commands * 1e6}
