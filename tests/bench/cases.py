"""The cases of script/bench: a table."""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Case:
    """`kind`: backlog (so many commands at once), latency (single commands at fixed times) or inventory (start and
    memory). `seal`: none, or the kind of the agents' keys."""

    name: str
    kind: str = "backlog"
    fan_out: int = 10
    iterations: int = 2048
    seal: str = "p256"
    agents: int = 10
    pipelines: int = 2
    instances: int = 1
    locations: int = 10_000
    commands: int = 2000
    rate: int = 20  # commands a second of a latency case
    quick: bool = False  # of the default subset

    def scaled(self, factor):
        return replace(self, commands=max(20, int(self.commands * factor)))

    def describe(self):
        seal = "unsealed" if self.seal == "none" else f"{self.agents} {self.seal} agents"
        return (f"fan-out {self.fan_out}, {self.iterations} iterations, {seal}, "
                f"{self.pipelines} pipeline{'s' * (self.pipelines > 1)}, "
                f"{self.instances} instance{'s' * (self.instances > 1)}, {self.locations} locations")


COMMANDS = {1: 2000, 10: 2000, 100: 1000, 1000: 100}


def _table():
    for fan_out, commands in COMMANDS.items():
        yield Case(f"fan-out-{fan_out}", fan_out=fan_out, commands=commands, quick=fan_out == 100)
        yield Case(f"fan-out-{fan_out}-10000", fan_out=fan_out, iterations=10_000, commands=max(100, commands // 4))
    for seal in ("p256", "rsa"):
        for agents in (1, 10, 100):
            if (seal, agents) != ("p256", 10):
                yield Case(f"seal-{seal}-{agents}", fan_out=100, seal=seal, agents=agents,
                           commands=200 if agents == 100 else 1000)
    yield Case("unsealed", fan_out=100, seal="none", commands=1000)
    yield Case("one-pipeline", fan_out=100, pipelines=1, commands=1000)
    yield Case("two-instances", fan_out=100, pipelines=1, instances=2, commands=1000)
    for fan_out in (1, 10, 100):
        yield Case(f"latency-{fan_out}", kind="latency", fan_out=fan_out, commands=400, quick=fan_out == 10)
    for locations in (10_000, 100_000, 1_000_000):
        yield Case(f"inventory-{locations}", kind="inventory", seal="none", locations=locations, commands=1000,
                   quick=locations == 10_000)


CASES = {case.name: case for case in _table()}
