"""The rights of docs/security.md, read from its text: a broker and a Redis where each user has exactly these."""
import argparse
import os
import re
import shlex
import uuid

import servers
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient,
                                   ResourcePatternType, ResourceType)

DOCUMENT = os.path.join(servers.SOURCE, "docs", "security.md")
RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional-id": ResourceType.TRANSACTIONAL_ID}
LISTENER = "USERS"
# Loopback: what is shown here is what a user may do, test_transport.py shows how it logs in.
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def document():
    with open(DOCUMENT, encoding="utf-8") as file:
        return file.read()


class Right:
    """One operation of one user on one resource: what a line of kafka-acls.sh gives."""

    def __init__(self, user, resource, name, prefixed, operation):
        self.user, self.resource, self.name, self.prefixed, self.operation = user, resource, name, prefixed, operation
        self._what = (RESOURCES[resource], name, ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
                      f"User:{user}", "*", AclOperation[operation.upper()], AclPermissionType.ALLOW)

    def __str__(self):
        return f"{self.user}: {self.operation} of {self.resource} {self.name}{'*' if self.prefixed else ''}"

    @property
    def row(self):
        return self.resource, self.name + ("*" if self.prefixed else ""), self.operation.lower()

    def binding(self):
        return AclBinding(*self._what)

    def filter(self):
        return AclBindingFilter(*self._what)


def rights():
    """Of all commands of the document, by user."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", choices=["prefixed"])
    for resource in RESOURCES:
        parser.add_argument(f"--{resource}", action="append", default=[])
    found = {}
    for line in re.findall(r"^kafka-acls\.sh (--add .*)$", document(), re.MULTILINE):
        given = vars(parser.parse_args(shlex.split(line)))
        user = given["allow_principal"].removeprefix("User:")
        for resource in RESOURCES:
            for name in given[resource.replace("-", "_")]:
                found.setdefault(user, []).extend(
                    Right(user, resource, name, given["resource_pattern_type"] == "prefixed", operation)
                    for operation in given["operation"])
    return found


def tables():
    """The rows of the document's tables of rights, in its order: (resource, name, operation)."""
    found = []
    for block in re.findall(r"\| resource \| name \|.*\n\|---.*\n((?:\|.*\n)+)", document()):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found.append({(row[0], row[1], operation) for row in rows for operation in row[2].split(", ")})
    return found


def redis_line():
    """The line of the ACL file for certswapd's user, with a password."""
    line = re.search(r"^user certswap .*$", document(), re.MULTILINE).group()
    return line.replace("PASSWORD", "redis-s3cret-" + uuid.uuid4().hex)


class Users:
    """Kafka's users, each with its rights and a password."""

    def __init__(self, kafka, passwords):
        self.kafka, self.passwords = kafka, passwords
        self.admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 2})
        self.rights = rights()
        self.grant([right for own in self.rights.values() for right in own])

    def _wait(self, right, there):
        servers.wait_for(lambda: bool(self.admin.describe_acls(right.filter()).result(10)) == there, str(right))

    def grant(self, granted):
        for done in self.admin.create_acls([right.binding() for right in granted]).values():
            done.result(20)
        for right in granted:
            self._wait(right, True)

    def revoke(self, right):
        for done in self.admin.delete_acls([right.filter()]).values():
            done.result(20)
        self._wait(right, False)

    def properties(self, user):
        return {"bootstrap.servers": self.kafka.address(LISTENER), "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": self.passwords[user]}

    def settings(self, user):
        return {"CERTSWAP_KAFKA_" + name.upper().replace(".", "_"): value
                for name, value in self.properties(user).items()}


def start(folder, broker_settings):
    """A broker where only rights count, and its users. The plain listener is the super user's."""
    passwords = {user: "kafka-s3cret-" + uuid.uuid4().hex for user in rights()}
    users = " ".join(f'user_{user}="{password}"' for user, password in passwords.items())
    settings = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "allow.everyone.if.no.acl.found": "false", "super.users": "User:ANONYMOUS",
                f"listener.name.{LISTENER.lower()}.sasl.enabled.mechanisms": "PLAIN",
                f"listener.name.{LISTENER.lower()}.plain.sasl.jaas.config": f"{PLAIN} {users};"}
    kafka = servers.Kafka(folder, settings | broker_settings, listeners={LISTENER: "SASL_PLAINTEXT"})
    try:
        return kafka, Users(kafka, passwords)
    except BaseException:
        kafka.stop()
        raise
