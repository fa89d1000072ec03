"""Records that cannot be read or used, on every input topic: a dead letter each, and what follows goes on."""
import support  # noqa: F401
from contract import (COMMANDS, DLQ, ENROLLMENTS, INVENTORY, RENEWALS, enrollment, entry, inventory, new_id,
                      plain_credential, renewal, replace_command)
from harness import BrokerTest, main


class Poison(BrokerTest):
    partitions = 1  # so that every good record stands behind the bad ones

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, cls.event = case.stage()
        cls.store = inventory([entry("x", cls.existing, "AB" * 20)])
        case.add_stores(cls.existing, cls.new, [cls.store])

    def encode(self, name, record):
        return self.client.schemas.encode(name, record)

    def unreadable(self, good, other):
        """What no decoder accepts, made of a good value and one of another record."""
        return {
            "empty": b"", "garbage": b"no Avro at all", "marker alone": b"\xc3\x01", "truncated": good[:-3],
            "unknown schema": good[:2] + bytes(8) + good[10:], "bytes behind the end": good + b"\x00",
            "another record": other, "length of a gigabyte": good[:10] + b"\x80\x80\x80\x80\x08",
            "negative length": good[:10] + b"\x01", "endless varint": good[:10] + b"\xff" * 20,
            "registry framing without registry": b"\x00\x00\x00\x00\x07" + good[10:],
            "no UTF-8": good[:10] + b"\x48" + b"\xff" * 36 + good[10 + 37:],
        }

    def assert_dead(self, topic, value, key=b"a key", group="certswap", stage="VALUE_CONVERTER", code=None):
        headers = [("first", b"1"), ("binary", b"\x00\xff"), ("first", b"again"), ("none", None)]
        origin = self.client.send(topic, key, value, headers)
        letter = self.client.dead_letter(origin)
        self.assert_dead_letter(letter, origin, stage, key, value, group, code)
        kept = [pair for pair in letter.header_list if not pair[0].startswith("__connect.errors.")]
        self.assertEqual(headers, kept)

    def test_commands(self):
        good = self.encode("ReplaceCommand", replace_command(self.existing, self.new))
        for name, value in self.unreadable(good, self.encode("StoreInventory", self.store)).items():
            with self.subTest(name):
                self.assert_dead(COMMANDS, value, code="AVRO_INVALID")
        for name, value in {"null": None}.items():
            with self.subTest(name):
                self.assert_dead(COMMANDS, value)
        result, jobs = self.replace(self.existing, self.new)
        self.assertEqual(("COMPLETED", 1), (result.record["status"], len(jobs)))

    def test_command_whose_id_is_no_uuid(self):
        for text in ("", "x", "{" + new_id() + "}", new_id().replace("-", ""), new_id()[:-1] + "g"):
            with self.subTest(text):
                value = self.encode("ReplaceCommand", replace_command(self.existing, self.new, commandId=text))
                origin = self.client.send(COMMANDS, text or None, value)
                letter = self.client.dead_letter(origin)
                self.assertEqual(value, letter.value)
        self.assertEqual("COMPLETED", self.replace(self.existing, self.new)[0].record["status"])

    def test_command_id_in_upper_case(self):
        """GUIDs are read in either case and written in lower case."""
        command = replace_command(self.existing, self.new)
        lower = command["commandId"]
        command["commandId"] = lower.upper()
        self.client.command(command)
        _, jobs = self.client.outcome(lower)
        self.assertEqual(1, len(jobs))

    def events(self, topic, name, good_event):
        good = self.encode(name, good_event)
        for case, value in self.unreadable(good, self.encode("StoreInventory", self.store)).items():
            with self.subTest(topic, case=case):
                self.assert_dead(topic, value, group="certswap-staging", code="AVRO_INVALID")
        with self.subTest(topic, case="null"):
            self.assert_dead(topic, None, group="certswap-staging")
        for field, value in {"eventId": "no uuid", "certificateId": 0, "requestId": -1}.items():
            with self.subTest(topic, field=field):
                bad = self.encode(name, dict(good_event, **{field: value}))
                letter = self.client.dead_letter(self.client.send(topic, "k", bad))
                self.assertEqual((b"k", bad), (letter.key, letter.value))
        self.client.send(topic, "k", good)
        self.wait_staged(good_event["certificateId"])

    def credential(self):
        password = self.new_password()
        return plain_credential(self.identity.pfx(password), password)

    def test_enrollments(self):
        self.events(ENROLLMENTS, "CertificateEnrolled",
                    enrollment(self.new_certificate_id(), self.credential(), self.identity.thumbprint))

    def test_renewals(self):
        self.events(RENEWALS, "CertificateRenewed", renewal(self.new_certificate_id(), self.credential(),
                                                            self.identity.thumbprint, self.existing))

    def test_inventory(self):
        store = inventory([entry("x", self.existing, "AB" * 20)])
        good, key = self.encode("StoreInventory", store), store["storeId"].encode()
        other = self.encode("ReplaceCommand", replace_command(self.existing, self.new))
        for name, value in self.unreadable(good, other).items():
            with self.subTest(name):
                origin = self.client.send(INVENTORY, key, value)
                letter = self.client.dead_letter(origin)
                self.assertEqual((key, value), (letter.key, letter.value))
                self.assertEqual("AVRO_INVALID", letter.headers["__connect.errors.exception.class.name"])
        for name, bad_key, value in (
                ("key of another", new_id().encode(), good), ("key is none", b"host.example", good),
                ("storeId is none", b"x", self.encode("StoreInventory", dict(store, storeId="x")))):
            with self.subTest(name):
                letter = self.client.dead_letter(self.client.send(INVENTORY, bad_key, value))
                self.assertEqual((bad_key, value), (letter.key, letter.value))
        # None of them is in force, and the good one behind them is.
        self.assertEqual(1, self.replace(self.existing, self.new)[0].record["jobCount"])
        self.client.store(store)
        self.wait_inventory(self.existing, self.new, {self.store["storeId"], store["storeId"]})
        self.client.remove_store(store["storeId"])
        self.wait_inventory(self.existing, self.new, {self.store["storeId"]})

    def test_one_letter_each(self):
        """Also after a restart: offsets of dead letters are committed, and the inventory's are remembered."""
        origin = self.client.send(INVENTORY, new_id(), b"poison that stays in the compacted topic")
        self.client.dead_letter(origin)
        self.client.dead_letter(self.client.send(COMMANDS, "k", b"poison"))
        self.client.dead_letter(self.client.send(ENROLLMENTS, "k", b"poison"))
        status, _ = self.daemon.stop()
        self.assertEqual(0, status)
        self.daemon.start().wait_ready()
        self.assertEqual("COMPLETED", self.replace(self.existing, self.new)[0].record["status"])
        origins = [tuple(letter.headers["__connect.errors." + part] for part in ("topic", "partition", "offset"))
                   for letter in self.client.read_all(DLQ)]
        self.assertEqual(len(set(origins)), len(origins))

    def test_z_commands_wait_for_the_inventory(self):
        """A command that waits at the start is decided on the whole inventory, however long that takes to read: here
        much poison stands before the store that it is for. The last test: every start reads the poison again."""
        self.assertEqual(0, self.daemon.stop()[0])
        for number in range(1500):
            self.client.send_later(INVENTORY, f"poison-{number}", b"poison")
        existing = self.new_certificate_id()
        store = inventory([entry("x", existing, "AB" * 20)])
        self.client.store(store)
        command_id = self.client.command(replace_command(existing, self.new))
        self.daemon.start()
        result, jobs = self.client.outcome(command_id, timeout_s=90)
        self.assertEqual(("COMPLETED", 1), (result.record["status"], len(jobs)), result.record)


if __name__ == "__main__":
    main()
