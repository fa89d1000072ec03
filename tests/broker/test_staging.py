"""What staging leaves in Redis: key names, lives, who replaces whom, and that nothing secret is readable."""
import base64
import os
import time

import support  # noqa: F401
from contract import enrollment, entry, inventory, new_id, now_ms, plain_credential
from harness import STAGING_KEYS, BrokerTest, main, servers

DAY_MS = 86_400_000
TTL_S = 200


class Staging(BrokerTest):
    daemon_at_start = False
    settings = {"CERTSWAP_STAGING_TTL_S": TTL_S, "CERTSWAP_STAGING_KEYS": ""}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys_file = os.path.join(cls.folder, "keys")
        cls.write_keys(STAGING_KEYS)
        cls.daemon = cls.start_daemon(CERTSWAP_STAGING_KEYS_FILE=cls.keys_file).wait_ready()

    @classmethod
    def write_keys(cls, *lines):
        with open(cls.keys_file + ".new", "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(cls.keys_file + ".new", cls.keys_file)

    def expiry(self, name):
        return self.redis("PEXPIRETIME", name)

    def keys_of(self, certificate_id):
        return f"certswap:staged:{certificate_id}", f"certswap:marker:{certificate_id}"

    def settle(self):
        """Waits until all sent so far has been staged: a last event in every partition, each awaited."""
        last = []
        for partition in range(self.partitions):
            event = self.event(self.new_identity("last.example"))
            self.client.send("certificate.enrollments", "last", self.client.schemas.encode(
                "CertificateEnrolled", event), partition=partition)
            last.append(event["certificateId"])
        for certificate_id in last:
            self.wait_staged(certificate_id)

    def event(self, identity, **fields):
        password = self.new_password()
        return enrollment(fields.pop("certificate_id", None) or self.new_certificate_id(),
                          plain_credential(identity.pfx(password), password), identity.thumbprint, **fields)

    def test_names_and_lives(self):
        before = now_ms()
        certificate_id, _, event = self.stage(occurredAt=now_ms() - 5_000)
        after = now_ms()
        staged, marker = self.keys_of(certificate_id)
        self.assertEqual(event["occurredAt"] + TTL_S * 1000, self.expiry(staged))
        for name in (marker, f"certswap:request:{event['requestId']}"):
            self.assertTrue(before + DAY_MS - 1000 <= self.expiry(name) <= after + DAY_MS + 1000, name)
        self.assertEqual(str(certificate_id).encode(), self.redis("GET", f"certswap:request:{event['requestId']}"))
        names = [name for name in self.redis.keys() if str(certificate_id) in name or str(event["requestId"]) in name]
        self.assertEqual(sorted([staged, marker, f"certswap:request:{event['requestId']}"]), names)

    def test_event_from_the_future_lives_from_now(self):
        before = now_ms()
        certificate_id, _, _ = self.stage(occurredAt=now_ms() + 3_600_000)
        expiry = self.expiry(self.keys_of(certificate_id)[0])
        self.assertTrue(before + TTL_S * 1000 <= expiry <= now_ms() + TTL_S * 1000, expiry - before)

    def test_expired_leaves_marker_and_request(self):
        event = self.event(self.new_identity(), occurredAt=now_ms() - TTL_S * 1000 - 1)
        self.client.enroll(event)
        self.wait_marker(event["certificateId"])
        staged, marker = self.keys_of(event["certificateId"])
        self.assertEqual(0, self.redis("EXISTS", staged))
        self.assertEqual(2, self.redis("EXISTS", marker, f"certswap:request:{event['requestId']}"))

    def test_same_event_never_lengthens(self):
        certificate_id, _, event = self.stage(occurredAt=now_ms() + 60_000)
        staged = self.keys_of(certificate_id)[0]
        expiry = self.expiry(staged)
        time.sleep(0.05)  # the moments of both readings must differ for the test to see a longer life
        self.client.enroll(event)
        self.settle()
        self.assertEqual(expiry, self.expiry(staged))

    def test_newest_decides(self):
        certificate_id, _, event = self.stage(occurredAt=now_ms() - 10_000)
        staged = self.keys_of(certificate_id)[0]
        other = self.new_identity("newest.example")
        older = self.event(other, certificate_id=certificate_id, occurredAt=event["occurredAt"] - 1)
        self.client.enroll(older)
        self.settle()
        self.assertEqual(event["occurredAt"] + TTL_S * 1000, self.expiry(staged))
        newer = self.event(other, certificate_id=certificate_id, occurredAt=event["occurredAt"] + 5_000)
        self.client.enroll(newer)
        self.settle()
        self.assertEqual(newer["occurredAt"] + TTL_S * 1000, self.expiry(staged))
        existing = self.new_certificate_id()
        self.add_stores(existing, certificate_id, [inventory([entry("x", existing, "AB" * 20)])])
        _, jobs = self.replace(existing, certificate_id)
        self.assertEqual([other.thumbprint], [job.record["thumbprint"] for job in jobs.values()])

    def test_no_secret_is_readable(self):
        identity = self.new_identity("secret.example")
        certificate_id, _, event = self.stage(identity)
        dump = self.redis.dump()
        self.assertIn(self.keys_of(certificate_id)[0].encode(), dump)
        self.assertEqual([], self.secrets.found_in(dump))
        content = event["credential"][1]["content"]
        for name, data in (("PFX", content[:64]), ("PKCS#8", identity.key_pkcs8()), ("PEM", b"PRIVATE KEY")):
            self.assertNotIn(data, dump, name)
        self.assertNotIn(b"Pass-w0rd", self.redis("GET", self.keys_of(certificate_id)[0]))

    def test_altered_value_is_refused(self):
        """A staged value that was altered, or stands under another certificate's name, opens for nobody."""
        existing = self.new_certificate_id()
        first, _, _ = self.stage()
        second, _, _ = self.stage()
        self.add_stores(existing, first, [inventory([entry("x", existing, "AB" * 20)])])
        name = self.keys_of(first)[0]
        value = self.redis("GET", name)
        for case, altered in (("altered", value[:-1] + bytes([value[-1] ^ 1])), ("truncated", value[:10]),
                              ("swapped", self.redis("GET", self.keys_of(second)[0]))):
            with self.subTest(case):
                self.redis("SET", name, altered, "KEEPTTL")
                self.assert_rejected(self.replace(existing, first)[0], "CREDENTIAL_INVALID")
        self.redis("SET", name, value, "KEEPTTL")
        self.assertEqual("COMPLETED", self.replace(existing, first)[0].record["status"])
        self.assertRegex(self.daemon.metrics(), r"(?m)^certswap_staged_unreadable_total [3-9]")

    def metric(self, name):
        line = next(line for line in self.daemon.metrics().splitlines() if line.startswith(name + " "))
        return int(line.split()[1])

    def unusable(self):
        return self.metric("certswap_staged_unreadable_total")

    def test_replayed_and_prolonged(self):
        """An older value that is put back is refused; one whose key was prolonged ends all the same. Both are told."""
        existing = self.new_certificate_id()
        certificate_id, _, event = self.stage(occurredAt=now_ms() - 10_000)
        self.add_stores(existing, certificate_id, [inventory([entry("x", existing, "AB" * 20)])])
        name, marker = self.keys_of(certificate_id)
        older, older_marker = self.redis("GET", name), self.redis("HGETALL", marker)
        self.client.enroll(self.event(self.new_identity(), certificate_id=certificate_id))
        servers.wait_for(lambda: self.redis("GET", name) != older, "the newer event to be staged")
        self.assertEqual("COMPLETED", self.replace(existing, certificate_id)[0].record["status"])
        before = self.unusable()
        self.redis("SET", name, older, "KEEPTTL")
        result, jobs = self.replace(existing, certificate_id)
        self.assert_rejected(result, "CREDENTIAL_INVALID")
        self.assertEqual({}, jobs)
        self.assertEqual(before + 1, self.unusable())
        self.redis("PERSIST", name)
        self.redis("HSET", marker, *older_marker, "expiresAt", str(now_ms() - 5_000))
        self.assert_rejected(self.replace(existing, certificate_id)[0], "STAGING_EXPIRED")
        self.assertGreater(self.unusable(), before + 1)
        told = [line for line in self.daemon.log() if line.get("certificateId") == certificate_id]
        for word in ("newest event", "after the end of its life"):
            self.assertTrue(any(word in str(line) for line in told), (word, told))

    def test_z_keys_rotate(self):
        """In the order of docs/security.md, without a restart and under commands: nothing staged is lost."""
        existing = self.new_certificate_id()
        first, _, _ = self.stage()
        self.add_stores(existing, first, [inventory([entry("x", existing, "AB" * 20)])])
        key = bytes(reversed(range(32)))
        self.secrets.add("the next staging key", key)
        following = "next:" + base64.b64encode(key).decode()
        staged = {first}

        def taken_up(kid, count):
            """By the staging and both pipelines; each command may wake another one of these."""
            for certificate_id in staged:
                self.assertEqual("COMPLETED", self.replace(existing, certificate_id)[0].record["status"])
            lines = [line for line in self.daemon.log() if line.get("message") == "staging keys changed"]
            return len([line for line in lines if (line["first"], line["count"]) == (kid, count)]) >= 3

        for lines in ((STAGING_KEYS, following), (following, STAGING_KEYS)):
            self.write_keys(*lines)
            kid = lines[0].split(":")[0]
            servers.wait_for(lambda: taken_up(kid, 2), f"all threads to seal with {kid}", timeout_s=60)
            certificate_id, _, _ = self.stage()
            staged.add(certificate_id)
            self.assertIn(kid.encode(), self.redis("GET", self.keys_of(certificate_id)[0])[:40])
        before = self.unusable()
        self.write_keys("next:broken")
        servers.wait_for(lambda: self.metric("certswap_staging_keys_refresh_failures_total"), "a failure to be counted")
        self.assertTrue(taken_up("next", 2), "the keys of before stay")
        self.assertEqual(before, self.unusable())
        self.write_keys(following)
        staged.intersection_update({certificate_id})
        servers.wait_for(lambda: taken_up("next", 1), "the old key to be gone everywhere", timeout_s=60)
        result = self.replace(existing, first)[0]
        self.assert_rejected(result, "CREDENTIAL_INVALID")
        self.assertIn("staging key test,", result.record["rejection"]["message"])

    def test_newer_wins_a_request(self):
        request = 7_000_001
        older = self.event(self.new_identity(), requestId=request, occurredAt=now_ms() - 2_000)
        newer = self.event(self.new_identity(), requestId=request, occurredAt=now_ms() - 1_000)
        for event in (newer, older):
            self.client.enroll(event)
            self.wait_staged(event["certificateId"])
        self.assertEqual(str(newer["certificateId"]).encode(), self.redis("GET", f"certswap:request:{request}"))
        repeated = dict(newer, eventId=new_id())
        self.client.enroll(repeated)
        self.settle()
        self.assertEqual(str(newer["certificateId"]).encode(), self.redis("GET", f"certswap:request:{request}"))


if __name__ == "__main__":
    main()
