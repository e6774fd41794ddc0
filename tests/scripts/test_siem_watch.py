"""Unit tests of scripts/siem-watch.py: every kind of change is found, and an update by the stack is not."""

import importlib.util
import pathlib
import unittest

PATH = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "siem-watch.py"
SPEC = importlib.util.spec_from_file_location("siem_watch", PATH)
watch = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(watch)

NOW = 1_800_000_000
RAN = "2027-01-15T08:00:00.000Z"  # NOW
PIPELINE = {"description": "d", "processors": [{"set": {"field": "ä", "value": 1}}]}
RIGHTS = {
    "cluster": [],
    "indices": [[["alerts", "logs"], ["read"]]],
    "kibana": ["feature_discover.all", "feature_stackAlerts.read"],
}
EXPECTED = {
    "rules": {"r1": "Rule one", "r2": "Rule two"},
    "rulesUser": "siem-rules",
    "savers": ["siem-rules", "engineer"],
    "users": {"operator": ["dhis2-siem-operator"]},
    "roles": {"dhis2-siem-operator": RIGHTS},
    "keys": ["dhis2-siem-agent-dhis"],
    "pipelines": {"dhis2-siem-default-logs": watch.digest({"processors": PIPELINE["processors"]})},
    "indexPipelines": {
        "logs-dhis2-default": {"index.final_pipeline": "dhis2-siem-default-logs"},
        "alerts-dhis2-default": {"index.default_pipeline": "dhis2-siem-default-alerts"},
    },
}


def rule(rule_id, **changes):
    status = {"status": "ok", "last_execution_date": RAN}
    return {"id": rule_id, "name": rule_id, "enabled": True, "updated_by": "siem-rules", "execution_status": status, **changes}


def brief(differences):
    return [f"{what}: {path} by {by}: {detail}" for what, path, by, detail in differences]


class Rules(unittest.TestCase):
    def found(self, *rules):
        return brief(watch.rule_differences(EXPECTED, rules, NOW))

    def test_finds_nothing_where_all_is_as_deployed(self):
        self.assertEqual(self.found(rule("r1"), rule("r2")), [])

    def test_finds_each_change(self):
        late = {"status": "ok", "last_execution_date": "2027-01-15T07:54:00.000Z"}
        failed = {"status": "error", "last_execution_date": RAN}
        for changes, expected in [
            ({"updated_by": "engineer"}, ["rule-changed: Rule one by engineer: changed"]),
            ({"updated_by": "elastic"}, ["rule-changed: Rule one by elastic: changed"]),
            ({"enabled": False}, ["rule-changed: Rule one by siem-rules: disabled"]),
            ({"mute_all": True}, ["rule-changed: Rule one by siem-rules: muted or snoozed"]),
            ({"muted_alert_ids": ["x"]}, ["rule-changed: Rule one by siem-rules: muted or snoozed"]),
            ({"active_snoozes": ["x"]}, ["rule-changed: Rule one by siem-rules: muted or snoozed"]),
            ({"execution_status": late}, ["rule-not-running: Rule one by None: has not run for five minutes"]),
            ({"execution_status": failed}, ["rule-not-running: Rule one by None: its last run failed"]),
        ]:
            self.assertEqual(self.found(rule("r1", **changes), rule("r2")), expected)

    def test_finds_a_rule_that_was_deleted_and_one_that_somebody_made(self):
        self.assertEqual(self.found(rule("r1")), ["rule-changed: Rule two by None: deleted"])
        made = rule("r3", updated_by="engineer")
        self.assertEqual(self.found(rule("r1"), rule("r2"), made), ["rule-changed: r3 by engineer: made"])

    def test_leaves_alone_a_rule_that_the_stack_is_about_to_delete(self):
        self.assertEqual(self.found(rule("r1"), rule("r2"), rule("r3")), [])


class Accounts(unittest.TestCase):
    USER = {"roles": ["dhis2-siem-operator"], "enabled": True, "metadata": {}}
    ROLE = {
        "cluster": [],
        "indices": [{"names": ["logs", "alerts"], "privileges": ["read"], "allow_restricted_indices": False}],
        "applications": [
            {
                "application": "kibana-.kibana",
                "privileges": ["feature_stackAlerts.read", "feature_discover.all"],
                "resources": ["space:default"],
            }
        ],
        "metadata": {},
    }
    RESERVED = {"roles": ["superuser"], "enabled": True, "metadata": {"_reserved": True}}

    def found(self, users=None, roles=None, mappings=()):
        all_users = {"elastic": self.RESERVED, "operator": self.USER, **(users or {})}
        all_roles = {"superuser": {"metadata": {"_reserved": True}}, "dhis2-siem-operator": self.ROLE, **(roles or {})}
        return brief(watch.account_differences(EXPECTED, all_users, all_roles, dict.fromkeys(mappings)))

    def test_finds_nothing_where_all_is_as_deployed(self):
        self.assertEqual(self.found(), [])

    def test_finds_each_change(self):
        wide = {**self.ROLE, "indices": [{"names": ["*"], "privileges": ["all"]}]}
        more = {**self.ROLE, "applications": [{"privileges": ["all"]}]}
        for arguments, expected in [
            ({"users": {"mallory": self.USER}}, "user mallory by None: made"),
            ({"users": {"operator": {**self.USER, "enabled": False}}}, "user operator by None: disabled"),
            ({"users": {"elastic": {**self.RESERVED, "enabled": False}}}, "user elastic by None: disabled"),
            (
                {"users": {"operator": {**self.USER, "roles": ["superuser"]}}},
                "user operator by None: has other roles: superuser",
            ),
            ({"roles": {"mine": self.ROLE}}, "role mine by None: made"),
            ({"roles": {"dhis2-siem-operator": wide}}, "role dhis2-siem-operator by None: has other rights"),
            ({"roles": {"dhis2-siem-operator": more}}, "role dhis2-siem-operator by None: has other rights"),
            ({"mappings": ["all"]}, "role mapping all by None: made"),
        ]:
            self.assertEqual(self.found(**arguments), [f"account-changed: {expected}"])

    def test_finds_what_was_deleted(self):
        self.assertEqual(
            brief(watch.account_differences(EXPECTED, {"elastic": self.RESERVED}, {}, {})),
            ["account-changed: user operator by None: deleted", "account-changed: role dhis2-siem-operator by None: deleted"],
        )


class Keys(unittest.TestCase):
    def key(self, name, **changes):
        return {"name": name, "username": "elastic", "invalidated": False, "creation": (NOW + 60) * 1000, **changes}

    def found(self, *keys):
        return brief(watch.key_differences(EXPECTED, keys, NOW))

    def test_finds_nothing_where_all_is_as_deployed_also_while_keys_are_renewed(self):
        own = [self.key(f"dhis2-siem-agent-dhis.{period}") for period in (101, 102, 103)]
        rules = self.key("Alerting: .es-query/x", username="siem-rules")
        self.assertEqual(self.found(*own, rules), [])

    def test_finds_a_key_that_somebody_made_also_under_a_name_of_ours(self):
        own = self.key("dhis2-siem-agent-dhis.102")
        for key in [
            self.key("mine"),
            self.key("mine", invalidated=True),
            self.key("dhis2-siem-agent-dhis.103", username="mallory"),
            self.key("Alerting: .es-query/x"),
        ]:
            self.assertEqual(self.found(own, key), [f"key-changed: key {key['name']} by {key['username']}: made"])

    def test_says_nothing_of_a_key_from_before_the_watch(self):
        old = self.key("mine", creation=(NOW - 60) * 1000)
        self.assertEqual(self.found(self.key("dhis2-siem-agent-dhis.102"), old), [])

    def test_finds_a_revoked_key(self):
        revoked = self.key("dhis2-siem-agent-dhis.102", invalidated=True)
        expected = "key-changed: key dhis2-siem-agent-dhis by None: revoked: none is valid"
        self.assertEqual(self.found(revoked), [expected])


class Pipelines(unittest.TestCase):
    SETTINGS = {
        ".ds-logs-dhis2-default-2027.01.15-000001": {"settings": {"index.final_pipeline": "dhis2-siem-default-logs"}},
        "alerts-dhis2-default": {"settings": {"index.default_pipeline": "dhis2-siem-default-alerts"}},
    }

    def found(self, pipelines=None, settings=None):
        return brief(
            watch.pipeline_differences(
                EXPECTED,
                {"dhis2-siem-default-logs": PIPELINE} if pipelines is None else pipelines,
                {**self.SETTINGS, **(settings or {})},
            )
        )

    def test_finds_nothing_where_all_is_as_deployed(self):
        self.assertEqual(self.found({"dhis2-siem-default-logs": PIPELINE, "ecs@mappings": {}}), [])

    def test_finds_each_change(self):
        changed = {**PIPELINE, "processors": [{"drop": {}}]}
        failing = {**PIPELINE, "on_failure": [{"drop": {}}]}
        name = "pipeline dhis2-siem-default-logs"
        index = ".ds-logs-dhis2-default-2027.01.15-000001"
        for arguments, expected in [
            ({"pipelines": {}}, f"{name} by None: deleted"),
            ({"pipelines": {"dhis2-siem-default-logs": changed}}, f"{name} by None: changed"),
            ({"pipelines": {"dhis2-siem-default-logs": failing}}, f"{name} by None: changed"),
            ({"settings": {index: {}}}, f"index.final_pipeline of {index} by None: is None"),
            (
                {"settings": {"alerts-dhis2-default": {"settings": {"index.default_pipeline": "_none"}}}},
                "index.default_pipeline of alerts-dhis2-default by None: is _none",
            ),
        ]:
            self.assertEqual(self.found(**arguments), [f"pipeline-changed: {expected}"])


class Reports(unittest.TestCase):
    ONE = ("rule-changed", "Rule one", "engineer", "changed")

    def test_reports_what_lasts_for_three_looks_once_a_day(self):
        state = {}
        told = [len(watch.confirmed([self.ONE], state, NOW + 60 * minute)) for minute in range(24 * 60 + 5)]
        self.assertEqual([minute for minute, count in enumerate(told) if count], [2, 1442])

    def test_forgets_what_lasted_for_two_looks(self):
        state = {}
        for present in (True, True, False, True, True):
            self.assertEqual(watch.confirmed([self.ONE] if present else [], state, NOW), [])

    def test_says_nothing_of_what_is_missing_and_was_never_there(self):
        deleted = ("rule-changed", "Rule two", None, "deleted")
        self.assertEqual(list(watch.without_unknown([deleted, self.ONE], set())), [self.ONE])
        self.assertEqual(list(watch.without_unknown([deleted], {"Rule two"})), [deleted])


if __name__ == "__main__":
    unittest.main()
