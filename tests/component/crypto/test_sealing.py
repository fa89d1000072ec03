"""What certswap seals, `openssl cms` opens, and the reverse; another key opens neither. By the tool's subcommands seal
and open. TEST_BIN is the folder of the program."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = os.path.join(os.environ["TEST_BIN"], "certswap")
SECRET = "sesame, öffne dich"
KINDS = {"rsa": ["rsa:2048"], "rsa3072": ["rsa:3072"],
         **{name: ["ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
            for name, curve in (("p256", "P-256"), ("p384", "P-384"), ("p521", "P-521"))}}
GCM = ["-aes-256-gcm", "-binary", "-outform", "DER"]


def run(*arguments, **more):
    return subprocess.run([str(a) for a in arguments], capture_output=True, timeout=60, **more)


class Sealing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="certswap-sealing-")
        cls.work = pathlib.Path(cls.folder.name)
        for kind, key in KINDS.items():
            cls.issue(kind, key)
        cls.issue("other-rsa", KINDS["rsa"])
        cls.issue("other-p256", KINDS["p256"])
        (cls.work / "secret").write_text(SECRET)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def issue(cls, name, key, *more):
        done = run("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-subj", f"/O=Example/CN={name}", "-days", "10",
                   "-keyout", cls.work / f"{name}.key", "-out", cls.work / f"{name}.crt", *more)
        assert done.returncode == 0, done.stderr

    def seal(self, name, status=0):
        done = run(TOOL, "seal", "--seal-to", self.work / f"{name}.crt", "--password-file", self.work / "secret",
                   "--cms", self.work / "out.cms")
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stderr.decode()

    def decrypt(self, name, certificate=None):
        return run("openssl", "cms", "-decrypt", "-inform", "DER", "-in", self.work / "out.cms", "-binary", "-recip",
                   self.work / f"{certificate or name}.crt", "-inkey", self.work / f"{name}.key")

    def encrypt(self, *arguments):
        done = run("openssl", "cms", "-encrypt", *arguments, input=SECRET.encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        (self.work / "in.cms").write_bytes(done.stdout)

    def open(self, name, status=0):
        done = run(TOOL, "open", "-c", self.work / f"{name}.crt", "-k", self.work / f"{name}.key", self.work / "in.cms")
        self.assertEqual(done.returncode, status, done.stderr.decode())
        self.assertNotIn(SECRET, done.stderr.decode())
        if status == 0:
            self.assertEqual(done.stdout.decode(), SECRET + "\n")
        return done.stderr.decode()

    def test_openssl_opens_what_we_seal(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.seal(kind)
                done = self.decrypt(kind)
                self.assertEqual((done.returncode, done.stdout.decode()), (0, SECRET), done.stderr)

    def test_openssl_with_another_key_does_not(self):
        for kind in ("rsa", "p256"):
            with self.subTest(kind):
                self.seal(kind)
                self.assertNotEqual(self.decrypt(f"other-{kind}").returncode, 0)
                done = run("openssl", "cms", "-decrypt", "-inform", "DER", "-in", self.work / "out.cms", "-inkey",
                           self.work / f"other-{kind}.key")
                self.assertNotIn(SECRET.encode(), done.stdout)

    def test_what_we_seal_is_what_the_contract_says(self):
        self.seal("rsa")
        text = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", self.work / "out.cms").stdout.decode()
        for words in ("id-smime-ct-authEnvelopedData", "aes-256-gcm", "rsaesOaep", "sha256", "mgf1"):
            self.assertIn(words, text)
        self.assertNotIn("sha1", text)
        self.seal("p256")
        text = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", self.work / "out.cms").stdout.decode()
        for words in ("aes-256-gcm", "dhSinglePass-stdDH-sha256kdf-scheme", "kari", "id-aes256-wrap"):
            self.assertIn(words, text)

    def test_we_open_what_openssl_seals(self):
        oaep = ["-keyopt", "rsa_padding_mode:oaep"]
        ways = {"rsa, OAEP, SHA-256": ("rsa", [*oaep, "-keyopt", "rsa_oaep_md:sha256"]),
                "rsa, OAEP, SHA-256 with MGF1 of SHA-1": ("rsa", [*oaep, "-keyopt", "rsa_oaep_md:sha256", "-keyopt",
                                                                  "rsa_mgf1_md:sha1"]),
                "rsa, OAEP as it comes": ("rsa", oaep),
                "rsa, PKCS1 v1.5": ("rsa", []),
                "rsa3072, OAEP, SHA-512": ("rsa3072", [*oaep, "-keyopt", "rsa_oaep_md:sha512"]),
                "p256 as it comes": ("p256", []),
                "p384, SHA-384": ("p384", ["-keyopt", "ecdh_kdf_md:sha384"]),
                "p521, SHA-512": ("p521", ["-keyopt", "ecdh_kdf_md:sha512"])}
        for way, (kind, options) in ways.items():
            with self.subTest(way):
                self.encrypt(*GCM, "-recip", self.work / f"{kind}.crt", *options)
                self.open(kind)
                self.assertIn("none of our certificates", self.open("other-rsa", 65))

    def test_several_recipients_each_open_it(self):
        self.encrypt(*GCM, self.work / "rsa.crt", self.work / "p384.crt", self.work / "other-rsa.crt")
        for name in ("rsa", "p384", "other-rsa"):
            self.open(name)
        self.assertIn("none of our certificates", self.open("p256", 65))

    def test_by_subject_key_identifier(self):
        self.encrypt(*GCM, "-keyid", self.work / "rsa.crt")
        self.open("rsa")

    def test_ciphers_without_authentication_are_refused(self):
        for cipher, words in (("-aes-256-cbc", "EnvelopedData"), ("-des3", "EnvelopedData"),
                              ("-aes-128-gcm", "AES-256-GCM"), ("-aes-192-gcm", "AES-256-GCM")):
            with self.subTest(cipher):
                self.encrypt(cipher, *GCM[1:], self.work / "rsa.crt")
                self.assertIn(words, self.open("rsa", 65))

    def test_streamed_messages_and_those_to_a_shared_key_are_refused(self):
        self.encrypt(*GCM, "-stream", self.work / "rsa.crt")
        self.assertIn("encode it as DER", self.open("rsa", 65))
        self.encrypt(*GCM, "-secretkey", "00" * 32, "-secretkeyid", "01")
        self.assertIn("a shared key", self.open("rsa", 65))

    def test_certificates_that_are_not_for_it_are_refused(self):
        self.issue("signing", KINDS["rsa"], "-addext", "keyUsage=critical,digitalSignature")
        self.assertIn("no keyEncipherment", self.seal("signing", 65))
        self.issue("ed25519", ["ed25519"])
        self.assertIn("signatures only", self.seal("ed25519", 65))
        self.issue("short", ["rsa:1024"])
        self.assertIn("shorter than 2048 bits", self.seal("short", 65))
        self.issue_expired("late")
        self.assertIn("it has expired", self.seal("late", 65))
        (self.work / "none.crt").write_text("nothing")
        self.assertIn("cannot be read", self.seal("none", 65))
        self.assertFalse((self.work / "none.cms").exists())

    def issue_expired(self, name):
        """OpenSSL refuses days below one since 3.5, and knows the other options since 3.4."""
        request = self.request(name)
        for period in (["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"], ["-days", "-1"]):
            done = run("openssl", "x509", "-req", "-in", request, "-signkey", self.work / "rsa.key", *period, "-out",
                       self.work / f"{name}.crt")
            if done.returncode == 0:
                return
        self.fail(done.stderr)

    def request(self, name):
        path = self.work / f"{name}.csr"
        run("openssl", "req", "-new", "-key", self.work / "rsa.key", "-subj", f"/CN={name}", "-out", path)
        return path

    def test_encrypted_key_and_one_file_for_both(self):
        both = self.work / "both.pem"
        key = run("openssl", "pkcs8", "-topk8", "-in", self.work / "p256.key", "-passout", "pass:of-the-key").stdout
        both.write_bytes((self.work / "p256.crt").read_bytes() + key)
        (self.work / "key.pass").write_text("of-the-key\n")
        (self.work / "wrong.pass").write_text("another\n")
        record = run(TOOL, "seal", "--seal-to", self.work / "p256.crt", "--password-file", self.work / "secret")
        self.assertEqual(sorted(json.loads(record.stdout)), ["cms", "recipient"])
        for password, status in (("key.pass", 0), ("wrong.pass", 65)):
            done = run(TOOL, "open", "-", "-c", both, "--password-file", self.work / password, input=record.stdout)
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn("another", done.stderr.decode())

    def test_a_pem_and_a_pfx_go_in_and_out_whole(self):
        pfx = self.work / "new.pfx"
        run("openssl", "pkcs12", "-export", "-in", self.work / "p384.crt", "-inkey", self.work / "p384.key", "-passout",
            "file:" + str(self.work / "secret"), "-out", pfx)
        pem = self.work / "new.pem"
        pem.write_bytes((self.work / "p384.crt").read_bytes() + (self.work / "p384.key").read_bytes())
        for arguments, source, password in ((["--pfx", pfx, "--password-file", self.work / "secret"], pfx, SECRET + "\n"),
                                            (["--pem", pem], pem, "")):
            with self.subTest(source.name):
                record = run(TOOL, "seal", "--seal-to", self.work / "rsa.crt", *arguments)
                self.assertEqual(record.returncode, 0, record.stderr)
                job = json.dumps({"topic": "certstore.jobs", "value": {"jobId": "x", "credential": json.loads(record.stdout)}})
                done = run(TOOL, "open", "-", "-c", self.work / "rsa.crt", "-k", self.work / "rsa.key", "--content",
                           self.work / "opened", input=job.encode())
                self.assertEqual((done.returncode, done.stdout.decode()), (0, password), done.stderr)
                self.assertEqual((self.work / "opened").read_bytes(), source.read_bytes())
                self.assertEqual((self.work / "opened").stat().st_mode & 0o777, 0o600)
        wrong = run(TOOL, "seal", "--seal-to", self.work / "rsa.crt", "--pfx", pfx)
        self.assertEqual(wrong.returncode, 65, wrong.stderr)


if __name__ == "__main__":
    unittest.main()
