"""
Delivers alerts from the alert index to people: ElastAlert 2, whose part that stores and sends alerts is replaced here.

ElastAlert's own part loses alerts (it deletes the alerts of a group before it sends them, and forgets those that a mail server
refuses) and sends alerts twice (those that it finds again after a restart). Here each alert of each destination is one document.
Its id contains both, and it is written once. A message is planned before it is sent, and recorded after it was sent:

  found    alert_sent: false
  planned  + message_id, as soon as its group is complete; if sending fails, the same message is sent again later
  sent     alert_sent: true, sent_at, and without the alert itself

If a destination refuses a message for its content (`refused` counts this), the message is planned again, because otherwise one
hostile log line would hold back all other alerts of the message: each alert gets a message of its own. If such a message is
refused too, it is sent without the alert's details (`bare`).

One case remains: if the relay is killed after a destination accepted a message and before the relay recorded it, the message is
sent again, with the same id.
"""

import argparse
import copy
import hashlib
import json
import logging
import os
import re
import signal
import sys
import time
import types
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus, urlsplit
from zoneinfo import ZoneInfo

# ElastAlert imports these alerters, but they are not used here and their libraries are not installed (requirements.in).
for name, cls in {"twilio": "TwilioAlerter", "tencentsms": "TencentSMSAlerter", "exotel": "ExotelAlerter"}.items():
    stand_in = types.ModuleType(f"elastalert.alerters.{name}")
    setattr(stand_in, cls, None)
    sys.modules[stand_in.__name__] = stand_in
    import elastalert.alerters

    setattr(elastalert.alerters, name, stand_in)

import requests
from elasticsearch.exceptions import ConflictError, ElasticsearchException
from elastalert.elastalert import ElastAlerter
from elastalert.loaders import FileRulesLoader
from requests.utils import requote_uri

from siem_messages import get_field, limit_requests, one_line, refuses_content, severity_of, without_details

log = logging.getLogger("relay")
# How long documents of sent alerts are kept.
KEEP_SENT = timedelta(days=90)
# Unsent alerts of one destination that are read at once: as many as Elasticsearch returns.
MAX_UNSENT = 10_000
# A message that was refused for its content this many times is planned again.
MAX_REFUSALS = 3
# People are notified when Elasticsearch or Kibana cannot be used for this long: longer than a restart or an update takes.
OUTAGE_AFTER = timedelta(minutes=10)
# How often Elasticsearch and Kibana are checked.
CHECK_SECONDS = 30
# A Kibana that runs its rules answers a request without a login with one of these: its status without details, or that it wants a login.
KIBANA_RUNS = {200, 302, 401}
# After this time of sending other messages, urgent ones are looked for again.
OTHERS_SECONDS = 15
# The file of --secrets: the key of Elasticsearch, and the destinations' secrets by name.
SECRETS = {}


class Loader(FileRulesLoader):
    """Reads rules from their files, and adds each destination's secret."""

    def get_yaml(self, filename):
        rule = super().get_yaml(filename)
        secret = SECRETS.get("destinations", {}).get(rule["name"])
        return rule if secret is None else {**rule, "secret": secret}


def now():
    return datetime.now(timezone.utc)


def is_quiet(relay, time):
    """Returns whether a time is in a destination's quiet hours. They are pairs of minutes of the day, in the site's time zone."""
    local = time.astimezone(ZoneInfo(relay["timezone"]))
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in relay["quiet_minutes"])


def is_urgent(alerts):
    return any(alert["urgent"] for alert in alerts)


def may_be_sent(alerts, quiet):
    return not quiet or is_urgent(alerts)


def message_id_of(hits, *suffix):
    """Returns the id of a message about these alerts: always the same id for the same alerts."""
    return hashlib.sha256("\n".join([*sorted(hit["_id"] for hit in hits), *suffix]).encode()).hexdigest()[:32]


def secret_parts(secret):
    """Returns the secret and those parts of it that an error could contain alone, the longest first. Errors of requests contain
    URLs without the host, and decoded parts of URLs."""
    try:
        url = urlsplit(secret)
    except ValueError:  # A password can look like a broken URL.
        return [secret]
    user = url.netloc.rpartition("@")[0]
    whole = [secret, url.path.strip("/"), url.query, user, url.password, url.username]
    pieces = [*url.path.split("/"), *secret.split(), *(parameter.partition("=")[2] for parameter in url.query.split("&"))]
    found = {part for part in whole if part} | {piece for piece in pieces if len(piece) >= 8}
    found |= {convert(part) for part in found for convert in (unquote, unquote_plus, requote_uri)}
    return sorted(found, key=len, reverse=True)


def hide_secret(text, secret):
    """Returns the text with "[secret]" instead of the secret and its parts."""
    if not secret:
        return text
    return re.sub("|".join(map(re.escape, secret_parts(secret))), "[secret]", text, flags=re.IGNORECASE)


def error_text(error, secret):
    """Returns an error as text for the journal and the state, without the secret: errors of requests contain whole URLs."""
    return hide_secret(f"{type(error).__name__}: {error}", secret)[:1000]


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


class OutageWatch:
    """Notifies people when a server could not be used for OUTAGE_AFTER, and when it is back: without the server no alert can report
    it. It stores nothing: it notifies once for each outage that this process sees."""

    def __init__(self, server, rules, use, clock=now):
        """`rules`: of the destinations to notify. `use`: uses the server, and raises an exception if that is not possible."""
        self.server, self.rules, self.use, self.clock = server, rules, use, clock
        # When the outage began; from when OUTAGE_AFTER counts; the last error as text.
        self.since, self.counted_from, self.last_error = None, None, ""
        # Names of the destinations that were notified of this outage; (rule, message) pairs about recoveries that are not delivered yet.
        self.notified, self.recoveries = set(), []

    def pause(self):
        """To be called instead of `check` while another server's outage may be the cause: OUTAGE_AFTER counts from its end."""
        self.counted_from = None

    def check(self):
        """Returns whether the server can be used now, and notifies people if necessary."""
        try:
            self.use()
        except Exception as error:
            self.since, self.counted_from = self.since or self.clock(), self.counted_from or self.clock()
            self.last_error = error_text(error, SECRETS.get("es_api_key"))
            if self.clock() - self.counted_from >= OUTAGE_AFTER:
                waiting = [rule for rule in self.rules if rule["name"] not in self.notified]
                self.notified |= {rule["name"] for rule in waiting if self.notify(rule, *self.outage_message())}
            return False
        if self.notified:
            message = self.recovery_message()
            self.recoveries += [(rule, message) for rule in self.rules if rule["name"] in self.notified]
        self.since, self.counted_from, self.notified = None, None, set()
        self.recoveries = [(rule, message) for rule, message in self.recoveries if not self.notify(rule, *message)]
        return True

    def outage_message(self):
        event = self.server.outage
        text = (
            f"{self.server.name} cannot be used since {self.since:%Y-%m-%d %H:%M} UTC. {event.consequence}\n"
            f"The last error: {self.last_error}\n"
            "Run this on the operator's laptop; it prints what is wrong and how to fix it: npm run -s verify -- STACK"
        )
        return event.id, "critical", f"{event.title}: {self.server.name} cannot be used", text, self.since

    def recovery_message(self):
        event = self.server.recovery
        span = f"from {self.since:%Y-%m-%d %H:%M} to {self.clock():%Y-%m-%d %H:%M} UTC"
        text = (
            f"{self.server.name} can be used again. It could not be used {span}. {event.consequence}\n"
            "Run this on the operator's laptop to check that everything is watched again: npm run -s verify -- STACK"
        )
        return event.id, "informational", f"{event.title}: {self.server.name} is back", text, self.since

    def notify(self, rule, event_id, severity, title, text, since):
        """Sends a message at once, also in quiet hours. Returns whether the destination accepted it."""
        # A relay that is restarted during the outage makes the same id, if it notices the outage within the same hour.
        message_id = hashlib.sha256(f"{rule['name']}\n{event_id}\n{since:%Y-%m-%dT%H}".encode()).hexdigest()[:32]
        alert = {
            "_id": message_id,
            "@timestamp": self.clock().isoformat(),
            "message": title,
            "rule": {"id": f"dhis2-siem-{event_id}", "name": f"The relay's check of {self.server.name}"},
            "dhis2": {"alert": {"severity": severity, "entity": "the SIEM itself", "note": text}},
        }
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


class Relay(ElastAlerter):
    def __init__(self, args):
        super().__init__(args)
        # Names of the destinations whose alerts were looked for at least once.
        self.searched = set()
        # Ids of the messages that a destination has accepted, but which are not recorded in Elasticsearch yet.
        self.accepted = set()
        # When each destination accepted its last message, by its name.
        self.last_delivery = {}
        notified_rules = [rule for rule in self.rules if rule["relay"]["reports_outages"]]
        self.elasticsearch = OutageWatch(ELASTICSEARCH, notified_rules, self.use_elasticsearch)
        self.kibana = OutageWatch(KIBANA, notified_rules, self.use_kibana)
        # Without this, ElastAlert begins after a random time of some seconds.
        for rule in self.rules:
            self.scheduler.modify_job(rule["name"], next_run_time=now())

    def wait_until_responsive(self, *_args, **_options):
        """Waits for Elasticsearch. ElastAlert's own method would end the process, but then nothing could count how long the outage lasts."""
        while True:
            try:
                for index in (self.writeback_index, f"{self.writeback_index}_status"):
                    self.writeback_es.indices.create(index, ignore=400)
                return
            except ElasticsearchException as error:
                log.error("waiting for Elasticsearch: %s", error_text(error, SECRETS.get("es_api_key")))
            self.check_servers()
            time.sleep(CHECK_SECONDS / 2)

    def check_servers(self):
        """Checks Kibana only if Elasticsearch can be used: Kibana needs it, and one fault must not cause two messages."""
        if self.elasticsearch.check():
            self.kibana.check()
        else:
            self.kibana.pause()

    def use_kibana(self):
        """Raises an exception unless Kibana can run its rules. Without a login, Kibana shows only whether it is available."""
        url, ca = self.conf["kibana_status"], self.conf.get("ca_certs", True)
        response = requests.get(url, verify=ca, timeout=20, allow_redirects=False)
        if response.status_code not in KIBANA_RUNS:
            raise requests.HTTPError(f"Kibana answers {response.status_code}: {one_line(response.text, 300)}")

    def use_elasticsearch(self):
        """Raises an exception unless alerts can be read and the relay's state can be written."""
        for index in {rule["index"] for rule in self.rules}:
            self.writeback_es.search(index=index, body={"size": 0}, ignore_unavailable=True)
        # No destination can have this name: theirs are lower case.
        self.writeback_es.index(f"{self.writeback_index}_status", {"@timestamp": now()}, id="WATCH")

    # How ElastAlert finds alerts: each run searches the last minutes (buffer_time) again, and the first run after a start also the
    # minutes before the last run. So late alerts are found too. An alert that was found before is recognised by its id.

    def get_starttime(self, rule):
        last = super().get_starttime(rule)
        return last and last - self.buffer_time

    def alert(self, matches, rule, alert_time=None, retried=False):
        for match in matches:
            is_test = get_field(match, "rule.id") in rule["relay"]["test_rules"]
            found = {
                "@timestamp": now(),
                "rule_name": rule["name"],
                "alert_id": match["_id"],
                "alert_sent": False,
                "alert_time": now() + timedelta(seconds=0 if is_test else rule["relay"]["group_seconds"]),
                # Sent also in quiet hours.
                "urgent": is_test or severity_of(match) == "critical",
                "attempts": 0,
                "match_body": match,
            }
            key = f"{rule['name']}:{match['_id']}"
            try:
                self.writeback_es.index(self.writeback_index, found, id=key, op_type="create", refresh="true")
            except ConflictError:
                pass
            except ElasticsearchException as error:
                log.error("%s: an alert cannot be stored, and will be found again: %s", rule["name"], error)
                rule["processed_hits"].pop(match["_id"], None)

    def writeback(self, doc_type, body, rule=None, match_body=None):
        """Stores one document for each destination: until which time alerts were looked for. (ElastAlert also stores errors: they are in the
        journal instead.)"""
        if doc_type != "elastalert_status":
            return
        try:
            self.writeback_es.index(f"{self.writeback_index}_status", body, id=body["rule_name"], refresh="true")
        except ElasticsearchException as error:
            log.error("%s: the time of this run cannot be stored: %s", body["rule_name"], error)

    def handle_error(self, message, data=None):
        log.error("%s", str(message)[:2000])

    def is_silenced(self, rule_name):
        return False

    def handle_pending_alerts(self):
        """Does nothing: `deliver` sends each destination's alerts after the destination's own run."""

    def handle_rule_execution(self, rule):
        super().handle_rule_execution(rule)
        if "previous_endtime" in rule and rule["name"] not in self.searched:
            self.searched.add(rule["name"])
            # scripts/relay-start.sh waits for this line.
            log.info("%s: looks for alerts", rule["name"])
        try:
            self.deliver(rule)
        except Exception as error:
            log.error("%s: cannot deliver now, and tries again in the next run: %s", rule["name"], error_text(error, rule.get("secret")))

    # How alerts are sent.

    def deliver(self, rule):
        """Plans and sends the messages that are due, urgent ones first. If a message fails, the other messages of the same urgency wait
        for the next run, where the message that was tried last comes last. So urgent and other messages never wait for each other."""
        self.plan(rule)
        messages = {}
        for hit in self.unsent(rule):
            if "message_id" in hit:
                messages.setdefault(hit["message_id"], []).append(hit)
        quiet = is_quiet(rule["relay"], now())
        due = [hits for hits in messages.values() if may_be_sent(hits, quiet)]
        due.sort(key=lambda hits: (hits[0].get("tried_at") or "", hits[0]["alert_time"]))
        for hits in filter(is_urgent, due):
            if not self.send(rule, hits):
                break
        deadline = time.monotonic() + OTHERS_SECONDS
        for hits in due:
            if not is_urgent(hits) and (time.monotonic() > deadline or not self.send(rule, hits)):
                return

    def unsent(self, rule):
        """Returns the unsent alerts of a destination, without the alert itself: urgent ones first, then by the time when they are due."""
        query = {"bool": {"must": [{"term": {"rule_name": rule["name"]}}, {"term": {"alert_sent": False}}]}}
        # unmapped_type, because an index that is older than a field has no mapping for it until the next update (scripts/relay.sh).
        order = [("urgent", "desc", "boolean"), ("alert_time", "asc", "date"), ("alert_id", "asc", "keyword")]
        sort = [{name: {"order": direction, "unmapped_type": field_type}} for name, direction, field_type in order]
        body = {"query": query, "sort": sort, "_source": {"excludes": ["match_body"]}}
        found = self.writeback_es.search(index=self.writeback_index, body=body, size=MAX_UNSENT)
        hits = [{**hit["_source"], "_id": hit["_id"]} for hit in found["hits"]["hits"]]
        if len(hits) == MAX_UNSENT and "message_id" in hits[-1]:
            # The last message may have more alerts: it waits until all of them are read.
            hits = [hit for hit in hits if hit.get("message_id") != hits[-1]["message_id"]]
        return hits

    def plan(self, rule):
        """Assigns alerts to messages: as soon as the oldest one is due, all alerts of the same urgency that may be sent now."""
        quiet = is_quiet(rule["relay"], now())
        waiting = [hit for hit in self.unsent(rule) if "message_id" not in hit and may_be_sent([hit], quiet)]
        size, planned = rule["alert"][0].max_alerts, []
        for urgent in (True, False):
            same_urgency = [hit for hit in waiting if hit["urgent"] == urgent]
            if same_urgency and datetime.fromisoformat(same_urgency[0]["alert_time"]) <= now():
                planned += [same_urgency[start : start + size] for start in range(0, len(same_urgency), size)]
        changes = [("update", hit["_id"], {"doc": {"message_id": message_id_of(hits)}}) for hits in planned for hit in hits]
        if changes:
            self.change(changes)

    def send(self, rule, hits):
        """Sends one message and records it. Returns whether the destination accepted it."""
        message_id = hits[0]["message_id"]
        if message_id not in self.accepted:
            found = self.writeback_es.mget({"ids": [hit["_id"] for hit in hits]}, index=self.writeback_index)
            alerts = [doc["_source"]["match_body"] for doc in found["docs"]]
            alerter = rule["alert"][0]
            alerter.pipeline = {"message_id": message_id, "time": now()}
            try:
                if hits[0].get("bare"):
                    alerts = list(map(without_details, alerts))
                for warning in alerter.alert(alerts) or []:
                    log.error("%s: %s", rule["name"], hide_secret(warning, rule.get("secret")))
            except Exception as error:
                self.record_failure(rule, hits, error)
                return False
            self.last_delivery[rule["name"]] = now().isoformat()
            self.accepted.add(message_id)
            log.info("%s: %d alert(s) delivered as message %s", rule["name"], len(hits), message_id)
        sent = {"alert_sent": True, "sent_at": now().isoformat()}
        self.change([("index", hit["_id"], {**{key: hit[key] for key in hit if key != "_id"}, **sent}) for hit in hits])
        self.accepted.discard(message_id)
        return True

    def record_failure(self, rule, hits, error):
        """Records a failed attempt. Plans the message again if it was refused too often for its content."""
        reason = error_text(error, rule.get("secret"))
        attempts = hits[0]["attempts"] + 1
        log.error("%s: attempt %d to deliver %d alert(s) failed, and will be repeated: %s", rule["name"], attempts, len(hits), reason)
        last = hits[0].get("tried_at")
        accepts_others = bool(last) and last < self.last_delivery.get(rule["name"], "")
        refused = hits[0].get("refused", 0) + refuses_content(error, accepts_others)
        failure = {"attempts": attempts, "tried_at": now().isoformat(), "alert_exception": reason, "refused": refused}
        new_plans = [{}] * len(hits)
        if refused >= MAX_REFUSALS and not hits[0].get("bare"):
            is_alone = len(hits) == 1
            # Another text needs another id: a destination may ignore a message whose id it has seen.
            ids = [message_id_of([hit], "bare") if is_alone else message_id_of([hit]) for hit in hits]
            new_plans = [{"message_id": message_id, "bare": is_alone, "refused": 0, "tried_at": None} for message_id in ids]
            action = "the alert is sent without its details" if is_alone else "each of these alerts gets a message of its own"
            log.error("%s: refused for its content: %s", rule["name"], action)
        self.change([("update", hit["_id"], {"doc": {**failure, **plan}}) for hit, plan in zip(hits, new_plans)])

    def change(self, actions):
        """Changes several documents of the state: (operation, id, body) each. Raises ElasticsearchException if one was not changed."""
        lines = [line for operation, key, body in actions for line in ({operation: {"_id": key}}, body)]
        response = self.writeback_es.bulk(lines, index=self.writeback_index, refresh="true")
        if response["errors"]:
            raise ElasticsearchException(f"the state of alerts cannot be changed; Elasticsearch answers: {json.dumps(response)[:500]}")

    def delete_old(self):
        """Deletes the documents of alerts that were sent more than KEEP_SENT ago."""
        old = {"range": {"sent_at": {"lt": (now() - KEEP_SENT).isoformat()}}}
        body = {"query": {"bool": {"filter": [{"term": {"alert_sent": True}}, old]}}}
        self.writeback_es.delete_by_query(self.writeback_index, body, conflicts="proceed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--secrets", required=True)
    args = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING, force=True)
    log.setLevel(logging.INFO)
    with open(args.secrets, encoding="utf-8") as file:
        SECRETS.update(json.load(file))
    # Set here and not in the unit: other users can see only the environment with which a process was started.
    if "es_api_key" in SECRETS:
        os.environ["ES_API_KEY"] = SECRETS["es_api_key"]
    limit_requests()
    relay = Relay(["--config", args.config, "--pin_rules"])

    def stop(_signal, _frame):
        """Finishes sending the current message, then ends the process."""
        if relay.scheduler.running:
            relay.scheduler.shutdown(wait=True)
        # Not sys.exit: it raises an exception. If Python is running a `__del__` then, it drops the exception, and the relay would continue.
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    relay.scheduler.add_job(relay.delete_old, "interval", hours=6)
    relay.scheduler.add_job(relay.check_servers, "interval", seconds=CHECK_SECONDS)
    log.info("looking for alerts for %d destination(s)", len(relay.rules))
    relay.start()


if __name__ == "__main__":
    # Import it under the name by which ElastAlert loads it too (rules_loader). Otherwise there would be two modules, each with its SECRETS.
    import siem_relay

    siem_relay.main()
