"""Apache Avro's own tools: one jar, fetched once into ~/.m2. Without java or mvn: exit 77 (skipped), with CI set
failure."""
import os
import pathlib
import subprocess
import sys

VERSION = "1.12.2"
JAR = pathlib.Path.home() / ".m2/repository/org/apache/avro/avro-tools" / VERSION / f"avro-tools-{VERSION}.jar"


def unavailable(why):
    print(f"skipped: {why}")
    sys.exit(1 if os.environ.get("CI") else 77)


def fetch():
    if JAR.exists():
        return
    command = ["mvn", "-q", "dependency:get", "-Dtransitive=false",
               f"-Dartifact=org.apache.avro:avro-tools:{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as fault:
        unavailable(f"avro-tools {VERSION} cannot be fetched: {fault}")
    if done.returncode != 0 or not JAR.exists():
        unavailable(f"avro-tools {VERSION} cannot be fetched: mvn says {(done.stdout + done.stderr)[-300:].strip()}")
