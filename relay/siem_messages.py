"""Writes what people read: the title and text of a message about alerts."""

import re
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from siem_alert import get_field, is_own, rank_of, severity_of
from siem_text import as_text, quoted, short, visible

# Events of one alert that a message shows.
SHOWN_EVENTS = 5
# Of a storm: the alerts that its message shows in full, and the rules and entities that it names.
WORST_OF_A_STORM = 5
SUMMARY_ROWS = 15


class Message:
    """The title and text of a message about alerts. Text that can come from strangers is quoted (siem_text.py). If the text is longer
    than the destination accepts, details of alerts are left out, but every alert is named. Above `max_alerts`, the message is a summary."""

    # The alerts of a message that each have their own text.
    max_alerts = 50
    # As many alerts as these at once are a storm: one message sums them up.
    storm_alerts = 200
    # In the unit of `size_of`.
    max_size = 200_000

    def size_of(self, text):
        """Returns how much of `max_size` a text takes. Here: its bytes in UTF-8."""
        return len(text.encode("utf-8", "replace"))

    def link(self, alert):
        """Returns the URL of the alert in Kibana's Discover."""
        relay = self.rule["relay"]
        if "_index" not in alert:
            return relay["kibana_url"]
        # An id of Elasticsearch's own has only these characters.
        identifier = re.sub(r"[^A-Za-z0-9_-]", "", as_text(alert.get("_id")))[:100]
        index = re.sub(r"[^A-Za-z0-9_.-]", "", as_text(alert["_index"]))[:100]
        return f"{relay['kibana_url']}/app/discover#/doc/{relay['alerts_view']}/{index}?id={identifier}"

    def all_alerts_link(self):
        """Returns the URL of all alerts in Kibana's Discover."""
        relay = self.rule["relay"]
        return f"{relay['kibana_url']}/app/discover#/?_a=(index:'{relay['alerts_view']}')"

    def quote(self, value, limit):
        """Returns a stranger's text, visibly quoted, in a form that acts on nothing at this destination."""
        return quoted(value, limit)

    def heading(self, alert):
        """Returns the severity, the rule and, in short, the entity of an alert as one line."""
        start = f"[{severity_of(alert)}] "
        if is_own(alert):
            return start + visible(get_field(alert, "message", "A message of the relay"), 180)
        entity = get_field(alert, "dhis2.alert.entity")
        return f"{start}{visible(get_field(alert, 'rule.name', 'An alert'), 100)}" + (f": {short(entity)}" if as_text(entity) else "")

    def title(self, alerts):
        if len(alerts) == 1:
            return self.heading(alerts[0])
        worst = severity_of(max(alerts, key=rank_of))
        rules = sorted({visible(get_field(alert, "rule.name", "?"), 60) for alert in alerts})
        return visible(f"[{worst}] {len(alerts)} alerts: {', '.join(rules)}", 200)

    def local_time(self, text):
        """Returns a time in the site's time zone; the quoted text if it is not a time."""
        try:
            time = datetime.fromisoformat(str(text))
            return time.astimezone(ZoneInfo(self.rule["relay"]["timezone"])).strftime("%Y-%m-%d %H:%M:%S %Z")
        except (ValueError, OverflowError, OSError):
            return self.quote(text, 40)

    def event_line(self, event):
        """Returns one event as a line. `event` is as in the alert index: a flat object of fields."""
        log_line = event.get("event.original") or event.get("message") or event
        container = visible(event.get("dhis2.container.name", ""), 63)
        return f"- {self.local_time(event.get('@timestamp', ''))} {container}: {self.quote(log_line, 300)}"

    def short_text(self, alert):
        return f"{self.heading(alert)}\n{self.link(alert)}"

    def full_text(self, alert):
        events = get_field(alert, "dhis2.alert.events", [])
        events = [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []
        # Each with whether it can be a stranger's text.
        rows = [
            ("Rule", "rule.name", 200, False),
            ("About", "dhis2.alert.entity", 300, True),
            ("Container", "dhis2.container.name", 200, False),
            ("Count", "dhis2.alert.count", 20, False),
            ("Within", "dhis2.alert.window", 20, False),
            ("Threshold", "dhis2.alert.threshold", 100, False),
        ]
        lines = [self.heading(alert)]
        for name, path, limit, is_strange in rows:
            value = get_field(alert, path)
            if as_text(value):
                lines.append(f"{name}: {self.quote(value, limit) if is_strange and not is_own(alert) else visible(value, limit)}")
        lines.append(f"At: {self.local_time(get_field(alert, '@timestamp'))}")
        note = as_text(get_field(alert, "dhis2.alert.note")).strip()
        if note:
            lines += ["", "What to do:", *(visible(line, 2000) for line in note[:8000].split("\n"))]
        if events:
            shown = events[:SHOWN_EVENTS]
            more = f", {len(shown)} of {len(events)}" if len(events) > SHOWN_EVENTS else ""
            lines += ["", f"The events that fired it{more}:", *map(self.event_line, shown)]
        return "\n".join([*lines, "", f"In Kibana: {self.link(alert)}"])

    def text(self, alerts):
        """Returns the text: the full text of as many alerts as fit, the short text of the others; of a storm its summary and the worst."""
        if len(alerts) <= self.max_alerts:
            return self.fit(alerts, self.max_size)
        summary = self.cut(self.summary(alerts), self.max_size // 2)
        worst = sorted(alerts, key=rank_of, reverse=True)[:WORST_OF_A_STORM]
        text = f"{summary}\n\nThe worst {len(worst)}:\n\n"
        return text + self.fit(worst, self.max_size - self.size_of(text))

    def fit(self, alerts, limit):
        """Returns texts of these alerts within `limit`, as many of them full as possible."""
        separator = "\n" + "-" * 30 + "\n"
        parts = list(map(self.short_text, alerts))
        size = sum(map(self.size_of, parts)) + self.size_of(separator) * len(parts)
        for index, alert in enumerate(alerts):
            full = self.full_text(alert)
            grown = size + self.size_of(full) - self.size_of(parts[index])
            if grown <= limit:
                parts[index], size = full, grown
        return self.cut(separator.join(parts), limit)

    def cut(self, text, limit):
        """Returns the beginning of a text, within `limit`."""
        while self.size_of(text) > limit:
            text = text[: max(0, min(len(text) - 1, len(text) * limit // self.size_of(text)))]
        return text

    def summary(self, alerts):
        """Returns what a storm of alerts is about: how many, of which rules, about which entities. Its length is bounded."""

        def most_common(title, counted):
            top = counted.most_common(SUMMARY_ROWS)
            lines = [f"{title}:", *(f"- {name} ({count})" for name, count in top)]
            return lines + ([f"- and {len(counted) - len(top)} more"] if len(counted) > len(top) else [])

        rules = Counter(f"[{severity_of(alert)}] {visible(get_field(alert, 'rule.name', '?'), 60)}" for alert in alerts)
        entities = Counter(self.quote(get_field(alert, "dhis2.alert.entity", "?"), 60) for alert in alerts)
        return "\n".join(
            [
                f"{len(alerts)} alerts came at once. This message sums them up; all of them are in Kibana:",
                self.all_alerts_link(),
                "",
                *most_common("Rules", rules),
                "",
                *most_common("About", entities),
            ]
        )

    # ElastAlert's own alerters call these two.
    def create_title(self, matches):
        return self.title(matches)

    def create_alert_body(self, matches):
        return self.text(matches)


