"""The promises about command ids, order between topics and the retry topic (docs/promises.md), as a reader of the
output topics sees them."""
import hashlib
import time
import uuid

import support  # noqa: F401
from contract import (COMMANDS, ENROLLMENTS, JOBS, RENEWALS, RESULTS, OpenTransaction, enrollment, entry, inventory,
                      new_id, plain_credential, replace_command)
from harness import BrokerTest, main

RETRY = "certificate.replace.commands.retry"


class Promises(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, _ = case.stage()
        cls.stores = [inventory([entry("x", cls.existing, "AB" * 20)]) for _ in range(3)]
        case.add_stores(cls.existing, cls.new, cls.stores)

    def send(self, command, partition=None, topic=COMMANDS, headers=()):
        """Sends a command with a correlation id of its own; returns that id. Duplicates can so be told apart."""
        correlation = new_id()
        self.client.send(topic, command["commandId"], self.client.schemas.encode("ReplaceCommand", command),
                         [("correlation-id", correlation.encode()), *headers], partition)
        return correlation

    def answers(self, correlation, topic):
        return [message for message in self.client.messages
                if message.topic == topic and message.headers.get("correlation-id") == correlation]

    def result(self, correlation, timeout_s=30):
        self.client.wait(lambda: self.answers(correlation, RESULTS), f"a result for {correlation}", timeout_s)
        return self.answers(correlation, RESULTS)[0]

    def jobs_of(self, command):
        return [message for message in self.client.read_all(JOBS)
                if message.record["commandId"] == command["commandId"]]

    def event(self, certificate_id):
        password = self.new_password()
        return enrollment(certificate_id, plain_credential(self.identity.pfx(password), password),
                          self.identity.thumbprint)

    def test_a_duplicate_gets_the_same_result_and_makes_no_job(self):
        command = replace_command(self.existing, self.new)
        first = self.send(command, partition=0)
        original = self.result(first)
        for partition in (0, 1, 3):
            again = self.result(self.send(command, partition=partition))
            self.assertEqual(original.value, again.value, "byte for byte")
            self.assertEqual(original.headers["ce_id"], again.headers["ce_id"])
            self.assertEqual(original.headers["ce_time"], again.headers["ce_time"])
        self.assertEqual(len(self.stores), len(self.jobs_of(command)))
        self.assertEqual({first}, {job.headers["correlation-id"] for job in self.jobs_of(command)})

    def test_a_storm_of_duplicates(self):
        command = replace_command(self.existing, self.new)
        sent = [self.send(command, partition=number % 4) for number in range(20)]
        results = {self.result(correlation).value for correlation in sent}
        self.assertEqual(1, len(results))
        self.assertEqual(len(self.stores), len(self.jobs_of(command)))
        self.assertEqual([1] * len(sent), [len(self.answers(correlation, RESULTS)) for correlation in sent])

    def test_another_payload_is_a_conflict(self):
        command = replace_command(self.existing, self.new)
        self.result(self.send(command))
        other = command | {"dryRun": True}
        value = self.client.schemas.encode("ReplaceCommand", other)
        for _ in range(2):
            result = self.result(self.send(other))
            self.assert_rejected(result, "COMMAND_ID_CONFLICT")
            name = "conflict/" + hashlib.sha256(value).hexdigest()
            self.assertEqual(str(uuid.uuid5(uuid.UUID(command["commandId"]), name)), result.record["resultId"])
        self.assertEqual("COMPLETED", self.result(self.send(command)).record["status"])

    def test_a_conflict_comes_before_all_other_rejections(self):
        command = replace_command(self.existing, self.new)
        self.result(self.send(command))
        self.assert_rejected(self.result(self.send(command | {"jobTime": "no time"})), "COMMAND_ID_CONFLICT")

    def test_a_rejection_is_kept_too(self):
        command = replace_command(self.existing, self.new, jobTime="no time")
        first = self.result(self.send(command))
        self.assert_rejected(first, "INVALID_COMMAND")
        self.assertEqual(first.value, self.result(self.send(command)).value)

    def send_before_enrollment(self):
        """A command that waits in the retry topic until the gate is committed: (gate, command, its correlation id)."""
        certificate_id = self.new_certificate_id()
        command = replace_command(self.existing, certificate_id)
        gate = OpenTransaction(self.client, ENROLLMENTS)
        gate.enroll(self.event(certificate_id))
        sent = self.send(command)
        self.client.wait(lambda: len(self.retries(command)) >= 4, "the command to wait in the retry topic")
        return gate, command, sent

    def test_a_command_that_overtakes_its_enrollment_succeeds(self):
        gate, command, sent = self.send_before_enrollment()
        self.assertEqual([], self.answers(sent, RESULTS))
        gate.commit()
        self.assertEqual("COMPLETED", self.result(sent).record["status"])
        self.assertEqual(len(self.stores), len(self.jobs_of(command)))

    def retries(self, command):
        return [message for message in self.client.read_all(RETRY) if message.key == command["commandId"].encode()]

    def test_a_duplicate_waits_while_the_first_waits(self):
        certificate_id = self.new_certificate_id()
        command = replace_command(self.existing, certificate_id)
        gate = OpenTransaction(self.client, ENROLLMENTS)
        gate.enroll(self.event(certificate_id))
        first, second = self.send(command, partition=0), self.send(command, partition=1)
        self.client.wait(lambda: len(self.retries(command)) >= 6, "both to wait in the retry topic")
        self.assert_rejected(self.result(self.send(command | {"dryRun": True})), "COMMAND_ID_CONFLICT")
        gate.commit()
        results = [self.result(first), self.result(second)]
        self.assertEqual(results[0].value, results[1].value)
        self.assertEqual("COMPLETED", results[0].record["status"])
        self.assertEqual(len(self.stores), len(self.jobs_of(command)))

    def test_a_certificate_that_never_comes_is_rejected_within_about_a_second(self):
        for fields in ({"certificateId": self.new_certificate_id()}, {"certificateId": None, "requestId": 77777777}):
            started = time.monotonic()
            result = self.result(self.send(replace_command(self.existing) | fields))
            took = time.monotonic() - started
            self.assert_rejected(result, "NOT_STAGED")
            print(f"NOT_STAGED after {took:.2f} s")

    def test_a_retry_record_keeps_the_original_and_says_when(self):
        command = replace_command(self.existing, self.new_certificate_id())
        extra = [("x-mine", b"kept"), ("certswap-origin", b"nonsense/0/0")]
        correlation = self.send(command, partition=2, headers=extra)
        self.result(correlation)
        mine = self.retries(command)
        self.assertGreaterEqual(len(mine), 1)
        for number, message in enumerate(mine):
            headers = message.headers
            self.assertEqual(self.client.schemas.encode("ReplaceCommand", command), message.value)
            self.assertEqual(("kept", correlation), (headers["x-mine"], headers["correlation-id"]))
            self.assertEqual(f"{COMMANDS}/2/", headers["certswap-origin"][:len(COMMANDS) + 3])
            self.assertEqual(str(number + 1), headers["certswap-attempt"])
            self.assertEqual(mine[0].headers["certswap-first-seen"], headers["certswap-first-seen"])
            self.assertGreaterEqual(int(headers["certswap-not-before"]), int(headers["certswap-first-seen"]) + 250)

    def test_poison_on_the_retry_topic_is_a_dead_letter_and_blocks_nothing(self):
        place = self.client.send(RETRY, "poison", b"\xff\xff", partition=1)
        self.assert_dead_letter(self.client.dead_letter(place), place, "VALUE_CONVERTER", b"poison", b"\xff\xff",
                                code="AVRO_INVALID")
        self.assertEqual("COMPLETED", self.result(self.send(replace_command(self.existing, self.new), 1)).record["status"])

    def test_a_record_of_someone_else_on_the_retry_topic_is_a_command(self):
        command = replace_command(self.existing, self.new)
        far = str(int(time.time() * 1000) + 3600_000).encode()
        sent = self.send(command, topic=RETRY, headers=[("certswap-not-before", far)])
        self.assertEqual("COMPLETED", self.result(sent).record["status"])

    def test_staging_that_stands_still_rejects_nothing(self):
        """A partition of the event topics whose events nobody can read yet holds every rejection up."""
        gate = OpenTransaction(self.client, RENEWALS)
        sent = self.send(replace_command(self.existing, self.new_certificate_id()))
        standing = time.monotonic() + 4
        self.client.wait(lambda: time.monotonic() > standing, "time to pass")
        self.assertEqual([], self.answers(sent, RESULTS))
        gate.abort()
        self.assert_rejected(self.result(sent), "NOT_STAGED")

    def test_z_a_group_that_begins_anew_decides_again_what_had_waited(self):
        """Its commands, and all the retry records that these once became, are read again, many in one batch."""
        gate, _, sent = self.send_before_enrollment()
        gate.commit()
        first = self.result(sent)
        self.assertEqual(0, self.daemons[0].stop()[0])
        self.client.admin.delete_consumer_groups(["certswap"])["certswap"].result(20)
        self.start_daemon("anew").wait_ready()
        self.client.wait(lambda: len(self.answers(sent, RESULTS)) >= 2, "the result of the command that is read again")
        self.assertEqual(first.record["status"], self.answers(sent, RESULTS)[1].record["status"])
        self.assertEqual("COMPLETED", self.result(self.send(replace_command(self.existing, self.new))).record["status"])


if __name__ == "__main__":
    main()
