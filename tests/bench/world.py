"""One broker, one Redis and certswapd for a run of the benchmark: what is staged, the stores, a backlog, and what the
kernel and certswapd itself say of the work."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clients", "python")]

import certs  # noqa: E402
import confluent_kafka  # noqa: E402
import contract  # noqa: E402
import servers  # noqa: E402
from confluent_kafka import TopicPartition  # noqa: E402

STAGING_KEYS = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
EXISTING, NEW = 1, 2
LIMIT_S = 600
TICK = os.sysconf("SC_CLK_TCK")


def process_figures(pid):
    """What the kernel has counted of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    figures = {"cpu_s": (int(fields[11]) + int(fields[12])) / TICK, "switches": 0}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
                figures["switches"] += sum(int(number) for number in re.findall(r"ctxt_switches:\s+(\d+)", file.read()))
        except FileNotFoundError:
            continue  # a thread that has ended meanwhile
    return figures


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024


class SystemCalls:
    """Counts the system calls of processes from now on, by perf; without it, or where the kernel denies it, none."""

    def __init__(self, pids):
        self.process = shutil.which("perf") and subprocess.Popen(
            ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids))],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def count(self):
        if not self.process:
            return None
        self.process.send_signal(signal.SIGINT)
        found = re.search(r"^(\d+),.*raw_syscalls", self.process.communicate()[1], re.M)
        return int(found[1]) if found else None


def percentiles(seconds):
    ordered = sorted(seconds)

    def at(share):
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
    return {"p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": ordered[-1] * 1000}


class World:
    def __init__(self, case, partitions=4):
        self.case = case
        self._folder = servers.new_folder()
        self.folder = self._folder.name
        self.daemons = []
        self.kafka = servers.Kafka(self.folder)
        self.redis = servers.Redis(self.folder)
        created = servers.run(servers.CERTSWAP, ("topics", "create", "--partitions", str(partitions)),
                              {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap})
        if created.returncode != 0:
            raise RuntimeError(created.stderr)
        self.client = contract.Client(self.kafka.bootstrap, os.path.join(servers.SOURCE, "schemas"))
        self.ca = certs.Identity("Bench CA", ca=True)
        self.alias_bytes, self.commands = 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.stop()
        self.redis.stop()
        self.kafka.stop()
        self._folder.cleanup()

    # What is there before

    def publish_stores(self, locations, entries=10):
        """The case's stores of the certificate that is replaced, and others up to so many locations."""
        kind = {"p256": "P-256", "rsa2048": "RSA-2048"}.get(self.case.seal)
        agents = [{"agentId": contract.new_id(), "certificate":
                   certs.Identity(f"agent-{number}", self.ca, kind).certificate.public_bytes(certs.DER) if kind else None}
                  for number in range(self.case.agents)]
        for number in range(self.case.fan_out):
            self._store([contract.entry("www", EXISTING, "AB" * 20)], agents[number % len(agents)], number)
        for number in range(self.case.fan_out, self.case.fan_out + max(0, locations - self.case.fan_out) // entries):
            self._store([contract.entry(f"host-{at}.example", 1000 + number * entries + at, "CD" * 20)
                         for at in range(entries)], agents[number % len(agents)], number)
        self.client.flush()

    def _store(self, entries, agent, number):
        store = contract.inventory(entries, agent=agent, clientMachine=f"host-{number // 10}.example",
                                   storePath=f"/etc/tls/{number % 10}.p12")
        self.alias_bytes += sum(len(entry["alias"]) for entry in entries)
        value = self.client.schemas.encode("StoreInventory", store)
        while True:
            try:
                return self.client.send_later(contract.INVENTORY, store["storeId"], value)
            except BufferError:
                self.client.producer.poll(0.1)

    def stage(self):
        """Enrolls the new certificate and waits until it is staged."""
        identity = certs.Identity("new.example", self.ca, "P-256")
        event = contract.enrollment(NEW, contract.plain_credential(identity.pfx("password-of-the-event"),
                                                                   "password-of-the-event"), identity.thumbprint)
        self.client.enroll(event)
        servers.wait_for(lambda: self.redis("EXISTS", f"certswap:staged:{NEW}"), "the certificate to be staged")

    def start(self, number=0):
        daemon = servers.Daemon(self.folder, {
            "CERTSWAP_REDIS_URL": self.redis.url, "CERTSWAP_STAGING_KEYS": STAGING_KEYS,
            "CERTSWAP_REQUIRE_SEALED": "false", "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0",
            "CERTSWAP_PIPELINES": str(self.case.pipelines), "CERTSWAP_LOG_LEVEL": "warn" if self.case.quiet else "info",
            "CERTSWAP_LOG_FORMAT": "json", "CERTSWAP_INSTANCE_ID": f"bench-{number}",
            "CERTSWAP_PKCS12_ITERATIONS": str(self.case.iterations),
            "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap}, f"certswapd-{number}")
        self.daemons.append(daemon)
        return daemon

    def command_value(self):
        command = contract.replace_command(EXISTING, NEW, password=self.case.password)
        return command["commandId"], self.client.schemas.encode("ReplaceCommand", command)

    # The work

    def counters(self):
        """Commands, jobs and transactions of all instances so far."""
        found = {"commands": 0, "jobs": 0, "transactions": 0}
        for daemon in self.daemons:
            text = daemon.metrics()
            for name in found:
                found[name] += sum(float(value) for value in
                                   re.findall(rf"^certswap_{name}_total(?:{{[^}}]*}})? (\S+)$", text, re.M))
        return found

    def work_off(self, commands):
        """Has a backlog worked off. The instances stand still while it is written, so it is whole when they begin."""
        counted = self.counters()
        for daemon in self.daemons:
            daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(commands):
            self.client.send_later(contract.COMMANDS, *self.command_value())
        self.client.flush()
        pids = [daemon.process.pid for daemon in self.daemons]
        calls = SystemCalls(pids)
        before, begin = [process_figures(pid) for pid in pids], time.monotonic()
        for daemon in self.daemons:
            daemon.process.send_signal(signal.SIGCONT)
        self.commands += commands
        while (counters := self.counters())["commands"] < self.commands:
            if time.monotonic() - begin > LIMIT_S:
                raise TimeoutError(f"{commands} commands are not worked off within {LIMIT_S} s: {counters}")
            time.sleep(0.03)
        seconds = time.monotonic() - begin
        after = [process_figures(pid) for pid in pids]
        system_calls = calls.count()
        return {"seconds": seconds, "commands": commands, "jobs": commands * self.case.fan_out,
                "cpu_seconds": sum(a["cpu_s"] - b["cpu_s"] for a, b in zip(after, before)),
                "switches": sum(a["switches"] - b["switches"] for a, b in zip(after, before)),
                "system_calls": system_calls, "transactions": counters["transactions"] - counted["transactions"],
                "resident_bytes": sum(map(resident_bytes, pids))}

    def sizes(self):
        """Bytes of a job's and of a result's value, of the latest that were written."""
        found = []
        for topic in (contract.JOBS, contract.RESULTS):
            reader = confluent_kafka.Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": contract.new_id(),
                                               "enable.auto.commit": False, "isolation.level": "read_committed"})
            places = []
            for partition in self.client.partitions(topic):
                low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                places.append(TopicPartition(topic, partition, max(low, high - 20)))
            reader.assign(places)
            read = [len(message.value()) for message in reader.consume(40, 2) if message.error() is None]
            reader.close()
            found.append(sum(read) // len(read))
        return found

    def latencies(self, count, rate):
        """Seconds from the moment at which each of `count` commands was to be sent, `rate` a second, until a
        read_committed reader has its result, or that of the floor: whichever answers, one record a command."""
        reader = confluent_kafka.Consumer({
            "bootstrap.servers": self.kafka.bootstrap, "group.id": contract.new_id(), "fetch.wait.max.ms": 500,
            "isolation.level": "read_committed", "enable.auto.commit": False})
        places = []
        for partition in self.client.partitions(contract.RESULTS):
            _, high = reader.get_watermark_offsets(TopicPartition(contract.RESULTS, partition), timeout=10)
            places.append(TopicPartition(contract.RESULTS, partition, high))
        reader.assign(places)
        values = [self.command_value() for _ in range(count)]
        due, found, sent = [], [], 0
        begin = time.monotonic() + 1.0
        while len(found) < count:
            now = time.monotonic()
            while sent < count and begin + sent / rate <= now:
                due.append(begin + sent / rate)
                self.client.send_later(contract.COMMANDS, *values[sent])
                sent += 1
            for message in reader.consume(100, 0.0005):
                if message.error() is None:
                    found.append(time.monotonic() - due[len(found)])
            if now - begin > 60 + count / rate:
                raise TimeoutError(f"{len(found)} of {count} answers came")
        reader.close()
        return percentiles(found)
