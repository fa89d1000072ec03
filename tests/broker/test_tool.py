"""The command-line tool against a real broker: topics, enroll, renew, inventory, replace --wait, watch."""
import json
import os

import support  # noqa: F401
from contract import (ALL_STORES, COMMANDS, DLQ, ENROLLMENTS, INVENTORY, JOBS, RENEWALS, RESULTS, RETRY, entry,
                      inventory)
from harness import BrokerTest, certs, main, servers

ALICE = "DOMAIN\\alice"
PERMISSIONS = [word for permission in ALL_STORES for word in ("--permission", permission)]


class Tool(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, cls.event = case.stage()
        cls.held = [entry("x", cls.existing, "AB" * 20)]
        cls.store = inventory(cls.held)
        case.add_stores(cls.existing, cls.new, [cls.store])

    def path(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def ok(self, *arguments, status=0, **options):
        done = self.tool(*arguments, **options)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def replace_tool(self, *arguments, status=0, **options):
        """replace --wait as JSON: piped."""
        return json.loads(self.ok("replace", "--wait", "--existing", str(self.existing), "--user", ALICE, *PERMISSIONS,
                                  *arguments, status=status, **options))

    def test_topics(self):
        topics = self.client.admin.list_topics(timeout=10).topics
        for name in (ENROLLMENTS, RENEWALS, INVENTORY, COMMANDS, RETRY, DLQ, JOBS, RESULTS):
            self.assertEqual(self.partitions, len(topics[name].partitions), name)
        self.ok("topics", "create", "--partitions", str(self.partitions))  # again: nothing to do
        from confluent_kafka.admin import ConfigResource
        resource = ConfigResource(ConfigResource.Type.TOPIC, INVENTORY)
        config = self.client.admin.describe_configs([resource])[resource].result(10)
        self.assertIn("compact", config["cleanup.policy"].value)

    def test_enroll_inventory_replace(self):
        password, new, existing = self.new_password(), self.new_certificate_id(), self.new_certificate_id()
        identity = self.new_identity()
        pfx = self.path("new.p12", identity.pfx(password))
        secret = self.path("pfx.pass", password + "\n")
        self.ok("enroll", "--certificate-id", str(new), "--request-id", str(new + 1_000_000), "--requester", ALICE,
                "--pfx", pfx, "--password-file", secret)
        self.wait_staged(new)
        stores = [inventory([entry("x", existing, "AB" * 20)]) for _ in range(2)]
        for store in stores:
            del store["inventoriedAt"]
        self.ok("inventory", "--file", self.path("stores.json", json.dumps(stores)))
        self.wait_inventory(existing, new, {store["storeId"] for store in stores})
        store_password = self.new_password()
        result = json.loads(self.ok("replace", "--wait", "--existing", str(existing), "--certificate-id", str(new),
                                    "--user", ALICE, *PERMISSIONS, "--password-file",
                                    self.path("store.pass", store_password)))
        self.assertEqual("COMPLETED", result["status"])
        _, jobs = self.client.outcome(result["commandId"])
        for job in jobs.values():
            credential = job.record["credential"][1]
            self.assertEqual(store_password, credential["password"])
            self.assertEqual(identity.certificate, certs.open_pkcs12(credential["content"], store_password).leaf)
        self.ok("inventory", "--remove", stores[0]["storeId"])
        self.wait_inventory(existing, new, {stores[1]["storeId"]})

    def test_renew_pem(self):
        new, identity = self.new_certificate_id(), self.new_identity()
        pem = self.path("new.pem", identity.pem())
        self.ok("renew", "--certificate-id", str(new), "--request-id", str(new + 1_000_000), "--requester", ALICE,
                "--renewed-certificate-id", str(self.existing), "--pem", pem)
        self.wait_staged(new)
        self.assertEqual("COMPLETED", self.replace_tool("--certificate-id", str(new))["status"])

    def test_exit_status_is_the_result(self):
        one = str(self.new)
        self.assertEqual("COMPLETED", self.replace_tool("-c", one)["status"])
        unknown = "00000000-0000-4000-8000-000000000001"
        result = self.replace_tool("-c", one, "--store-id", self.store["storeId"], "--store-id", unknown, status=10)
        self.assertEqual("PARTIAL", result["status"])
        self.assertEqual("FAILED", self.replace_tool("-c", one, "--store-id", unknown, status=11)["status"])
        nowhere = ["replace", "--wait", "-e", "990001", "-c", one, "-u", ALICE, *PERMISSIONS]
        self.assertEqual("NO_LOCATIONS", json.loads(self.ok(*nowhere, status=12))["status"])
        result = self.replace_tool("-c", "990002", status=13)
        self.assertEqual("NOT_STAGED", result["rejection"]["code"])
        result = self.replace_tool("-c", one, "--dry-run", "--job-time", "2100-01-01T00:00:00Z")
        self.assertTrue(result["dryRun"])

    def test_table_says_why(self):
        done = self.tool("replace", "--wait", "--output", "table", "-e", str(self.existing), "-c", "990003", "-u", ALICE,
                         *PERMISSIONS)
        self.assertEqual(13, done.returncode, done.stderr)
        self.assertIn("NOT_STAGED", done.stdout)

    def test_watch(self):
        command_id = self.replace_tool("-c", str(self.new))["commandId"]
        out = self.ok("watch", "results", "--from-beginning", "--until-end")
        records = [json.loads(line) for line in out.splitlines()]
        self.assertIn(command_id, out)
        self.assertEqual(len(self.client.read_all(RESULTS)), len(records))
        out = self.ok("watch", "jobs", "--from-beginning", "--until-end")
        self.assertEqual([], self.secrets.found_in(out.encode()))
        self.assertEqual(len(self.client.read_all(JOBS)), len(out.splitlines()))

    def test_mistakes(self):
        cases = {
            "unknown subcommand": (["replcae"], 64, "replace"),
            "unknown option": (["replace", "--exsting", "5"], 64, "--existing"),
            "both ids": (["replace", "-e", "1", "-c", "2", "-r", "3", "-u", "x"], 64, "--request-id"),
            "no file": (["inventory", "--file", os.path.join(self.folder, "none.json")], 66, "none.json"),
            "no JSON": (["inventory", "--file", self.path("bad.json", "{")], 65, "bad.json"),
            "unknown field": (["inventory", "--file", self.path("f.json", json.dumps(self.store | {"storeid": 1}))], 65,
                              "storeid"),
        }
        for name, (arguments, status, told) in cases.items():
            with self.subTest(name):
                done = self.tool(*arguments)
                self.assertEqual(status, done.returncode, done.stdout + done.stderr)
                self.assertIn(told, done.stderr)

    def test_wrong_pfx_password_is_told_before_sending(self):
        before = len(self.client.read_all(DLQ))
        done = self.tool("enroll", "-c", "990004", "-r", "990004", "-u", ALICE, "--pfx",
                         self.path("wrong.p12", self.identity.pfx("one")), "--password-file",
                         self.path("wrong.pass", "hunter2-other"))
        self.assertNotEqual(0, done.returncode)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        self.assertEqual(before, len(self.client.read_all(DLQ)))

    def test_broker_is_down(self):
        done = servers.run(servers.CERTSWAP, ["watch", "results", "--until-end", "--from-beginning",
                                              "--bootstrap-servers", "127.0.0.1:1"], {}, timeout_s=90)
        self.assertEqual(69, done.returncode, done.stderr)
        self.assertIn("127.0.0.1:1", done.stderr)


if __name__ == "__main__":
    main()
