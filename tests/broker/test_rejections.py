"""Every reason to reject a command that needs neither ledger nor token, and their order."""
import support  # noqa: F401
from contract import (ALL_STORES, DLQ, ENROLLMENTS, RENEWALS, enrollment, entry, inventory, new_id, now_ms,
                      plain_credential, renewal, replace_command)
from harness import BrokerTest, certs, main

ALICE = "DOMAIN\\alice"
MAX_STORES = 3


def principal(user=ALICE, permissions=ALL_STORES):
    return {"user": user, "permissions": list(permissions)}


class Rejections(BrokerTest):
    settings = {"CERTSWAP_MAX_STORES_PER_COMMAND": MAX_STORES}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, cls.event = case.stage()
        cls.held = [entry("x", cls.existing, "AB" * 20)]
        case.add_stores(cls.existing, cls.new, [inventory(cls.held)])

    def reject(self, code, existing=None, certificate_id=None, **fields):
        result, jobs = self.replace(existing or self.existing, certificate_id, **fields)
        self.assert_rejected(result, code)
        self.assertEqual({}, jobs)
        self.assertIsNone(result.record["scheduledAt"])
        return result.record

    def test_the_command_that_the_others_vary(self):
        self.assertEqual("COMPLETED", self.replace(self.existing, self.new)[0].record["status"])

    def test_invalid(self):
        cases = {
            "both ids": dict(certificate_id=self.new, requestId=self.event["requestId"]),
            "neither id": dict(),
            "no stores": dict(certificate_id=self.new, storeIds=[]),
            "itself": dict(existing=self.new, certificate_id=self.new),
            "no user": dict(certificate_id=self.new, principal=principal("")),
            "no GUID": dict(certificate_id=self.new, storeIds=[new_id(), "not-a-guid"]),
            "GUID in braces": dict(certificate_id=self.new, storeIds=["{" + new_id() + "}"]),
            "GUID without dashes": dict(certificate_id=self.new, storeIds=[new_id().replace("-", "")]),
            "existing below 1": dict(existing=-1, certificate_id=self.new),
            "new below 1": dict(certificate_id=0),
            "request below 1": dict(requestId=-5),
        }
        for name, fields in cases.items():
            with self.subTest(name):
                self.reject("INVALID_COMMAND", **fields)

    def test_job_times_that_cannot_be_read(self):
        for text in ("", "tomorrow", "2100-01-01T00:00:00", "2100-01-01", "2100-13-01T00:00:00Z", "2100-01-01T24:00:00Z",
                     "2100-01-01T00:00:60Z", "2100-01-01T00:00:00+0100", "2100-01-01T00:00:00.1234567890Z",
                     "2100-02-29T00:00:00Z", " 2100-01-01T00:00:00Z"):
            with self.subTest(text):
                self.reject("INVALID_COMMAND", certificate_id=self.new, jobTime=text)

    def test_itself_by_request(self):
        """Found only through its requestId: judged right after the requester."""
        request = self.event["requestId"]
        self.reject("INVALID_COMMAND", existing=self.new, requestId=request)
        self.reject("NOT_REQUESTER", existing=self.new, requestId=request, principal=principal("bob"))

    def test_forbidden(self):
        enroll, schedule = ALL_STORES
        for permissions in ([], [enroll], [schedule], [enroll.upper(), schedule], [enroll[:-1], schedule],
                            [enroll, "/certificate_stores/schedule"], [enroll, "/certificate_stores/schedule/x/"],
                            [enroll, "/certificate_stores/"], ["/"]):
            with self.subTest(permissions):
                self.reject("FORBIDDEN", certificate_id=self.new, principal=principal(permissions=permissions))

    def test_not_staged(self):
        record = self.reject("NOT_STAGED", certificate_id=999_001)
        self.assertEqual((999_001, None), (record["certificateId"], record["requestId"]))
        record = self.reject("NOT_STAGED", requestId=999_002)
        self.assertEqual((None, 999_002), (record["certificateId"], record["requestId"]))

    def enroll_without_staging(self, **fields):
        certificate_id, password = self.new_certificate_id(), self.new_password()
        event = enrollment(certificate_id, plain_credential(self.identity.pfx(password), password),
                           self.identity.thumbprint, **fields)
        origin = self.client.enroll(event)
        self.wait_marker(certificate_id)
        self.assertEqual(0, self.redis("EXISTS", f"certswap:staged:{certificate_id}"))
        return event, origin

    def test_staging_expired(self):
        event, _ = self.enroll_without_staging(occurredAt=now_ms() - 301_000)
        self.reject("STAGING_EXPIRED", certificate_id=event["certificateId"])
        record = self.reject("STAGING_EXPIRED", requestId=event["requestId"])
        self.assertEqual(event["certificateId"], record["certificateId"])

    def test_credential_invalid(self):
        other = certs.Identity("other.example", self.ca)
        alone = self.new_password()
        wrong, password = self.new_password(), self.new_password()
        good = self.identity.pfx(password)
        cases = {
            "garbage": (plain_credential(b"\x30\x82garbage", password), {}),
            "empty": (plain_credential(b"", password), {}),
            "truncated": (plain_credential(good[:-20], password), {}),
            "wrong password": (plain_credential(good, wrong), {}),
            "no password": (plain_credential(good, None), {}),
            "key of another": (plain_credential(self.identity.pfx(password, key=other.key), password), {}),
            "another thumbprint": (plain_credential(good, password), {"thumbprint": other.thumbprint}),
            "PEM as PKCS12": (plain_credential(self.identity.pem(password), password), {}),
            "PKCS12 as PEM": (plain_credential(good, password, "PEM"), {}),
            "PEM without key": (plain_credential(self.identity.certificate.public_bytes(certs.PEM), alone, "PEM"), {}),
        }
        for name, (credential, fields) in cases.items():
            with self.subTest(name):
                certificate_id = self.new_certificate_id()
                event = enrollment(certificate_id, credential, self.identity.thumbprint) | fields
                origin = self.client.enroll(event, [("mine", b"kept")])
                letter = self.client.dead_letter(origin)
                self.assert_dead_letter(letter, origin, "TRANSFORMATION", str(certificate_id).encode(),
                                        self.client.schemas.encode("CertificateEnrolled", event),
                                        group="certswap-staging", code="CREDENTIAL_INVALID")
                self.assertEqual("kept", letter.headers["mine"])
                self.wait_marker(certificate_id)
                self.reject("CREDENTIAL_INVALID", certificate_id=certificate_id)
                self.reject("CREDENTIAL_INVALID", requestId=event["requestId"])

    def test_credential_invalid_in_a_renewal(self):
        certificate_id = self.new_certificate_id()
        event = renewal(certificate_id, plain_credential(b"garbage", self.new_password()), "AB" * 20, self.existing)
        origin = self.client.renew(event)
        self.assertEqual(RENEWALS, origin[0])
        self.client.dead_letter(origin)
        self.wait_marker(certificate_id)
        self.reject("CREDENTIAL_INVALID", certificate_id=certificate_id)

    def test_refused_credential_takes_older_material_away(self):
        certificate_id, _, event = self.stage()
        newer = dict(event, eventId=new_id(), occurredAt=event["occurredAt"] + 1,
                     credential=plain_credential(b"garbage", "x"))
        self.client.dead_letter(self.client.enroll(newer))
        self.reject("CREDENTIAL_INVALID", certificate_id=certificate_id)
        self.assertEqual(0, self.redis("EXISTS", f"certswap:staged:{certificate_id}"))

    def test_not_requester(self):
        for user in ("DOMAIN\\bob", "domain\\alice", "alice", ALICE + " "):
            with self.subTest(user):
                record = self.reject("NOT_REQUESTER", certificate_id=self.new, principal=principal(user))
                self.assertEqual(user, record["requestedBy"])

    def test_sealed_password_without_a_key_to_open_it(self):
        self.reject("SEAL_INVALID", certificate_id=self.new, password={"recipient": "ab" * 32, "cms": b"sealed"})

    def test_too_many_stores(self):
        existing = self.new_certificate_id()
        held = [entry("x", existing, "AB" * 20)]
        stores = [inventory(held) for _ in range(MAX_STORES)]
        self.add_stores(existing, self.new, stores)
        self.assertEqual("COMPLETED", self.replace(existing, self.new)[0].record["status"])
        command = replace_command(existing, self.new, storeIds=[store["storeId"] for store in stores] + [new_id()])
        self.assert_rejected(self.client.result(self.client.command(command)), "TOO_MANY_STORES")
        self.client.store(inventory(held, approved=False))

        def rejected():
            return self.replace(existing, self.new, dryRun=True)[0].record["status"] == "REJECTED"
        self.client.wait(rejected, "the fourth store")
        self.reject("TOO_MANY_STORES", existing=existing, certificate_id=self.new)

    def test_order(self):
        """Of several reasons the first of the contract's list is told."""
        stranger = principal("bob", [])
        self.reject("INVALID_COMMAND", certificate_id=self.new, principal=stranger, jobTime="never")
        self.reject("FORBIDDEN", certificate_id=999_003, principal=stranger)
        self.reject("NOT_STAGED", certificate_id=999_003, principal=principal("bob"))
        event, _ = self.enroll_without_staging(occurredAt=now_ms() - 400_000)
        self.reject("STAGING_EXPIRED", certificate_id=event["certificateId"], principal=principal("bob"))

    def test_rejections_of_events_only_make_dead_letters(self):
        """A command never goes to the dead letters for being rejected."""
        self.reject("NOT_STAGED", certificate_id=999_004)
        origins = {letter.headers["__connect.errors.topic"] for letter in self.client.read_all(DLQ)}
        self.assertLessEqual(origins, {ENROLLMENTS, RENEWALS})


if __name__ == "__main__":
    main()
