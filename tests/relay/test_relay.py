"""What of the relay needs no server: `python -m unittest`, run by unit.test.ts."""

import logging
import smtplib
import subprocess
import sys
import ssl
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import requests

import siem_destinations
import siem_messages
import siem_outages
import siem_relay
from elastalert.util import EAException
from elasticsearch.exceptions import TransportError

TEAMS = (
    "https://prod-01.westeurope.logic.azure.example:443/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=TOPSECRET-a%2Bb_c"
)


class Secrets(unittest.TestCase):
    def is_hidden(self, secret, message, *hidden):
        shown = siem_relay.error_text(ValueError(message), secret)
        for text in hidden:
            self.assertNotIn(text.lower(), shown.lower())
        return shown

    def test_an_error_of_requests_shows_nothing_of_a_url(self):
        with self.assertRaises(requests.RequestException) as caught:
            requests.post(TEAMS.replace("prod-01.westeurope.logic.azure.example:443", "127.0.0.1:9"), timeout=5)
        shown = siem_relay.error_text(caught.exception, TEAMS)
        for part in ("TOPSECRET", "0a1b2c3d4e5f", "2016-06-01", "sig="):
            self.assertNotIn(part, shown)
        self.assertIn("Connection refused", shown)

    def test_parts_are_hidden_alone_as_they_are_and_decoded(self):
        for said in (TEAMS, TEAMS.partition("?")[2], "sig=TOPSECRET-a%2Bb_c", "TOPSECRET-a%2bb_c", "TOPSECRET-a+b_c", "at 0a1b2c3d4e5f"):
            with self.subTest(said):
                self.assertIn("[secret]", self.is_hidden(TEAMS, said, "TOPSECRET", "0a1b2c3d4e5f"))
        self.is_hidden("https://x.org/h?sig=a;long;token;here", "a;long;token;here", "token")
        self.is_hidden("https://x.org/ä/not-for-a-journal", "/%C3%A4/not-for-a-journal", "journal")
        self.is_hidden("https://me:pw1@x.org/h", "user me, password pw1", "pw1")
        self.is_hidden("https://x.org/T0/B0", "url: /T0/B0", "T0/B0")

    def test_other_secrets_are_hidden_whole_and_by_word(self):
        self.is_hidden("Bearer abcdefgh12", "the token abcdefgh12 has ended", "abcdefgh12")
        self.assertEqual(self.is_hidden("hunter2", "535 hunter2", "hunter2"), "ValueError: 535 [secret]")
        self.assertEqual(self.is_hidden("//[pass", "535 //[pass", "pass"), "ValueError: 535 [secret]")
        self.assertEqual(siem_relay.error_text(ValueError("plain"), None), "ValueError: plain")

    def test_what_is_not_of_the_secret_stays(self):
        self.assertEqual(siem_relay.error_text(ValueError("Max retries: run v1"), TEAMS), "ValueError: Max retries: run v1")

    def test_a_long_answer_is_cut_only_after_the_secret_is_hidden(self):
        answer = mock.Mock(status_code=403, text="x" * 960 + TEAMS)
        with mock.patch("requests.post", return_value=answer), self.assertRaises(requests.HTTPError) as caught:
            siem_destinations.post_json(TEAMS, {})
        self.assertNotIn("workflows", siem_relay.error_text(caught.exception, TEAMS))


class Titles(unittest.TestCase):
    def test_a_title_in_teams_has_no_link_from_a_log(self):
        teams = siem_destinations.Teams({"name": "room", "secret": TEAMS})
        text = "[Kibana](https://evil.example.org)"
        alert = {"message": text, "rule": {"name": "Failed logins"}, "dhis2": {"alert": {"severity": "high", "entity": text}}}
        title = teams.create_title([alert])
        self.assertTrue(title.startswith('[high] Failed logins: "_Kibana__'), title)
        for part in ("](", "://", "evil.example"):
            self.assertNotIn(part, title)


def http(status):
    return requests.HTTPError("no", response=mock.Mock(status_code=status))


class Webhook(unittest.TestCase):
    def test_an_authority_is_in_a_file_for_each_message_that_then_is_gone(self):
        hook = siem_destinations.Webhook.__new__(siem_destinations.Webhook)
        place = {"url": "https://127.0.0.1:9/", "headers": {}, "ca": "-----BEGIN CERTIFICATE-----"}
        relay = {"site": "lab", "kibana_url": "https://x.org/siem", "timezone": "UTC", "webhook": place}
        hook.rule, hook.pipeline = {"name": "hook", "relay": relay}, {"message_id": "1"}
        files = []

        def seen(*_, **options):
            files.append(options["verify"])
            self.assertEqual(Path(files[-1]).read_text(), place["ca"])
            return mock.Mock(status_code=200)

        with mock.patch("requests.post", side_effect=seen):
            hook.alert([{"@timestamp": "2026-01-01T00:00:00Z"}])
            hook.alert([{"@timestamp": "2026-01-01T00:00:00Z"}])
        self.assertEqual([Path(file).exists() for file in files], [False, False])


class Refusals(unittest.TestCase):
    def test_count_only_where_the_content_is_at_fault(self):
        def wrapped():
            try:
                raise http(400)
            except requests.RequestException as error:
                raise EAException("Error posting to slack") from error

        with self.assertRaises(EAException) as slack:
            wrapped()
        counted = [smtplib.SMTPDataError(code, b"spam") for code in (550, 552, 554)]
        counted += [http(status) for status in (400, 406, 413, 422)] + [slack.exception]
        others = [smtplib.SMTPDataError(451, b"later"), smtplib.SMTPRecipientsRefused({}), smtplib.SMTPAuthenticationError(535, b"")]
        others += [http(status) for status in (401, 403, 404, 429, 500, 503)]
        others += [ConnectionRefusedError(), TimeoutError(), requests.ConnectionError("refused"), requests.Timeout()]
        for error in counted:
            self.assertTrue(siem_destinations.refuses_content(error, False), repr(error))
        for error in others:
            self.assertFalse(siem_destinations.refuses_content(error, False), repr(error))
        self.assertTrue(siem_destinations.refuses_content(http(403), True))

    def test_a_destination_that_takes_no_more_is_not_at_fault_for_403(self):
        relay = a_relay()
        hit = {"_id": "mail:a", "attempts": 1, "urgent": False, "message_id": "m"}

        def fail(error):
            relay.record_failure({"name": "mail"}, [hit], error)
            hit.update(relay.change.call_args.args[0][0][2]["doc"])

        for _ in range(5):
            fail(http(403))
        self.assertEqual((hit["refused"], hit["message_id"]), (0, "m"))
        for _ in range(siem_relay.MAX_REFUSALS):
            relay.last_delivery["mail"] = siem_relay.now().isoformat()
            fail(http(403))
        self.assertTrue(hit["bare"])
        self.assertNotEqual(hit["message_id"], "m")
        # A bare message is tried again and again, as it is.
        last = hit["message_id"]
        for _ in range(5):
            fail(http(422))
        self.assertEqual((hit["message_id"], hit["attempts"]), (last, 14))


def a_relay():
    """One without servers."""
    relay = siem_relay.Relay.__new__(siem_relay.Relay)
    relay.last_delivery, relay.change, relay.plan = {}, mock.Mock(), mock.Mock()
    return relay


class Channels(unittest.TestCase):
    """What is between the relay and a destination: nobody else hears it, and none can hold it up for good."""

    def mail(self, tls):
        server = {"host": "h", "port": 1, "tls": tls, "from": "a@b.c", "to": ["d@e.f"], "user": "u"}
        relay = {"site": "s", "timezone": "UTC", "kibana_url": "https://s/siem", "alerts_view": "v", "email": server}
        with mock.patch.object(siem_destinations.Email, "__init__", lambda _self: None):
            email = siem_destinations.Email()
        email.rule, email.pipeline = {"relay": relay, "secret": "pw"}, {"message_id": "m", "time": siem_relay.now()}
        with mock.patch("smtplib.SMTP") as plain, mock.patch("smtplib.SMTP_SSL") as wrapped:
            kind = wrapped if tls == "smtps" else plain
            kind.return_value.__enter__.return_value.send_message.return_value = {}
            email.alert([{"_id": "1", "message": "an alert"}])
        return kind, kind.return_value.__enter__.return_value

    def is_checked(self, context):
        self.assertTrue(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)

    def test_mail_goes_over_checked_tls_before_the_login(self):
        _, smtp = self.mail("starttls")
        self.assertEqual([call[0] for call in smtp.method_calls], ["starttls", "login", "send_message"])
        self.is_checked(smtp.starttls.call_args.kwargs["context"])
        kind, _ = self.mail("smtps")
        self.is_checked(kind.call_args.kwargs["context"])

    def test_a_webhook_is_checked_and_followed_nowhere_else(self):
        with mock.patch("requests.post", return_value=mock.Mock(status_code=204)) as post:
            siem_destinations.post_json("https://x.org/h", {})
            siem_destinations.post_json("https://x.org/h", {}, ca="/ca.crt")
        self.assertEqual([call.kwargs["verify"] for call in post.call_args_list], [True, "/ca.crt"])
        for call in post.call_args_list:
            self.assertEqual((call.kwargs["allow_redirects"], call.kwargs["timeout"]), (False, siem_destinations.TIMEOUT_SECONDS))

    def test_no_request_waits_for_ever(self):
        with mock.patch("requests.Session.request") as request:
            siem_destinations.limit_requests()
            requests.Session().request("GET", "https://x.org")
            requests.Session().request("GET", "https://x.org", timeout=5)
        self.assertEqual([call.kwargs["timeout"] for call in request.call_args_list], [siem_destinations.TIMEOUT_SECONDS, 5])

    def test_a_message_is_no_longer_than_its_destination_takes_and_has_each_alert(self):
        message = siem_messages.Message()
        message.rule = {"relay": {"timezone": "UTC", "kibana_url": "https://s/siem", "alerts_view": "v"}}
        message.max_size = 4000
        alerts = [{"_id": str(n), "_index": "a", "message": f"alert {n}", "dhis2": {"alert": {"note": "x" * 900}}} for n in range(10)]
        text = message.text(alerts)
        self.assertLessEqual(len(text), 4000)
        for alert in alerts:
            self.assertIn(message.link(alert), text)


class State(unittest.TestCase):
    """What is kept in Elasticsearch, where that does not do what it is asked for."""

    def test_an_alert_that_cannot_be_kept_is_found_again(self):
        relay = a_relay()
        relay.writeback_index, relay.writeback_es = "state", mock.Mock()
        relay.writeback_es.index.side_effect = TransportError(503, "no shard")
        rule = {"name": "mail", "relay": {"test_rules": [], "group_seconds": 0}, "processed_hits": {"a": 1, "b": 1}}
        relay.alert([{"_id": "a"}], rule)
        self.assertEqual(rule["processed_hits"], {"b": 1})

    def test_a_change_of_which_a_part_is_refused_is_none(self):
        relay = siem_relay.Relay.__new__(siem_relay.Relay)
        relay.writeback_index, relay.writeback_es = "state", mock.Mock()
        relay.writeback_es.bulk.return_value = {"errors": True, "items": [{"index": {"status": 429}}]}
        with self.assertRaisesRegex(siem_relay.ElasticsearchException, "429"):
            relay.change([("index", "mail:a", {"alert_sent": True})])

    def test_a_relay_started_anew_looks_back_for_what_was_written_late(self):
        relay, last = a_relay(), siem_relay.now()
        relay.buffer_time = timedelta(minutes=15)
        for known, start in ((last, last - relay.buffer_time), (None, None)):
            with mock.patch("siem_relay.ElastAlerter.get_starttime", return_value=known):
                self.assertEqual(relay.get_starttime({"name": "mail"}), start)


class Order(unittest.TestCase):
    rule = {"name": "mail", "relay": {"timezone": "UTC", "quiet_minutes": []}}

    def sent(self, hits, fails=(), clock=None):
        relay, sent = a_relay(), []
        relay.unsent = lambda _rule: hits
        relay.send = lambda _rule, some: sent.append(some[0]["message_id"]) or some[0]["message_id"] not in fails
        with mock.patch("time.monotonic", clock or (lambda: 0)):
            relay.deliver(self.rule)
        return sent

    def hit(self, message, urgent=False, **more):
        return {"_id": message, "message_id": message, "urgent": urgent, "alert_time": message, **more}

    def test_urgent_messages_come_first_and_neither_kind_holds_up_the_other(self):
        hits = [self.hit("c", True), self.hit("d", True, tried_at="1"), self.hit("a"), self.hit("b", tried_at=None)]
        self.assertEqual(self.sent(hits), ["c", "d", "a", "b"])
        self.assertEqual(self.sent(hits, fails="c"), ["c", "a", "b"])
        self.assertEqual(self.sent(hits, fails="a"), ["c", "d", "a"])

    def test_lesser_ones_stop_after_a_while_so_that_urgent_ones_are_looked_for(self):
        ticks = iter(range(0, 1000, 10))
        hits = [self.hit(f"{at:02}") for at in range(20)]
        self.assertEqual(self.sent(hits, clock=lambda: next(ticks)), ["00"])

    def test_a_message_of_which_not_all_may_be_seen_waits(self):
        relay = a_relay()
        hits = [{"_id": str(at), "_source": {"message_id": str(at // 2)}} for at in range(siem_relay.MAX_UNSENT)]
        relay.writeback_es, relay.writeback_index = mock.Mock(), "state"
        relay.writeback_es.search.return_value = {"hits": {"hits": hits}}
        self.assertEqual(len(relay.unsent(self.rule)), siem_relay.MAX_UNSENT - 2)


class Outages(unittest.TestCase):
    """Of Elasticsearch, and of Kibana while Elasticsearch is there."""

    server, lost, back = siem_relay.ELASTICSEARCH, "The SIEM does not work", "The SIEM works again"

    def setUp(self):
        self.minutes, self.error, self.down, self.said = 0, None, False, []
        self.rule = {"name": "mail", "alert": [mock.Mock()], "relay": {}, "secret": "not-for-a-journal"}
        self.watch = self.a_watch()

    def a_watch(self):
        def use():
            if self.error:
                raise self.error

        return self.a_watch_over(self.server, use)

    def a_watch_over(self, server, use):
        def tell(alerter, alerts):
            if self.down:
                raise ConnectionRefusedError("not-for-a-journal")
            self.said.append((alerter.pipeline["message_id"], alerts[0]))

        class Alerter:
            alert = tell

        self.rule["alert"] = [Alerter()]
        start = datetime(2026, 1, 1, 10, 5, tzinfo=timezone.utc)
        return siem_outages.OutageWatch(server, [self.rule], use, lambda: start + timedelta(minutes=self.minutes))

    def pass_minutes(self, minutes):
        for _ in range(int(minutes * 2)):
            self.minutes += 0.5
            self.look()

    def look(self):
        self.watch.check()

    def titles(self):
        return [alert["message"].partition(":")[0] for _, alert in self.said]

    def test_people_are_told_once_after_ten_minutes_and_once_when_it_is_over(self):
        siem_relay.SECRETS["es_api_key"] = "key-of-elasticsearch"
        self.addCleanup(siem_relay.SECRETS.clear)
        self.pass_minutes(5)
        self.error = TransportError(403, "cluster_block_exception", "read-only key-of-elasticsearch")
        self.pass_minutes(10)
        self.assertEqual(self.said, [])
        self.pass_minutes(600)
        [(_, alert)] = self.said
        self.assertEqual(alert["dhis2"]["alert"]["severity"], "critical")
        note = alert["dhis2"]["alert"]["note"]
        for part in (f"{self.server.name} cannot be used since 2026-01-01 10:10 UTC", "cluster_block_exception", "npm run -s verify"):
            self.assertIn(part, note)
        self.assertNotIn("key-of-elasticsearch", note)
        self.error = None
        self.pass_minutes(60)
        self.assertEqual(self.titles(), [self.lost, self.back])
        self.assertIn("from 2026-01-01 10:10 to 2026-01-01 20:20 UTC", self.said[1][1]["dhis2"]["alert"]["note"])
        # Another outage is told anew.
        self.error = ConnectionRefusedError()
        self.pass_minutes(11)
        self.assertEqual(len({message for message, _ in self.said}), 3)

    def test_restarts_of_less_than_ten_minutes_are_told_to_nobody(self):
        for _ in range(5):
            self.error = ConnectionRefusedError()
            self.pass_minutes(9)
            self.error = None
            self.pass_minutes(61)
        self.assertEqual(self.said, [])

    def test_a_server_that_is_away_again_and_again_is_told_like_one_that_stays_away(self):
        for _ in range(5):
            self.error = ConnectionRefusedError()
            self.pass_minutes(9)
            self.error = None
            self.pass_minutes(1)
        self.assertEqual(self.titles(), [self.lost])
        self.assertIn("works and fails in turn: it could not be used for 10 minutes of the last hour", self.said[0][1]["dhis2"]["alert"]["note"])
        self.pass_minutes(10)
        self.assertEqual(self.titles(), [self.lost, self.back])

    def test_a_destination_that_is_down_is_told_later(self):
        self.error, self.down = ConnectionRefusedError(), True
        with self.assertLogs("relay", "ERROR") as logs:
            self.pass_minutes(12)
        self.assertNotIn("not-for-a-journal", "".join(logs.output))
        self.down = False
        self.pass_minutes(1)
        self.assertEqual(len(self.said), 1)
        self.error, self.down = None, True
        self.pass_minutes(8)
        self.down = False
        self.pass_minutes(3)
        self.assertEqual(len(self.said), 2)
        # It was back when it was back, not when that could be told.
        self.assertIn("to 2026-01-01 10:18 UTC", self.said[1][1]["dhis2"]["alert"]["note"])

    def test_a_relay_started_anew_in_an_outage_tells_with_the_same_id(self):
        self.error = ConnectionRefusedError()
        self.pass_minutes(12)
        self.watch = self.a_watch()
        self.pass_minutes(12)
        self.assertEqual(len(self.said), 2)
        self.assertEqual(self.said[0][0], self.said[1][0])

    def test_the_text_is_told_as_any_alert_with_kibana_for_a_link(self):
        self.error = ConnectionRefusedError("refused")
        self.pass_minutes(12)
        message = siem_messages.Message()
        message.rule = {"relay": {"timezone": "Africa/Accra", "kibana_url": "https://x.org/siem", "alerts_view": "v"}}
        text = message.text([self.said[0][1]])
        self.assertTrue(message.title([self.said[0][1]]).startswith(f"[critical] {self.lost}: "))
        for part in ("cannot be used since", "ConnectionRefusedError: refused", "In Kibana: https://x.org/siem"):
            self.assertIn(part, text)


class OutagesOfKibana(Outages):
    """The same, and what is between the two."""

    server, lost, back = siem_relay.KIBANA, "No rule runs", "Rules run again"

    def setUp(self):
        self.no_elasticsearch = None
        super().setUp()

    def a_watch(self):
        def use():
            if self.no_elasticsearch:
                raise self.no_elasticsearch

        self.relay = a_relay()
        self.relay.elasticsearch = self.a_watch_over(siem_relay.ELASTICSEARCH, use)
        self.relay.kibana = super().a_watch()
        return self.relay.kibana

    def look(self):
        self.relay.check_servers()

    def test_the_way_back_says_that_the_lines_of_that_time_were_not_judged(self):
        self.error = ConnectionRefusedError()
        self.pass_minutes(20)
        self.error = None
        self.pass_minutes(6)
        self.assertIn("never checked", self.said[1][1]["dhis2"]["alert"]["note"])

    def test_an_outage_of_elasticsearch_is_one_message_although_kibana_is_away_with_it(self):
        # Kibana notices it first, and is back last.
        self.error = ConnectionRefusedError()
        self.pass_minutes(1)
        self.no_elasticsearch = ConnectionRefusedError()
        self.pass_minutes(60)
        self.no_elasticsearch = None
        self.pass_minutes(3)
        self.error = None
        self.pass_minutes(30)
        self.assertEqual(self.titles(), ["The SIEM does not work", "The SIEM works again"])

    def test_a_kibana_that_does_not_come_back_with_elasticsearch_is_told_ten_minutes_later(self):
        self.error = self.no_elasticsearch = ConnectionRefusedError()
        self.pass_minutes(8)
        self.no_elasticsearch = None
        self.pass_minutes(10)
        self.assertEqual(self.titles(), [])
        self.pass_minutes(1)
        self.assertEqual(self.titles(), [self.lost])

    def test_the_span_goes_on_while_elasticsearch_is_away_too(self):
        self.error = ConnectionRefusedError()
        self.pass_minutes(15)
        self.no_elasticsearch = ConnectionRefusedError()
        self.pass_minutes(15)
        self.error = self.no_elasticsearch = None
        self.pass_minutes(6)
        self.assertEqual(self.titles(), [self.lost, "The SIEM does not work", "The SIEM works again", self.back])
        self.assertIn("from 2026-01-01 10:05 to 2026-01-01 10:35 UTC", self.said[3][1]["dhis2"]["alert"]["note"])


class Kibana(unittest.TestCase):
    relay = a_relay()
    relay.conf = {"kibana_status": "https://127.0.0.1:5601/siem/api/status", "ca_certs": "/ca.crt"}

    def ask(self, status, text=""):
        with mock.patch("requests.get", return_value=mock.Mock(status_code=status, text=text)) as get:
            self.relay.use_kibana()
        return get.call_args

    def test_is_asked_without_a_login_by_the_ca_of_elasticsearch(self):
        url, options = self.ask(200)
        self.assertEqual(url, ("https://127.0.0.1:5601/siem/api/status",))
        self.assertEqual((options["verify"], options["allow_redirects"]), ("/ca.crt", False))
        self.assertNotIn("auth", options)
        self.assertNotIn("headers", options)

    def test_runs_where_it_wants_a_login_and_not_where_it_has_a_fault(self):
        for status in (200, 401, 302):
            self.ask(status)
        for status in (500, 502, 503, 404):
            with self.subTest(status), self.assertRaisesRegex(requests.HTTPError, f"Kibana answers {status}: not ready yet$"):
                self.ask(status, "not\nready yet")


class Start(unittest.TestCase):
    def test_a_relay_that_starts_without_elasticsearch_waits_for_it_and_watches(self):
        relay = a_relay()
        relay.writeback_index, relay.writeback_es, relay.check_servers = "state", mock.Mock(), mock.Mock()
        relay.writeback_es.indices.create.side_effect = [TransportError("N/A", "refused"), None, None]
        with mock.patch("time.sleep") as sleep:
            relay.wait_until_responsive(timeout=None)
        self.assertEqual((relay.check_servers.call_count, sleep.call_count), (1, 1))

    def test_a_signal_ends_it_also_while_python_tidies_up_an_object(self):
        program = """if True:
            import os, signal, sys
            from unittest import mock
            import siem_relay

            class Tidied:
                def __del__(self):
                    os.kill(os.getpid(), signal.SIGTERM)
                    print("goes on")

            relay = mock.Mock(rules=[])
            relay.scheduler.running = False
            relay.start.side_effect = lambda: Tidied() and None
            sys.argv += ["--config", "/dev/null", "--secrets", "/dev/stdin"]
            with mock.patch("siem_relay.Relay", return_value=relay):
                siem_relay.main()
            print("goes on")
        """
        ended = subprocess.run([sys.executable, "-c", program], input="{}", capture_output=True, text=True, timeout=60)
        self.assertEqual((ended.returncode, ended.stdout), (0, ""))


if __name__ == "__main__":
    logging.getLogger("relay").addHandler(logging.NullHandler())
    logging.getLogger("relay").propagate = False
    unittest.main()
