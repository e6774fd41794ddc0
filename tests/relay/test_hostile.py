"""Strangers' text, storms and patterns of outages: `python -m unittest`, run by unit.test.ts. All random choices have a seed."""

import json
import logging
import random
import re
import smtplib
import tempfile
import time
import tracemalloc
import unicodedata
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import siem_alert
import siem_destinations
import siem_key_end
import siem_messages
import siem_outages
import siem_relay
import siem_text

RELAY = {
    "site": "dhis2.example.org",
    "timezone": "Africa/Accra",
    "kibana_url": "https://dhis2.example.org/siem",
    "alerts_view": "v",
    "test_rules": [],
    "group_seconds": 0,
    "quiet_minutes": [],
    "email": {"host": "h", "port": 25, "tls": "starttls", "from": "siem@example.org", "to": ["duty@example.org"]},
    "telegram": {"chat": "-1", "api": "https://api.telegram.org"},
    "webhook": {"url": "https://hook.example.org/", "headers": {}},
}
HOSTILE_TEXTS = [
    "SIEM session expired - sign in again at https://evil.com/login",
    "http://evil.com",
    "hxxp evil.com/a?b=c",
    "//evil.com/",
    "www.evil.com",
    "evil\u3002com",
    "evil\uff0ecom",
    "evil\uff61com",
    "\u0435vil.\u0440\u0444",
    "xn--e1afmkfd.xn--p1ai",
    "mailto:boss@evil.com",
    "boss@evil.com",
    "boss\uff20evil.com",
    "tel:+49301234567",
    "javascript:alert(1)",
    "ms-msdt:/id x",
    "\\\\evil.com\\share",
    "[Kibana](https://evil.com)",
    "<https://evil.com|Kibana>",
    "<a href=https://evil.com>Kibana</a>",
    "<!here> <!channel> <@U123> <users/all>",
    "@here @channel @everyone @all @name",
    "t.me/evil",
    "/start /help@bot",
    "#channel $TSLA",
    "`code` ```block```",
    "x\r\nBcc: everybody@evil.com\r\n\r\nbody",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.com\x07link\x1b]8;;\x07 \x9b2J",
    "\u202egnp.exe \u2066x\u2069 \u200b\u200d\ufeff\u00ad",
    "".join(chr(0xE0000 + ord(c)) for c in "tags"),
    "Z" + "\u0301" * 5000,
    "\ud800 lone",
    "\u2028\u2029\x85\x0b\x0c",
    "\u201d closed \u201c",
    "a" * 100_000,
    "\ufdfa" * 5000,
]


def alerter(cls, name="d"):
    rule = {"name": name, "relay": RELAY, "secret": "https://x.org/h"}
    has_constructor = cls in (siem_destinations.Slack, siem_destinations.Teams)
    made = cls(rule) if has_constructor else cls.__new__(cls)
    made.rule, made.pipeline = {**getattr(made, "rule", {}), **rule}, {"message_id": "m", "time": siem_relay.now()}
    return made


CLASSES = [siem_destinations.Email, siem_destinations.Slack, siem_destinations.Teams, siem_destinations.Telegram, siem_destinations.Webhook]


def an_alert(number=0, entity="admin", severity="high", rule="DHIS2 failed logins", line="a line"):
    event = {"@timestamp": "2024-03-01T10:11:12Z", "dhis2.container.name": "dhis", "event.original": line}
    return {
        "_id": f"id{number}",
        "_index": "alerts",
        "@timestamp": "2024-03-01T10:11:12Z",
        "message": f"{rule}: {entity}",
        "rule": {"id": "r", "name": rule},
        "dhis2": {"alert": {"severity": severity, "entity": entity, "note": "Look.", "events": [event]}},
    }


class StrangersText(unittest.TestCase):
    def is_harmless(self, text, text_of):
        for character in text.replace("\n", ""):
            self.assertNotIn(unicodedata.category(character), ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"), (text_of, character))
        shown = text.replace(RELAY["kibana_url"], "")
        for pattern in (r"://", r"evil\.", r"\w@\w", r"(?<!\[)@(here|channel|all|everyone|name|evil)", r"\bwww\.", r"t\.me", r"\]\(", r"mailto:", r"tel:\+", r"javascript:", r"ms-msdt:", "\u0301{3}", "`"):
            self.assertIsNone(re.search(pattern, shown), (text_of, pattern, shown[:300]))

    def test_is_quoted_and_acts_on_nothing_in_every_message(self):
        for cls in CLASSES:
            made = alerter(cls)
            for hostile in HOSTILE_TEXTS:
                alerts = [an_alert(0, hostile, line=hostile), an_alert(1, hostile)]
                with self.subTest(cls=cls.__name__, hostile=hostile[:40]):
                    for some in (alerts[:1], alerts, alerts * 30):
                        title, text = made.title(some), made.text(some)
                        self.is_harmless(title, hostile[:40])
                        self.is_harmless(text, hostile[:40])
                        self.assertNotIn("\n", title)
                        self.assertLessEqual(len(title), 250)
                    self.assertRegex(made.title(alerts[:1]), "\"$")

    def test_a_subject_has_at_most_forty_characters_of_it(self):
        title = alerter(siem_destinations.Email).title([an_alert(0, HOSTILE_TEXTS[0])])
        self.assertEqual(title, "[high] DHIS2 failed logins: \"SIEM session expired - sign in again ...\"")
        self.assertNotIn("evil", title)

    def test_telegram_and_slack_and_teams_have_no_forms_of_their_own(self):
        text = alerter(siem_destinations.Telegram).text([an_alert(0, "/start #tag $TSLA x")])
        self.assertIn("\u201c[/]start [#]tag [$]TSLA x\u201d", text)
        slack = alerter(siem_destinations.Slack)
        self.assertNotRegex(slack.format_body(slack.text([an_alert(0, "<!here> <https://evil.com|x>")])), r"<(?!$)")
        self.assertNotRegex(alerter(siem_destinations.Teams).text([an_alert(0, "<at>all</at> **b** # h")]).replace("discover#", ""), r"[<>*#]")

    def test_a_mail_has_no_header_of_it(self):
        with mock.patch("smtplib.SMTP") as smtp:
            session = smtp.return_value.__enter__.return_value
            session.send_message.return_value = {}
            for hostile in HOSTILE_TEXTS:
                alerter(siem_destinations.Email).alert([an_alert(0, hostile, severity="high\r\nBcc: x@evil.com", rule=hostile)])
                [message] = session.send_message.call_args.args
                self.assertEqual(sorted(set(message.keys())), sorted(["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]))
                self.assertTrue(message.as_bytes())


def hostile_value(dice, depth=0):
    """Any JSON value, often an ugly one."""
    kinds = [
        lambda: None,
        lambda: dice.choice(HOSTILE_TEXTS),
        lambda: dice.choice([0, -1, 10**400, 1e308, float("inf"), True, False, ""]),
        lambda: [hostile_value(dice, depth + 1) for _ in range(dice.randrange(4))] if depth < 4 else [],
        lambda: {dice.choice(["a", "name", "alert", "\r\n", "events"]): hostile_value(dice, depth + 1) for _ in range(dice.randrange(3))} if depth < 4 else {},
        lambda: "x" * dice.choice([1, 1000, 50_000]),
        lambda: nested(dice.choice([5, 900])),
        lambda: dice.choice(siem_alert.SEVERITIES) + dice.choice(["", "\n", "\r\nBcc: x"]),
    ]
    return dice.choice(kinds)()


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def hostile_alert(dice, number):
    alert = an_alert(number)
    for path in (["@timestamp"], ["rule"], ["rule", "name"], ["rule", "id"], ["message"], ["dhis2"], ["dhis2", "alert"], ["dhis2", "alert", "severity"], ["dhis2", "alert", "entity"], ["dhis2", "alert", "note"], ["dhis2", "alert", "events"], ["dhis2", "alert", "count"], ["dhis2", "container"]):
        if dice.random() < 0.25:
            place = alert
            for key in path[:-1]:
                place = place.get(key) if isinstance(place, dict) else None
            if isinstance(place, dict):
                if dice.random() < 0.2:
                    place.pop(path[-1], None)
                else:
                    place[path[-1]] = hostile_value(dice)
    return alert


class Store:
    """Stands for Elasticsearch: keeps the relay's documents as JSON, as it would."""

    def __init__(self):
        self.docs, self.pages = {}, []

    def index(self, _index, body, id, **_options):
        self.docs[id] = json.loads(json.dumps(body, default=str))

    def search(self, body, size, **_options):
        name = body["query"]["bool"]["must"][0]["term"]["rule_name"]
        hits = [{"_id": key, "_source": {k: v for k, v in doc.items() if k != "match_body"}} for key, doc in self.docs.items() if not doc["alert_sent"] and doc["rule_name"] == name]
        hits.sort(key=lambda hit: (not hit["_source"]["urgent"], hit["_source"]["alert_time"], hit["_source"]["alert_id"]))
        return {"hits": {"hits": hits[:size]}}

    def mget(self, body, _source_includes=None, **_options):
        self.pages.append(len(body["ids"]))
        docs = [self.docs[key] for key in body["ids"]]
        if _source_includes:
            docs = [{**doc, "match_body": self.part(doc["match_body"], _source_includes)} for doc in docs]
        return {"docs": [{"_source": doc} for doc in docs]}

    def part(self, alert, names):
        kept = {}
        for name in names:
            keys = name.removeprefix("match_body.").split(".")
            value, place = siem_alert.get_field(alert, ".".join(keys), None), kept
            for key in keys[:-1]:
                place = place.setdefault(key, {})
            if value is not None:
                place[keys[-1]] = value
        return kept

    def bulk(self, lines, **_options):
        for head, body in zip(lines[::2], lines[1::2]):
            [(operation, target)] = head.items()
            if operation == "index":
                self.docs[target["_id"]] = body
            else:
                self.docs[target["_id"]].update(body["doc"])
        return {"errors": False}


def a_relay():
    relay = siem_relay.Relay.__new__(siem_relay.Relay)
    relay.writeback_index, relay.writeback_es = "state", Store()
    relay.accepted, relay.last_delivery = set(), {}
    return relay


def a_rule(cls, name="d"):
    made = alerter(cls, name)
    return {"name": name, "relay": RELAY, "alert": [made], "processed_hits": {}}


class NeverDropped(unittest.TestCase):
    def delivered(self, cls, alerts, refuses=lambda text: False, runs=30):
        """What a destination of this class received of these alerts, as texts, until nothing waits."""
        relay, rule, got = a_relay(), a_rule(cls), []

        def accept(text):
            if refuses(text):
                raise siem_destinations.requests.HTTPError("no", response=mock.Mock(status_code=422))
            got.append(text)

        for alert in alerts:
            relay.alert([alert], rule)
        posted = lambda *args, **options: accept(options["data"]) or mock.Mock(status_code=200)
        with mock.patch("requests.post", side_effect=posted), mock.patch("smtplib.SMTP") as smtp:
            session = smtp.return_value.__enter__.return_value
            session.send_message.side_effect = lambda message: accept(message.as_string()) or {}
            for _ in range(runs):
                relay.deliver(rule)
                if all(doc["alert_sent"] for doc in relay.writeback_es.docs.values()):
                    break
        self.assertTrue(all(doc["alert_sent"] for doc in relay.writeback_es.docs.values()), cls.__name__)
        return got

    def test_each_of_thousands_of_hostile_alerts_ends_in_one_message(self):
        dice = random.Random(13)
        for cls in CLASSES:
            for round in range(10):
                alerts = [hostile_alert(dice, round * 20 + number) for number in range(20)]
                texts = "".join(self.delivered(cls, alerts)).replace("=\n", "")
                for alert in alerts:
                    if not re.search(rf"id=(3D)?{alert['_id']}(?!\d)", texts):
                        self.fail(f"{cls.__name__} did not get {alert['_id']}")

    def test_one_that_cannot_be_built_is_replaced_by_a_bare_one_and_holds_back_nothing(self):
        alerts = [an_alert(1), an_alert(2, "cannot be built"), an_alert(3)]
        built = siem_messages.Message.full_text

        def fails(message, alert):
            if siem_alert.get_field(alert, "dhis2.alert.entity") == "cannot be built":
                raise KeyError("x")
            return built(message, alert)

        with mock.patch.object(siem_messages.Message, "full_text", fails):
            got = self.delivered(siem_destinations.Webhook, alerts, runs=3)
        ids = [alert["_id"] for text in got for alert in json.loads(text)["alerts"]]
        self.assertEqual(sorted(ids), ["id1", "id2", "id3"])
        [bare] = [text for text in got if '"id2"' in text]
        self.assertIn("could not be sent", bare)

    def test_one_that_cannot_be_stored_is_stored_bare(self):
        relay, rule = a_relay(), a_rule(siem_destinations.Webhook)
        store, real = relay.writeback_es, relay.writeback_es.index

        def index(name, body, **options):
            if "bad" in str(body["match_body"].get("rule")):
                raise siem_relay.RequestError(400, "x_content_parse_exception", {})
            real(name, body, **options)

        store.index = index
        relay.alert([an_alert(1)], rule)
        store.index = lambda name, body, **options: index(name, {**body, "match_body": {**body["match_body"], "rule": "bad"}}, **options) if not body.get("bare") else real(name, body, **options)
        relay.alert([an_alert(2)], rule)
        self.assertEqual([doc.get("bare", False) for doc in store.docs.values()], [False, True])

    def test_no_document_of_elasticsearch_is_unreadable(self):
        siem_relay.read_any_json()
        loads = siem_relay.JSONSerializer().loads
        text = '{"a": %s, "b": 1e999, "c": -3, "d": 1.5, "e": %s}' % ("9" * 9000, "[" * 900 + "]" * 900)
        read = loads(text)
        self.assertEqual((read["a"], read["b"], read["c"], read["d"]), ("9" * 9000, "1e999", -3, 1.5))
        self.assertTrue(siem_text.visible(read["e"], 100))


class Storm(unittest.TestCase):
    def test_ten_thousand_alerts_are_few_bounded_messages_in_bounded_time_and_memory(self):
        for cls, most in ((siem_destinations.Email, None), (siem_destinations.Telegram, 4096), (siem_destinations.Webhook, None)):
            relay, rule, got = a_relay(), a_rule(cls), []
            dice = random.Random(7)
            for number in range(10_000):
                severity = "critical" if number == 7777 else dice.choice(["low", "medium"])
                relay.alert([an_alert(number, f"user{number % 400}", severity, f"Rule {number % 40}", "x" * 1000)], rule)
            began = time.process_time()
            if cls is siem_destinations.Webhook:
                tracemalloc.start()
            posted = lambda *args, **options: got.append(options["data"]) or mock.Mock(status_code=200)
            with mock.patch("requests.post", side_effect=posted), mock.patch("smtplib.SMTP") as smtp:
                session = smtp.return_value.__enter__.return_value
                session.send_message.side_effect = lambda message: got.append(message.as_string()) or {}
                for _ in range(5):
                    relay.deliver(rule)
            if tracemalloc.is_tracing():
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                self.assertLess(peak, 200_000_000)
            self.assertLess(time.process_time() - began, 60)
            self.assertLessEqual(len(got), 3, cls.__name__)
            self.assertLessEqual(max(relay.writeback_es.pages), siem_relay.PAGE)
            self.assertTrue(all(doc["alert_sent"] for doc in relay.writeback_es.docs.values()))
            # The critical one comes first, alone.
            self.assertRegex(got[0].replace("=\n", ""), r"id=(3D)?id7777\b")
            self.assertRegex(got[1], r"9999 alerts came at once")
            self.assertRegex(got[1].replace("=\n", ""), r"and \d+ more")
            self.assertRegex(got[1], r"The worst 5")
            self.assertLess(len(got[1]), 1_400_000)
            if most:
                self.assertLessEqual(len(json.loads(got[1])["text"]), most)

    def test_a_message_is_no_larger_than_its_destination_accepts_whatever_the_alphabet(self):
        for cls in CLASSES:
            made = alerter(cls)
            for letter in ("x", "&", "\u1234", "\U0001f600"):
                alerts = [an_alert(number, letter * 300, line=letter * 900, rule=letter * 90) for number in range(made.max_alerts)]
                for some in (alerts[:1], alerts, alerts * 10):
                    self.assertLessEqual(made.size_of(made.text(some)), made.max_size, (cls.__name__, letter, len(some)))


class Watch(unittest.TestCase):
    """A simulated clock: the watch looks every 30 seconds."""

    def watch(self, up, hours, restart_every=None):
        """Returns the times in minutes and titles that one destination was told, if the server is up as `up(seconds)` says."""
        start, told = datetime(2026, 1, 1, tzinfo=timezone.utc), []
        self.seconds = 0
        clock = lambda: start + timedelta(seconds=self.seconds)

        class Alerter:
            def alert(_self, alerts):
                told.append((self.seconds / 60, alerts[0]["message"].partition(":")[0]))

        def use():
            if not up(self.seconds):
                raise ConnectionRefusedError("refused")

        with tempfile.TemporaryDirectory() as folder:
            make = lambda: siem_outages.OutageWatch(siem_outages.ELASTICSEARCH, [{"name": "mail", "alert": [Alerter()], "relay": {}}], use, clock, Path(folder) / "e.json" if restart_every else None)
            watch = make()
            while self.seconds < hours * 3600:
                if restart_every and self.seconds % restart_every == 0:
                    watch = make()
                watch.check()
                self.seconds += 30
        return told

    LOST, BACK = "The SIEM does not work", "The SIEM works again"

    def test_up_20_seconds_of_every_90_is_told_once_an_hour_at_most(self):
        told = self.watch(lambda s: s % 90 < 20, 6)
        self.assertEqual([title for _, title in told], [self.LOST])
        self.assertLess(told[0][0], 20)

    def test_any_pattern_that_takes_a_sixth_of_an_hour_is_told_and_none_makes_a_storm(self):
        for seed in range(20):
            dice = random.Random(seed)
            period, share = dice.randrange(60, 1800), dice.uniform(0.25, 0.95)
            noise = dice.randrange(period)
            told = self.watch(lambda s: (s + noise) % period >= period * share, 3)
            with self.subTest(seed=seed, period=period, share=share):
                lost = [minute for minute, title in told if title == self.LOST]
                # What checks every 30 seconds can see of it.
                seen = sum((s + noise) % period < period * share for s in range(0, 3600, 30)) * 0.5
                if seen >= 12:
                    self.assertTrue(lost and lost[0] <= 61, told)
                self.assertTrue(all(b - a >= 60 for a, b in zip(lost, lost[1:])), told)
                self.assertLessEqual(len(told), 14)

    def test_a_few_bad_checks_are_told_to_nobody(self):
        for seed in range(10):
            dice = random.Random(seed)
            bad = {30 * dice.randrange(120) + 3600 * hour for hour in range(6) for _ in range(8)}
            self.assertEqual(self.watch(lambda s: s not in bad, 6), [], seed)

    def test_a_relay_that_is_restarted_every_few_minutes_tells_as_well_and_once(self):
        for every in (60, 120, 240, 540):
            told = self.watch(lambda s: s >= 2 * 3600, 3, restart_every=every)
            self.assertEqual([title for _, title in told], [self.LOST, self.BACK], every)
            self.assertLessEqual(told[0][0], 11)
            told = self.watch(lambda s: s % 90 < 20, 3, restart_every=every)
            self.assertEqual([title for _, title in told], [self.LOST], every)

    def test_a_broken_file_begins_anew(self):
        for text in ("", "[]", "{", '{"checks": 1}', '{"checks": [["x", true]]}', '{"notified": 3, "since": 5}', "\x00"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "e.json"
                path.write_text(text)
                watch = siem_outages.OutageWatch(siem_outages.KIBANA, [], lambda: None, path=path)
                self.assertTrue(watch.check())
                self.assertEqual(len(json.loads(path.read_text())["checks"]), 1)


class KeyEnd(unittest.TestCase):
    def test_is_told_once_at_60_30_and_7_days_also_over_restarts(self):
        start, told = datetime(2026, 1, 1, tzinfo=timezone.utc), []
        self.day = 0
        clock = lambda: start + timedelta(days=self.day)

        class Alerter:
            def alert(_self, alerts):
                told.append((self.day, alerts[0]["dhis2"]["alert"]["severity"]))

        expires = int((start + timedelta(days=400)).timestamp() * 1000)
        with tempfile.TemporaryDirectory() as folder:
            for self.day in range(400):
                watch = siem_key_end.KeyEndWatch([{"name": "mail", "alert": [Alerter()]}], expires, Path(folder) / "k.json", clock)
                watch.check()
                watch.check()
        self.assertEqual(told, [(341, "medium"), (371, "medium"), (394, "high")])

    def test_a_key_without_an_end_or_with_nonsense_is_told_to_nobody(self):
        for expires in (None, 0, "", "x", [], 10**30):
            siem_key_end.KeyEndWatch([{"name": "mail", "alert": [None]}], expires).check()


if __name__ == "__main__":
    logging.getLogger("relay").addHandler(logging.NullHandler())
    logging.getLogger("relay").propagate = False
    unittest.main()
