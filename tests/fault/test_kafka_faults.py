"""A broker that hangs, restarts, denies, or has no topic: nothing is lost or doubled; what a person must mend is said in
/readyz with its remedy, and heals without a restart."""
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType,
                                   ResourceType)
from support import COMMANDS, ENROLLMENTS, INVENTORY, JOBS, RESULTS, FaultTest, main, servers
from harness import long_run

HOLD_S = 8


class BrokerAway(FaultTest):
    @long_run
    def test_hangs(self):
        self.through("broker hangs", self.kafka.pause, self.kafka.resume, hold_s=HOLD_S, takes_input=False)

    def test_restarts(self):
        def restart():
            self.kafka.stop()
            self.kafka.start()
        self.through("broker restarts", restart, lambda: None)

    @long_run
    def test_gone(self):
        self.through("broker gone", self.kafka.stop, self.kafka.start, red=(self.kafka.bootstrap,), hold_s=HOLD_S,
                     takes_input=False)


class MissingTopics(FaultTest):
    daemon_at_start = False

    def delete(self, *topics):
        for future in self.client.admin.delete_topics(list(topics)).values():
            future.result(30)
        servers.wait_for(lambda: not set(topics) & set(self.client.admin.list_topics(timeout=10).topics),
                         "the topics to be gone")

    def create(self):
        created = self.tool("topics", "create", "--partitions", str(self.partitions))
        self.assertEqual(0, created.returncode, created.stderr)

    def test_1_started_before_the_topics_exist(self):
        self.delete(*[name for name in self.client.admin.list_topics(timeout=10).topics
                      if name.startswith("cert")])
        type(self).daemon = self.start_daemon()
        self.wait_red("unknown topic", "certswap topics create", JOBS)
        self.assert_stays_red("certswap topics create")
        with self.timed("no topics: ready after they were created"):
            self.create()
            self.daemon.wait_ready(timeout_s=30)
        self.make_stores()
        ids = [self.send_command() for _ in range(20)]
        self.wait_results(ids)
        self.assert_exactly_once(ids)

    @long_run
    def test_2_jobs_topic_is_deleted(self):
        self.delete(JOBS)
        self.client.close()
        ids = [self.send_command() for _ in range(20)]
        self.client.flush()
        self.wait_red(JOBS, "certswap topics create")
        with self.timed("jobs topic: all decided after it was created again"):
            self.create()
            self.daemon.wait_ready(timeout_s=30)
            self.wait_results(ids)
        self.assert_exactly_once(ids)

    @long_run
    def test_3_commands_topic_is_deleted(self):
        self.delete(COMMANDS)
        self.wait_red(COMMANDS, "certswap topics create")
        with self.timed("commands topic: ready after it was created again"):
            self.create()
            self.daemon.wait_ready(timeout_s=30)
        ids = [self.send_command() for _ in range(20)]
        self.wait_results(ids)
        self.assert_exactly_once(ids)

    def test_4_inventory_topic_is_deleted(self):
        """It is read from its beginning when it is there again, also where it holds less than before."""
        self.delete(INVENTORY)
        self.wait_red("inventory", INVENTORY, "certswap topics create")
        self.assert_stays_red(INVENTORY, "certswap topics create")
        with self.timed("inventory topic: ready after it was created again"):
            self.create()
            self.daemon.wait_ready(timeout_s=30)
        self.make_stores()
        ids = [self.send_command() for _ in range(20)]
        self.wait_results(ids)
        self.assert_exactly_once(ids)

    def test_5_stopped_without_its_inputs(self):
        """librdkafka never ends a client that has read from a topic that is gone; the stop is clean nevertheless."""
        self.delete(INVENTORY, COMMANDS, ENROLLMENTS)
        self.wait_red(COMMANDS, ENROLLMENTS, INVENTORY)
        status, seconds = self.daemon.stop()
        self.assertEqual(0, status, "of a stop without input topics")
        print(f"    without its input topics it stopped in {seconds:.1f} s", flush=True)


class Denied(FaultTest):
    """The broker's authorizer allows all on what has no rule, until a rule denies the test's only user something."""

    broker_settings = FaultTest.broker_settings | {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true"}

    def through_denial(self, name, kind, resource, operation, red):
        def rule(operation, permission):
            return AclBinding(kind, resource, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", operation, permission)

        def deny():
            rules = [rule(operation, AclPermissionType.DENY), rule(AclOperation.ALL, AclPermissionType.ALLOW)]
            for future in self.client.admin.create_acls(rules).values():
                future.result(30)

        def allow():
            every = AclBindingFilter(kind, resource, ResourcePatternType.LITERAL, None, None, AclOperation.ANY,
                                     AclPermissionType.ANY)
            for future in self.client.admin.delete_acls([every]).values():
                future.result(30)
        self.through(name, deny, allow, red=red)

    def test_jobs_may_not_be_written(self):
        self.through_denial("jobs denied", ResourceType.TOPIC, JOBS, AclOperation.WRITE, (JOBS, "broker's ACLs"))

    @long_run
    def test_results_may_not_be_written(self):
        self.through_denial("results denied", ResourceType.TOPIC, RESULTS, AclOperation.WRITE,
                            (RESULTS, "broker's ACLs"))

    @long_run
    def test_commands_may_not_be_read(self):
        self.through_denial("commands denied", ResourceType.TOPIC, COMMANDS, AclOperation.READ,
                            (COMMANDS, "broker's ACLs"))

    @long_run
    def test_events_may_not_be_read(self):
        self.through_denial("events denied", ResourceType.TOPIC, ENROLLMENTS, AclOperation.READ,
                            (ENROLLMENTS, "broker's ACLs"))

    def test_inventory_may_not_be_read(self):
        self.through_denial("inventory denied", ResourceType.TOPIC, INVENTORY, AclOperation.READ,
                            (INVENTORY, "broker's ACLs"))

    def test_group_may_not_be_joined(self):
        self.through_denial("group denied", ResourceType.GROUP, "certswap", AclOperation.READ,
                            ("group", "broker's ACLs"))

    @long_run
    def test_transactional_id_may_not_be_used(self):
        self.through_denial("transactional id denied", ResourceType.TRANSACTIONAL_ID, "certswap-test-0-pipeline-0",
                            AclOperation.WRITE, ("transactional id", "broker's ACLs"))


if __name__ == "__main__":
    main()
