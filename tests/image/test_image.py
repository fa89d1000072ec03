"""What script/image leaves, read and run: its configuration, size, version and SBOM, and how its programs run confined, as
nobody, without a shell and without a place to write to. That it does its work is for the broker tests, which run in it
too."""
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

import container

sys.path.insert(0, os.path.join(container.SOURCE, "tests", "support"))
import servers  # noqa: E402
from archive import Archive  # noqa: E402

DOCKERFILE = os.path.join(container.SOURCE, "docker", "Dockerfile")
SBOM = os.path.join(os.path.dirname(container.ARCHIVE), "certswap.spdx.json")
LIMIT_BYTES = 60_000_000
UID = 10001
EXIT_CONFIG = 78


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, cwd=container.SOURCE, text=True, check=True).stdout.strip()


def judge(program, *arguments):
    """Runs a program of requirements.txt; a CompletedProcess."""
    python = output("tests/support/venv", os.path.join(container.HERE, "requirements.txt"))
    return subprocess.run([os.path.join(os.path.dirname(python), program), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def project_version():
    with open(os.path.join(container.SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
        return re.search(r"^project\(certswap VERSION ([0-9.]+)", file.read(), re.MULTILINE)[1]


class Made(unittest.TestCase):
    """What can be read off without running it."""

    @classmethod
    def setUpClass(cls):
        cls.archive = cls.enterClassContext(Archive(container.ARCHIVE))
        cls.config = cls.archive.config["config"]

    def test_runs_as_nobody_and_without_a_shell(self):
        self.assertEqual(f"{UID}:{UID}", self.config["User"])
        self.assertEqual(["/usr/bin/certswapd"], self.config["Entrypoint"])
        self.assertIsNone(self.config.get("Cmd"))
        self.assertEqual(["PATH"], [name.partition("=")[0] for name in self.config["Env"]])
        self.assertNotIn("Volumes", self.config)

    def test_labels(self):
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in self.config["Labels"].items()}
        self.assertEqual("certswap", labels["title"])
        self.assertEqual("Apache-2.0", labels["licenses"])
        self.assertEqual(project_version(), labels["version"])
        # Also where somebody commits between the build and this.
        built = int(os.path.getmtime(container.ARCHIVE))
        self.assertIn(labels["revision"], {output("git", "rev-parse", "--short", "HEAD"),
                                           output("git", "log", "-1", f"--before={built}", "--format=%h")})
        self.assertIn("debian:trixie-slim", labels["base.name"])
        self.assertIn("certificate", labels["description"])

    def test_size(self):
        self.assertLess(self.archive.compressed_bytes(), LIMIT_BYTES)

    def test_licences_are_there(self):
        for package in ("certswap", "librdkafka1", "libc6"):
            path = os.path.join(container.ROOT, "usr", "share", "doc", package, "copyright")
            self.assertGreater(os.path.getsize(path), 500, package)

    def test_dockerfile(self):
        done = judge("hadolint", "--failure-threshold", "style", DOCKERFILE)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_sbom(self):
        done = judge("pyspdxtools", "--infile", SBOM)
        self.assertEqual(0, done.returncode, done.stdout)
        with open(SBOM, encoding="utf-8") as file:
            document = json.load(file)
        self.assertEqual("SPDX-2.3", document["spdxVersion"])
        packages = {package["name"]: package for package in document["packages"]}
        versions = {name: package["versionInfo"] for name, package in packages.items()}
        self.assertEqual(project_version(), versions["certswap"])
        self.assertEqual("Apache-2.0", packages["certswap"]["licenseDeclared"])
        self.assertRegex(versions["librdkafka1"], r"^2\.8\.")
        self.assertRegex(versions["libssl3t64"], r"^3\.5\.")
        self.assertEqual(self.installed(), {name: version for name, version in versions.items()
                                            if name != "certswap-image"})
        reference, = packages["librdkafka1"]["externalRefs"]
        self.assertRegex(reference["referenceLocator"],
                         r"^pkg:deb/debian/librdkafka1@2\.8\.[^?]+\?arch=[a-z0-9]+&distro=debian-13&upstream=librdkafka")
        self.assertIn("BSD-2-Clause", packages["librdkafka1"]["licenseDeclared"])

    @staticmethod
    def installed():
        """By dpkg itself."""
        listed = output("dpkg-query", f"--admindir={container.ROOT}/var/lib/dpkg", "--show",
                        "--showformat=${db:Status-Status} ${Package} ${Version}\\n")
        return {name: version for state, name, version in map(str.split, listed.splitlines()) if state == "installed"}


class Layers(unittest.TestCase):
    """What a layer hides of those below it is in neither the SBOM nor the unpacked image."""

    @staticmethod
    def tar(files, compress=bytes):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return compress(out.getvalue())

    def test_hidden_files(self):
        lower = self.tar({"a/x": b"1", "a/y": b"2", "b/z": b"3", "c/d/e": b"4", "same": b"5"})
        upper = self.tar({"a/.wh.x": b"", "b/new": b"6", "b/.wh..wh..opq": b"", ".wh.c": b"", "./same": b"7"}, gzip.compress)
        manifest = json.dumps([{"Config": "config", "Layers": ["lower", "upper"]}]).encode()
        expected = {"a/y": b"2", "b/new": b"6", "same": b"7"}
        with tempfile.TemporaryDirectory(prefix="certswap-test-") as folder:
            path, root = os.path.join(folder, "archive"), os.path.join(folder, "root")
            with open(path, "wb") as file:
                file.write(self.tar({"config": b"{}", "lower": lower, "upper": upper, "manifest.json": manifest}))
            with Archive(path) as archive:
                self.assertEqual(expected, archive.files(lambda _: True))
                archive.unpack(root)
            found = {}
            for above, _, names in os.walk(root):
                for name in names:
                    with open(os.path.join(above, name), "rb") as file:
                        found[os.path.relpath(file.name, root)] = file.read()
            self.assertEqual(expected, found)


class Running(unittest.TestCase):
    def test_version(self):
        for program in (servers.CERTSWAPD, servers.CERTSWAP):
            done = servers.run(program, ["--version"], {})
            self.assertEqual((0, f"{os.path.basename(program)} {project_version()}\n"), (done.returncode, done.stdout),
                             done.stderr)

    def test_settings_are_asked_for(self):
        done = servers.run(servers.CERTSWAPD, [], {})
        self.assertEqual(EXIT_CONFIG, done.returncode, done.stderr)
        self.assertIn("CERTSWAP_STAGING_KEYS", done.stderr)

    def test_confined_and_ends_when_told(self):
        with tempfile.TemporaryDirectory(prefix="certswap-test-") as folder:
            keys = os.path.join(folder, "staging-keys")
            with open(keys, "w", encoding="utf-8") as file:
                file.write("k1:" + "A" * 43 + "=\n")
            os.chown(keys, UID, UID)
            os.chmod(keys, 0o400)
            nowhere = servers.free_port()
            daemon = servers.Daemon(folder, {
                "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{nowhere}", "CERTSWAP_STAGING_KEYS_FILE": keys,
                "CERTSWAP_REDIS_URL": f"redis://127.0.0.1:{nowhere}/0", "CERTSWAP_REQUIRE_SEALED": "false",
                "CERTSWAP_HTTP_LISTEN": "127.0.0.1:0", "CERTSWAP_LOG_FORMAT": "json"})
            try:
                self.assertEqual(200, daemon.get("/livez")[0])
                self.assert_confined(self.process_in(daemon.process.pid))
            finally:
                status, seconds = daemon.stop()
            self.assertEqual(0, status, servers.tail(daemon.log_path))
            self.assertLess(seconds, 10)

    @staticmethod
    def process_in(runtime):
        """The process of the container that the runtime of this process id runs."""
        with open(f"/proc/{runtime}/task/{runtime}/children", encoding="ascii") as file:
            child, = file.read().split()
        return f"/proc/{child}"

    def assert_confined(self, process):
        self.assertEqual("/usr/bin/certswapd", os.readlink(process + "/exe"))
        with open(process + "/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual([str(UID)] * 4, status["Uid"].split())
        self.assertEqual([str(UID)] * 4, status["Gid"].split())
        self.assertEqual(["0"] * 5, [status[name].lstrip("0") or "0" for name in
                                     ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")])
        self.assertEqual("1", status["NoNewPrivs"])
        self.assertEqual("1", status["NSpid"].split()[-1])
        with open(process + "/mountinfo", encoding="ascii") as file:
            mounts = {fields[4]: fields[5].split(",") for fields in map(str.split, file)}
        writable = {path for path, options in mounts.items() if "ro" not in options}
        self.assertLessEqual(writable, {"/proc", "/dev", "/dev/shm"} | {path for path in mounts if path.startswith("/dev/")})
        self.assertFalse(os.path.lexists(process + "/root/bin/sh"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
