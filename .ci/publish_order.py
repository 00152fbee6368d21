"""Reads `cargo metadata --no-deps` and prints the crates to publish, each after those it needs."""

import graphlib
import json
import sys

packages = {p["name"]: p for p in json.load(sys.stdin)["packages"] if p["publish"] != []}
needs = {}
for name, package in packages.items():
    # A development dependency without a version is left out of what is published.
    needed = [d["name"] for d in package["dependencies"] if d["name"] in packages]
    unpublished = [d["name"] for d in package["dependencies"] if d.get("path") and d["req"] == "*" and d["kind"] != "dev"]
    if unpublished:
        sys.exit(f"{name} needs {', '.join(unpublished)} without a version: give one")
    needs[name] = sorted(set(needed) - {name})
try:
    print(*graphlib.TopologicalSorter(dict(sorted(needs.items()))).static_order(), sep="\n")
except graphlib.CycleError as error:
    sys.exit(f"no order: {' -> '.join(error.args[1])} is a circle; drop the version of one development dependency")
