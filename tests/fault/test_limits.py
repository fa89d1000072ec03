"""Where sizes, counts and times end: very large fan-outs, records that no topic takes, transactions that take too long,
and the memory of a backlog. TEST_BACKLOG=100000 makes the last one long."""
import collections
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from harness import BrokerTest, main, servers  # noqa: E402  first: it says where the clients are
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType,  # noqa: E402
                                   AlterConfigOpType, ConfigEntry, ConfigResource, ResourcePatternType, ResourceType)
from contract import (COMMANDS, DLQ, JOBS, RESULTS, RETRY, entry, inventory, new_id,  # noqa: E402
                      replace_command)

MANY = 20_000
MESSAGE_MAX_BYTES = 1_000_000  # the producer's, and about the topics' own


class Limits(BrokerTest):
    """What the limit tests share."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.case = cls()
        cls.new, cls.identity, _ = cls.case.stage()

    def fill(self, count, **fields):
        """As many stores with a certificate, published and known to the service; (certificateId, store ids)."""
        existing = self.new_certificate_id()
        stores = [inventory([entry("x", existing, "AB" * 20)], **fields) for _ in range(count)]
        for store in stores:
            self.client.send_later("certstore.inventory", store["storeId"],
                                   self.client.schemas.encode("StoreInventory", store))
        self.client.flush()

        def known():
            record = self.replace(existing, self.new, dryRun=True, storeIds=[stores[-1]["storeId"]])[0].record
            return record["jobCount"] == 1 and self.inventory_count() >= count
        servers.wait_for(known, f"the inventory to hold {count} stores")
        return existing, [store["storeId"] for store in stores]

    def inventory_count(self):
        lines = self.daemon.metrics().splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith("certswap_inventory_stores"))

    def set_topic_limit(self, topic, size):
        """Sets a topic's max.message.bytes; None: the broker's default again."""
        operation = AlterConfigOpType.DELETE if size is None else AlterConfigOpType.SET
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
            ConfigEntry("max.message.bytes", None if size is None else str(size), incremental_operation=operation)])
        for future in self.client.admin.incremental_alter_configs([resource]).values():
            future.result(30)

    def assert_exactly_once(self):
        """Each result stands once, with as many jobs as it counts, and no job without it."""
        results, jobs = {}, collections.Counter()
        seen = set()
        for message in self.client.read_all(JOBS, RESULTS):
            record = message.record
            if message.topic == RESULTS:
                self.assertNotIn(record["commandId"], results)
                results[record["commandId"]] = 0 if record["dryRun"] else record["jobCount"]
            else:
                self.assertNotIn(record["jobId"], seen)
                seen.add(record["jobId"])
                jobs[record["commandId"]] += 1
        self.assertEqual({key: count for key, count in results.items() if count}, dict(jobs))

    def failures(self, record):
        return collections.Counter(failure["code"] for failure in record["failures"])


class FanOut(Limits):
    """One command for 20,000 stores, and results that grow with them."""

    settings = {"CERTSWAP_MAX_STORES_PER_COMMAND": MANY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.existing, cls.stores = cls.case.fill(MANY)

    def replace_many(self, timeout_s=60, **fields):
        started = time.monotonic()
        command = replace_command(self.existing, self.new, **fields)
        result, jobs = self.client.outcome(self.client.command(command), timeout_s)
        print(f"{len(jobs)} jobs, a result of {len(result.value)} bytes after {time.monotonic() - started:.1f} s",
              file=sys.stderr)
        return result, jobs

    def test_one_command_for_20000_stores(self):
        result, jobs = self.replace_many()
        self.assertEqual("COMPLETED", result.record["status"], result.record["rejection"])
        self.assertEqual(set(self.stores), set(result.record["successfulStores"]))
        self.assertEqual({(store, "x") for store in self.stores}, set(jobs))

    def test_one_store_more_is_too_many(self):
        result, jobs = self.replace_many(storeIds=self.stores + [new_id()])
        self.assert_rejected(result, "TOO_MANY_STORES")
        self.assertEqual({}, jobs)

    def test_a_large_result_drops_its_messages(self):
        unknown = [new_id() for _ in range(8_000)]
        result, jobs = self.replace_many(storeIds=unknown + self.stores[:10])
        record = result.record
        self.assertEqual(("PARTIAL", 10), (record["status"], len(jobs)))
        self.assertEqual({"NOT_IN_STORE": len(unknown)}, self.failures(record))
        self.assertEqual({""}, {failure["message"] for failure in record["failures"]})
        self.assertEqual(set(unknown), set(record["failedStores"]))
        self.assertLess(len(result.value), MESSAGE_MAX_BYTES)
        small = self.replace_many(storeIds=unknown[:100])[0].record
        self.assertEqual([], [failure for failure in small["failures"] if not failure["message"]])

    def test_a_result_that_stays_too_large_is_too_many_stores(self):
        result, jobs = self.replace_many(storeIds=[new_id() for _ in range(15_000)] + self.stores[:10])
        self.assert_rejected(result, "TOO_MANY_STORES")
        self.assertIn("CERTSWAP_KAFKA_MESSAGE_MAX_BYTES", result.record["rejection"]["message"])
        self.assertEqual({}, jobs)

    # Else the broker looks for what is over its time every 10 s only.
    broker_settings = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": 100}

    def test_a_transaction_gets_the_time_that_it_needs(self):
        """The broker aborts what is open for longer than transaction.timeout.ms: the next attempt gets more."""
        self.daemon.stop()
        cls = type(self)
        cls.daemon = self.start_daemon(CERTSWAP_KAFKA_TRANSACTION_TIMEOUT_MS=1000,
                                       CERTSWAP_KAFKA_LINGER_MS=900, CERTSWAP_KAFKA_BATCH_NUM_MESSAGES=20).wait_ready()
        self.assertEqual("COMPLETED", self.replace_many()[0].record["status"])
        given = [line.get("timeoutMs") for line in self.daemon.log() if "gets more time" in line.get("message", "")]
        print(f"timeouts given: {given}", file=sys.stderr)
        self.assert_exactly_once()

    def test_a_small_queue_only_slows_down(self):
        """librdkafka's queue is full most of the time."""
        self.daemon.stop()
        cls = type(self)
        cls.daemon = self.start_daemon(CERTSWAP_KAFKA_QUEUE_BUFFERING_MAX_MESSAGES=100).wait_ready()
        result, jobs = self.replace_many(storeIds=self.stores[:1_000])
        self.assertEqual(("COMPLETED", 1_000), (result.record["status"], len(jobs)))


class OneTooLarge(Limits):
    """A certificate in 201 stores, of which one makes a job that is larger than the others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls.case
        cls.existing, cls.stores = case.fill(200)
        cls.large = inventory([entry("x", cls.existing, "AB" * 20)], storePath="/" + "q" * 60_000)
        cls.client.store(cls.large)
        case.wait_inventory(cls.existing, cls.new, {*cls.stores, cls.large["storeId"]})

    def setUp(self):
        self.addCleanup(self.still_serves)

    def still_serves(self):
        """Nothing of what a test sent holds a partition up."""
        for partition in range(self.partitions):
            command = replace_command(self.existing, self.new, storeIds=self.stores[:1])
            self.client.send(COMMANDS, command["commandId"], self.client.schemas.encode("ReplaceCommand", command),
                             partition=partition)
            self.assertEqual("COMPLETED", self.client.result(command["commandId"]).record["status"])

    def assert_one_too_large(self, timeout_s=60):
        started = time.monotonic()
        command = replace_command(self.existing, self.new)
        result, jobs = self.client.outcome(self.client.command(command), timeout_s)
        print(f"answered after {time.monotonic() - started:.1f} s", file=sys.stderr)
        self.assertEqual("PARTIAL", result.record["status"])
        self.assertEqual({"JOB_TOO_LARGE": 1}, self.failures(result.record))
        self.assertEqual([self.large["storeId"]], result.record["failedStores"])
        self.assertEqual({(store, "x") for store in self.stores}, set(jobs))

    def refusals(self):
        return sum("refused a record as too large" in line.get("message", "") for line in self.daemon.log())

    def restart(self, **settings):
        """Gives a service that knows nothing of limits that were lowered before."""
        if self.daemon.process.poll() is None:
            self.daemon.stop()
        type(self).daemon = self.start_daemon(**settings).wait_ready()


class Sizes(OneTooLarge):
    """Records that are larger than what takes them."""

    broker_settings = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                       "allow.everyone.if.no.acl.found": "true"}
    knows_lower_limit = False

    def setUp(self):
        super().setUp()
        if self.knows_lower_limit:
            self.restart()
            type(self).knows_lower_limit = False

    def lower(self, topic):
        """Lowers a topic's limit while a service runs that has asked for it before."""
        self.set_topic_limit(topic, 20_000)
        type(self).knows_lower_limit = True
        self.addCleanup(self.set_topic_limit, topic, None)

    def test_a_topic_that_takes_less_than_the_producer(self):
        self.lower(JOBS)
        self.assert_one_too_large()
        self.assertIn(self.refusals(), (1, 2), "each pipeline learns once")
        self.restart()
        self.assert_one_too_large()
        self.assertEqual(0, self.refusals())

    def test_a_limit_that_nobody_tells(self):
        """The service may not describe the topic's configuration: what is refused must do."""
        acls = [AclBinding(ResourceType.TOPIC, JOBS, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", *right)
                for right in ((AclOperation.ALL, AclPermissionType.ALLOW),
                              (AclOperation.DESCRIBE_CONFIGS, AclPermissionType.DENY))]
        for future in self.client.admin.create_acls(acls).values():
            future.result(30)
        self.addCleanup(lambda: [future.result(30) for future in self.client.admin.delete_acls(
            [AclBindingFilter(ResourceType.TOPIC, JOBS, ResourcePatternType.LITERAL, None, None, AclOperation.ANY,
                              AclPermissionType.ANY)]).values()])
        self.lower(JOBS)
        self.restart()
        self.assert_one_too_large()
        self.assertGreaterEqual(self.refusals(), 2, "once for the batch, once for the record")
        self.assert_one_too_large()
        parts = [line["part"] for line in self.daemon.log() if "one by one" in line.get("message", "")]
        self.assertEqual(len(set(parts)), len(parts), "each pipeline says it once")
        self.assert_exactly_once()

    def test_a_producer_with_a_small_limit(self):
        self.restart(CERTSWAP_KAFKA_MESSAGE_MAX_BYTES=50_000)
        type(self).knows_lower_limit = True
        self.assert_one_too_large()

    def test_a_kept_result_that_no_longer_fits(self):
        """A duplicate cannot have it: it becomes a dead letter, which says so."""
        command = replace_command(self.existing, self.new, storeIds=[new_id() for _ in range(1_000)])
        self.client.result(self.client.command(command))
        self.lower(RESULTS)
        place = self.client.send(COMMANDS, command["commandId"], self.client.schemas.encode("ReplaceCommand", command))
        letter = self.client.dead_letter(place, 60)
        self.assertIn("max.message.bytes", letter.headers["__connect.errors.exception.message"])

    def test_a_dead_letter_that_is_too_large_says_where_it_is(self):
        for value, headers in ((b"\xff" * 999_500, []), (b"\xff", [("h", b"\xff" * 999_500)]),
                               (b"\xff" * 500_000, [("h", b"\xff" * 499_500)])):
            place = self.client.send(COMMANDS, "dead", value, headers)
            letter = self.client.dead_letter(place)
            self.assertEqual([str(part) for part in place],
                             [letter.headers["__connect.errors." + part] for part in ("topic", "partition", "offset")])
            self.assertIn("read it where the headers say", letter.headers["__connect.errors.exception.message"])
        place = self.client.send(COMMANDS, b"\xff" * 999_500, b"\xff")
        self.client.dead_letter(place)

    def test_a_dead_letter_for_a_topic_with_a_small_limit(self):
        self.lower(DLQ)
        place = self.client.send(COMMANDS, "dead", b"\xff" * 100_000)
        self.assertIn("read it where", self.client.dead_letter(place, 60).headers["__connect.errors.exception.message"])

    def large_command(self, size, **fields):
        """A command whose value takes about that many bytes: its password, which nobody reads, fills it."""
        return replace_command(self.existing, **fields) | {
            "principal": {"user": "DOMAIN\\alice", "permissions": ["/certificates/enrollment/pfx/",
                                                                    "/certificate_stores/schedule/", "x" * size]}}

    def test_a_command_that_is_too_large_to_wait_is_rejected(self):
        """Its retry record would take more than a message may."""
        command = self.large_command(999_400, certificate_id=self.new_certificate_id())
        result, _ = self.client.outcome(self.client.command(command))
        self.assert_rejected(result, "INVALID_COMMAND")
        self.assertIn("wait", result.record["rejection"]["message"])
        self.assertEqual([], [message for message in self.client.read_all(RETRY)
                              if message.key == command["commandId"].encode()])

    def test_a_command_that_just_fits_waits(self):
        command = self.large_command(990_000, certificate_id=self.new_certificate_id())
        result, _ = self.client.outcome(self.client.command(command))
        self.assert_rejected(result, "NOT_STAGED")

    def test_a_retry_topic_with_a_small_limit(self):
        self.lower(RETRY)
        command = self.large_command(100_000, certificate_id=self.new_certificate_id())
        result, _ = self.client.outcome(self.client.command(command), 60)
        self.assert_rejected(result, "INVALID_COMMAND")
        self.assertIn(self.refusals(), (1, 2), "each pipeline learns once")

    def test_duplicates_that_are_too_large_to_wait(self):
        """In one batch: the second waits for the first's decision without a retry record."""
        self.daemon.stop()
        command = self.large_command(999_400, certificate_id=self.new)
        value = self.client.schemas.encode("ReplaceCommand", command)
        ids = [new_id().encode() for _ in range(3)]
        for correlation in ids:
            self.client.send(COMMANDS, command["commandId"], value, [("correlation-id", correlation)])
        self.restart()

        def answers():
            return [message for message in self.client.messages if message.topic == RESULTS
                    and message.headers.get("correlation-id", "").encode() in ids]
        self.client.wait(lambda: len(answers()) == len(ids), "a result for each duplicate")
        self.assertEqual(1, len({message.value for message in answers()}))
        self.assertEqual("COMPLETED", answers()[0].record["status"])

    def test_a_user_that_fills_a_message(self):
        """The result names the requester: it must fit nevertheless."""
        principal = {"user": "u" * 999_300, "permissions": []}
        command = replace_command(self.existing, self.new, principal=principal)
        self.assertEqual("REJECTED", self.client.result(self.client.command(command)).record["status"])


class Backlog(Limits):
    """Memory does not follow the backlog."""

    count = int(os.environ.get("TEST_BACKLOG", "5000"))

    def rss_kb(self):
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith("VmRSS")))

    def done(self):
        return sum(float(line.split()[-1]) for line in self.daemon.metrics().splitlines()
                   if line.startswith("certswap_commands_total"))

    def test_memory_stays_while_a_backlog_is_worked_off(self):
        existing, _ = self.fill(2)
        self.daemon.stop()
        for _ in range(self.count):
            command = replace_command(existing, self.new)
            self.client.send_later(COMMANDS, command["commandId"],
                                   self.client.schemas.encode("ReplaceCommand", command))
        self.client.flush()
        type(self).daemon = self.start_daemon()
        samples = []
        started = time.monotonic()

        def drained():
            samples.append((self.done(), self.rss_kb()))
            return samples[-1][0] >= self.count
        servers.wait_for(drained, "the backlog to be worked off", 60 + self.count / 100, 0.05)
        took = time.monotonic() - started
        quarter = max(rss for done, rss in samples if done <= self.count / 4)
        most = max(rss for _, rss in samples)
        print(f"{self.count} commands in {took:.1f} s; RSS {quarter} kB up to 25 %, {samples[-1][1]} kB at the end, "
              f"{most} kB at most", file=sys.stderr)
        self.assertLess(most, 300_000)
        self.assertLess(samples[-1][1], quarter * 1.5 + 20_000)
        self.assert_exactly_once()


if __name__ == "__main__":
    main()
