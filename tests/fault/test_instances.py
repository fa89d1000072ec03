"""Several instances: one that stands still beyond its session and comes back as a zombie, ends under load, instances
that come and go. Whatever happens, a read_committed reader sees one result and one job a store for each command."""
import os
import random
import re
import time

import confluent_kafka
from confluent_kafka import TopicPartition
from support import JOBS, RESULTS, FaultTest, main, servers

STOPS = int(os.environ.get("TEST_STOPS", "15"))
ZOMBIES = int(os.environ.get("TEST_ZOMBIES", "2"))
DEADLINE_S = 25


def decided_by(daemon):
    """How many commands an instance has decided since its start."""
    return sum(int(count) for count in re.findall(r"(?m)^certswap_commands_total\{.*\} (\d+)$", daemon.metrics()))


class Instances(FaultTest):
    settings = FaultTest.settings | {"CERTSWAP_KAFKA_TRANSACTION_TIMEOUT_MS": "10000"}
    every_s = 0.02

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.start_daemon(CERTSWAP_INSTANCE_ID="test-1").wait_ready()
        cls.end_readers = [confluent_kafka.Consumer({"bootstrap.servers": cls.kafka.bootstrap, "group.id": "ends",
                                                     "isolation.level": level, "log_level": 2})
                           for level in ("read_committed", "read_uncommitted")]
        for reader in cls.end_readers:
            cls.addClassCleanup(reader.close)

    def members(self):
        future = self.client.admin.describe_consumer_groups(["certswap"])["certswap"]
        return len(future.result(10).members)

    def wait_members(self, count):
        servers.wait_for(lambda: self.members() == count, f"the group to have {count} members", every_s=0.2)

    def open_ends(self):
        """How many output partitions hold records of a transaction that is open now: their last stable offset, which
        a read_committed client is told as the end, is behind the end."""
        count = 0
        for topic in (JOBS, RESULTS):
            for partition in self.client.partitions(topic):
                place = TopicPartition(topic, partition)
                ends = [reader.get_watermark_offsets(place, timeout=10)[1] for reader in self.end_readers]
                count += ends[0] != ends[1]
        return count

    def pause_in_a_transaction(self, daemon):
        """Stops the instance where it has a transaction open. Those of the others come and go, so what is open for a
        while is its own."""
        for attempt in range(1, 41):
            daemon.pause()
            looks = 0
            while looks < 8 and self.open_ends() > 0:
                looks += 1
            if looks == 8:
                print(f"    caught in a transaction at attempt {attempt}", flush=True)
                return
            daemon.resume()
            time.sleep(random.uniform(0.01, 0.1))
        self.fail("the instance was never met in a transaction")

    def test_1_zombie(self):
        """Round by round: back when the group has just gone on without it, and when also its transactions have
        been ended for it."""
        self.wait_members(4)
        ids = []
        for number in range(ZOMBIES):
            self.enroll_again()
            load = self.start_load(password=self.new_password())  # with a password each command costs some work
            self.wait_results(load.ids, count=20)
            before = decided_by(self.second)
            self.pause_in_a_transaction(self.daemon)
            paused = time.monotonic()
            try:
                self.wait_members(2)
                if number % 2 == 1:
                    ids += load.stop()
                    self.client.flush()
                    self.wait_results(ids, timeout_s=60)
                    print(f"    the other had decided all after {time.monotonic() - paused:.1f} s", flush=True)
                    load = self.start_load(password=self.new_password())
            finally:
                self.daemon.resume()
            resumed = time.monotonic()
            self.wait_members(4)
            self.daemon.wait_ready()
            at_return = decided_by(self.daemon)
            self.client.wait(lambda: decided_by(self.daemon) > at_return + 5, "the zombie to work again", 60)
            print(f"    zombie: back at work {time.monotonic() - resumed:.1f} s after SIGCONT, paused for "
                  f"{resumed - paused:.1f} s", flush=True)
            ids += load.stop()
            self.client.flush()
            self.wait_results(ids, timeout_s=60)
            self.assertGreater(decided_by(self.second), before, "the other took over")
        self.assert_exactly_once(ids)

    def test_2_stopped_under_load(self):
        load, slowest, ids = self.start_load(), 0, []
        for number in range(STOPS):
            if number % 15 == 14:
                self.enroll_again()
            at_start = decided_by(self.daemon)
            self.client.wait(lambda: decided_by(self.daemon) > at_start + 5, "the instance to work", 60)
            status, seconds = self.daemon.stop()
            self.assertEqual(0, status)
            self.assertLess(seconds, DEADLINE_S)
            slowest = max(slowest, seconds)
            self.daemon.start().wait_ready()
        ids = load.stop()
        self.client.flush()
        self.wait_results(ids, timeout_s=60)
        self.assert_exactly_once(ids)
        print(f"    {STOPS} stops under load, {len(ids)} commands: the slowest took {slowest:.2f} s", flush=True)

    def test_3_come_and_go(self):
        """Instances join and leave in turn while commands flow; never is none there."""
        load = self.start_load()
        third = self.start_daemon(CERTSWAP_INSTANCE_ID="test-2")
        slowest = 0
        for one in (self.daemon, self.second, third) * 2:
            third.wait_ready()
            self.assertEqual(0, one.stop()[0])
            left = time.monotonic()
            sent = len(load.ids)
            self.client.wait(lambda: len(load.ids) > sent + 5, "further commands")
            self.wait_results(load.ids[:sent + 5])
            slowest = max(slowest, time.monotonic() - left)
            one.start().wait_ready()
        ids = load.stop()
        self.client.flush()
        self.wait_results(ids, timeout_s=60)
        self.assert_exactly_once(ids)
        print(f"    6 departures, {len(ids)} commands: the slowest takeover took {slowest:.1f} s", flush=True)


if __name__ == "__main__":
    main()
