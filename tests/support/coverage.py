"""Prints gcovr's JSON summary as lines reached, room by room and in total. usage: coverage.py summary.json"""
import collections
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        summary = json.load(file)
    rooms = collections.defaultdict(lambda: [0, 0])
    for entry in summary["files"]:
        for name in (entry["filename"].split("/")[1], "total"):
            rooms[name][0] += entry["line_covered"]
            rooms[name][1] += entry["line_total"]
    for name in sorted(rooms, key=lambda name: (name == "total", name)):
        covered, total = rooms[name]
        print(f"{name:10} {100 * covered / max(total, 1):5.1f} %  {covered} of {total} lines")


if __name__ == "__main__":
    main()
