"""Draws what script/bench --all --json FILE has written: each figure as its input grows.
usage: graph.py FILE.json FILE.svg"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 400, 270, 62, 34, 12, 40
SIDES = {"certswapd": "#0b5394", "floor": "#999999", "crypto": "#cc7a00"}
FAN_OUTS = [("fan-out-1", 1), ("fan-out-10", 10), ("fan-out-100", 100), ("fan-out-1000", 1000)]
INVENTORIES = [("inventory-10000", 10_000), ("inventory-100000", 100_000), ("inventory-1000000", 1_000_000)]
MIB = 2**20
# title, unit of x, points, figure, divided by
PANELS = [
    ("jobs a second", "stores a command", FAN_OUTS, "jobs_a_second", 1),
    ("processor time a job, us", "stores a command", FAN_OUTS, "cpu_us_a_job", 1),
    ("from start to ready, s", "locations", INVENTORIES, "start_s", 1),
    ("resident memory, MiB", "locations", INVENTORIES, "idle_bytes", MIB),
    ("processor time a command, us", "locations", INVENTORIES, "cpu_us_a_command", 1),
]


def series(cases, points, figure, divided_by):
    """{side: [(x, median)]} of the cases that were measured."""
    found = {}
    for side in SIDES:
        line = [(x, cases[name]["figures"][side][figure][1] / divided_by) for name, x in points
                if name in cases and figure in cases[name]["figures"].get(side, {})]
        if line:
            found[side] = line
    return found


def short(value):
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"


class Scale:
    """Whole powers of ten around the values, and where on `length` pixels a value stands."""

    def __init__(self, values, length):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.length = length

    def at(self, value):
        return (math.log10(value) - self.low) / (self.high - self.low) * self.length

    def ticks(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def panel(title, unit, lines):
    across = Scale([x for line in lines.values() for x, _ in line], WIDTH - LEFT - RIGHT)
    up = Scale([y for line in lines.values() for _, y in line], HEIGHT - TOP - BOTTOM)
    bottom = HEIGHT - BOTTOM
    yield f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>'
    for tick in up.ticks():
        y = bottom - up.at(tick)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>'
    for tick in across.ticks():
        yield f'<text x="{LEFT + across.at(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{short(tick)}</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{unit}</text>'
    for at, (side, line) in enumerate(lines.items()):
        points = [(LEFT + across.at(x), bottom - up.at(y)) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{SIDES[side]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{SIDES[side]}"/>' for x, y in points)
        yield f'<text x="{LEFT + 78 * at}" y="{TOP - 3}" fill="{SIDES[side]}">{side}</text>'


def draw(cases):
    drawn = [(title, unit, lines) for title, unit, points, figure, divided_by in PANELS
             for lines in [series(cases, points, figure, divided_by)] if lines]
    rows = (len(drawn) + 1) // 2
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{rows * HEIGHT}" '
           'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>')
    for at, (title, unit, lines) in enumerate(drawn):
        yield f'<g transform="translate({at % 2 * WIDTH} {at // 2 * HEIGHT})">'
        yield from panel(title, unit, lines)
        yield "</g>"
    yield "</svg>"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write("\n".join(draw(cases)) + "\n")


if __name__ == "__main__":
    main()
