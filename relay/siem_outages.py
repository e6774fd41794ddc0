"""Notifies people when Elasticsearch or Kibana cannot be used: without them no alert can report it. A server that is away again and again
is an outage like one that stays away: what counts is how long it could not be used within the last hour."""

import copy
import hashlib
import json
import logging
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from siem_alert import OwnAlert
from siem_secrets import SECRETS, error_text

log = logging.getLogger("relay")
# People are notified when a server could not be used for this long, in a row or together within WINDOW: longer than a restart or an
# update takes.
OUTAGE_AFTER = timedelta(minutes=10)
WINDOW = timedelta(hours=1)
# An outage is over when the server could be used for this long without a break.
RECOVERY_AFTER = timedelta(minutes=5)
# A check says how the server is until the next check, but no longer than this: the relay itself may have been stopped.
CHECK_COUNTS = timedelta(seconds=60)


class OutageEvent(NamedTuple):
    """What a message about an outage says."""

    # Part of the message's id and of its rule id.
    id: str
    title: str
    consequence: str


class Server(NamedTuple):
    """A server without which there are no alerts, and the messages about its outage."""

    name: str
    outage: OutageEvent
    recovery: OutageEvent


ELASTICSEARCH = Server(
    "Elasticsearch",
    OutageEvent("elasticsearch-down", "The SIEM does not work", "Nothing is watched, and no alert is raised."),
    OutageEvent("elasticsearch-back", "The SIEM works again", "Alerts that were waiting are delivered now."),
)
# A rule searches the last minutes only, also in its first run after an outage.
KIBANA = Server(
    "Kibana",
    OutageEvent("kibana-down", "No rule runs", "No alert is raised."),
    OutageEvent(
        "kibana-back",
        "Rules run again",
        "No rule ran in that time, and most rules look back only a few minutes: log lines of that time were never checked. "
        "Check them yourself, with the dashboards in Kibana.",
    ),
)


def now():
    return datetime.now(timezone.utc)


def send_own(rule, message_id, text, time):
    """Sends a message of the relay itself at once, also in quiet hours. Returns whether the destination accepted it.
    `text`: (rule id, rule name, severity, title, note)."""
    rule_id, rule_name, severity, title, note = text
    alert = OwnAlert(
        {
            "_id": message_id,
            "@timestamp": time.isoformat(),
            "message": title,
            "rule": {"id": rule_id, "name": rule_name},
            "dhis2": {"alert": {"severity": severity, "entity": "the SIEM itself", "note": note}},
        }
    )
    # A copy, because another thread may be sending with the same alerter.
    alerter = copy.copy(rule["alert"][0])
    alerter.pipeline = {"message_id": message_id, "time": now()}
    try:
        alerter.alert([alert])
    except Exception as error:
        log.error('%s: the message "%s" was not delivered: %s', rule["name"], title, error_text(error, rule.get("secret")))
        return False
    log.warning('%s: the message "%s" was delivered', rule["name"], title)
    return True


class StateFile:
    """A JSON object in a file, replaced as a whole. A file that cannot be read is an empty object: the watch then begins anew."""

    def __init__(self, path):
        self.path = path and Path(path)

    def read(self):
        try:
            state = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
            return state if isinstance(state, dict) else {}
        except (OSError, ValueError):
            return {}

    def write(self, state):
        if not self.path:
            return
        try:
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(state), encoding="utf-8")
            os.replace(new, self.path)
        except OSError as error:
            log.error("the state of the watch over the servers cannot be written: %s", error)


class OutageWatch:
    """Notifies people of a server's outages: once when one is found, again only an hour later, and once when the outage is over."""

    def __init__(self, server, rules, use, clock=now, path=None):
        """`rules`: of the destinations to notify. `use`: uses the server, and raises an exception if that is not possible.
        `path`: a file that keeps what is known over a restart of the relay; without it, a restart begins anew."""
        self.server, self.rules, self.use, self.clock, self.file = server, rules, use, clock, StateFile(path)
        # The checks of the last hour: (time, whether the server could be used; None while that was not looked at).
        self.checks = []
        # When the present row of failures began, and from when OUTAGE_AFTER counts in it; when the present row of good checks began.
        self.since, self.counted_from, self.good_since = None, None, None
        # The outage that people were notified of: when it began, and the names of the destinations; when each was notified last.
        self.outage_since, self.notified, self.last_notified = None, set(), {}
        self.last_error = ""
        # (rule, message) pairs about recoveries that are not delivered yet.
        self.recoveries = []
        self.restore()

    def restore(self):
        state = self.file.read()
        try:
            time = lambda name: state.get(name) and datetime.fromisoformat(state[name])
            checks = [(datetime.fromisoformat(at), good) for at, good in state.get("checks", [])]
            if not checks or not timedelta(0) <= self.clock() - checks[-1][0] < WINDOW:
                checks = []
            since, counted_from, good_since, outage_since = map(time, ("since", "counted_from", "good_since", "outage_since"))
            last_notified = {name: datetime.fromisoformat(at) for name, at in state.get("last_notified", {}).items()}
            notified = set(state.get("notified", []))
        except (ValueError, TypeError, AttributeError):
            return
        if checks:
            self.checks, self.since, self.counted_from, self.good_since = checks, since, counted_from, good_since
        self.outage_since, self.notified, self.last_notified = outage_since, notified if outage_since else set(), last_notified

    def save(self):
        time = lambda value: value and value.isoformat()
        self.file.write(
            {
                "checks": [(at.isoformat(), good) for at, good in self.checks],
                **{name: time(getattr(self, name)) for name in ("since", "counted_from", "good_since", "outage_since")},
                "notified": sorted(self.notified),
                "last_notified": {name: at.isoformat() for name, at in self.last_notified.items()},
            }
        )

    def record(self, good):
        """Adds a check, and forgets those that are older than WINDOW."""
        self.checks.append((self.clock(), good))
        self.checks = [check for check in self.checks if check[0] > self.clock() - WINDOW]

    def unusable(self):
        """Returns how long the server could not be used within WINDOW."""
        failed = timedelta(0)
        for (at, good), (end, _) in zip(self.checks, self.checks[1:]):
            if good is False:
                failed += min(end - at, CHECK_COUNTS)
        return failed

    def pause(self):
        """To be called instead of `check` while another server's outage may be the cause: that time does not count."""
        self.counted_from, self.good_since = None, None
        self.record(None)
        self.save()

    def check(self):
        """Returns whether the server can be used now, and notifies people if necessary."""
        try:
            self.use()
            good = True
        except Exception as error:
            good, self.last_error = False, error_text(error, SECRETS.get("es_api_key"))
        self.record(good)
        time = self.clock()
        if good:
            self.since, self.counted_from, self.good_since = None, None, self.good_since or time
            self.recover()
        else:
            self.since, self.counted_from, self.good_since = self.since or time, self.counted_from or time, None
            if time - self.counted_from >= OUTAGE_AFTER or self.unusable() >= OUTAGE_AFTER:
                self.outage_since = self.outage_since or self.first_failure()
                waiting = [rule for rule in self.rules if self.may_be_notified(rule)]
                told = {rule["name"] for rule in waiting if self.notify(rule, *self.outage_message())}
                self.notified |= told
                self.last_notified.update(dict.fromkeys(told, time))
        self.save()
        return good

    def first_failure(self):
        """Returns when an outage that is found now began: its row of failures, or the first failure of the last hour."""
        if self.clock() - self.counted_from >= OUTAGE_AFTER:
            return self.since
        return min([at for at, good in self.checks if good is False] + [self.since])

    def may_be_notified(self, rule):
        last = self.last_notified.get(rule["name"])
        return rule["name"] not in self.notified and (last is None or self.clock() - last >= WINDOW)

    def recover(self):
        """Ends the outage if the server could be used for long enough, and sends what is to be said about that."""
        if self.outage_since and self.clock() - self.good_since >= RECOVERY_AFTER:
            message = self.recovery_message()
            self.recoveries += [(rule, message) for rule in self.rules if rule["name"] in self.notified]
            self.outage_since, self.notified = None, set()
        self.recoveries = [(rule, message) for rule, message in self.recoveries if not self.notify(rule, *message)]

    def outage_message(self):
        event = self.server.outage
        flaps = self.clock() - self.since < OUTAGE_AFTER
        minutes = int(self.unusable().total_seconds() // 60)
        what = (
            f"{self.server.name} works and fails in turn: it could not be used for {minutes} minutes of the last hour, since {self.outage_since:%Y-%m-%d %H:%M} UTC."
            if flaps
            else f"{self.server.name} cannot be used since {self.outage_since:%Y-%m-%d %H:%M} UTC."
        )
        text = (
            f"{what} {event.consequence}\n"
            f"The last error: {self.last_error}\n"
            "Run this on the operator's laptop; it prints what is wrong and how to fix it: npm run -s verify -- STACK"
        )
        return event.id, "critical", f"{event.title}: {self.server.name} cannot be used", text, self.outage_since

    def recovery_message(self):
        event = self.server.recovery
        span = f"from {self.outage_since:%Y-%m-%d %H:%M} to {self.good_since:%Y-%m-%d %H:%M} UTC"
        text = (
            f"{self.server.name} can be used again. It could not be used {span}. {event.consequence}\n"
            "Run this on the operator's laptop to check that everything is watched again: npm run -s verify -- STACK"
        )
        return event.id, "informational", f"{event.title}: {self.server.name} is back", text, self.outage_since

    def notify(self, rule, event_id, severity, title, text, since):
        """Returns whether the destination accepted the message."""
        # A relay that is restarted during the outage without its file makes the same id, if it notices the outage within the same hour.
        message_id = hashlib.sha256(f"{rule['name']}\n{event_id}\n{since:%Y-%m-%dT%H}".encode()).hexdigest()[:32]
        said = (f"dhis2-siem-{event_id}", f"The relay's check of {self.server.name}", severity, title, text)
        return send_own(rule, message_id, said, self.clock())
