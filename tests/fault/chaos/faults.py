"""The faults of a campaign: a schedule that follows from a seed, and the hands that carry it out."""
import collections
import random
import signal
import threading
import time

from servers import wait_for
from world import BROKERS, INSTANCES

# kind: (weight, least and most seconds, whom it hits)
KINDS = {
    "kill": (6, 0.0, 3.0, "instance"),          # SIGKILL, and started again after so long
    "stop": (4, 0.0, 2.0, "instance"),          # SIGTERM, likewise
    "freeze": (3, 0.3, 8.0, "instance"),        # SIGSTOP, SIGCONT
    "zombie": (3, 11.5, 18.0, "instance"),      # as freeze, beyond the session timeout of 10 s
    "broker-stop": (1, 0.0, 3.0, "broker"),
    "broker-kill": (1, 0.0, 3.0, "broker"),
    "broker-freeze": (1, 0.5, 6.0, "broker"),
    "redis-stop": (1, 0.0, 4.0, "redis"),
    "redis-kill": (1, 0.0, 4.0, "redis"),
    "redis-freeze": (1, 0.3, 6.0, "redis"),
    "redis-cut": (2, 0.3, 8.0, "redis-link"),
    "redis-deaf": (2, 0.3, 6.0, "redis-link"),
    "redis-slow": (2, 2.0, 8.0, "redis-link"),
    "redis-reset": (2, 0.0, 0.0, "redis-link"),
    "kafka-cut": (2, 0.3, 12.0, "broker-link"),
    "kafka-stall": (2, 0.3, 12.0, "broker-link"),
    "kafka-deaf": (2, 0.3, 6.0, "broker-link"),
    "kafka-slow": (2, 2.0, 8.0, "broker-link"),
    "kafka-reset": (2, 0.0, 0.0, "broker-link"),
    "kafka-away": (1, 1.0, 12.0, "broker-links"),  # one instance sees no broker at all
}

Fault = collections.namedtuple("Fault", "at kind target seconds delay_ms")


def _target(chance, hits):
    """(instance or None, broker or None): None stands for Redis, and for all brokers."""
    instance, broker = chance.randrange(INSTANCES), 1 + chance.randrange(BROKERS)
    return {"instance": (instance, None), "broker": (None, broker), "redis": (None, None),
            "redis-link": (instance, None), "broker-link": (instance, broker), "broker-links": (instance, None)}[hits]


def schedule(seed, seconds, gap_s, only=None):
    """The faults of a campaign of so many seconds, `gap_s` apart on average; `only`: {kind: weight}."""
    chance = random.Random(f"faults {seed}")
    weights = only or {kind: row[0] for kind, row in KINDS.items()}
    faults, at, busy_until = [], min(1.0, seconds / 10), {}
    while True:
        at += chance.expovariate(1 / gap_s)
        if at >= seconds:
            return faults
        kind = chance.choices(list(weights), list(weights.values()))[0]
        _, least, most, hits = KINDS[kind]
        fault = Fault(at, kind, _target(chance, hits), chance.uniform(least, most), chance.randrange(20, 250))
        lane = (hits, fault.target) if "link" in hits else (hits.split("-")[0], fault.target[0])
        if busy_until.get(lane, 0) <= at:
            busy_until[lane] = at + fault.seconds
            faults.append(fault)


class Faults:
    """Carries a schedule out, each fault in a thread of its own. `done`: what was done, with begin and end."""

    Done = collections.namedtuple("Done", "kind target begin end")

    def __init__(self, world, faults):
        self.world, self.faults = world, faults
        self.done, self.problems = [], []
        self.redis_lock = threading.Lock()
        self.instance_locks = [threading.Lock() for _ in world.instances]
        self._threads, self._stop = [], threading.Event()
        self._starter = threading.Thread(target=self._run)
        self._starter.start()

    def _run(self):
        begin = time.monotonic()
        for fault in self.faults:
            if self._stop.wait(max(0, begin + fault.at - time.monotonic())):
                return
            thread = threading.Thread(target=self._inject, args=(fault,))
            self._threads.append(thread)
            thread.start()

    def join(self):
        """Waits until the schedule has ended and all is whole again."""
        self._starter.join()
        for thread in self._threads:
            thread.join()

    def stop(self):
        """Ends the schedule early; what was begun is ended in good order."""
        self._stop.set()
        self.join()

    def _inject(self, fault):
        number, _ = fault.target
        hits = KINDS[fault.kind][3]
        try:
            if hits == "instance":
                with self.instance_locks[number]:
                    self._timed(fault, self._hit_instance)
            elif hits == "broker":
                # Without waiting for its turn: two brokers at once are no fault that is to be survived.
                if self.world.broker_lock.acquire(timeout=1):
                    try:
                        self._timed(fault, self._hit_broker)
                        wait_for(self.world.in_sync, "the copies of all partitions", 90, 0.3)
                    finally:
                        self.world.broker_lock.release()
            elif hits == "redis":
                with self.redis_lock:
                    self._timed(fault, self._hit_redis)
            else:
                self._timed(fault, self._hit_links)
        except Exception as error:
            self.problems.append(f"the fault {fault} could not be carried out: {error!r}")

    def _timed(self, fault, hit):
        begin = time.monotonic()
        hit(fault)
        self.done.append(self.Done(fault.kind, fault.target, begin, time.monotonic()))

    def _hit_instance(self, fault):
        instance = self.world.instances[fault.target[0]]
        instance.check_alive()
        if fault.kind in ("kill", "stop"):
            if fault.kind == "kill":
                instance.daemon.kill()
            else:
                instance.stop()
            time.sleep(fault.seconds)
            instance.daemon.start()
            return
        instance.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(fault.seconds)
        instance.daemon.process.send_signal(signal.SIGCONT)

    def _hit_broker(self, fault):
        broker = self.world.brokers[fault.target[1] - 1]
        if fault.kind == "broker-freeze":
            broker.send(signal.SIGSTOP)
            time.sleep(fault.seconds)
            broker.send(signal.SIGCONT)
            return
        broker.end(signal.SIGKILL if fault.kind == "broker-kill" else signal.SIGTERM)
        time.sleep(fault.seconds)
        broker.start()

    def _hit_redis(self, fault):
        redis = self.world.redis
        if fault.kind == "redis-freeze":
            redis.pause()
            time.sleep(fault.seconds)
            redis.resume()
            return
        (redis.kill if fault.kind == "redis-kill" else redis.stop)()
        time.sleep(fault.seconds)
        redis.start()

    def _hit_links(self, fault):
        instance = self.world.instances[fault.target[0]]
        broker = fault.target[1]
        how = fault.kind.split("-")[1]
        if fault.kind == "kafka-away":
            names, how = [instance.link(f"broker-{node + 1}") for node in range(BROKERS)], "stall"
        else:
            names = [instance.link("redis" if broker is None else f"broker-{broker}")]
        if how == "reset":
            for name in names:
                self.world.links.reset(name)
            return
        for name in names:
            self.world.links.set(name, how, fault.delay_ms)
        time.sleep(fault.seconds)
        for name in names:
            self.world.links.set(name, "open")
