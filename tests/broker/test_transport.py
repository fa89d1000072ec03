"""Connections to Kafka: TLS, mutual TLS, SCRAM and tokens, of certswapd and certswap; to Redis: mutual TLS, and passwords
that are rotated. And what is wrong with them, told by /readyz with the setting to look at, until it is mended."""
import base64
import concurrent.futures
import ctypes
import http.server
import json
import os
import threading
import time
import urllib.parse

import support  # noqa: F401
from confluent_kafka.admin import (AlterConfigOpType, ConfigEntry, ConfigResource, ScramCredentialInfo, ScramMechanism,
                                   UserScramCredentialUpsertion)
from contract import ALL_STORES, entry, inventory
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from harness import BrokerTest, certs, least_privilege, main, servers

HOST = "127.0.0.1"
OAUTH = "org.apache.kafka.common.security.oauthbearer"
# The properties whose values must be readable nowhere.
SECRET_PROPERTIES = ("SASL_PASSWORD", "SSL_KEY_PASSWORD", "SSL_KEYSTORE_PASSWORD", "SSL_KEY_PEM",
                     "SASL_OAUTHBEARER_CLIENT_SECRET", "SASL_OAUTHBEARER_CONFIG")


WITH_LOGIN = ("SCRAM", "TOKEN", "PLAIN")


def prefixed(prefix, settings):
    return {prefix + name: value for name, value in settings.items()}


def kafka_settings(**properties):
    return prefixed("CERTSWAP_KAFKA_", {name.upper(): value for name, value in properties.items()})


class TokenServer:
    """An identity provider on loopback: a token for whoever has the secret, and the key that proves it."""

    def __init__(self):
        self.key, self.secret, self.granted = certs.make_key("RSA-2048"), "client-s3cret-of-the-test", 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(200, provider.key_set())

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                login = base64.b64encode(f"certswap:{provider.secret}".encode()).decode()
                good = self.headers.get("Authorization") == f"Basic {login}" and "client_credentials" in body
                provider.granted += good
                self.answer(200 if good else 401, {"access_token": provider.token()} if good else {"error": "no"})

            def answer(self, status, content):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def _text(content):
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    def key_set(self):
        public = self.key.public_key().public_numbers()
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "e": self._text(b"\x01\x00\x01"),
                          "n": self._text(public.n.to_bytes(256, "big"))}]}

    def token(self):
        now = int(time.time())
        parts = [{"alg": "RS256", "kid": "one", "typ": "JWT"},
                 {"sub": "certswap", "aud": "kafka", "iss": self.url, "iat": now, "exp": now + 600, "scope": "kafka"}]
        text = ".".join(self._text(json.dumps(part).encode()) for part in parts)
        return text + "." + self._text(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def has_scram():
    """librdkafka before 2.6.1 cannot log in by SCRAM to this Kafka (its #4895)."""
    return ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= 0x02060100


def has_oidc():
    """Whether the librdkafka that certswapd was built with fetches tokens by itself."""
    settings = kafka_settings(bootstrap_servers="none:1", sasl_oauthbearer_method="oidc") | {
        "CERTSWAP_STAGING_KEYS": "k:" + base64.b64encode(bytes(32)).decode(), "CERTSWAP_REQUIRE_SEALED": "false"}
    return servers.run(servers.CERTSWAPD, ["--check-config"], settings).returncode == 0


def has_redis_tls():
    """Whether the hiredis that certswapd was built with has TLS."""
    settings = {"CERTSWAP_STAGING_KEYS": "k:" + base64.b64encode(bytes(32)).decode(), "CERTSWAP_REQUIRE_SEALED": "false",
                "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": "none:1", "CERTSWAP_REDIS_URL": "rediss://127.0.0.1"}
    return servers.run(servers.CERTSWAPD, ["--check-config"], settings).returncode == 0


class Transport(BrokerTest):
    daemon_at_start = False

    @classmethod
    def start_kafka(cls):
        cls.tls_ca, cls.stranger_ca = certs.Identity("Kafka CA", ca=True), certs.Identity("Another CA", ca=True)
        cls.tokens = TokenServer()
        cls.addClassCleanup(cls.tokens.stop)
        cls.oidc = has_oidc()
        cls.secrets.add("the client secret", cls.tokens.secret)
        cls.ca_file = cls.write("ca.pem", cls.tls_ca.certificate.public_bytes(certs.PEM))
        cls.broker_pem = cls.write("broker.pem", certs.Identity("broker", cls.tls_ca, names=(HOST,)).pem())
        cls.other_name_pem = cls.write("other-name.pem",
                                       certs.Identity("broker", cls.tls_ca, names=("elsewhere.example",)).pem())
        stranger = certs.Identity("broker", cls.stranger_ca, names=(HOST,))
        listeners = {"TLS": {}, "CHANGING": {"ssl.keystore.location": cls.write("stranger.pem", stranger.pem())},
                     "MUTUAL": {"ssl.client.auth": "required"}, "SCRAM": cls.scram(), "TOKEN": cls.token(),
                     "PLAIN": cls.plain()}
        settings = {"ssl.keystore.type": "PEM", "ssl.keystore.location": cls.broker_pem, "ssl.truststore.type": "PEM",
                    "ssl.truststore.location": cls.ca_file, "ssl.allow.san.changes": "true",
                    "ssl.allow.dn.changes": "true", "connection.failed.authentication.delay.ms": "50"}
        for name, own in listeners.items():
            settings |= prefixed(f"listener.name.{name.lower()}.", own)
        protocols = {name: "SASL_SSL" if name in WITH_LOGIN else "SSL" for name in listeners}
        return servers.Kafka(cls.folder, settings, listeners=protocols,
                             java_options=f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={cls.tokens.url}/keys")

    @staticmethod
    def scram():
        return {"sasl.enabled.mechanisms": "SCRAM-SHA-512", "scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"}

    @classmethod
    def plain(cls):
        cls.plain_password = f"first-{os.getpid()}-of-the-broker"
        return {"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config":
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_certswap="{cls.plain_password}";'}

    @classmethod
    def token(cls):
        login = f'{OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        settings = {"sasl.enabled.mechanisms": "OAUTHBEARER", "oauthbearer.sasl.jaas.config": login}
        if cls.oidc:
            settings |= {"oauthbearer.sasl.server.callback.handler.class": f"{OAUTH}.OAuthBearerValidatorCallbackHandler",
                         "sasl.oauthbearer.jwks.endpoint.url": f"{cls.tokens.url}/keys",
                         "sasl.oauthbearer.expected.audience": "kafka",
                         "sasl.oauthbearer.expected.issuer": cls.tokens.url}
        return settings

    @classmethod
    def write(cls, name, content):
        """Writes the file in one step: a program that reads it meanwhile sees the one before, or all of this one."""
        path = os.path.join(cls.folder, name)
        with open(path + ".fresh", "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.replace(path + ".fresh", path)
        return path

    def set_password(self, user, password):
        """What the broker takes for the user's password from now on."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(user, credential, password.encode())
        for done in self.client.admin.alter_user_scram_credentials([change]).values():
            done.result(20)

    def set_broker_certificate(self, listener, path):
        """The listener gives new connections another certificate; its open ones stay."""
        entry = ConfigEntry(f"listener.name.{listener.lower()}.ssl.keystore.location", path,
                            incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[entry])
        for done in self.client.admin.incremental_alter_configs([resource]).values():
            done.result(20)

    def connection(self, listener, **properties):
        return kafka_settings(bootstrap_servers=self.kafka.address(listener), ssl_ca_location=self.ca_file,
                              security_protocol="SASL_SSL" if listener in WITH_LOGIN else "SSL", **properties)

    def client_files(self, name, expired=False):
        """Properties of a client with a certificate, whose key is under a password in a file of its own."""
        identity, password = certs.Identity(name, self.tls_ca, days=-1 if expired else 30), self.new_password()
        self.secrets.add(f"the key of {name}", identity.secret_bytes())
        key = identity.key.private_bytes(certs.PEM, certs.PKCS8,
                                         serialization.BestAvailableEncryption(password.encode()))
        return {"ssl_certificate_location": self.write(f"{name}.crt", identity.certificate.public_bytes(certs.PEM)),
                "ssl_key_location": self.write(f"{name}.key", key),
                "ssl_key_password_file": self.write(f"{name}.password", password + "\n")}

    def scram_login(self, password):
        path = self.write(f"password-{password[:12]}", password + "\n")
        return {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "certswap", "sasl_password_file": path}

    def token_login(self):
        if not self.oidc:
            return {"sasl_mechanism": "OAUTHBEARER", "enable_sasl_oauthbearer_unsecure_jwt": "true",
                    "sasl_oauthbearer_config": "principal=certswap"}
        return {"sasl_mechanism": "OAUTHBEARER", "sasl_oauthbearer_method": "oidc",
                "sasl_oauthbearer_client_id": "certswap", "sasl_oauthbearer_client_secret": self.tokens.secret,
                "sasl_oauthbearer_token_endpoint_url": f"{self.tokens.url}/token"}

    def certswap(self, settings, *arguments):
        done = servers.run(servers.CERTSWAP, arguments, settings)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def assert_works(self, name, settings):
        """certswapd and every kind of client that certswap makes, with these settings."""
        daemon = self.start_daemon(name, **settings).wait_ready()
        existing, password = self.new_certificate_id(), self.new_password()
        new, identity, _ = self.stage()
        self.certswap(settings, "topics", "create")
        store = inventory([entry("x", existing, "AB" * 20)])
        self.add_stores(existing, new, [store])
        other = self.new_certificate_id()
        self.certswap(settings, "enroll", "--certificate-id", str(other), "--request-id", str(other), "--requester", "a",
                      "--pfx", self.write(f"{name}.p12", identity.pfx(password)),
                      "--password-file", self.write(f"{name}.pass", password))
        self.wait_staged(other)
        permissions = [word for permission in ALL_STORES for word in ("--permission", permission)]
        answer = json.loads(self.certswap(settings, "replace", "--wait", "--existing", str(existing), "--user",
                                          "DOMAIN\\alice", *permissions, "--certificate-id", str(new)))
        self.assertEqual("COMPLETED", answer["status"], answer)
        self.assertEqual(0, daemon.stop()[0])

    def test_each_way_to_connect(self):
        password = self.new_password()
        self.set_password("certswap", password)
        ways = {"tls": self.connection("TLS"), "mutual": self.connection("MUTUAL", **self.client_files("client")),
                "token": self.connection("TOKEN", **self.token_login())}
        if has_scram():
            ways["scram"] = self.connection("SCRAM", **self.scram_login(password))
        for name, settings in ways.items():
            with self.subTest(name):
                self.assert_works(name, settings)
        self.assertEqual(self.oidc, self.tokens.granted > 0)

    def start_alone(self, name, settings):
        """A daemon whose group is its own."""
        return self.start_daemon(name, **settings, CERTSWAP_GROUP_ID=f"certswap-{name}", CERTSWAP_PIPELINES="1")

    def wait_reason(self, daemon, *words):
        """Until every part of /readyz gives a reason with the words; it lives on."""
        last = []

        def told():
            last[:] = [daemon.get("/readyz")]
            lines = last[0][1].splitlines()
            return last[0][0] == 503 and len(lines) == 3 and all(word in line for line in lines for word in words)
        try:
            servers.wait_for(told, f"{daemon.name} to tell {words}", every_s=0.1)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {last}") from None
        self.assertEqual(200, daemon.get("/livez")[0])

    def test_what_is_wrong_is_told_until_it_is_mended(self):
        right, wrong = self.new_password(), self.new_password()
        self.set_password("certswap", right)
        changing = self.start_alone("changing", self.connection("CHANGING"))
        wrong_login = self.connection("SCRAM", **self.scram_login(wrong))
        login = self.start_alone("login", wrong_login)
        expired = self.start_alone("expired", self.connection("MUTUAL", **self.client_files("old", expired=True)))
        plain = self.start_alone("plain", kafka_settings(
            bootstrap_servers=self.kafka.address("TLS"), ssl_endpoint_identification_algorithm="none"))
        with concurrent.futures.ThreadPoolExecutor() as threads:
            tool = threads.submit(servers.run, servers.CERTSWAP, ["topics", "create"], wrong_login)
            self.wait_reason(changing, "certificate is refused", "CERTSWAP_KAFKA_SSL_CA_LOCATION")
            self.wait_reason(login, "CERTSWAP_KAFKA_SASL_PASSWORD")
            self.wait_reason(expired, "CERTSWAP_KAFKA_SSL_CERTIFICATE_LOCATION")
            self.wait_reason(plain, "CERTSWAP_KAFKA_SECURITY_PROTOCOL")
            self.assertIn("CERTSWAP_KAFKA_SASL_PASSWORD", tool.result().stderr)
        self.assertEqual(["CERTSWAP_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM"],
                         [line["setting"] for line in plain.log() if line.get("message") == "weak setting"])
        self.set_broker_certificate("CHANGING", self.other_name_pem)
        self.wait_reason(changing, "mismatch", "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS")
        self.set_broker_certificate("CHANGING", self.broker_pem)
        self.set_password("certswap", wrong)
        changing.wait_ready()
        if has_scram():
            login.wait_ready()
        else:
            self.wait_reason(login, "librdkafka 2.6.1")
        for daemon in (changing, login, expired, plain):
            self.assertEqual(0, daemon.stop()[0])

    def set_plain_password(self, password):
        """The broker takes another one once it has started again."""
        path = os.path.join(self.kafka.folder, "broker-1.properties")
        with open(path, encoding="utf-8") as file:
            settings = file.read()
        self.assertIn(self.plain_password, settings)
        self.kafka.stop()
        self.write(path, settings.replace(self.plain_password, password))
        self.kafka.start()
        type(self).plain_password = password

    def test_a_password_is_rotated_without_a_restart(self):
        """The file's password of now is what every client logs in with, the service's as the tool's."""
        def write_password(password):
            return self.write("plain-password", password + "\n")
        file = write_password(self.new_password())
        settings = self.connection("PLAIN", sasl_mechanism="PLAIN", sasl_username="certswap", sasl_password_file=file)
        daemon = self.start_alone("rotated", settings)
        self.wait_reason(daemon, "CERTSWAP_KAFKA_SASL_PASSWORD")
        write_password(self.plain_password)
        daemon.wait_ready()
        passwords = self.plain_password, f"second-{os.getpid()}-of-the-broker"
        write_password(passwords[1])
        told = "CERTSWAP_KAFKA_SASL_PASSWORD_FILE has changed"
        servers.wait_for(lambda: sum(told in line.get("text", "") for line in daemon.log()) == 2,
                         "the changed password to be told", every_s=0.1)
        self.assertEqual(200, daemon.get("/readyz")[0], "connections that stand stay")
        self.set_plain_password(passwords[1])
        daemon.wait_ready()
        self.stage()
        self.certswap(settings, "topics", "create")
        self.assertEqual(0, daemon.stop()[0])
        for password in passwords:
            self.assertNotIn(password, json.dumps(daemon.log()))

    def redis_over_tls(self, redis):
        """Another port of the server, with a certificate of a CA that is not known: (port, certswapd's settings)."""
        port, pem = servers.free_port(), self.write("redis-stranger.pem", certs.Identity("redis", self.stranger_ca,
                                                                                         names=(HOST,)).pem())
        client = self.write("redis-client.pem", certs.Identity("client", self.tls_ca).pem())
        redis("CONFIG", "SET", "tls-cert-file", pem, "tls-key-file", pem, "tls-ca-cert-file", self.ca_file,
              "tls-auth-clients", "yes", "tls-port", port)
        return port, prefixed("CERTSWAP_REDIS_TLS_", {"CA": self.ca_file, "CERTIFICATE": client, "KEY": client})

    def wait_told(self, daemon, words):
        servers.wait_for(lambda: words in daemon.get("/readyz")[1], f"/readyz to tell {words}", every_s=0.1)

    def test_redis_is_reached_again_once_what_is_wrong_is_mended(self):
        line, tls = least_privilege.redis_line(), has_redis_tls()
        folder = os.path.join(self.folder, "another-redis")
        os.mkdir(folder)
        redis = servers.Redis(folder, acl=line)
        self.addCleanup(redis.stop)
        port, settings = self.redis_over_tls(redis) if tls else (redis.port, {})

        def write_url(password):
            login = "certswap:" + urllib.parse.quote(password, "")
            return self.write("redis-url", f"redis{'s' if tls else ''}://{login}@{HOST}:{port}/0\n")
        right, next_one = redis.user.split(":")[1].rstrip("@"), self.new_password()
        settings |= {"CERTSWAP_REDIS_URL": None, "CERTSWAP_REDIS_URL_FILE": write_url(self.new_password())}
        daemon = self.start_alone("redis", self.connection("TLS") | settings)
        if tls:
            self.wait_told(daemon, "CERTSWAP_REDIS_TLS_CA")
            pem = self.write("redis.pem", certs.Identity("redis", self.tls_ca, names=(HOST,)).pem())
            redis("CONFIG", "SET", "tls-cert-file", pem, "tls-key-file", pem)
        self.wait_told(daemon, "CERTSWAP_REDIS_URL_FILE")
        write_url(right)
        daemon.wait_ready()
        redis("ACL", "SETUSER", "certswap", "resetpass", f">{next_one}")
        redis("CLIENT", "KILL", "USER", "certswap")
        self.wait_told(daemon, "CERTSWAP_REDIS_URL_FILE")
        write_url(next_one)
        daemon.wait_ready()
        self.assertEqual(0, daemon.stop()[0])

    def test_print_config_masks_secrets(self):
        values = {name: f"masked-{number}-{os.getpid()}" for number, name in enumerate(SECRET_PROPERTIES)}
        twins = {name + "_FILE": self.write(f"twin-{name}", value) for name, value in values.items()}
        for given, origin in ((values, "environment"), (twins, "file")):
            # A key must be one, and tokens need a librdkafka that fetches them.
            kept = {name: value for name, value in given.items()
                    if "PEM" not in name and (self.oidc or "CLIENT_SECRET" not in name)}
            done = servers.run(servers.CERTSWAPD, ["--print-config"],
                               self._settings(**prefixed("CERTSWAP_KAFKA_", kept)))
            self.assertEqual(0, done.returncode, done.stderr)
            for name, value in values.items():
                self.assertNotIn(value, done.stdout + done.stderr)
                if any(key.startswith(name) for key in kept):
                    self.assertIn(f"CERTSWAP_KAFKA_{name}=****  # {origin}\n", done.stdout)
            refused = servers.run(servers.CERTSWAPD, ["--print-config"],
                                  self._settings(**prefixed("CERTSWAP_KAFKA_", given),
                                                 CERTSWAP_KAFKA_SECURITY_PROTOCOL="SASL_SSL"))
            self.assertEqual(78, refused.returncode, "a key that is none")
            for value in values.values():
                self.assertNotIn(value, refused.stdout + refused.stderr)


if __name__ == "__main__":
    main()
