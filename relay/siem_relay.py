"""
Carries alerts from the alert index to people: ElastAlert 2, with the part of it replaced that keeps and sends alerts.

ElastAlert's own loses alerts (it deletes a group's before it sends them, and forgets those that a mail server refuses) and
doubles them (what it found twice around a restart it sends twice). Here each alert of each destination is one document
whose id is made of both, written once, and a message is planned before it is sent and marked after it was sent:

  found    alert_sent: false
  planned  + message_id, from when its group is complete; a message that failed is tried again as it was
  sent     alert_sent: true, sent_at, and without the alert itself

A message that a destination refuses for what it says (refused, a count) is planned anew, as one hostile log line would hold
back all that it is with: each of its alerts gets a message of its own, and one that is refused again a bare one.

What is left: a relay killed between a destination's "yes" and the mark sends that message again, with the same id.
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

# Alerters that are not used here, whose libraries are not installed (requirements.in).
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

from siem_messages import bare, field, limit_requests, one_line, refuses_content, severity

log = logging.getLogger("relay")
KEEP_SENT = timedelta(days=90)
UNSENT = 10_000
# How often a message is refused for what it says before it is planned anew.
REFUSALS = 3
# How long Elasticsearch or Kibana may be away before people are told: longer than a restart takes, or an update.
BLIND_AFTER = timedelta(minutes=10)
# Seconds between two looks whether they are there.
LOOK_EVERY = 30
# What a Kibana that runs its rules answers to who has no login: its state without details, or that it wants one.
KIBANA_RUNS = {200, 302, 401}
# Seconds for lesser messages before urgent ones are looked for again.
LESSER = 15
SECRETS = {}


class Loader(FileRulesLoader):
    """Rules from their files, each with its destination's secret."""

    def get_yaml(self, filename):
        rule = super().get_yaml(filename)
        secret = SECRETS.get("destinations", {}).get(rule["name"])
        return rule if secret is None else {**rule, "secret": secret}


def now():
    return datetime.now(timezone.utc)


def is_quiet(relay, when):
    """Whether a time lies in one of a destination's windows, which are minutes of the site's day."""
    local = when.astimezone(ZoneInfo(relay["timezone"]))
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in relay["quiet"])


def is_urgent(alerts):
    return any(alert["urgent"] for alert in alerts)


def may_be_sent(alerts, quiet):
    return not quiet or is_urgent(alerts)


def id_of(hits, *more):
    """A message's id: the same for the same alerts."""
    return hashlib.sha256("\n".join([*sorted(hit["_id"] for hit in hits), *more]).encode()).hexdigest()[:32]


def parts(secret):
    """A secret, and what of it an error could show alone: requests tells of a URL without its host, and decodes parts of it."""
    try:
        url = urlsplit(secret)
    except ValueError:  # A password may look like half a URL.
        return [secret]
    user = url.netloc.rpartition("@")[0]
    whole = [secret, url.path.strip("/"), url.query, user, url.password, url.username]
    pieces = [*url.path.split("/"), *secret.split(), *(one.partition("=")[2] for one in url.query.split("&"))]
    found = {part for part in whole if part} | {piece for piece in pieces if len(piece) >= 8}
    found |= {form(part) for part in found for form in (unquote, unquote_plus, requote_uri)}
    return sorted(found, key=len, reverse=True)


def hidden(text, secret):
    if not secret:
        return text
    return re.sub("|".join(map(re.escape, parts(secret))), "[secret]", text, flags=re.IGNORECASE)


def told(error, secret):
    """An error for the journal and the state, without the secret: requests puts whole URLs into its errors."""
    return hidden(f"{type(error).__name__}: {error}", secret)[:1000]


class Server(NamedTuple):
    """A server without which no alert comes, and what people are told of it."""

    name: str
    # Of the message that it is away, and of the one that it is back: what makes its id, its title, and what follows.
    lost: tuple
    back: tuple


ELASTICSEARCH = Server(
    "Elasticsearch",
    ("blind", "The SIEM is blind", "so nothing is watched and no alert is raised."),
    ("sees-again", "The SIEM sees again", "Alerts that waited come now."),
)
# A rule asks for its last minutes, also in its first run after an outage.
KIBANA = Server(
    "Kibana",
    ("judges-nothing", "The SIEM judges nothing", "so no rule runs and no alert can arise."),
    (
        "judges-again",
        "The SIEM judges again",
        "No rule ran in that time, and most look back no more than some minutes: what came then was never judged. "
        "Look at it yourself, on the dashboards in Kibana.",
    ),
)


class Watch:
    """Tells people when a server could not be used for long, and when it is back: without it there are no alerts that could
    say so. It needs no state: once for an outage, as this process sees it."""

    def __init__(self, server, rules, use, clock=now):
        self.server, self.rules, self.use, self.clock = server, rules, use, clock
        self.since, self.counted, self.said = None, None, ""
        # Names of the destinations that know of this outage, and what else is still to be told to whom.
        self.know, self.back = set(), []

    def wait(self):
        """Nothing is asked while another server's outage may be the reason: the minutes are counted anew after it."""
        self.counted = None

    def look(self):
        """Whether it can be used now."""
        try:
            self.use()
        except Exception as error:
            self.since, self.counted = self.since or self.clock(), self.counted or self.clock()
            self.said = told(error, SECRETS.get("es_api_key"))
            if self.clock() - self.counted >= BLIND_AFTER:
                self.know |= {rule["name"] for rule in self.rules if rule["name"] not in self.know and self.tell(rule, *self.lost())}
            return False
        if self.know:
            over = self.over()
            self.back += [(rule, over) for rule in self.rules if rule["name"] in self.know]
        self.since, self.counted, self.know = None, None, set()
        self.back = [(rule, over) for rule, over in self.back if not self.tell(rule, *over)]
        return True

    def lost(self):
        what, title, follows = self.server.lost
        text = (
            f"{self.server.name} cannot be used since {self.since:%Y-%m-%d %H:%M} UTC, {follows}\n"
            f"It said: {self.said}\n"
            "On the operator's laptop, npm run -s verify -- STACK says what is wrong and how to mend it."
        )
        return what, "critical", f"{title}: {self.server.name} cannot be used", text, self.since

    def over(self):
        what, title, follows = self.server.back
        span = f"from {self.since:%Y-%m-%d %H:%M} to {self.clock():%Y-%m-%d %H:%M} UTC"
        text = (
            f"{self.server.name} can be used again; it could not {span}. {follows}\n"
            "npm run -s verify -- STACK says whether all is watched again."
        )
        return what, "informational", f"{title}: {self.server.name} is back", text, self.since

    def tell(self, rule, what, level, title, text, since):
        """One message at once, whatever the hour; says whether it was taken."""
        # Also a relay that was restarted meanwhile makes the same id, within the hour.
        message_id = hashlib.sha256(f"{rule['name']}\n{what}\n{since:%Y-%m-%dT%H}".encode()).hexdigest()[:32]
        alert = {
            "_id": message_id,
            "@timestamp": self.clock().isoformat(),
            "message": title,
            "rule": {"id": f"dhis2-siem-{what}", "name": f"The relay's watch over {self.server.name}"},
            "dhis2": {"alert": {"severity": level, "entity": "the SIEM itself", "note": text}},
        }
        # Another message may be on its way by the same alerter.
        alerter = copy.copy(rule["alert"][0])
        alerter.pipeline = {"message_id": message_id, "time": now()}
        try:
            alerter.alert([alert])
        except Exception as error:
            log.error("%s: cannot be told (%s): %s", rule["name"], title, told(error, rule.get("secret")))
            return False
        log.warning("%s: was told: %s", rule["name"], title)
        return True


class Relay(ElastAlerter):
    def __init__(self, args):
        super().__init__(args)
        # Destinations whose alerts were looked for at least once.
        self.looked = set()
        # Messages that a destination has taken, while Elasticsearch does not know it yet.
        self.taken = set()
        # When each destination took its last message.
        self.delivered = {}
        blind = [rule for rule in self.rules if rule["relay"]["blind"]]
        self.elasticsearch = Watch(ELASTICSEARCH, blind, self.use)
        self.kibana = Watch(KIBANA, blind, self.ask_kibana)
        # ElastAlert's own first run is some seconds later, at random.
        for rule in self.rules:
            self.scheduler.modify_job(rule["name"], next_run_time=now())

    def wait_until_responsive(self, *_args, **_options):
        """Waits in this process, and does not end: the watch counts the time."""
        while True:
            try:
                for index in (self.writeback_index, f"{self.writeback_index}_status"):
                    self.writeback_es.indices.create(index, ignore=400)
                return
            except ElasticsearchException as error:
                log.error("waiting for Elasticsearch: %s", told(error, SECRETS.get("es_api_key")))
            self.look()
            time.sleep(LOOK_EVERY / 2)

    def look(self):
        """Kibana cannot be used without Elasticsearch: one fault is told once."""
        if self.elasticsearch.look():
            self.kibana.look()
        else:
            self.kibana.wait()

    def ask_kibana(self):
        """What Kibana is for here: its rules run. To who has no login it says no more than whether it can work at all."""
        url, ca = self.conf["kibana_status"], self.conf.get("ca_certs", True)
        answer = requests.get(url, verify=ca, timeout=20, allow_redirects=False)
        if answer.status_code not in KIBANA_RUNS:
            raise requests.HTTPError(f"it answers {answer.status_code}: {one_line(answer.text, 300)}")

    def use(self):
        """What Elasticsearch is for here: alerts can be read, and what becomes of them can be kept."""
        for index in {rule["index"] for rule in self.rules}:
            self.writeback_es.search(index=index, body={"size": 0}, ignore_unavailable=True)
        # No destination has such a name.
        self.writeback_es.index(f"{self.writeback_index}_status", {"@timestamp": now()}, id="WATCH")

    # What ElastAlert finds: it asks for the last minutes (buffer_time) again and again, and after a start for those before
    # the last run. Nothing is missed that came late, and what was found before is known by its id.

    def get_starttime(self, rule):
        last = super().get_starttime(rule)
        return last and last - self.buffer_time

    def alert(self, matches, rule, alert_time=None, retried=False):
        for match in matches:
            test = field(match, "rule.id") in rule["relay"]["tests"]
            found = {
                "@timestamp": now(),
                "rule_name": rule["name"],
                "alert_id": match["_id"],
                "alert_sent": False,
                "alert_time": now() + timedelta(seconds=0 if test else rule["relay"]["group"]),
                # Never held back.
                "urgent": test or severity(match) == "critical",
                "attempts": 0,
                "match_body": match,
            }
            key = f"{rule['name']}:{match['_id']}"
            try:
                self.writeback_es.index(self.writeback_index, found, id=key, op_type="create", refresh="true")
            except ConflictError:
                pass
            except ElasticsearchException as error:
                log.error("%s: an alert cannot be kept, and will be found again: %s", rule["name"], error)
                rule["processed_hits"].pop(match["_id"], None)

    def writeback(self, doc_type, body, rule=None, match_body=None):
        """One document for each destination says until when it has looked; errors are in the journal."""
        if doc_type != "elastalert_status":
            return
        try:
            self.writeback_es.index(f"{self.writeback_index}_status", body, id=body["rule_name"], refresh="true")
        except ElasticsearchException as error:
            log.error("%s: the time of this run cannot be kept: %s", body["rule_name"], error)

    def handle_error(self, message, data=None):
        log.error("%s", str(message)[:2000])

    def is_silenced(self, rule_name):
        return False

    def handle_pending_alerts(self):
        """Each destination's come after its own run (deliver)."""

    def handle_rule_execution(self, rule):
        super().handle_rule_execution(rule)
        if "previous_endtime" in rule and rule["name"] not in self.looked:
            self.looked.add(rule["name"])
            log.info("%s: looks for alerts", rule["name"])
        try:
            self.deliver(rule)
        except Exception as error:
            log.error("%s: cannot deliver now: %s", rule["name"], told(error, rule.get("secret")))

    # What is sent.

    def deliver(self, rule):
        """Plans and sends what is due, the urgent first. A message that fails ends that for those of its kind: the others wait
        for the next run, in which the one that was tried last comes last. So neither kind can hold up the other."""
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
        until = time.monotonic() + LESSER
        for hits in due:
            if not is_urgent(hits) and (time.monotonic() > until or not self.send(rule, hits)):
                return

    def unsent(self, rule):
        query = {"bool": {"must": [{"term": {"rule_name": rule["name"]}}, {"term": {"alert_sent": False}}]}}
        # An index that was made before a field was added has no mapping of it until the next update (scripts/relay.sh).
        order = [("urgent", "desc", "boolean"), ("alert_time", "asc", "date"), ("alert_id", "asc", "keyword")]
        sort = [{name: {"order": way, "unmapped_type": kind}} for name, way, kind in order]
        body = {"query": query, "sort": sort, "_source": {"excludes": ["match_body"]}}
        found = self.writeback_es.search(index=self.writeback_index, body=body, size=UNSENT)
        hits = [{**hit["_source"], "_id": hit["_id"]} for hit in found["hits"]["hits"]]
        if len(hits) == UNSENT and "message_id" in hits[-1]:
            # There may be more of the last message: it waits until all of it is seen.
            hits = [hit for hit in hits if hit.get("message_id") != hits[-1]["message_id"]]
        return hits

    def plan(self, rule):
        """Once the oldest alert of a kind is due, all of it that may be sent now go into messages."""
        quiet = is_quiet(rule["relay"], now())
        waiting = [hit for hit in self.unsent(rule) if "message_id" not in hit and may_be_sent([hit], quiet)]
        most, planned = rule["alert"][0].most, []
        for urgent in (True, False):
            kind = [hit for hit in waiting if hit["urgent"] == urgent]
            if kind and datetime.fromisoformat(kind[0]["alert_time"]) <= now():
                planned += [kind[at : at + most] for at in range(0, len(kind), most)]
        changes = [("update", hit["_id"], {"doc": {"message_id": id_of(hits)}}) for hits in planned for hit in hits]
        if changes:
            self.change(changes)

    def send(self, rule, hits):
        message_id = hits[0]["message_id"]
        if message_id not in self.taken:
            found = self.writeback_es.mget({"ids": [hit["_id"] for hit in hits]}, index=self.writeback_index)
            alerts = [doc["_source"]["match_body"] for doc in found["docs"]]
            alerter = rule["alert"][0]
            alerter.pipeline = {"message_id": message_id, "time": now()}
            try:
                for complaint in alerter.alert(list(map(bare, alerts)) if hits[0].get("bare") else alerts) or []:
                    log.error("%s: %s", rule["name"], hidden(complaint, rule.get("secret")))
            except Exception as error:
                self.failed(rule, hits, error)
                return False
            self.delivered[rule["name"]] = now().isoformat()
            self.taken.add(message_id)
            log.info("%s: %d alert(s) delivered as message %s", rule["name"], len(hits), message_id)
        sent = {"alert_sent": True, "sent_at": now().isoformat()}
        self.change([("index", hit["_id"], {**{key: hit[key] for key in hit if key != "_id"}, **sent}) for hit in hits])
        self.taken.discard(message_id)
        return True

    def failed(self, rule, hits, error):
        """Notes it, and plans anew what was refused too often for what it says."""
        reason = told(error, rule.get("secret"))
        attempts = hits[0]["attempts"] + 1
        log.error("%s: attempt %d at %d alert(s) failed and is made again: %s", rule["name"], attempts, len(hits), reason)
        last = hits[0].get("tried_at")
        takes_others = bool(last) and last < self.delivered.get(rule["name"], "")
        refused = hits[0].get("refused", 0) + refuses_content(error, takes_others)
        note = {"attempts": attempts, "tried_at": now().isoformat(), "alert_exception": reason, "refused": refused}
        anew = [{}] * len(hits)
        if refused >= REFUSALS and not hits[0].get("bare"):
            alone = len(hits) == 1
            # Another text has another id: a destination may take the first one's for done.
            ids = [id_of([hit], "bare") if alone else id_of([hit]) for hit in hits]
            anew = [{"message_id": one, "bare": alone, "refused": 0, "tried_at": None} for one in ids]
            log.error("%s: %s", rule["name"], "its details are left out" if alone else "each of these alerts gets a message of its own")
        self.change([("update", hit["_id"], {"doc": {**note, **more}}) for hit, more in zip(hits, anew)])

    def change(self, actions):
        """Several documents at once; raises when one was not changed."""
        lines = [line for kind, key, body in actions for line in ({kind: {"_id": key}}, body)]
        answer = self.writeback_es.bulk(lines, index=self.writeback_index, refresh="true")
        if answer["errors"]:
            raise ElasticsearchException(f"the state of alerts cannot be changed: {json.dumps(answer)[:500]}")

    def forget(self):
        """Takes away what was sent long ago."""
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
    # Only in this process: what it was started with is all that others can see.
    if "es_api_key" in SECRETS:
        os.environ["ES_API_KEY"] = SECRETS["es_api_key"]
    limit_requests()
    relay = Relay(["--config", args.config, "--pin_rules"])

    def stop(_signal, _frame):
        """A message that is on its way is brought to its end."""
        if relay.scheduler.running:
            relay.scheduler.shutdown(wait=True)
        # Not sys.exit: Python drops an exception that comes while it tidies up an object, and the relay would go on.
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    relay.scheduler.add_job(relay.forget, "interval", hours=6)
    relay.scheduler.add_job(relay.look, "interval", seconds=LOOK_EVERY)
    log.info("watching for %d destination(s)", len(relay.rules))
    relay.start()


if __name__ == "__main__":
    # As the module that ElastAlert also loads by name (rules_loader): one set of secrets, not two.
    import siem_relay

    siem_relay.main()
