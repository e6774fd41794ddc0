"""Notifies people before the relay's own API key ends: without the key no alert is delivered, and no alert can report it."""

import hashlib
import logging
from datetime import datetime, timezone

from siem_outages import StateFile, now, send_own

log = logging.getLogger("relay")
# People are notified once when so many days are left.
WARN_DAYS = [60, 30, 7]


def end_of(milliseconds):
    """Returns the time when a key ends, from Elasticsearch's `expiration` (milliseconds since 1970); None if it does not end."""
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, timezone.utc) if milliseconds else None
    except (ValueError, TypeError, OverflowError, OSError):
        log.error("the time when the relay's key ends cannot be read")
        return None


class KeyEndWatch:
    def __init__(self, rules, expires, path=None, clock=now):
        """`rules`: of the destinations to notify. `expires`: when the key ends, in milliseconds since 1970, or None.
        `path`: a file that keeps which destinations were notified."""
        self.rules, self.end, self.file, self.clock = rules, end_of(expires), StateFile(path), clock
        state = self.file.read().get("notified")
        self.notified = set(state) if isinstance(state, list) and all(isinstance(item, str) for item in state) else set()

    def check(self):
        """Notifies people if the key ends within the next 60, 30 or 7 days: once for each of these."""
        days = (self.end - self.clock()).days if self.end else None
        steps = [limit for limit in WARN_DAYS if days is not None and days < limit]
        if not steps:
            return
        for rule in self.rules:
            # The id is that of this key's end and this step: another key, or the next step, is another message.
            step = hashlib.sha256(f"{rule['name']}\n{self.end.isoformat()}\n{min(steps)}".encode()).hexdigest()[:32]
            if step not in self.notified and send_own(rule, step, self.message(days), self.clock()):
                self.notified.add(step)
                self.file.write({"notified": sorted(self.notified)})

    def message(self, days):
        left = f"in {days} days" if days >= 0 else "already"
        note = (
            f"The API key with which the relay reads alerts ends {left}, on {self.end:%Y-%m-%d}. After that no alert is delivered.\n"
            "Run this on the operator's laptop; it renews the keys: pulumi up"
        )
        severity = "high" if days < min(WARN_DAYS) else "medium"
        return "dhis2-siem-relay-key-ends", "The relay's check of its key", severity, "The relay's key is about to end", note
