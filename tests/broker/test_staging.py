"""What staging leaves in Redis: key names, lives, who replaces whom, and that nothing secret is readable."""
import time

import support  # noqa: F401
from contract import enrollment, entry, inventory, new_id, now_ms, plain_credential
from harness import BrokerTest, main

DAY_MS = 86_400_000
TTL_S = 200


class Staging(BrokerTest):
    settings = {"CERTSWAP_STAGING_TTL_S": TTL_S}

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
