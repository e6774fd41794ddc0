"""Unit tests of relay/siem_heartbeat.py, with a clock of their own: run by unit.test.ts."""

import json
import logging
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import requests

import siem_heartbeat

URL = "https://hc.example.org/ping/0b7c-not-for-a-journal"
GOOD = {"rules": 40, "lateRules": 0, "machines": 3, "silent": []}


class Faults(unittest.TestCase):
    """What the relay finds wrong with the SIEM."""

    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file, self.error = Path(folder.name) / "status.json", None

    def faults(self, status=None, now=1000.0):
        def use():
            if self.error:
                raise self.error

        if status is not None:
            self.file.write_text(status if isinstance(status, str) else json.dumps(status), encoding="utf-8")
        return siem_heartbeat.SiemCheck(use, self.file, lambda: now).faults()

    def test_nothing_is_wrong_if_elasticsearch_answers_rules_ran_and_all_were_heard(self):
        self.assertEqual(self.faults({**GOOD, "time": 900.0}), [])

    def test_elasticsearch_must_answer_now_whatever_the_watch_found(self):
        self.error = ConnectionRefusedError("refused")
        self.assertEqual(self.faults({**GOOD, "time": 999.0}), ["Elasticsearch does not answer."])

    def test_a_result_of_the_watch_counts_for_three_minutes_only(self):
        for time in (1000 - 181, 1000 + 60):
            self.assertIn("did not look within", self.faults({**GOOD, "time": time})[0])
        self.assertEqual(self.faults({**GOOD, "time": 1000 - 179}), [])

    def test_a_result_that_is_missing_or_cannot_be_read_is_a_fault(self):
        self.assertIn("left no result", self.faults()[0])
        for text in ("", "{", "[]", "null", "{}", '{"time": "x"}', json.dumps({**GOOD, "time": None}), json.dumps({**GOOD, "time": 999, "silent": 3})):
            with self.subTest(text):
                self.assertIn("left no result", self.faults(text)[0])

    def test_late_rules_and_silent_machines_are_named(self):
        faults = self.faults({"time": 999, "rules": 40, "lateRules": 2, "machines": 30, "silent": [f"m{n}" for n in range(12)]})
        self.assertEqual(faults[0], "2 of 40 rules did not run within the last three minutes.")
        self.assertEqual(faults[1], "Nothing was heard of 12 of 30 machines: m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more.")

    def test_no_rule_at_all_and_no_machine_at_all_are_faults(self):
        self.assertEqual(len(self.faults({"time": 999, "rules": 0, "lateRules": 0, "machines": 0, "silent": []})), 2)


class Beats(unittest.TestCase):
    """Which URL is requested, and when."""

    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.time, self.sent, self.status = 0.0, [], 200
        self.bad_until = 0.0

    def beat(self, **settings):
        def wait(seconds):
            self.time += seconds

        def seen(method):
            def request(url, **options):
                self.sent.append((method, url, self.time, options.get("data")))
                return mock.Mock(status_code=self.status)

            return request

        check = mock.Mock()
        check.faults = lambda: ["Kibana sleeps."] if self.time < self.bad_until else []
        heartbeat = siem_heartbeat.Heartbeat({"name": "switch", "every_seconds": 300, **settings}, URL, check, lambda: self.time, wait)
        with mock.patch("requests.get", side_effect=seen("GET")), mock.patch("requests.post", side_effect=seen("POST")):
            heartbeat.beat()

    def test_a_good_siem_is_a_success_at_once_and_once_in_each_interval(self):
        self.beat()
        self.beat()
        self.assertEqual(self.sent, [("GET", URL, 0.0, None), ("GET", URL, 300.0, None)])
        self.assertEqual(self.time, 600)

    def test_a_short_fault_as_in_an_update_delays_the_success(self):
        self.bad_until = 100
        self.beat()
        self.assertEqual([(method, time) for method, _, time, _ in self.sent], [("GET", 120)])
        self.assertEqual(self.time, 300)

    def test_a_fault_of_a_whole_interval_requests_the_failure_url_with_the_reason(self):
        self.bad_until = 10_000
        self.beat()
        [(method, url, time, reason)] = self.sent
        self.assertEqual((method, url, reason), ("POST", f"{URL}/fail", b"Kibana sleeps."))
        self.assertLessEqual(time, 300)

    def test_the_failure_url_can_be_another_one(self):
        self.bad_until = 10_000
        self.beat(failure_url="https://up.example.org/push?status=down")
        self.assertEqual(self.sent[0][1], "https://up.example.org/push?status=down")
        self.assertEqual(siem_heartbeat.failure_url_of("https://x.org/p/1/?a=b"), "https://x.org/p/1/fail?a=b")

    def test_a_service_that_refuses_is_asked_three_times_and_no_secret_is_logged(self):
        logging.disable(logging.NOTSET)
        self.status = 503
        with self.assertLogs("relay", "ERROR") as logs:
            self.beat()
        self.assertEqual(len(self.sent), 3)
        self.assertNotIn("not-for-a-journal", "".join(logs.output))

    def test_an_error_of_a_request_shows_nothing_of_the_url(self):
        logging.disable(logging.NOTSET)
        heartbeat = siem_heartbeat.Heartbeat({"name": "switch", "every_seconds": 60}, URL, mock.Mock(), lambda: 0, lambda _seconds: None)
        error = requests.ConnectionError(f"HTTPSConnectionPool: Max retries exceeded with url: {URL}")
        with mock.patch("requests.get", side_effect=error), self.assertLogs("relay", "ERROR") as logs:
            heartbeat.request(URL)
        self.assertNotIn("not-for-a-journal", "".join(logs.output))


if __name__ == "__main__":
    unittest.main()
