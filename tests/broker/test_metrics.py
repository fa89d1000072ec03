"""Metrics as an operator has them: a real Prometheus scrapes a real certswapd, and every query of the chart's dashboard and
alerts answers with data; /metrics keeps Prometheus' conventions."""
import json
import math
import os
import re
import socket
import subprocess
import unittest
import urllib.parse
import urllib.request

import support  # noqa: F401
import servers
from contract import entry, inventory
from harness import BrokerTest, main

CHART = os.path.join(servers.SOURCE, "helm", "certswap")


def dashboard_queries():
    with open(os.path.join(CHART, "dashboards", "certswap.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    return [target["expr"].replace("$__rate_interval", "30s").replace("$namespace", ".*")
            for panel in dashboard["panels"] for target in panel["targets"]]


def alert_queries():
    """What the alerts compare: it answers with data whether they fire or not."""
    with open(os.path.join(CHART, "rules", "certswap.yaml"), encoding="utf-8") as file:
        text = file.read()
    expressions = re.findall(r"expr: (?:\|-\n((?:          .*\n)+)|(.*)\n)", text)
    return [re.sub(r"^absent\((.*)\)$", r"\1", re.sub(r" (>|==) [0-9.]+$", "", " ".join((many or one).split())))
            for many, one in expressions]


class Prometheus:
    """Scrapes one address every half second."""

    def __init__(self, folder, target):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
                       "scrape_configs": [{"job_name": "certswap", "static_configs": [{"targets": [target]}]}]}, file)
        self.log = open(os.path.join(folder, "prometheus.log"), "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={os.path.join(folder, 'prometheus')}",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)

    def query(self, expression):
        """Values of the answer; those that are no numbers, such as a quotient of zeros, left out."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=10) as answer:
            series = json.load(answer)["data"]["result"]
        values = [float(one["value"][1]) for one in series]
        return [value for value in values if not math.isnan(value)]

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        servers.end_process(self.process)
        self.log.close()


class Metrics(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.existing = case.new_certificate_id()
        cls.new, cls.identity, _ = case.stage()
        case.add_stores(cls.existing, cls.new, [inventory([entry("x", cls.existing, "AB" * 20)], approved=approved)
                                                for approved in (True, True, False)])

    def test_metrics_keep_prometheus_conventions(self):
        self.replace(self.existing, self.new)
        done = subprocess.run(["promtool", "check", "metrics"], input=self.daemon.metrics(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_query_answers_with_data(self):
        prometheus = Prometheus(self.folder, f"127.0.0.1:{self.daemon.port}")
        self.addCleanup(prometheus.stop)
        servers.wait_for(prometheus.ready, "Prometheus to be ready")
        open_queries = set(dashboard_queries()) | set(alert_queries())
        self.assertGreater(len(open_queries), 30)

        def all_answer():
            self.replace(self.existing, self.new)
            self.stage()
            open_queries.difference_update({query for query in open_queries if prometheus.query(query)})
            return not open_queries

        try:
            servers.wait_for(all_answer, "every query to answer with data", timeout_s=40)
        except TimeoutError:
            self.fail(f"no data: {sorted(open_queries)}")

    def test_staged_now(self):
        before = self.staged_now()
        self.stage()
        servers.wait_for(lambda: self.staged_now() == before + 1, "certswap_staged to count one more")
        self.assertIn("certswap_unready_parts 0\n", self.daemon.metrics())

    def staged_now(self):
        return int(re.search(r"^certswap_staged (\d+)$", self.daemon.metrics(), re.M)[1])


if __name__ == "__main__":
    main()
