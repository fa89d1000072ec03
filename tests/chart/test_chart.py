"""The chart: what it renders with each file of helm/certswap/ci is linted, decoded strictly into the types of Kubernetes,
KEDA and the Prometheus operator, held to the restricted Pod Security Standard, and compared with tests/chart/golden;
what is mistyped is refused. Alerts, dashboard and docs/operations.md name the same things.

TEST_GOLDEN=write writes the golden files anew."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")]

import yaml  # noqa: E402
from tools import go_tool  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CHART = os.path.join(ROOT, "helm", "certswap")
VALUES = sorted(glob.glob(os.path.join(CHART, "ci", "*-values.yaml")))
RULES = os.path.join(CHART, "rules", "certswap.yaml")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def helm(*arguments):
    return subprocess.run([go_tool("helm"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


def template(values, *more):
    return helm("template", "certswap", CHART, "--namespace", "pki", "--kube-version", "1.33.0", "--values", values, *more)


def rendered(values):
    done = template(values)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def documents(values):
    return [document for document in yaml.safe_load_all(rendered(values)) if document]


def pod_specs(values):
    return [document["spec"]["template"]["spec"] for document in documents(values)
            if document["kind"] in ("StatefulSet", "Job")]


class Rendering(unittest.TestCase):
    maxDiff = None

    def test_lint(self):
        for values in VALUES:
            with self.subTest(os.path.basename(values)):
                done = helm("lint", "--strict", CHART, "--values", values)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_decodes_strictly(self):
        kinds = set()
        for values in VALUES:
            with self.subTest(os.path.basename(values)):
                done = subprocess.run([go_tool("strict")], input=rendered(values), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                kinds |= {line.split(" ", 1)[1] for line in done.stdout.splitlines()}
        self.assertLessEqual({"apps/v1 StatefulSet", "batch/v1 Job", "keda.sh/v1alpha1 ScaledObject",
                              "monitoring.coreos.com/v1 PrometheusRule", "monitoring.coreos.com/v1 ServiceMonitor",
                              "networking.k8s.io/v1 NetworkPolicy", "policy/v1 PodDisruptionBudget", "v1 Service",
                              "v1 ServiceAccount", "v1 ConfigMap"}, kinds, "each kind is rendered by some values file")

    def test_a_field_that_no_kind_has_is_seen(self):
        text = rendered(VALUES[0]).replace("podManagementPolicy:", "podManagementPolicies:")
        done = subprocess.run([go_tool("strict")], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("podManagementPolicies", done.stderr)

    def test_golden(self):
        for values in VALUES:
            name = os.path.basename(values).replace("-values", "")
            path = os.path.join(HERE, "golden", name)
            with self.subTest(name):
                if os.environ.get("TEST_GOLDEN") == "write":
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(rendered(values))
                with open(path, encoding="utf-8") as file:
                    self.assertEqual(file.read(), rendered(values), "look at the difference; TEST_GOLDEN=write takes it")

    def test_versions_are_the_project_s(self):
        version = re.search(r"^project\(certswap VERSION ([0-9.]+)", read("CMakeLists.txt"), re.M)[1]
        chart = yaml.safe_load(read("helm", "certswap", "Chart.yaml"))
        self.assertEqual((chart["version"], chart["appVersion"]), (version, version))


class Refusals(unittest.TestCase):
    def refused(self, text, *say):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            done = template(os.path.join(CHART, "ci", "minimal-values.yaml"), "--values", file.name)
        self.assertNotEqual(done.returncode, 0, text)
        for word in say:
            self.assertIn(word, done.stderr)

    def test_a_mistyped_value(self):
        self.refused("replica: 3", "replica")
        self.refused("settings: {CERTSWAP_GROUPID: x}", "CERTSWAP_GROUPID")
        self.refused("secrets: {CERTSWAP_STAGING_KEY: {secretName: a, key: b}}", "CERTSWAP_STAGING_KEY")
        self.refused("networkPolicy: {port: [1]}", "port")

    def test_a_value_out_of_range(self):
        self.refused("settings: {CERTSWAP_STAGING_TTL_S: 301}", "CERTSWAP_STAGING_TTL_S", "300")
        self.refused("settings: {CERTSWAP_LOG_LEVEL: loud}", "CERTSWAP_LOG_LEVEL")
        self.refused("replicas: two", "replicas")

    def test_a_secret_in_the_clear(self):
        self.refused("settings: {CERTSWAP_STAGING_KEYS: 'k1:AAAA'}", "CERTSWAP_STAGING_KEYS")
        self.refused("settings: {CERTSWAP_KAFKA_SASL_PASSWORD: x}", "CERTSWAP_KAFKA_SASL_PASSWORD")
        self.refused("settings: {CERTSWAP_REDIS_URL: 'redis://u:p@h:1/0'}", "CERTSWAP_REDIS_URL")

    def test_what_the_chart_sets_itself(self):
        self.refused("settings: {CERTSWAP_INSTANCE_ID: a}", "CERTSWAP_INSTANCE_ID")

    def test_what_is_missing_is_named(self):
        self.refused("sealing: {secretName: ''}", "sealing.secretName")
        self.refused("secrets: {CERTSWAP_STAGING_KEYS: null}", "CERTSWAP_STAGING_KEYS")
        self.refused("settings: {CERTSWAP_KAFKA_BOOTSTRAP_SERVERS: null}", "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS")


class Safety(unittest.TestCase):
    def test_pods_meet_the_restricted_standard(self):
        for values in VALUES:
            for spec in pod_specs(values):
                with self.subTest(os.path.basename(values), pod=spec["containers"][0]["name"]):
                    self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                    self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertFalse(spec["automountServiceAccountToken"])
                    for container in spec["containers"]:
                        context = container["securityContext"]
                        self.assertFalse(context["allowPrivilegeEscalation"])
                        self.assertTrue(context["readOnlyRootFilesystem"])
                        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                    self.assertNotIn("hostNetwork", spec)
                    self.assertFalse([volume for volume in spec.get("volumes", []) if "hostPath" in volume])

    def test_secrets_are_references(self):
        for values in VALUES:
            self.assertFalse([d for d in documents(values) if d["kind"] == "Secret"])
            for spec in pod_specs(values):
                for variable in spec["containers"][0].get("env", []):
                    self.assertNotIn("secretKeyRef", str(variable), "secrets are files, not variables")

    def test_the_topics_job_gets_kafka_s_secrets_alone(self):
        job = next(d for d in documents(os.path.join(CHART, "ci", "production-values.yaml")) if d["kind"] == "Job")
        text = json.dumps(job)
        self.assertIn("certswap-operator", text)
        self.assertNotIn("STAGING_KEYS", text)
        self.assertNotIn("REDIS", text)

    def test_a_pod_outlives_the_stop_deadline(self):
        spec = pod_specs(os.path.join(CHART, "ci", "production-values.yaml"))
        stateful = next(s for s in spec if s["containers"][0]["name"] == "certswapd")
        self.assertEqual(stateful["terminationGracePeriodSeconds"], 45)

    def test_large_numbers_stay_numbers(self):
        config = next(d for d in documents(os.path.join(CHART, "ci", "production-values.yaml"))
                      if d["kind"] == "ConfigMap" and "CERTSWAP_COMMAND_RETENTION_S" in d.get("data", {}))
        self.assertEqual(config["data"]["CERTSWAP_COMMAND_RETENTION_S"], "1000000")

    def test_every_value_is_described(self):
        schema = json.loads(read("helm", "certswap", "values.schema.json"))

        def undescribed(node, path):
            for name, child in node.get("properties", {}).items():
                if "description" not in child and "$ref" not in child:
                    yield f"{path}.{name}"
                yield from undescribed(child, f"{path}.{name}")
            for key in ("items", "additionalProperties"):
                if isinstance(node.get(key), dict):
                    yield from undescribed(node[key], path)

        self.assertEqual(list(undescribed(schema, "")) + list(undescribed(schema["definitions"]["settings"], "settings")), [])
        values = yaml.safe_load(read("helm", "certswap", "values.yaml"))
        self.assertEqual(set(schema["properties"]) - {"global"}, set(values), "values.yaml shows every default")


def metrics_declared():
    """Names of all series that certswap has."""
    names = set()
    for name, kind in re.findall(r'METRIC\(\w+, "(\w+)", (\w+),', read("service", "metrics", "metrics.def")):
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "HISTOGRAM" else {name}
    return names


def metrics_in(expression):
    return set(re.findall(r"\b(?:certswap|process)_\w+", expression))


class Monitoring(unittest.TestCase):
    def alerts(self):
        return [rule for group in yaml.safe_load(read("helm", "certswap", "rules", "certswap.yaml"))["groups"]
                for rule in group["rules"]]

    def test_rules_are_good_and_fire_when_they_should(self):
        for command in (["check", "rules", RULES], ["test", "rules", self.rule_tests()]):
            done = subprocess.run(["promtool", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

    def rule_tests(self):
        """The test's file with the rules' real path in it."""
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(file.close)
        file.write(read("tests", "chart", "alerts.yaml").replace("[certswap.yaml]", f"[{RULES}]"))
        file.flush()
        return file.name

    def test_every_alert_is_tested(self):
        tests = read("tests", "chart", "alerts.yaml")
        self.assertEqual([a["alert"] for a in self.alerts() if f'{a["alert"]}"' not in tests and f'{a["alert"]}\n' not in tests
                          and f'{a["alert"]},' not in tests], [])

    def test_every_alert_has_a_runbook_entry_and_no_entry_is_left_over(self):
        entries = re.findall(r"^### (Certswap\w+)$", read("docs", "operations.md"), re.M)
        self.assertEqual(entries, [alert["alert"] for alert in self.alerts()])
        for alert in self.alerts():
            self.assertEqual(alert["annotations"]["runbook"], f'docs/operations.md#{alert["alert"].lower()}')

    def test_queries_use_metrics_that_exist(self):
        dashboard = json.loads(read("helm", "certswap", "dashboards", "certswap.json"))
        queries = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
        self.assertGreater(len(queries), 20)
        for query in queries + [alert["expr"] for alert in self.alerts()]:
            self.assertTrue(metrics_in(query), query)
            self.assertEqual(metrics_in(query) - metrics_declared(), set(), query)

    def test_every_metric_of_trouble_is_shown(self):
        shown = read("helm", "certswap", "dashboards", "certswap.json") + read("helm", "certswap", "rules", "certswap.yaml")
        missing = {name for name in metrics_declared() if re.sub("_(bucket|sum|count)$", "", name) not in shown
                   and not name.startswith("certswap_gateway_")}  # the chart does not run the gateway
        self.assertLessEqual(missing, {"process_start_time_seconds", "certswap_inventory_ready", "certswap_key_set_keys"})


if __name__ == "__main__":
    unittest.main()
