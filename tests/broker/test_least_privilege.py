"""The rights of docs/security.md, and none too many: each user can do its work and nothing else, and what is taken away is
missed. That they suffice is shown by the end-to-end tests that run under exactly these (CMakeLists.txt)."""
import json
import unittest

import support  # noqa: F401
import confluent_kafka
import least_privilege
from contract import (COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RENEWALS, RESULTS, enrollment, entry, inventory,
                      new_id, plain_credential, replace_command)
from gateway import Gateway
from gateway_case import AS_ALICE
from harness import BrokerTest, long_run, main, servers


class Document(unittest.TestCase):
    def test_tables_and_commands_say_the_same(self):
        commands = [{right.row for right in own} for own in least_privilege.rights().values()]
        self.assertEqual(least_privilege.tables(), commands)
        self.assertEqual(["certswapd", "event-producer", "workflow", "gateway", "agent", "operator"],
                         list(least_privilege.rights()))


class Rights(BrokerTest):
    least_privilege = True
    daemon_at_start = False

    # What a user does

    def write(self, user, topic, key, value):
        """None, or why the broker does not take it."""
        failed = []
        producer = confluent_kafka.Producer(self.users.properties(user) | {"enable.idempotence": True, "log_level": 0})
        producer.produce(topic, key=key, value=value, on_delivery=lambda error, _: failed.append(error))
        try:
            producer.flush(20)
        except confluent_kafka.KafkaException as error:  # of who may write no topic at all
            return error.args[0]
        return failed[0]

    def read(self, user, topic, group):
        """The first record of the topic that the group gets, or why it gets none."""
        consumer = confluent_kafka.Consumer(self.users.properties(user) | {
            "group.id": group, "auto.offset.reset": "earliest", "isolation.level": "read_committed", "log_level": 0})
        try:
            consumer.subscribe([topic])
            message = servers.wait_for(lambda: consumer.poll(1), f"{user} to read {topic}")
            return message.error() or message
        finally:
            consumer.close()

    def event(self, certificate_id, content=None):
        password, identity = self.new_password(), self.new_identity()
        credential = plain_credential(content or identity.pfx(password), password)
        return enrollment(certificate_id, credential, identity.thumbprint)

    def encoded(self, name, record):
        return self.client.schemas.encode(name, record)

    def start_gateway(self):
        gateway = Gateway(self.folder, self.users.settings("gateway"), [*AS_ALICE, "--insecure-plain-passwords"], "gateway")
        self.daemons.append(gateway)
        return gateway

    def assert_denied(self, error):
        self.assertIsInstance(error, confluent_kafka.KafkaError)
        self.assertIn(error.code(), (confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED,
                                     confluent_kafka.KafkaError.CLUSTER_AUTHORIZATION_FAILED,
                                     confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED), error)

    def test_each_user_does_its_work_and_nothing_else(self):
        daemon = self.start_daemon("roles").wait_ready()
        existing, new = self.new_certificate_id(), self.new_certificate_id()
        store = inventory([entry("x", existing, "AB" * 20)])
        command = replace_command(existing, new)
        self.assertIsNone(self.write("event-producer", ENROLLMENTS, str(new),
                                     self.encoded("CertificateEnrolled", self.event(new))))
        self.assertIsNone(self.write("agent", INVENTORY, store["storeId"], self.encoded("StoreInventory", store)))
        self.wait_staged(new)
        self.wait_inventory(existing, new, {store["storeId"]})
        self.assertIsNone(self.write("workflow", COMMANDS, command["commandId"],
                                     self.encoded("ReplaceCommand", command)))
        self.assertEqual(1, len(self.client.outcome(command["commandId"])[1]))
        gateway = self.start_gateway().wait_ready()
        asked = {"ExistingCertificateId": existing, "CertificateId": new}
        self.assertEqual([store["storeId"]], gateway.request(asked).json["SuccessfulStores"])
        self.assertEqual(JOBS, self.read("agent", JOBS, "agent").topic())
        self.assertEqual(RESULTS, self.read("workflow", RESULTS, "workflow").topic())
        origin = self.client.send(COMMANDS, "poison", b"no record")
        self.client.dead_letter(origin)
        dead = self.tool("watch", "dlq", "--from-beginning", "--until-end")
        self.assertEqual(0, dead.returncode, dead.stderr)
        self.assertIn("poison", [json.loads(line)["key"] for line in dead.stdout.splitlines()])
        self.assertEqual(0, daemon.stop()[0])
        for user, topic in (("event-producer", COMMANDS), ("event-producer", JOBS), ("agent", COMMANDS),
                            ("agent", ENROLLMENTS), ("workflow", RENEWALS), ("workflow", RESULTS), ("operator", DLQ),
                            ("gateway", RESULTS), ("gateway", ENROLLMENTS),
                            ("certswapd", COMMANDS), ("certswapd", ENROLLMENTS)):
            with self.subTest(f"{user} writes {topic}"):
                self.assert_denied(self.write(user, topic, "x", b"x"))
        for user, topic, group in (("event-producer", ENROLLMENTS, "event-producer"), ("agent", ENROLLMENTS, "agent"),
                                   ("agent", RESULTS, "agent"), ("workflow", JOBS, "workflow"),
                                   ("workflow", RESULTS, "certswap"), ("certswapd", JOBS, "certswap"),
                                   ("gateway", RESULTS, "gateway"), ("gateway", COMMANDS, "certswap")):
            with self.subTest(f"{user} reads {topic} as {group}"):
                self.assert_denied(self.read(user, topic, group))

    # What is missed

    def work(self):
        """Something of everything: an event that is staged, one that is refused, a store, a poisonous one, a command
        and one that waits for its material."""
        identity = self.event(self.new_certificate_id())
        self.client.enroll(identity)
        self.client.enroll(self.event(self.new_certificate_id(), b"no PFX"))
        self.client.store(inventory([entry("x", 1, "AB" * 20)]))
        self.client.send(INVENTORY, new_id(), b"poison")
        self.client.command(replace_command(1, self.new_certificate_id()))
        return self.client.command(replace_command(1, identity["certificateId"], storeIds=[new_id()]))

    def assert_missed(self, right):
        self.users.revoke(right)
        try:
            daemon = self.start_daemon(f"without-{right.operation}-{right.name}")
            self.work()
            servers.wait_for(lambda: "ACL" in daemon.get("/readyz")[1], f"{right} to be missed", 60)
            self.assertEqual(0, daemon.stop()[0])
        finally:
            self.users.grant([right])

    def missing(self, *wanted):
        for right in self.users.rights["certswapd"]:
            if not wanted or right.row in wanted:
                with self.subTest(str(right)):
                    self.assert_missed(right)

    def test_a_right_of_kafka_that_is_missing(self):
        self.missing(("topic", "certificate.replace.commands.retry", "write"), ("transactional-id", "certswap-*", "write"))

    def test_rights_of_the_operator_that_are_missing(self):
        for right, arguments in zip(self.users.rights["operator"], (
                ("topics", "create"), ("topics", "create"), ("watch", "dlq", "--from-beginning", "--until-end"))):
            with self.subTest(str(right)):
                self.users.revoke(right)
                try:
                    done = self.tool(*arguments)
                    self.assertNotEqual(0, done.returncode, str(right))
                    self.assertIn("ACL", done.stderr)
                finally:
                    self.users.grant([right])

    @long_run
    def test_each_right_of_kafka_that_is_missing(self):
        self.missing()

    def denied(self):
        """What Redis has denied since the log was emptied."""
        names = (b"object", b"username")
        return {tuple(dict(zip(one[::2], one[1::2]))[name].decode() for name in names) for one in self.redis("ACL", "LOG")}

    def commands_missing(self, *wanted):
        allowed = [word[1:] for word in least_privilege.redis_line().split() if word.startswith("+")]
        daemon = self.start_daemon("redis").wait_ready()
        for command in wanted or allowed:
            with self.subTest(command):
                self.assertIn(command, allowed)
                self.redis("ACL", "LOG", "RESET")
                self.redis("ACL", "SETUSER", "certswap", f"-{command}")
                self.redis("CLIENT", "KILL", "USER", "certswap")
                try:
                    waiting = self.work()
                    servers.wait_for(lambda: (command, "certswap") in self.denied(), f"{command} to be missed")
                    servers.wait_for(lambda: "docs/security.md" in daemon.get("/readyz")[1], "the reason to be told")
                finally:
                    self.redis("ACL", "SETUSER", "certswap", f"+{command}")
                self.client.result(waiting)
                daemon.wait_ready()
        self.assertEqual(0, daemon.stop()[0])

    def test_a_command_of_redis_that_is_missing(self):
        self.commands_missing("del", "script|load", "hincrby")

    @long_run
    def test_each_command_of_redis_that_is_missing(self):
        self.commands_missing()


if __name__ == "__main__":
    main()
