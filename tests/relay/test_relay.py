"""What of the relay needs no server: `python -m unittest`, run by unit.test.ts."""

import unittest
from unittest import mock

import requests

import siem_messages
import siem_relay

TEAMS = (
    "https://prod-01.westeurope.logic.azure.example:443/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=TOPSECRET-a%2Bb_c"
)


class Secrets(unittest.TestCase):
    def is_hidden(self, secret, said, *shown):
        told = siem_relay.told(ValueError(said), secret)
        for text in shown:
            self.assertNotIn(text.lower(), told.lower())
        return told

    def test_an_error_of_requests_shows_nothing_of_a_url(self):
        with self.assertRaises(requests.RequestException) as caught:
            requests.post(TEAMS.replace("prod-01.westeurope.logic.azure.example:443", "127.0.0.1:9"), timeout=5)
        told = siem_relay.told(caught.exception, TEAMS)
        for part in ("TOPSECRET", "0a1b2c3d4e5f", "2016-06-01", "sig="):
            self.assertNotIn(part, told)
        self.assertIn("Connection refused", told)

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
        self.assertEqual(siem_relay.told(ValueError("plain"), None), "ValueError: plain")

    def test_what_is_not_of_the_secret_stays(self):
        self.assertEqual(siem_relay.told(ValueError("Max retries: run v1"), TEAMS), "ValueError: Max retries: run v1")

    def test_a_long_answer_is_cut_only_after_the_secret_is_hidden(self):
        answer = mock.Mock(status_code=403, text="x" * 960 + TEAMS)
        with mock.patch("requests.post", return_value=answer), self.assertRaises(requests.HTTPError) as caught:
            siem_messages.post(TEAMS, {})
        self.assertNotIn("workflows", siem_relay.told(caught.exception, TEAMS))


if __name__ == "__main__":
    unittest.main()
