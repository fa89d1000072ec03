"""The independent Java client (tests/clients/java), with Apache's own Avro and Kafka libraries, against certswapd."""
import os
import subprocess

import support  # noqa: F401
from harness import BrokerTest, main, servers


class JavaClient(BrokerTest):
    def test_java_client(self):
        self.secrets.add("the Java client's PFX password", "java-pfx-password")
        self.secrets.add("the Java client's store password", "java-store-password")
        done = subprocess.run([os.path.join(servers.SOURCE, "tests", "clients", "java", "run"), self.kafka.bootstrap,
                               os.path.join(servers.SOURCE, "schemas")],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("the Java client is content", done.stdout)


if __name__ == "__main__":
    main()
