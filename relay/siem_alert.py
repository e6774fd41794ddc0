"""What an alert says. It is a document of the alert index, and any of its fields can be missing or of any type: whoever may write alerts
may write what they like."""

from siem_text import visible

SEVERITIES = ["informational", "low", "medium", "high", "critical"]


def get_field(alert, path, default=""):
    """Returns the value at a path such as "rule.name"; `default` if it is missing or null."""
    value = alert
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default if value is None else value


def severity_of(alert):
    """Returns an alert's severity; "unknown severity" if it is none of `SEVERITIES`, whatever it is."""
    severity = get_field(alert, "dhis2.alert.severity")
    return severity if isinstance(severity, str) and severity in SEVERITIES else "unknown severity"


def rank_of(alert):
    """Returns a number that grows with an alert's severity. An unknown severity is the lowest."""
    severity = severity_of(alert)
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


class OwnAlert(dict):
    """A message of the relay itself. Its text is no stranger's, and it is in no index."""


def is_own(alert):
    return isinstance(alert, OwnAlert)


def without_details(alert):
    """Returns a copy of an alert without any text that can come from a log line: rule, time, severity and id. Never raises an exception."""
    identifier, index = visible(alert.get("_id", "?"), 100), visible(alert.get("_index", ""), 100)
    rule = visible(get_field(alert, "rule.name", "?"), 100)
    note = (
        "The details of this alert could not be sent: no message with them can be made, or this destination refuses them. "
        f"They are in Kibana (id {identifier})."
    )
    return {
        "_id": identifier,
        **({"_index": index} if index else {}),
        "@timestamp": visible(get_field(alert, "@timestamp"), 40),
        "message": rule,
        "rule": {"id": visible(get_field(alert, "rule.id"), 100), "name": rule},
        "dhis2": {"alert": {"severity": severity_of(alert), "note": note}},
    }
