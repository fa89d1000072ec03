"""The main job on real servers: every kind of store, what their jobs hold, results, headers, keys."""
import datetime
import os

import cloudevents.kafka
import support  # noqa: F401
import yaml
from certs import keytool_list, keytool_pfx, open_pem, open_pkcs12, openssl_pkcs12, openssl_pkcs12_algorithms
from contract import (COMMANDS, DLQ, JOBS, RESULTS, entry, enrollment, inventory, job_id, now_ms, partition_of,
                      plain_credential, renewal, replace_command, result_id, store_type)
from cryptography.hazmat.primitives import serialization
from harness import BrokerTest, certs, main, servers

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1"
ALICE = "DOMAIN\\alice"


def iso_ms(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def same_key(key, identity):
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    der = serialization.Encoding.DER
    return key.public_key().public_bytes(der, public) == identity.key.public_key().public_bytes(der, public)


class Replace(BrokerTest):
    settings = {"CERTSWAP_LOG_LEVEL": "debug"}

    def assert_content(self, job, identity, password, format, with_key=True):
        """The credential of a job holds the identity, in the format, under the password; returns its content."""
        kind, credential = job.record["credential"]
        self.assertEqual("io.certswap.v1.Credential", kind)
        self.assertEqual(format, credential["format"])
        self.assertEqual(password, credential["password"])
        opened = (open_pkcs12 if format == "PKCS12" else open_pem)(credential["content"], password)
        self.assertEqual(identity.certificate, opened.leaf)
        self.assertEqual(identity.chain, opened.chain)
        if with_key:
            self.assertTrue(same_key(opened.key, identity))
        else:
            self.assertIsNone(opened.key)
        return credential["content"]

    def assert_job(self, job, command, store, alias, certificate_id, identity, scheduled_at=None):
        record = dict(job.record)
        del record["credential"]
        created_at = record.pop("createdAt")
        self.assertLess(abs(now_ms() - created_at), 60_000)
        held = next(held for held in store["entries"] if held["alias"] == alias and held["chainLevel"] == 0)
        self.assertEqual({
            "jobId": job_id(command["commandId"], store["storeId"], alias), "commandId": command["commandId"],
            "storeId": store["storeId"], "agentId": store["agent"]["agentId"],
            "storeType": store["storeType"]["shortName"], "clientMachine": store["clientMachine"],
            "storePath": store["storePath"], "containerId": store["containerId"], "alias": alias, "overwrite": True,
            "existingCertificateId": command["existingCertificateId"], "existingThumbprint": held["thumbprint"],
            "certificateId": certificate_id, "thumbprint": identity.thumbprint, "scheduledAt": scheduled_at,
            "requestedBy": command["principal"]["user"]}, record)
        self.assert_output(job, "StoreJob", record["jobId"], record["storeId"], created_at)

    def assert_output(self, message, name, event_id, subject, time_ms):
        """Key, partition and CloudEvents headers of a job or result."""
        self.assertEqual(subject.encode(), message.key)
        self.assertEqual(partition_of(message.key, self.partitions), message.partition)
        headers = message.headers
        self.assertEqual(time_ms, iso_ms(headers["ce_time"]))
        self.assertEqual(
            {"ce_specversion": "1.0", "ce_id": event_id, "ce_source": "/certswap/certswap",
             "ce_type": "io.certswap.v1." + name, "ce_subject": subject, "content-type": "application/avro"},
            {header: value for header, value in headers.items()
             if (header.startswith("ce_") and header != "ce_time") or header == "content-type"})

    def test_every_kind_of_store(self):
        existing = self.new_certificate_id()
        new, identity, _ = self.stage()

        def holds(*aliases, key=True):
            return [entry(alias, existing, "AB" * 20, has_key=key) for alias in aliases]
        pem = dict(short_name="PEM", format="PEM")
        stores = {
            "modern": inventory(holds("modern")),
            "legacy": inventory(holds("legacy"), store_type("JKS", profile="LEGACY")),
            "pem": inventory(holds("pem"), store_type(**pem, entry_password=True), containerId=7),
            "pem_optional": inventory(holds("po"), store_type(**pem, key="OPTIONAL")),
            "pem_no_key": inventory(holds("pn", key=False), store_type(**pem, key="OPTIONAL")),
            "pem_forbidden": inventory(holds("pf"), store_type(**pem, key="FORBIDDEN")),
            "forbidden": inventory(holds("f"), store_type("TRUST", key="FORBIDDEN")),
            "forbidden_legacy": inventory(holds("fl"), store_type("TRUST", key="FORBIDDEN", profile="LEGACY")),
            "optional": inventory(holds("o"), store_type(key="OPTIONAL")),
            "optional_no_key": inventory(holds("on", key=False), store_type(key="OPTIONAL")),
            "required_no_key": inventory(holds("rn", key=False), store_type(key="REQUIRED")),
            "several": inventory(holds("a/1", "b ü", "c", "c")),
            "and_chain": inventory(holds("leaf") + [entry("above", existing, "AB" * 20, chain_level=1)]),
            "not_approved": inventory(holds("x"), approved=False),
            "no_agent": inventory(holds("x"), agent=None),
            "no_add": inventory(holds("x", "y"), store_type(add=False)),
            "not_approved_no_agent": inventory(holds("x"), store_type(add=False), approved=False, agent=None),
        }
        chain_only = inventory([entry("ca", existing, "AB" * 20, chain_level=2)])
        other = inventory([entry("other", existing + 500_000, "CD" * 20)])
        self.client.store(chain_only)
        self.client.store(other)
        self.add_stores(existing, new, stores.values())
        password = self.new_password()
        command = replace_command(existing, new, password=password)
        origin = now_ms()
        result, jobs = self.client.outcome(self.client.command(command))

        failures = {"not_approved": ("NOT_APPROVED", True), "no_agent": ("NO_AGENT", True),
                    "no_add": ("ADD_UNSUPPORTED", False), "not_approved_no_agent": ("NOT_APPROVED", True)}
        good = {name: store for name, store in stores.items() if name not in failures}
        self.assert_result(result, command, "PARTIAL", new, good.values(),
                           {stores[name]["storeId"]: failure for name, failure in failures.items()},
                           job_count=len(good) + 2)
        self.assertGreaterEqual(result.record["completedAt"], origin)
        self.assertEqual({(store["storeId"], held["alias"]) for store in good.values() for held in store["entries"]
                          if held["chainLevel"] == 0}, set(jobs))
        for name, store in good.items():
            for alias in {held["alias"] for held in store["entries"] if held["chainLevel"] == 0}:
                with self.subTest(name, alias=alias):
                    self.assert_job(jobs[store["storeId"], alias], command, store, alias, new, identity)
        contents = {}
        without_key = ("pem_no_key", "pem_forbidden", "forbidden", "forbidden_legacy", "optional_no_key")
        for name, store in good.items():
            with self.subTest(name):
                format = store["storeType"]["format"]
                with_key = name not in without_key
                job = next(jobs[place] for place in jobs if place[0] == store["storeId"])
                expected = None if format == "PEM" and not with_key else password
                contents[name] = self.assert_content(job, identity, expected, format, with_key)
        self.assert_profiles(contents, password)

    def assert_profiles(self, contents, password):
        modern = openssl_pkcs12_algorithms(contents["modern"], password)
        self.assertIn("MAC: sha256, Iteration 10000", modern)
        self.assertIn("Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256", modern)
        self.assertIn("Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256", modern)
        legacy = openssl_pkcs12_algorithms(contents["legacy"], password)
        self.assertIn("MAC: sha1, Iteration 10000", legacy)
        self.assertIn("Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000", legacy)
        self.assertIn("Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000", legacy)
        for name in ("modern", "legacy"):
            text = openssl_pkcs12(contents[name], password)
            self.assertIn("friendlyName: new.example", text)
            self.assertIn("localKeyID:", text)
            self.assertEqual(2, text.count("BEGIN CERTIFICATE"))
            self.assertEqual(1, text.count("BEGIN PRIVATE KEY"))
            listed = keytool_list(contents[name], password)
            self.assertIn("PrivateKeyEntry", listed)
            self.assertIn("Certificate chain length: 2", listed)
            self.assertIn("new.example", listed)
        for name in ("forbidden", "forbidden_legacy"):
            text = openssl_pkcs12(contents[name], password)
            self.assertNotIn("PRIVATE KEY", text)
            self.assertIn(TRUSTED_KEY_USAGE, text)
            listed = keytool_list(contents[name], password)
            self.assertIn("trustedCertEntry", listed)
            self.assertIn("CN=new.example", listed)

    def assert_result(self, result, command, status, certificate_id, good=(), failures=None, job_count=0,
                      scheduled_at=None):
        record = dict(result.record)
        listed = record.pop("failures")
        completed_at = record.pop("completedAt")
        self.assertLess(abs(now_ms() - completed_at), 60_000)
        failures = failures or {}
        self.assertEqual({
            "resultId": result_id(command["commandId"]), "commandId": command["commandId"], "status": status,
            "successfulStores": sorted(store["storeId"] for store in good), "failedStores": sorted(failures),
            "rejection": None, "existingCertificateId": command["existingCertificateId"],
            "certificateId": certificate_id, "requestId": command["requestId"], "jobCount": job_count,
            "scheduledAt": scheduled_at, "dryRun": command["dryRun"],
            "requestedBy": command["principal"]["user"]}, record)
        self.assertEqual(sorted(failures), [failure["storeId"] for failure in listed])
        self.assertEqual(failures, {failure["storeId"]: (failure["code"], failure["retryable"])
                                    for failure in listed})
        for failure in listed:
            self.assertGreater(len(failure["message"]), 20, "a message says what to do next")
        self.assert_output(result, "ReplaceResult", record["resultId"], record["commandId"], completed_at)

    def test_without_password(self):
        existing = self.new_certificate_id()
        new, identity, _ = self.stage()
        held = [entry("x", existing, "AB" * 20)]
        modern, legacy = inventory(held), inventory(held, store_type(profile="LEGACY"))
        pem = inventory(held, store_type("PEM", format="PEM"))
        required = inventory(held, store_type("PEM", format="PEM", entry_password=True))
        required_no_key = inventory(held, store_type("PEM", format="PEM", entry_password=True, key="FORBIDDEN"))
        self.add_stores(existing, new, [modern, legacy, pem, required, required_no_key])
        passwords = []
        for empty in (None, ""):
            command = replace_command(existing, new, password=empty)
            result, jobs = self.client.outcome(self.client.command(command))
            failure = ("ENTRY_PASSWORD_REQUIRED", False)
            self.assert_result(result, command, "PARTIAL", new, [modern, legacy, pem],
                               {required["storeId"]: failure, required_no_key["storeId"]: failure}, job_count=3)
            used = {job.record["credential"][1]["password"] for job in jobs.values()}
            self.assertEqual(1, len(used), "the same random password for all jobs of a command")
            password = used.pop()
            self.assertGreaterEqual(len(password), 22, "128 bits take 22 characters at least")
            passwords.append(password)
            self.secrets.add("a random password", password)
            content = self.assert_content(jobs[modern["storeId"], "x"], identity, password, "PKCS12")
            self.assertIn("MAC: sha256, Iteration 1000\n", openssl_pkcs12_algorithms(content, password))
            content = self.assert_content(jobs[legacy["storeId"], "x"], identity, password, "PKCS12")
            self.assertIn("MAC: sha1, Iteration 1000\n", openssl_pkcs12_algorithms(content, password))
            self.assert_content(jobs[pem["storeId"], "x"], identity, password, "PEM")
        self.assertNotEqual(*passwords)

    def test_trace_and_correlation(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        self.add_stores(existing, new, [inventory([entry("x", existing, "AB" * 20)])])
        binary = b"\x00\xff\x10"
        result, jobs = self.replace(existing, new, headers=[
            ("traceparent", f"00-{TRACE_ID}-{SPAN_ID}-01".encode()), ("tracestate", b"vendor=a,other=b"),
            ("correlation-id", b"order-17"), ("kafka_correlationId", binary), ("private", b"not copied")])
        spans = set()
        for message in [result, *jobs.values()]:
            version, trace, span, flags = message.headers["traceparent"].split("-")
            self.assertEqual(("00", TRACE_ID, "01"), (version, trace, flags))
            self.assertRegex(span, "^[0-9a-f]{16}$")
            spans.add(span)
            self.assertEqual("vendor=a,other=b", message.headers["tracestate"])
            self.assertEqual("order-17", message.headers["correlation-id"])
            self.assertEqual(binary, dict(message.header_list)["kafka_correlationId"])
            self.assertNotIn("private", message.headers)
        self.assertNotIn(SPAN_ID, spans)
        result, jobs = self.replace(existing, new)
        for message in [result, *jobs.values()]:
            for name in ("traceparent", "tracestate", "correlation-id", "kafka_correlationId"):
                self.assertNotIn(name, message.headers)

    def log_lines(self, condition):
        """The daemon's log lines that the condition takes, once there is one."""
        return servers.wait_for(lambda: [line for line in self.daemon.log() if condition(line)], "a line in the log")

    def test_the_trace_is_in_every_log_line(self):
        trace = "1" + TRACE_ID[1:]
        header = [("traceparent", f"00-{trace}-{SPAN_ID}-00".encode())]
        new, identity, _ = self.stage()
        result, _ = self.replace(self.new_certificate_id(), new, headers=header)
        command_id = result.record["commandId"]
        of_command = self.log_lines(lambda line: line.get("commandId") == command_id)
        self.assertEqual({trace}, {line.get("trace_id") for line in of_command})
        # What waits for its certificate, and what comes of it.
        late = self.new_certificate_id()
        command = replace_command(self.new_certificate_id(), late)
        self.client.command(command, header)
        self.log_lines(lambda line: line["message"] == "command waits" and line["commandId"] == command["commandId"])
        password = self.new_password()
        event = enrollment(late, plain_credential(identity.pfx(password), password), identity.thumbprint)
        self.client.enroll(event, header)
        self.client.result(command["commandId"])
        of_command = self.log_lines(lambda line: line["message"] == "command" and
                                    line["commandId"] == command["commandId"])
        of_command += self.log_lines(lambda line: line.get("commandId") == command["commandId"])
        of_command += self.log_lines(lambda line: line.get("certificateId") == late)
        self.assertEqual({trace}, {line.get("trace_id") for line in of_command})
        place = self.client.send(COMMANDS, "poison", b"poison", header)
        refused = self.log_lines(lambda line: line["message"] == "command refused" and line["offset"] == place[2] and
                                 line["partition"] == place[1])
        self.assertEqual([trace], [line.get("trace_id") for line in refused])
        for wrong in f"00-{'0' * 32}-{SPAN_ID}-00", f"00-{trace.upper()}-{SPAN_ID}-00", "\x1b[2J":
            result, _ = self.replace(self.new_certificate_id(), new, headers=[("traceparent", wrong.encode())])
            self.assertNotIn("traceparent", result.headers)
            of_command = self.log_lines(lambda line: line.get("commandId") == result.record["commandId"])
            self.assertTrue(all("trace_id" not in line for line in of_command), wrong)

    def test_the_cloudevents_sdk_reads_the_outputs(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        self.add_stores(existing, new, [inventory([entry("x", existing, "AB" * 20)])])
        result, jobs = self.replace(existing, new)
        with open(os.path.join(servers.SOURCE, "docs", "asyncapi.yaml"), encoding="utf-8") as file:
            declared = yaml.safe_load(file)["components"]["schemas"]["outputHeaders"]
        for message, name, event_id, subject, moment in [
                (result, "ReplaceResult", "resultId", "commandId", "completedAt"),
                *((job, "StoreJob", "jobId", "storeId", "createdAt") for job in jobs.values())]:
            received = cloudevents.kafka.KafkaMessage(headers=dict(message.header_list), key=message.key,
                                                      value=message.value)
            event = cloudevents.kafka.from_binary(received, data_unmarshaller=self.client.schemas.decode)
            record = message.record
            self.assertEqual({"specversion": "1.0", "type": f"io.certswap.v1.{name}", "source": "/certswap/certswap",
                              "id": record[event_id], "subject": record[subject],
                              "datacontenttype": "application/avro", "partitionkey": message.key},
                             {key: value for key, value in event.get_attributes().items() if key != "time"})
            self.assertEqual(record[moment], iso_ms(event["time"]))
            self.assertEqual((name, record), event.data)
            self.assertLessEqual(set(declared["required"]), set(message.headers))
            self.assertLessEqual(set(message.headers), set(declared["properties"]), "docs/asyncapi.yaml has them all")

    def test_job_time(self):
        existing = self.new_certificate_id()
        new, identity, _ = self.stage()
        store = inventory([entry("x", existing, "AB" * 20)])
        self.add_stores(existing, new, [store])
        future = 4_102_444_800_000  # 2100-01-01T00:00:00Z
        for text, expected in (("2100-01-01T00:00:00Z", future), ("2100-01-01t01:00:00.123456789+01:00", future + 123),
                               ("2020-01-01T00:00:00Z", None), (None, None)):
            with self.subTest(text):
                command = replace_command(existing, new, jobTime=text)
                result, jobs = self.client.outcome(self.client.command(command))
                self.assert_result(result, command, "COMPLETED", new, [store], job_count=1, scheduled_at=expected)
                self.assert_job(jobs[store["storeId"], "x"], command, store, "x", new, identity, expected)

    def test_store_ids(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        held = [entry("x", existing, "AB" * 20)]
        first, second = inventory(held), inventory(held)
        without = inventory([entry("x", existing + 500_000, "AB" * 20)])
        self.client.store(without)
        self.add_stores(existing, new, [first, second])
        unknown = "00000000-0000-4000-8000-000000000001"
        command = replace_command(existing, new, storeIds=[
            first["storeId"].upper(), first["storeId"], unknown, unknown.upper(), without["storeId"]])
        result, jobs = self.client.outcome(self.client.command(command))
        missing = ("NOT_IN_STORE", True)
        self.assert_result(result, command, "PARTIAL", new, [first],
                           {unknown: missing, without["storeId"]: missing}, job_count=1)
        self.assertEqual([(first["storeId"], "x")], list(jobs))
        command = replace_command(existing, new, storeIds=[unknown])
        result, _ = self.client.outcome(self.client.command(command))
        self.assert_result(result, command, "FAILED", new, [], {unknown: missing})

    def test_containers(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        held = [entry("x", existing, "AB" * 20)]
        in_7, in_8, in_none = inventory(held, containerId=7), inventory(held, containerId=8), inventory(held)
        not_ok = inventory(held, containerId=8, approved=False)
        self.add_stores(existing, new, [in_7, in_8, in_none, not_ok])
        command = replace_command(existing, new, principal={"user": ALICE, "permissions": [
            "/certificates/enrollment/pfx/", "/certificate_stores/schedule/7/", "/certificate_stores/schedule/70/"]})
        result, jobs = self.client.outcome(self.client.command(command))
        refused = ("NOT_AUTHORIZED", False)
        self.assert_result(result, command, "PARTIAL", new, [in_7],
                           {store["storeId"]: refused for store in (in_8, in_none, not_ok)}, job_count=1)
        self.assertEqual([(in_7["storeId"], "x")], list(jobs))

    def test_dry_run(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        store = inventory([entry("a", existing, "AB" * 20), entry("b", existing, "AB" * 20)])
        closed = inventory([entry("a", existing, "AB" * 20)], approved=False)
        self.add_stores(existing, new, [store, closed])
        command = replace_command(existing, new, dryRun=True)
        result = self.client.result(self.client.command(command))
        self.assert_result(result, command, "PARTIAL", new, [store], {closed["storeId"]: ("NOT_APPROVED", True)},
                           job_count=2)
        # What comes later in every partition would be read after a job of the dry run.
        self.replace(existing, new)
        self.assertNotIn(command["commandId"], {job.record["commandId"] for job in self.client.read_all(JOBS)})

    def test_by_request_id(self):
        existing = self.new_certificate_id()
        new, identity, event = self.stage()
        store = inventory([entry("x", existing, "AB" * 20)])
        self.add_stores(existing, new, [store])
        command = replace_command(existing, requestId=event["requestId"])
        result, jobs = self.client.outcome(self.client.command(command))
        self.assert_result(result, command, "COMPLETED", new, [store], job_count=1)
        self.assert_job(jobs[store["storeId"], "x"], command, store, "x", new, identity)

    def test_no_locations(self):
        new, _, _ = self.stage()
        command = replace_command(self.new_certificate_id() + 700_000, new)
        result, jobs = self.client.outcome(self.client.command(command))
        self.assert_result(result, command, "NO_LOCATIONS", new)
        self.assertEqual({}, jobs)

    def test_nothing_can_be_done(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        store = inventory([entry("x", existing, "AB" * 20)], agent=None)
        self.add_stores(existing, new, [store])
        command = replace_command(existing, new)
        result, _ = self.client.outcome(self.client.command(command))
        self.assert_result(result, command, "FAILED", new, [], {store["storeId"]: ("NO_AGENT", True)})

    def test_inventory_moves_on(self):
        existing, later = self.new_certificate_id(), self.new_certificate_id()
        new, _, _ = self.stage()
        first, second = (inventory([entry("x", existing, "AB" * 20)]) for _ in range(2))
        self.add_stores(existing, new, [first, second])
        self.client.remove_store(first["storeId"])
        self.wait_inventory(existing, new, {second["storeId"]})
        second["entries"] = [entry("y", later, "CD" * 20)]
        self.client.store(second)
        self.wait_inventory(later, new, {second["storeId"]})
        self.assertEqual("NO_LOCATIONS", self.replace(existing, new)[0].record["status"])
        result, jobs = self.replace(later, new)
        self.assertEqual({(second["storeId"], "y")}, set(jobs))
        self.assertEqual("CD" * 20, jobs[second["storeId"], "y"].record["existingThumbprint"])

    def staged_by(self, event):
        self.wait_staged(event["certificateId"])
        return event["certificateId"]

    def test_foreign_material(self):
        """Every kind of PFX and PEM that others make is opened, and comes out as the same key and certificate."""
        existing = self.new_certificate_id()
        first, _, _ = self.stage()
        store = inventory([entry("x", existing, "AB" * 20)])
        self.add_stores(existing, first, [store])
        password = self.new_password()
        made = {}
        for kind in ("P-256", "RSA-2048", "Ed25519"):
            made[kind] = (identity := self.new_identity(kind=kind)), identity.pfx(password), "PKCS12"
        identity = self.new_identity()
        made["legacy 3DES"] = identity, identity.pfx(password, legacy=True), "PKCS12"
        made["PEM"] = identity, identity.pem(password), "PEM"
        made["RC2-40"] = identity, self.openssl_rc2(identity, password), "PKCS12"
        keytool = keytool_pfx("keytool.example", password)
        opened = open_pkcs12(keytool, password)
        foreign = certs.Identity.of("keytool.example", opened)
        self.secrets.add("keytool's key", foreign.secret_bytes())
        made["keytool"] = foreign, keytool, "PKCS12"
        for name, (identity, content, format) in made.items():
            with self.subTest(name):
                new = self.new_certificate_id()
                self.client.enroll(enrollment(new, plain_credential(content, password, format), identity.thumbprint))
                self.wait_staged(new)
                _, jobs = self.replace(existing, new, password=password)
                self.assert_content(jobs[store["storeId"], "x"], identity, password, "PKCS12")

    def openssl_rc2(self, identity, password):
        pem, made = f"{self.folder}/rc2.pem", f"{self.folder}/rc2.p12"
        with open(pem, "wb") as file:
            file.write(identity.pem())
        done = servers.run("openssl", ["pkcs12", "-export", "-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe",
                                       "PBE-SHA1-3DES", "-macalg", "sha1", "-passout", "env:PFX_PASSWORD", "-in", pem,
                                       "-out", made], {"PFX_PASSWORD": password})
        self.assertEqual(0, done.returncode, done.stderr)
        with open(made, "rb") as file:
            return file.read()

    def test_renewal_and_case_of_format(self):
        existing = self.new_certificate_id()
        identity, password = self.new_identity(), self.new_password()
        credential = plain_credential(identity.pfx(password), password)
        renewed, enrolled = self.new_certificate_id(), self.new_certificate_id()
        self.client.renew(renewal(renewed, credential, identity.thumbprint, existing))
        self.client.enroll(enrollment(enrolled, credential, identity.thumbprint, certificateFormat="rEPLACE"))
        store = inventory([entry("x", existing, "AB" * 20)])
        self.wait_staged(renewed)
        self.wait_staged(enrolled)
        self.add_stores(existing, renewed, [store])
        for new in (renewed, enrolled):
            result, jobs = self.replace(existing, new)
            self.assertEqual("COMPLETED", result.record["status"])
            self.assertEqual(new, jobs[store["storeId"], "x"].record["certificateId"])

    def test_other_formats_are_not_looked_at(self):
        identity, password = self.new_identity(), self.new_password()
        credential = plain_credential(b"no certificate at all", password)
        other = self.new_certificate_id()
        self.client.send("certificate.enrollments", "same-partition", self.client.schemas.encode(
            "CertificateEnrolled", enrollment(other, credential, "00" * 20, certificateFormat="PFX")))
        after = self.new_certificate_id()
        self.client.send("certificate.enrollments", "same-partition", self.client.schemas.encode(
            "CertificateEnrolled", enrollment(after, plain_credential(identity.pfx(password), password),
                                              identity.thumbprint)))
        self.wait_staged(after)
        self.assertEqual(0, self.redis("EXISTS", f"certswap:staged:{other}", f"certswap:marker:{other}",
                                       f"certswap:request:{other + 1_000_000}"))
        self.assertEqual([], [letter for letter in self.client.read_all(DLQ)
                              if letter.headers["__connect.errors.topic"] == "certificate.enrollments"])

    def test_one_result_a_command_and_metrics(self):
        existing = self.new_certificate_id()
        new, _, _ = self.stage()
        self.add_stores(existing, new, [inventory([entry("x", existing, "AB" * 20)])])
        ids = [self.replace(existing, new)[0].record["commandId"] for _ in range(3)]
        counts = [message.record["commandId"] for message in self.client.read_all(RESULTS)]
        self.assertEqual(len(set(counts)), len(counts))
        self.assertLessEqual(set(ids), set(counts))
        metrics = self.daemon.metrics()
        for name in ("certswap_commands_total", "certswap_jobs_total", "certswap_command_duration_seconds_count"):
            self.assertRegex(metrics, rf"(?m)^{name}(\{{[^}}]*\}})? [1-9]")
        self.assertIn("certswap_inventory_ready 1", metrics)
        self.assertEqual(200, self.daemon.get("/livez")[0])


if __name__ == "__main__":
    main()
