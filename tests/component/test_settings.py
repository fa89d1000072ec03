"""certswapd's settings as an operator meets them: help, check, print, and a start that is refused with all faults at
once. Needs no server."""
import base64
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import servers  # noqa: E402

KEY = base64.b64encode(bytes(range(100, 132))).decode()
GOOD = {"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "CERTSWAP_STAGING_KEYS": "k1:" + KEY,
        "CERTSWAP_REQUIRE_SEALED": "false", "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0"}
VARIABLES = """KAFKA_BOOTSTRAP_SERVERS TOPIC_ENROLLMENTS TOPIC_RENEWALS TOPIC_INVENTORY TOPIC_COMMANDS TOPIC_RETRY TOPIC_DLQ
TOPIC_JOBS TOPIC_RESULTS GROUP_ID INSTANCE_ID REDIS_URL REDIS_TLS_CA REDIS_TLS_CERTIFICATE REDIS_TLS_KEY STAGING_KEYS STAGING_TTL_S SEALING_DIR REQUIRE_SEALED AUTH
JWT_JWKS JWT_CA JWT_ISSUER JWT_AUDIENCE JWT_USER_CLAIM JWT_PERMISSIONS_CLAIM AVRO_FRAMING SCHEMA_REGISTRY_URL
SCHEMA_REGISTRY_TLS_CA SCHEMA_AUTO_REGISTER SCHEMAS_DIR PIPELINES BATCH_MAX RETRY_DELAY_MS MAX_STORES_PER_COMMAND PKCS12_ITERATIONS
PKCS12_MAX_ITERATIONS COMMAND_RETENTION_S HTTP_LISTEN STOP_DEADLINE_S SECCOMP LOG_LEVEL LOG_FORMAT""".split()


def certswapd(*arguments, **settings):
    return servers.run(servers.CERTSWAPD, arguments, settings, timeout_s=20)


def make_pair(certificate, key):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key, "-out", certificate, "-subj", "/CN=certswap", "-days", "2"], check=True, capture_output=True)


class Settings(unittest.TestCase):
    def assert_refused(self, settings, *parts, arguments=("--check-config",)):
        done = certswapd(*arguments, **settings)
        told = done.stdout + done.stderr
        self.assertEqual(78, done.returncode, told)
        for part in parts:
            self.assertIn(part, told)
        return told

    def test_help(self):
        done = certswapd("--help")
        self.assertEqual(0, done.returncode, done.stderr)
        for variable in VARIABLES:
            self.assertIn("CERTSWAP_" + variable, done.stdout)

    def test_version(self):
        done = certswapd("--version")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_unknown_option(self):
        done = certswapd("--chekc-config", **GOOD)
        self.assertNotIn(done.returncode, (0, None))
        self.assertIn("--help", done.stdout + done.stderr)

    def test_good(self):
        self.assertEqual(0, certswapd("--check-config", **GOOD).returncode)

    def test_nothing_set(self):
        self.assert_refused({}, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS", "CERTSWAP_STAGING_KEYS")

    def test_all_faults_at_once(self):
        bad = {"CERTSWAP_PIPELINES": "many", "CERTSWAP_BATCH_MAX": "0", "CERTSWAP_STAGING_TTL_S": "301",
               "CERTSWAP_REDIS_URL": "http://x", "CERTSWAP_LOG_LEVEL": "loud", "CERTSWAP_PKCS12_ITERATIONS": "2047",
               "CERTSWAP_MAX_STORES_PER_COMMAND": "20001", "CERTSWAP_HTTP_LISTEN": "nowhere", "CERTSWAP_PIPELINE": "2",
               "CERTSWAP_STAGING_KEYS": "k1:short"}
        for arguments in (("--check-config",), ()):
            with self.subTest(arguments):
                told = self.assert_refused(GOOD | bad, *bad, arguments=arguments)
                self.assertIn("CERTSWAP_PIPELINES", told, "the nearest name")

    def test_unknown_variable(self):
        self.assert_refused(GOOD | {"CERTSWAP_STAGING_KEY": "x"}, "CERTSWAP_STAGING_KEY", "CERTSWAP_STAGING_KEYS")

    def test_unknown_kafka_property(self):
        self.assert_refused(GOOD | {"CERTSWAP_KAFKA_SECURITY_PROTOCOLL": "ssl"}, "CERTSWAP_KAFKA_SECURITY_PROTOCOLL")
        self.assert_refused(GOOD | {"CERTSWAP_KAFKA_SECURITY_PROTOCOL": "carrier-pigeon"},
                            "CERTSWAP_KAFKA_SECURITY_PROTOCOL")

    def test_service_links_are_ignored(self):
        links = {"CERTSWAP_SERVICE_HOST": "10.0.0.1", "CERTSWAP_SERVICE_PORT": "9464",
                 "CERTSWAP_SERVICE_PORT_HTTP": "9464", "CERTSWAP_PORT": "tcp://10.0.0.1:9464",
                 "CERTSWAP_PORT_9464_TCP": "tcp://10.0.0.1:9464", "CERTSWAP_PORT_9464_TCP_ADDR": "10.0.0.1"}
        done = certswapd("--check-config", **GOOD, **links)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_secrets_from_files(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"k2:{KEY}\nk1:{KEY}\n")
            file.flush()
            settings = dict(GOOD, CERTSWAP_STAGING_KEYS_FILE=file.name)
            self.assert_refused(settings, "CERTSWAP_STAGING_KEYS_FILE")
            del settings["CERTSWAP_STAGING_KEYS"]
            done = certswapd("--check-config", **settings)
            self.assertEqual(0, done.returncode, done.stderr)
        self.assert_refused(settings, "CERTSWAP_STAGING_KEYS_FILE")

    def test_print_masks_secrets(self):
        settings = GOOD | {"CERTSWAP_REDIS_URL": "redis://me:hunter2secret@127.0.0.1:6379/0",
                           "CERTSWAP_KAFKA_SASL_PASSWORD": "kafka-hunter2", "CERTSWAP_GROUP_ID": "group-seven"}
        done = certswapd("--print-config", **settings)
        self.assertEqual(0, done.returncode, done.stderr)
        told = done.stdout + done.stderr
        for secret in (KEY, "hunter2secret", "kafka-hunter2"):
            self.assertNotIn(secret, told)
        for shown in ("group-seven", "CERTSWAP_STAGING_KEYS", "127.0.0.1:6379", "certificate.replace.results"):
            self.assertIn(shown, told)

    def test_faults_keep_secrets(self):
        told = self.assert_refused(GOOD | {
            "CERTSWAP_STAGING_KEYS": "k1:" + KEY[:-3] + "\nhunter2-no-colon",
            "CERTSWAP_REDIS_URL": "redis://me:hunter2secret@127.0.0.1:port/0", "CERTSWAP_PIPELINES": "x"})
        for secret in (KEY[:-3], "hunter2"):
            self.assertNotIn(secret, told)

    def test_redis_over_tls(self):
        settings = GOOD | {"CERTSWAP_REDIS_URL": "rediss://me:hunter2@127.0.0.1:6379/0"}
        if os.environ["TEST_REDIS_TLS"] == "TRUE":
            done = certswapd("--check-config", **settings)
            self.assertEqual(0, done.returncode, done.stderr)
        else:
            for arguments in (("--check-config",), ()):
                self.assert_refused(settings, "CERTSWAP_REDIS_URL: is rediss://, but", "hiredis 0.14, which has no TLS; ",
                                    arguments=arguments)
        told = self.assert_refused(
            settings | {"CERTSWAP_REDIS_TLS_CA": "/nowhere/ca.pem", "CERTSWAP_REDIS_TLS_KEY": "/nowhere/key.pem",
                        "CERTSWAP_PIPELINES": "many"},
            "CERTSWAP_REDIS_TLS_CA: /nowhere/ca.pem cannot be read", "CERTSWAP_REDIS_TLS_KEY: /nowhere/key.pem",
            "CERTSWAP_REDIS_TLS_CERTIFICATE is not", "CERTSWAP_PIPELINES: ")
        self.assertNotIn("hunter2", told)
        self.assert_refused(GOOD | {"CERTSWAP_REDIS_TLS_CA": os.devnull}, "CERTSWAP_REDIS_TLS_CA: ", "rediss://")

    def test_jwt(self):
        url = GOOD | {"CERTSWAP_AUTH": "jwt", "CERTSWAP_JWT_ISSUER": "https://idp.example", "CERTSWAP_JWT_AUDIENCE": "certswap",
                      "CERTSWAP_JWT_JWKS": "https://idp.example/keys"}
        done = certswapd("--check-config", **url)
        self.assertEqual(0, done.returncode, done.stderr)
        for name in ("JWKS", "ISSUER", "AUDIENCE"):
            variable = "CERTSWAP_JWT_" + name
            self.assert_refused({other: value for other, value in url.items() if other != variable}, variable + ": ")
        self.assert_refused(url | {"CERTSWAP_JWT_JWKS": "http://idp.example/keys"}, "CERTSWAP_JWT_JWKS: ")
        with tempfile.TemporaryDirectory() as folder:
            keys = os.path.join(folder, "keys.json")
            with_file = url | {"CERTSWAP_JWT_JWKS": keys}
            self.assert_refused(with_file, "CERTSWAP_JWT_JWKS: ", keys, "cannot be read")
            for text, part in (("{", "no JSON text"), ("{}", "no JWK Set"), ('{"keys":[]}', "has no keys"),
                               ('{"keys":[{"kty":"oct","k":"AAAA"}]}', "neither RSA nor EC")):
                with open(keys, "w", encoding="ascii") as file:
                    file.write(text)
                self.assert_refused(with_file, "CERTSWAP_JWT_JWKS: ", keys, part, arguments=())
            shutil.copy(os.path.join(servers.SOURCE, "tests", "cases", "jwt", "several.jwks.json"), keys)
            done = certswapd("--check-config", **with_file)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assert_refused(with_file | {"CERTSWAP_JWT_CA": keys}, "CERTSWAP_JWT_CA: ", "of no use with a file")
            self.assert_refused(url | {"CERTSWAP_JWT_CA": keys}, "CERTSWAP_JWT_CA: ", keys)
            make_pair(keys, os.devnull)
            done = certswapd("--check-config", **url | {"CERTSWAP_JWT_CA": keys})
            self.assertEqual(0, done.returncode, done.stderr)

    def test_sealed_needs_a_folder(self):
        told = self.assert_refused({name: value for name, value in GOOD.items() if name != "CERTSWAP_REQUIRE_SEALED"},
                                   "CERTSWAP_SEALING_DIR: ", "CERTSWAP_REQUIRE_SEALED=true")
        self.assertEqual(1, told.count("CERTSWAP_SEALING_DIR: "), told)

    def test_sealing_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            settings = {name: value for name, value in GOOD.items() if name != "CERTSWAP_REQUIRE_SEALED"}
            settings["CERTSWAP_SEALING_DIR"] = folder
            self.assert_refused(settings, "CERTSWAP_SEALING_DIR: ", folder)
            key = os.path.join(folder, "tls.key")
            make_pair(os.path.join(folder, "tls.crt"), key)
            os.rename(key, os.path.join(folder, "elsewhere"))
            for arguments in (("--check-config",), ()):
                self.assert_refused(settings, "CERTSWAP_SEALING_DIR: ", "tls.crt", ".key", arguments=arguments)
            make_pair(os.devnull, key)
            told = self.assert_refused(settings | {"CERTSWAP_PIPELINES": "many"}, "CERTSWAP_SEALING_DIR: ", "tls.key",
                                       "CERTSWAP_PIPELINES: ")
            self.assertNotIn("PRIVATE KEY", told)
            os.rename(os.path.join(folder, "elsewhere"), key)
            done = certswapd("--check-config", **settings)
            self.assertEqual(0, done.returncode, done.stderr)
            done = servers.run(servers.CERTSWAP, ("check",), settings, timeout_s=20)
            self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
