"""What the campaign breaks: three brokers, a durable Redis, three instances of certswapd, and a link of its own from
each instance to each of these four."""
import os
import signal
import socket
import subprocess
import threading

import contract
import links
import servers
from servers import wait_for

BROKERS = 3
INSTANCES = 3
PARTITIONS = 6

BROKER_SETTINGS = {
    "default.replication.factor": 3, "min.insync.replicas": 2, "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3, "transaction.state.log.min.isr": 2,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000, "replica.lag.time.max.ms": 5000,
}


class Broker:
    """One broker of the cluster: ended and started again by itself, with the command line that script/kafka gave it."""

    def __init__(self, node, pid, folder):
        self.node, self.pid, self.folder, self.child = node, pid, folder, None
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.command = file.read().decode().split("\0")[:-1]
        self.log = os.path.join(folder, f"broker-{node}.log")
        with open(os.path.join(folder, f"broker-{node}.properties"), encoding="utf-8") as file:
            listeners = next(line for line in file if line.startswith("listeners=PLAINTEXT://127.0.0.1:"))
        self.port = int(listeners.split(",")[0].rsplit(":", 1)[1])

    def _runs(self):
        if self.child is not None:
            return self.child.poll() is None
        try:
            with open(f"/proc/{self.pid}/cmdline", "rb") as file:
                return self.log.removesuffix(".log").encode() in file.read()
        except OSError:
            return False

    def send(self, sign):
        if self._runs():
            os.kill(self.pid, sign)

    def end(self, sign):
        self.send(sign)
        wait_for(lambda: not self._runs(), f"broker {self.node} to end", 60)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self):
        """Once more where it does not come up: Kafka 4.3.1 can fail at its own metadata log after a SIGKILL."""
        for last in (False, True):
            with open(self.log, "ab") as log:
                self.child = subprocess.Popen(self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log)
            self.pid = self.child.pid
            try:
                wait_for(lambda: self._listens() or not self._runs(), f"broker {self.node} to listen", 60, 0.2)
            except TimeoutError:
                if last:
                    raise
            if self._listens():
                return
            self.end(signal.SIGKILL)
        raise RuntimeError(f"broker {self.node} does not come up: {self.log}")


class Instance:
    """A certswapd and its links: "redis" and "broker-1" and so on."""

    def __init__(self, number):
        self.number, self.daemon, self.ports = number, None, {}
        self.name = f"certswapd-{number}"
        self.faults = []  # what it did wrong as a process

    def link(self, to):
        return f"{self.name}-{to}"

    def start(self, folder, settings):
        self.daemon = servers.Daemon(folder, settings, self.name)

    def check_alive(self):
        status = self.daemon.process.poll()
        if status is not None and not self.daemon.ended_by_test:
            self.faults.append(f"{self.name} ended by itself with {status}: {self.daemon.log_path}")
            self.daemon.start()

    def stop(self):
        """SIGTERM; a stop is clean, whatever is broken around it. Only once the program has begun to listen to it."""
        self.check_alive()
        wait_for(lambda: self.daemon.process.poll() is not None or
                 any(line.get("message") == "started" for line in self.daemon.log()), f"{self.name} to have started", 30)
        status, seconds = self.daemon.stop(timeout_s=40)
        if status != 0 or seconds > 28:
            self.faults.append(f"{self.name} ended with {status}, {seconds:.1f} s after SIGTERM: "
                               f"{self.daemon.log_path}")


class World:
    def __init__(self, folder, settings):
        self.folder, self._settings = folder, settings
        self.broker_lock = threading.Lock()  # one at a time: two of three must be there
        self._ends = []
        try:
            self._begin()
        except BaseException:
            self.end()
            raise

    def _begin(self):
        self.links = links.Links()
        self._ends.append(self.links.stop)
        self.instances = [Instance(number) for number in range(INSTANCES)]
        links_file = os.path.join(self.folder, "links")
        with open(links_file, "w", encoding="utf-8") as file:
            for instance in self.instances:
                for to in ["redis"] + [f"broker-{node + 1}" for node in range(BROKERS)]:
                    instance.ports[to] = self.links.add(instance.link(to))
                    if to != "redis":
                        file.write(f"{to[-1]} INSTANCE{instance.number} {instance.ports[to]}\n")
        self.redis = servers.Redis(self.folder, durable=True)
        self._ends.append(self._end_redis)
        self.kafka = servers.Kafka(self.folder, BROKER_SETTINGS,
                                   ["--brokers", str(BROKERS), "--links", links_file])
        self._ends.append(self._end_kafka)
        with open(os.path.join(self.kafka.folder, "pid"), encoding="utf-8") as file:
            self.brokers = [Broker(node + 1, int(pid), self.kafka.folder) for node, pid in enumerate(file)]
        self._aim()
        created = servers.run(servers.CERTSWAP, ["topics", "create", "--partitions", str(PARTITIONS), "--replication",
                                                 str(BROKERS)],
                              {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap})
        if created.returncode != 0:
            raise RuntimeError(f"certswap topics create: {created.stderr}{created.stdout}")
        self.client = contract.Client(self.kafka.bootstrap, os.path.join(servers.SOURCE, "schemas"))
        self._ends.append(self.client.close)

    def _aim(self):
        for instance in self.instances:
            self.links.aim(instance.link("redis"), self.redis.port)
        with open(os.path.join(self.kafka.folder, "links"), encoding="utf-8") as file:
            for line in file:
                node, name, _, port = line.split()
                instance = self.instances[int(name.removeprefix("INSTANCE"))]
                self.links.aim(instance.link(f"broker-{node}"), int(port))

    def start_instances(self):
        for instance in self.instances:
            brokers = [f"127.0.0.1:{port}" for to, port in instance.ports.items() if to != "redis"]
            instance.start(self.folder, self._settings | {
                "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": ",".join(brokers),
                "CERTSWAP_REDIS_URL": f"redis://127.0.0.1:{instance.ports['redis']}/0",
                "CERTSWAP_INSTANCE_ID": f"chaos-{instance.number}"})
            self._ends.append(instance.daemon.kill)
        for instance in self.instances:
            instance.daemon.wait_ready(timeout_s=120)

    def in_sync(self):
        """Whether every partition has all its copies."""
        try:
            topics = self.client.admin.list_topics(timeout=5).topics
        except contract.confluent_kafka.KafkaException:
            return False
        return all(len(partition.isrs) == BROKERS for topic in topics.values()
                   for partition in topic.partitions.values())

    def _end_redis(self):
        self.redis.resume()
        self.redis.stop()

    def _end_kafka(self):
        with open(os.path.join(self.kafka.folder, "pid"), "w", encoding="utf-8") as file:
            file.writelines(f"{broker.pid}\n" for broker in self.brokers)
        for broker in self.brokers:
            broker.send(signal.SIGCONT)
            if broker.child is not None:
                servers.end_process(broker.child, 15)
        self.kafka.stop()

    def end(self):
        while self._ends:
            self._ends.pop()()
