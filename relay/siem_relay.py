"""
Delivers alerts from the alert index to people: ElastAlert 2, whose part that stores and sends alerts is replaced here.

ElastAlert's own part loses alerts (it deletes the alerts of a group before it sends them, and forgets those that a mail server
refuses) and sends alerts twice (those that it finds again after a restart). Here each alert of each destination is one document.
Its id contains both, and it is written once. A message is planned before it is sent, and recorded after it was sent:

  found    alert_sent: false
  planned  + message_id, as soon as its group is complete; if sending fails, the same message is sent again later
  sent     alert_sent: true, sent_at, and without the alert itself

If a destination refuses a message for its content (`refused` counts this), or no message can be made of the alerts, the message is
planned again, because otherwise one hostile log line would hold back all other alerts of the message: each alert gets a message of its
own. If that fails in the same way, it is sent without the alert's details (`bare`).

Many alerts at once (`storm_alerts` of the destination's class) become one message that sums them up.

One case remains: if the relay is killed after a destination accepted a message and before the relay recorded it, the message is
sent again, with the same id.
"""

import argparse
import hashlib
import json
import logging
import math
import os
import signal
import sys
import time
import types
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# ElastAlert imports these alerters, but they are not used here and their libraries are not installed (requirements.in).
for name, cls in {"twilio": "TwilioAlerter", "tencentsms": "TencentSMSAlerter", "exotel": "ExotelAlerter"}.items():
    stand_in = types.ModuleType(f"elastalert.alerters.{name}")
    setattr(stand_in, cls, None)
    sys.modules[stand_in.__name__] = stand_in
    import elastalert.alerters

    setattr(elastalert.alerters, name, stand_in)

import requests
from elasticsearch.exceptions import ConflictError, ElasticsearchException, RequestError, SerializationError
from elasticsearch.serializer import JSONSerializer
from elastalert.elastalert import ElastAlerter
from elastalert.loaders import FileRulesLoader

from siem_alert import get_field, rank_of, severity_of, without_details
from siem_destinations import cannot_be_built, limit_requests, refuses_content
from siem_heartbeat import heartbeats_of
from siem_key_end import KeyEndWatch
from siem_messages import WORST_OF_A_STORM
from siem_outages import ELASTICSEARCH, KIBANA, OutageWatch
from siem_secrets import SECRETS, error_text, hide_secret
from siem_text import visible

log = logging.getLogger("relay")
# How long documents of sent alerts are kept.
KEEP_SENT = timedelta(days=90)
# Unsent alerts of one destination that are read at once: as many as Elasticsearch returns.
MAX_UNSENT = 10_000
# Documents that are read or changed in one request, and the fields of an alert that a storm's message is made of.
PAGE = 500
# Alerts of one run after whose storing the index is refreshed.
REFRESHED = 200
SUMMARY_FIELDS = ["_id", "_index", "@timestamp", "rule.id", "rule.name", "dhis2.alert.severity", "dhis2.alert.entity"]
# A message that was refused for its content this many times is planned again.
MAX_REFUSALS = 3
# How often Elasticsearch and Kibana are checked.
CHECK_SECONDS = 30
# A Kibana that runs its rules answers a request without a login with one of these: its status without details, or that it wants a login.
KIBANA_RUNS = {200, 302, 401}
# After this time of sending other messages, urgent ones are looked for again.
OTHERS_SECONDS = 15

class Loader(FileRulesLoader):
    """Reads rules from their files, and adds each destination's secret."""

    def get_yaml(self, filename):
        rule = super().get_yaml(filename)
        secret = SECRETS.get("destinations", {}).get(rule["name"])
        return rule if secret is None else {**rule, "secret": secret}


def read_any_json():
    """Lets Elasticsearch's client read every document: numbers that Python cannot hold or write become text, and lists may be nested as
    deep as Elasticsearch allows (1,000). Otherwise one such alert would end every search of the relay with an exception."""
    sys.setrecursionlimit(10_000)

    def number(digits):
        value = float(digits) if len(digits) < 100 else math.inf
        return digits if math.isinf(value) else value if set(digits) & set(".eE") else int(digits)

    def loads(_serializer, text):
        try:
            return json.loads(text, parse_int=number, parse_float=number)
        except (ValueError, TypeError) as error:
            raise SerializationError(text, error) from error

    JSONSerializer.loads = loads


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
        folder = self.conf.get("relay_state")
        path = lambda name: folder and os.path.join(folder, f"{name}.json")
        self.elasticsearch = OutageWatch(ELASTICSEARCH, notified_rules, self.use_elasticsearch, path=path("elasticsearch"))
        self.kibana = OutageWatch(KIBANA, notified_rules, self.use_kibana, path=path("kibana"))
        self.key_end = KeyEndWatch(notified_rules, SECRETS.get("es_api_key_expires"), path("key"))
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
            raise requests.HTTPError(f"Kibana answers {response.status_code}: {visible(response.text, 300)}")

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
                rule["stored"] = rule.get("stored", 0) + 1
                # Found by the search of this run. Of a storm only the first: the others are found by the next run, which costs far less.
                options = {"id": key, "op_type": "create", "refresh": "true" if rule["stored"] <= REFRESHED else "false"}
                try:
                    self.writeback_es.index(self.writeback_index, found, **options)
                except (RequestError, SerializationError) as error:
                    # Elasticsearch does not store this alert a second time, whatever is in it: its rule, time and id are delivered.
                    log.error("%s: an alert cannot be stored as it is: %s", rule["name"], str(error)[:500])
                    bare = {**found, "match_body": without_details(match), "bare": True}
                    self.writeback_es.index(self.writeback_index, bare, **options)
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
        rule["stored"] = 0
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
        size, storm, planned = rule["alert"][0].max_alerts, rule["alert"][0].storm_alerts, []
        for urgent in (True, False):
            same_urgency = [hit for hit in waiting if hit["urgent"] == urgent]
            if same_urgency and datetime.fromisoformat(same_urgency[0]["alert_time"]) <= now():
                step = size if len(same_urgency) < storm else len(same_urgency)
                planned += [same_urgency[start : start + step] for start in range(0, len(same_urgency), step)]
        named = [(message_id_of(hits), hits) for hits in planned]
        changes = [("update", hit["_id"], {"doc": {"message_id": message_id}}) for message_id, hits in named for hit in hits]
        if changes:
            self.change(changes)

    def send(self, rule, hits):
        """Sends one message and records it. Returns whether the destination accepts messages: it took this one, or the message is at fault."""
        message_id = hits[0]["message_id"]
        if message_id not in self.accepted:
            alerter = rule["alert"][0]
            alerts = self.read_alerts(hits, alerter)
            alerter.pipeline = {"message_id": message_id, "time": now()}
            try:
                if hits[0].get("bare"):
                    alerts = list(map(without_details, alerts))
                for warning in alerter.alert(alerts) or []:
                    log.error("%s: %s", rule["name"], hide_secret(warning, rule.get("secret")))
            except Exception as error:
                self.record_failure(rule, hits, error)
                # The destination may accept other messages.
                return cannot_be_built(error) or refuses_content(error, False)
            self.last_delivery[rule["name"]] = now().isoformat()
            self.accepted.add(message_id)
            log.info("%s: %d alert(s) delivered as message %s", rule["name"], len(hits), message_id)
        sent = {"alert_sent": True, "sent_at": now().isoformat()}
        self.change([("index", hit["_id"], {**{key: hit[key] for key in hit if key != "_id"}, **sent}) for hit in hits])
        self.accepted.discard(message_id)
        return True

    def read_alerts(self, hits, alerter):
        """Returns the alerts of these documents; of a storm what its message needs, so that memory is bounded."""

        def read(keys, **options):
            pages = [keys[start : start + PAGE] for start in range(0, len(keys), PAGE)]
            docs = [doc for page in pages for doc in self.writeback_es.mget({"ids": page}, index=self.writeback_index, **options)["docs"]]
            return [doc["_source"].get("match_body") or {} for doc in docs]

        keys = [hit["_id"] for hit in hits]
        if len(hits) <= alerter.max_alerts:
            return read(keys)
        alerts = read(keys, _source_includes=[f"match_body.{name}" for name in SUMMARY_FIELDS])
        worst = sorted(range(len(alerts)), key=lambda at: rank_of(alerts[at]), reverse=True)[:WORST_OF_A_STORM]
        for at, alert in zip(worst, read([keys[at] for at in worst])):
            alerts[at] = alert
        return alerts

    def record_failure(self, rule, hits, error):
        """Records a failed attempt. Plans the message again if no message could be made, or if it was refused too often for its content."""
        reason = error_text(error, rule.get("secret"))
        attempts = hits[0]["attempts"] + 1
        log.error("%s: attempt %d to deliver %d alert(s) failed, and will be repeated: %s", rule["name"], attempts, len(hits), reason)
        last = hits[0].get("tried_at")
        accepts_others = bool(last) and last < self.last_delivery.get(rule["name"], "")
        refused = MAX_REFUSALS if cannot_be_built(error) else hits[0].get("refused", 0) + refuses_content(error, accepts_others)
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
        for start in range(0, len(actions), PAGE):
            lines = [line for operation, key, body in actions[start : start + PAGE] for line in ({operation: {"_id": key}}, body)]
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
    read_any_json()
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
    relay.scheduler.add_job(relay.key_end.check, "interval", hours=1, next_run_time=now())
    relay.scheduler.add_job(relay.check_servers, "interval", seconds=CHECK_SECONDS)
    for heartbeat in heartbeats_of(relay.conf, relay.use_elasticsearch):
        heartbeat.start()
    log.info("looking for alerts for %d destination(s)", len(relay.rules))
    relay.start()


if __name__ == "__main__":
    # Import it under the name by which ElastAlert loads it too (rules_loader). Otherwise there would be two modules, each with its SECRETS.
    import siem_relay

    siem_relay.main()
