"""What the fault tests share: a steady load, an outage around which the promises are checked, and the count of what a
read_committed reader sees."""
import collections
import contextlib
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import harness  # noqa: E402
from contract import (COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RESULTS, enrollment, entry,  # noqa: E402,F401
                      inventory, plain_credential, replace_command)
from harness import servers  # noqa: E402

STORES = 3
RESUME_LIMIT_S = 30  # from the end of a fault until all that had waited is decided


class Load:
    """Commands sent at a steady rate by a thread of its own, until stop()."""

    def __init__(self, send, every_s):
        self.ids, self._send, self._every_s = [], send, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self._every_s):
            self.ids.append(self._send())

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.ids


class FaultTest(harness.BrokerTest):
    """Each test has a staged certificate (`new`) and STORES stores that hold `existing`."""

    # Enough commands in a second that a fault finds some in hand; quick verdicts about members and transactions.
    settings = {"CERTSWAP_KAFKA_SESSION_TIMEOUT_MS": "6000", "CERTSWAP_BATCH_MAX": "10"}
    broker_settings = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}
    every_s = 0.05

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.existing, cls.new, cls.identity = None, None, None
        if cls.daemon is not None:
            cls._failed = True
            cls().make_stores()
            cls._failed = False

    def setUp(self):
        self.loads = []
        self.addCleanup(lambda: [load.stop() for load in self.loads])
        if self.new is not None:
            self.enroll_again()

    def make_stores(self):
        kind = type(self)
        kind.existing, kind.identity = self.new_certificate_id(), self.new_identity()
        kind.new, _, _ = self.stage(self.identity)
        self.add_stores(self.existing, self.new,
                        [inventory([entry("x", self.existing, "AB" * 20)]) for _ in range(STORES)])

    def enrollment_of(self, certificate_id):
        password = self.new_password()
        return enrollment(certificate_id, plain_credential(self.identity.pfx(password), password),
                          self.identity.thumbprint)

    def enroll_again(self):
        """The life of the staged material, 300 seconds, begins anew."""
        event = self.enrollment_of(self.new)
        self.client.enroll(event)
        servers.wait_for(lambda: self.redis("HGET", f"certswap:marker:{self.new}", "eventId") ==
                         event["eventId"].encode(), "the certificate to be staged again")

    def send_command(self, certificate_id=None, **fields):
        """Hands a command to the producer without waiting for the broker; returns its id."""
        command = replace_command(self.existing, certificate_id or self.new, **fields)
        self.client.send_later(COMMANDS, command["commandId"], self.client.schemas.encode("ReplaceCommand", command))
        return command["commandId"]

    def start_load(self, **fields):
        self.loads.append(Load(lambda: self.send_command(**fields), self.every_s))
        return self.loads[-1]

    def wait_results(self, ids, timeout_s=RESUME_LIMIT_S, count=None):
        """Until so many of the ids have a result, all by default; the list may grow meanwhile."""
        count = len(ids) if count is None else count
        self.client.wait(lambda: sum(i in self.client._results for i in list(ids)) >= count,
                         f"{count} results", timeout_s)

    @contextlib.contextmanager
    def timed(self, what):
        begin = time.monotonic()
        yield
        print(f"    {what}: {time.monotonic() - begin:.1f} s", flush=True)

    def wait_red(self, *words, daemon=None, timeout_s=30):
        """Until readiness has fallen and its text has all the words; the liveness must not fall with it."""
        daemon, last = daemon or self.daemon, {}

        def red():
            last["answer"] = status, body = daemon.get("/readyz")
            return status == 503 and all(word.lower() in body.lower() for word in words)
        try:
            servers.wait_for(red, f"readiness to fall with {words}", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {last['answer']}") from None
        self.assertEqual(200, daemon.get("/livez")[0], "an outage is no reason to be restarted")

    def assert_stays_red(self, *words, for_s=2):
        """What cannot work must not say in between that it can."""
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            status, body = self.daemon.get("/readyz")
            self.assertEqual(503, status, "ready in the midst of an outage")
            for word in words:
                self.assertIn(word.lower(), body.lower())
            time.sleep(0.02)

    def through(self, name, begin, end, red=None, stays_red=True, hold_s=0, takes_input=True, always=None):
        """A fault under load: nothing is lost, rejected or doubled, and what was staged before, is enrolled meanwhile,
        after its command even, or never comes is decided right. `red`: words of the reason, `always`: those that stand
        in it all the time, if they are others; `takes_input`: the broker can be written to."""
        load = self.start_load()
        self.wait_results(load.ids, count=1)
        begun = time.monotonic()
        late, never = self.new_certificate_id(), self.new_certificate_id()
        with contextlib.ExitStack() as stack:
            stack.callback(end)
            begin()
            early = [self.send_command(late)]
            missing = [self.send_command(never)]
            if takes_input:
                self.client.enroll(self.enrollment_of(late))
            if red is not None:
                self.wait_red(*red)
                print(f"    {name}: not ready after {time.monotonic() - begun:.1f} s", flush=True)
                if stays_red:
                    self.assert_stays_red(*(red if always is None else always))
            while time.monotonic() < begun + hold_s:
                time.sleep(0.05)
        healed = time.monotonic()
        if not takes_input:
            self.client.enroll(self.enrollment_of(late))
        ids = load.stop()
        self.client.flush()
        first = self.send_command()
        self.daemon.wait_ready(timeout_s=RESUME_LIMIT_S)
        ready_s = time.monotonic() - healed
        self.wait_results(ids + early + missing + [first])
        print(f"    {name}: ready again after {ready_s:.1f} s, all {len(ids) + 3} commands decided after "
              f"{time.monotonic() - healed:.1f} s", flush=True)
        self.assert_exactly_once(ids + early + [first])
        self.assert_rejected(self.client.result(missing[0]), "NOT_STAGED")

    def assert_exactly_once(self, ids):
        """One COMPLETED result a command and one job a store, nothing else, and no dead letter."""
        wanted = set(ids)
        self.assertEqual(len(wanted), len(ids))
        everything = self.client.read_all(JOBS, RESULTS, DLQ)
        self.assertEqual([], [message for message in everything if message.topic == DLQ])
        seen = [m for m in everything if m.record["commandId"] in wanted]
        results = collections.Counter(m.record["commandId"] for m in seen if m.topic == RESULTS)
        jobs = collections.Counter((m.record["commandId"], m.record["storeId"]) for m in seen if m.topic == JOBS)
        self.assertEqual([], [i for i in ids if results[i] != 1], "commands without exactly one result")
        self.assertEqual([], [m.record for m in seen if m.topic == RESULTS and m.record["status"] != "COMPLETED"])
        self.assertEqual([], [job for job, count in jobs.items() if count != 1], "jobs that are there twice")
        self.assertEqual(len(ids) * STORES, len(jobs))


main = harness.main
