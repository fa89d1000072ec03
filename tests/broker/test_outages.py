"""Two instances share the work; a dependency that is down loses and rejects nothing: readiness falls and comes back."""
import re

import support  # noqa: F401
from contract import JOBS, RESULTS, enrollment, entry, inventory, plain_credential, replace_command
from harness import BrokerTest, main, servers


class Outages(BrokerTest):
    def store_and_stage(self, stores=1):
        existing = self.new_certificate_id()
        new, identity, _ = self.stage()
        self.add_stores(existing, new, [inventory([entry("x", existing, "AB" * 20)]) for _ in range(stores)])
        return existing, new, identity

    def send_commands(self, existing, new, count):
        return [self.client.command(replace_command(existing, new)) for _ in range(count)]

    def assert_completed_once(self, ids, stores=1):
        for command_id in ids:
            result, jobs = self.client.outcome(command_id, timeout_s=90)
            self.assertEqual(("COMPLETED", stores), (result.record["status"], len(jobs)), result.record)
        seen = [m.record["commandId"] for m in self.client.read_all(RESULTS)]
        self.assertEqual([1] * len(ids), [seen.count(command_id) for command_id in ids])
        jobs = [m.record["jobId"] for m in self.client.read_all(JOBS)]
        self.assertEqual(len(set(jobs)), len(jobs))

    def test_redis_hangs(self):
        existing, new, _ = self.store_and_stage()
        self.redis.pause()
        try:
            ids = self.send_commands(existing, new, 5)
            self.daemon.wait_ready(ready=False)
            status, body = self.daemon.get("/readyz")
            self.assertEqual(503, status)
            self.assertIn("redis", body.lower(), "it says what it waits for")
            self.assertEqual(200, self.daemon.get("/livez")[0], "a dependency's outage is no reason to be restarted")
            self.assertEqual([], [i for i in ids if i in self.client._results])
        finally:
            self.redis.resume()
        self.daemon.wait_ready()
        self.assert_completed_once(ids)

    def test_redis_restarts(self):
        existing, new, identity = self.store_and_stage()
        self.redis.stop(keep_data=True)
        try:
            ids = self.send_commands(existing, new, 5)
            later, password = self.new_certificate_id(), self.new_password()
            self.client.enroll(enrollment(later, plain_credential(identity.pfx(password), password),
                                          identity.thumbprint))
            self.daemon.wait_ready(ready=False)
            self.assertEqual(200, self.daemon.get("/livez")[0])
        finally:
            self.redis.start()
        self.daemon.wait_ready()
        self.wait_staged(later)
        self.assert_completed_once(ids + self.send_commands(existing, later, 1))

    def test_redis_is_down_at_the_start(self):
        existing, new, _ = self.store_and_stage()
        self.assertEqual(0, self.daemon.stop()[0])
        self.redis.stop(keep_data=True)
        try:
            ids = self.send_commands(existing, new, 2)
            self.daemon.start()
            servers.wait_for(lambda: self.daemon.get("/readyz")[0] == 503, "certswapd to answer that it is not ready")
        finally:
            self.redis.start()
        self.daemon.wait_ready()
        self.assert_completed_once(ids)

    def test_stop_while_redis_is_down(self):
        self.redis.stop(keep_data=True)
        try:
            self.daemon.wait_ready(ready=False)
            status, seconds = self.daemon.stop()
            self.assertEqual(0, status)
            self.assertLess(seconds, 26)
        finally:
            self.redis.start()
        self.daemon.start().wait_ready()

    def test_two_instances(self):
        existing, new, _ = self.store_and_stage(stores=3)
        second = self.start_daemon(CERTSWAP_INSTANCE_ID="test-1").wait_ready()
        ids = self.send_commands(existing, new, 60)
        self.assert_completed_once(ids, stores=3)
        # One leaves in the midst of work; the other takes all.
        ids = self.send_commands(existing, new, 30)
        self.assertEqual(0, second.stop()[0])
        ids += self.send_commands(existing, new, 30)
        self.assert_completed_once(ids, stores=3)

    def test_kafka_is_down_at_the_start(self):
        """A broker that is down does not refuse the start: not ready, alive, a clean end."""
        lonely = self.start_daemon(CERTSWAP_INSTANCE_ID="test-2", CERTSWAP_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        servers.wait_for(lambda: re.search("(?i)kafka|broker|127.0.0.1:1", lonely.get("/readyz")[1]),
                         "certswapd to say that it waits for Kafka")
        self.assertEqual(503, lonely.get("/readyz")[0])
        self.assertEqual(200, lonely.get("/livez")[0])
        status, seconds = lonely.stop()
        self.assertEqual(0, status)
        self.assertLess(seconds, 26)


if __name__ == "__main__":
    main()
