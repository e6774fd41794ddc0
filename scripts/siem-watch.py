#!/usr/bin/env python3
"""Looks whether the SIEM is as it was deployed. A timer runs it every minute in the SIEM's container (siem-watch.sh).

Asks Kibana for the rules, and Elasticsearch for users, roles, API keys and pipelines, with a key that can only read them. Each
difference becomes one line in the log stream, once a day while it lasts: {"check":"watch","what":"rule-changed","path":...,"by":...}.
Elasticsearch's audit log, which a paid licence has, is not needed.
"""

import hashlib
import json
import os
import ssl
import sys
import time
import urllib.request
from datetime import datetime, timezone

SETTINGS = "/etc/dhis2-siem-watch"
STATE = "/var/lib/dhis2-siem/watch.json"
# What the relay's heartbeat asks (relay/siem_heartbeat.py). It holds no secret.
STATUS = "/run/dhis2-siem-watch/status.json"
# For the heartbeat: within what time a rule must have run, and an agent must have been heard (it reports at least every five minutes).
RAN_SECONDS = 180
HEARD_WITHIN = "now-11m"
# How many looks in a row must see a difference: while an update changes something, what is there and what is expected differ.
LOOKS = 3
DAY = 24 * 60 * 60
# A rule runs every minute.
LATE_SECONDS = 300


def digest(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def rule_differences(expected, rules, now):
    """Rules that are gone, were saved or switched by somebody else, are off or muted, or did not run."""
    found = {rule["id"]: rule for rule in rules}
    for rule_id, name in expected["rules"].items():
        if rule_id not in found:
            yield "rule-changed", name, None, "deleted"
    for rule in rules:
        name = expected["rules"].get(rule["id"], rule["name"])
        by = rule.get("updated_by")
        if by != expected["rulesUser"]:
            what = "changed" if rule["id"] in expected["rules"] else "made"
            yield "rule-changed", name, by, what
        if rule["id"] not in expected["rules"]:
            continue
        if not rule["enabled"]:
            yield "rule-changed", name, by, "disabled"
            continue
        if rule.get("mute_all") or rule.get("muted_alert_ids") or rule.get("active_snoozes"):
            yield "rule-changed", name, by, "muted or snoozed"
        status = rule.get("execution_status", {})
        if now - ran_at(rule) > LATE_SECONDS:
            yield "rule-not-running", name, None, "has not run for five minutes"
        elif status.get("status") == "error":
            yield "rule-not-running", name, None, "its last run failed"


def rights(role):
    """A role's rights in one form: Kibana's and Elasticsearch's own additions are left out."""
    indices = sorted(
        [sorted(entry["names"]), sorted(entry["privileges"])]
        for entry in role.get("indices", [])
    )
    granted = sorted(name for entry in role.get("applications", []) for name in entry["privileges"])
    return {"cluster": sorted(role.get("cluster", [])), "indices": indices, "kibana": granted}


def account_differences(expected, users, roles, mappings):
    own = {name: user for name, user in users.items() if not user.get("metadata", {}).get("_reserved")}
    for name in sorted(own.keys() - expected["users"].keys()):
        yield "account-changed", f"user {name}", None, "made"
    for name, wanted in expected["users"].items():
        user = own.get(name)
        if user is None:
            yield "account-changed", f"user {name}", None, "deleted"
        elif not user.get("enabled", True):
            yield "account-changed", f"user {name}", None, "disabled"
        elif sorted(user.get("roles", [])) != sorted(wanted):
            yield "account-changed", f"user {name}", None, "has other roles: " + ", ".join(user["roles"])
    for name in ("elastic", "kibana_system"):
        if not users.get(name, {}).get("enabled", True):
            yield "account-changed", f"user {name}", None, "disabled"
    custom = {name: role for name, role in roles.items() if not role.get("metadata", {}).get("_reserved")}
    for name in sorted(custom.keys() - expected["roles"].keys()):
        yield "account-changed", f"role {name}", None, "made"
    for name, wanted in expected["roles"].items():
        if name not in custom:
            yield "account-changed", f"role {name}", None, "deleted"
        elif rights(custom[name]) != wanted:
            yield "account-changed", f"role {name}", None, "has other rights"
    for name in sorted(mappings):
        yield "account-changed", f"role mapping {name}", None, "made"


def key_differences(expected, keys, since):
    """Keys that nobody deployed, made since the watch began, and deployed keys of which no valid one is left."""
    valid = set()
    for key in keys:
        name = key["name"].rsplit(".", 1)[0]
        owner = key.get("username")
        if name in expected["keys"] and owner == "elastic":
            if not key["invalidated"]:
                valid.add(name)
            continue
        # Kibana makes one for each rule, in the name of the user who saves it.
        if key["name"].startswith("Alerting: ") and owner in expected["savers"]:
            continue
        if key.get("creation", 0) / 1000 > since:
            yield "key-changed", f"key {key['name']}", owner, "made"
    for name in expected["keys"]:
        if name not in valid:
            yield "key-changed", f"key {name}", None, "revoked: none is valid"


def pipeline_differences(expected, pipelines, settings):
    for name in sorted(pipelines.keys() - expected["pipelines"].keys()):
        if name.startswith("dhis2-siem-"):
            yield "pipeline-changed", f"pipeline {name}", None, "made"
    for name, wanted in expected["pipelines"].items():
        found = pipelines.get(name)
        if found is None:
            yield "pipeline-changed", f"pipeline {name}", None, "deleted"
        elif digest({key: found[key] for key in ("processors", "on_failure") if found.get(key)}) != wanted:
            yield "pipeline-changed", f"pipeline {name}", None, "changed"
    for index, answer in sorted(settings.items()):
        own = answer.get("settings", {})
        for key in ("index.final_pipeline", "index.default_pipeline"):
            wanted = expected["indexPipelines"].get(expected_index(expected, index), {}).get(key)
            if own.get(key) != wanted:
                yield "pipeline-changed", f"{key} of {index}", None, f"is {own.get(key)}"


def expected_index(expected, index):
    """The stream's or index's name: a stream's own indices are called .ds-STREAM-DATE-NUMBER."""
    for name in expected["indexPipelines"]:
        if index == name or index.startswith(f".ds-{name}-"):
            return name
    return None


def confirmed(differences, state, now):
    """Of what differs now, what to report: seen in LOOKS looks in a row, and not reported within a day. Changes `state`."""
    old = state.get("seen", {})
    seen, due = {}, []
    for what, path, by, detail in differences:
        key = json.dumps([what, path, by, detail])
        entry = dict(old.get(key, {"looks": 0, "told": 0}))
        entry["looks"] += 1
        if entry["looks"] >= LOOKS and now - entry["told"] >= DAY:
            entry["told"] = now
            due.append({"check": "watch", "what": what, "path": path, "by": by, "detail": detail})
        seen[key] = entry
    state["seen"] = seen
    return due


class Servers:
    def __init__(self, settings, key):
        self.settings = settings
        self.headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json"}
        self.tls = ssl.create_default_context(cafile=f"{SETTINGS}/ca.crt")

    def ask(self, server, path, body=None):
        url = self.settings[server] + path
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=self.headers)
        with urllib.request.urlopen(request, timeout=20, context=self.tls) as answer:
            return json.load(answer)

    def rules(self):
        found, page = [], 1
        while True:
            answer = self.ask("kibana", f"/api/alerting/rules/_find?per_page=100&page={page}")
            found += answer["data"]
            if not answer["data"] or len(found) >= answer["total"]:
                return found
            page += 1

    def heard(self):
        """The names of the machines of which lines came in the last minutes. A machine's name comes from its key."""
        names = {"terms": {"field": "dhis2.container.name", "size": 10_000}}
        query = {"range": {"event.ingested": {"gte": HEARD_WITHIN}}}
        # The first line makes the stream.
        path = f"/{self.settings['dataStream']}/_search?ignore_unavailable=true"
        answer = self.ask("elasticsearch", path, {"size": 0, "query": query, "aggs": {"names": names}})
        return {bucket["key"] for bucket in answer.get("aggregations", {}).get("names", {}).get("buckets", [])}

    def write(self, container, entry):
        line = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        document = {
            "@timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "message": line,
            "log": {"syslog": {"appname": "dhis2-siem-health"}},
            "dhis2": {"container": {"name": container, "type": "es_siem"}},
        }
        self.ask("elasticsearch", f"/{self.settings['dataStream']}/_doc", document)
        print(line)


def without_unknown(differences, known):
    """Without what is missing and was never there: an update that is under way has not made it yet."""
    for difference in differences:
        _, path, _, detail = difference
        if path in known or not detail.startswith(("deleted", "revoked")):
            yield difference


def present(expected, rules, users, roles, keys, pipelines):
    """What is there, under the names of the differences."""
    names = [expected["rules"].get(rule["id"], rule["name"]) for rule in rules]
    names += [f"user {name}" for name in users] + [f"role {name}" for name in roles]
    names += [f"key {key['name'].rsplit('.', 1)[0]}" for key in keys if not key["invalidated"]]
    return names + [f"pipeline {name}" for name in pipelines]


def look(expected, servers, now, state):
    """All differences of now. Adds what is there to what `state` knows."""
    ask = servers.ask
    indices = ",".join(expected["indexPipelines"])
    # The first line makes the stream.
    options = "flat_settings=true&ignore_unavailable=true"
    settings = ask("elasticsearch", f"/{indices}/_settings/index.*_pipeline?{options}")
    rules = servers.rules()
    users = ask("elasticsearch", "/_security/user")
    roles = ask("elasticsearch", "/_security/role")
    mappings = ask("elasticsearch", "/_security/role_mapping")
    keys = ask("elasticsearch", "/_security/api_key")["api_keys"]
    pipelines = ask("elasticsearch", "/_ingest/pipeline")
    known = set(state.get("known", []))
    state["known"] = sorted(known.union(present(expected, rules, users, roles, keys, pipelines)))
    differences = [
        *rule_differences(expected, rules, now),
        *account_differences(expected, users, roles, mappings),
        *key_differences(expected, keys, state["since"]),
        *pipeline_differences(expected, pipelines, settings),
    ]
    return list(without_unknown(differences, known))


def ran_at(rule):
    """When a rule ran last, in seconds since 1970."""
    text = rule.get("execution_status", {}).get("last_execution_date", "1970-01-01T00:00:00+00:00")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def status_of(rules, heard, machines, now):
    """Whether rules run and agents are heard, for the relay's heartbeat."""
    enabled = [rule for rule in rules if rule["enabled"]]
    late = [rule for rule in enabled if now - ran_at(rule) > RAN_SECONDS or rule["execution_status"].get("status") == "error"]
    silent = [name for name in machines if name not in heard]
    return {"time": now, "rules": len(enabled), "lateRules": len(late), "machines": len(machines), "silent": silent}


def write_status(status):
    """Replaces the status as a whole; every user may read it."""
    with open(f"{STATUS}.new", "w", encoding="utf-8") as file:
        json.dump(status, file)
    os.chmod(f"{STATUS}.new", 0o644)
    os.replace(f"{STATUS}.new", STATUS)


def main():
    with open(f"{SETTINGS}/watch.json", encoding="utf-8") as file:
        settings = json.load(file)
    with open(f"{SETTINGS}/key", encoding="utf-8") as file:
        servers = Servers(settings, file.read().strip())
    now = time.time()
    try:
        write_status(status_of(servers.rules(), servers.heard(), settings["machines"], now))
    except (OSError, ValueError, KeyError) as error:
        # The heartbeat then fails, because its result is old; the watch goes on.
        print(f"the heartbeat's result cannot be written: {error}", file=sys.stderr)
    try:
        with open(STATE, encoding="utf-8") as file:
            state = json.load(file)
    except (OSError, ValueError):
        state = {"since": now}
    differences = look(settings["expected"], servers, now, state)
    for entry in confirmed(differences, state, now):
        servers.write(settings["container"], entry)
    servers.write(settings["container"], {"check": "watch", "what": "watch-done", "path": "the SIEM's own settings"})
    with open(f"{STATE}.new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(f"{STATE}.new", STATE)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"the watch failed: {error}")
