"""Exactly one result a command and exactly its jobs, for a read_committed reader: 500 commands with 20 stores each,
undisturbed, under SIGKILL and under SIGTERM."""
import collections
import os
import signal

import support  # noqa: F401
from contract import JOBS, RESULTS, enrollment, entry, inventory, plain_credential, replace_command
from harness import BrokerTest, main

COMMANDS = int(os.environ.get("TEST_COMMANDS", "500"))
FAN_OUT = 20
KILLS = 5


class ExactlyOnce(BrokerTest):
    # Small batches, so that a kill finds several in the making; a dead member's partitions are free after 6 s, not 45.
    settings = {"CERTSWAP_BATCH_MAX": "10", "CERTSWAP_KAFKA_SESSION_TIMEOUT_MS": "6000"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.identity = case.new_identity()
        cls.new, _, _ = case.stage(cls.identity)
        cls.stores = [inventory([entry("x", cls.existing, "AB" * 20)]) for _ in range(FAN_OUT)]
        case.add_stores(cls.existing, cls.new, cls.stores)

    def send_commands(self, count):
        """Sends commands, half of them with a password, which costs certswapd derivations; returns their ids."""
        ids = []
        for number in range(count):
            password = self.new_password() if number % 2 else None
            command = replace_command(self.existing, self.new, password=password)
            ids.append(command["commandId"])
            self.client.send_later("certificate.replace.commands", command["commandId"],
                                   self.client.schemas.encode("ReplaceCommand", command))
        self.client.flush()
        return ids

    def enroll_again(self):
        """The life of the staged material, 300 seconds, begins anew: the test may take longer."""
        password = self.new_password()
        self.client.enroll(enrollment(self.new, plain_credential(self.identity.pfx(password), password),
                                      self.identity.thumbprint))

    def results_of(self, ids):
        wanted = set(ids)
        return {message.record["commandId"] for message in self.client.messages
                if message.topic == RESULTS and message.record["commandId"] in wanted}

    def wait_results(self, ids, count, timeout_s=120):
        self.client.wait(lambda: len(self.results_of(ids)) >= count, f"{count} of {len(ids)} results", timeout_s)

    def assert_exactly_once(self, ids):
        wanted = set(ids)
        seen = [message for message in self.client.read_all(JOBS, RESULTS) if message.record["commandId"] in wanted]
        results = collections.Counter(m.record["commandId"] for m in seen if m.topic == RESULTS)
        jobs = collections.Counter((m.record["commandId"], m.record["storeId"]) for m in seen if m.topic == JOBS)
        self.assertEqual({1}, set(results.values()), [i for i, n in results.items() if n > 1][:5])
        self.assertEqual(len(ids), len(results))
        self.assertEqual({1}, set(jobs.values()), [i for i, n in jobs.items() if n > 1][:5])
        self.assertEqual(len(ids) * FAN_OUT, len(jobs))
        self.assertEqual({"COMPLETED"}, {m.record["status"] for m in seen if m.topic == RESULTS})
        self.assertEqual({store["storeId"] for store in self.stores}, {store for _, store in jobs})
        self.assertEqual(len(jobs), len({m.record["jobId"] for m in seen if m.topic == JOBS}))

    def test_1_undisturbed(self):
        ids = self.send_commands(COMMANDS)
        self.wait_results(ids, len(ids))
        self.assert_exactly_once(ids)

    def test_2_killed_five_times(self):
        ids, cut_short = [], 0
        for kill in range(KILLS):
            wave = self.send_commands(COMMANDS // KILLS)
            ids += wave
            self.wait_results(wave, 1 + kill * 7)
            self.daemon.kill()
            done = sum(m.record["commandId"] in set(ids) for m in self.client.read_all(RESULTS))
            cut_short += done < len(ids)
            self.enroll_again()
            self.daemon.start()
        self.daemon.wait_ready(timeout_s=120)
        self.wait_results(ids, len(ids), timeout_s=240)
        self.assert_exactly_once(ids)
        self.assertGreater(cut_short, 0, "no kill came while there was work: the test has shown nothing")

    def test_3_stopped_under_load(self):
        self.enroll_again()
        ids = self.send_commands(COMMANDS // 2)
        self.wait_results(ids, 1)
        status, seconds = self.daemon.stop()
        self.assertEqual(0, status)
        self.assertLess(seconds, 25)
        self.daemon.start().wait_ready(timeout_s=120)
        self.wait_results(ids, len(ids))
        self.assert_exactly_once(ids)

    def test_4_stop_when_idle_is_quick(self):
        self.enroll_again()
        for by in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(by):
                self.daemon.wait_ready(timeout_s=120)
                status, seconds = self.daemon.stop(by=by)
                self.assertEqual(0, status)
                self.assertLess(seconds, 10)
                self.daemon.start()
        self.daemon.wait_ready(timeout_s=120)
        self.assertEqual("COMPLETED", self.replace(self.existing, self.new)[0].record["status"])


if __name__ == "__main__":
    main()
