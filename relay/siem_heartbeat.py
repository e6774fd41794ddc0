"""A dead man's switch: while everything works, a URL is requested every few minutes, as services for heartbeats expect it (such as
healthchecks.io, which can be self-hosted). If the requests stop, because the SIEM, its container or the whole host is down, that service
notifies people. If something does not work, the failure URL is requested instead."""

import json
import logging
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests

from siem_secrets import SECRETS, error_text

log = logging.getLogger("relay")
# How old the watch's result may be: it looks about every minute.
FRESH_SECONDS = 180
# While something does not work, it is looked at again this often, before the failure URL is requested.
LOOK_SECONDS = 30
# Of each request.
TIMEOUT_SECONDS = 20
ATTEMPTS = 3
# Names of machines in a reason.
MAX_NAMES = 10


def failure_url_of(url):
    """Returns the URL that is requested if something does not work: "/fail" after the path, as healthchecks.io has it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))


def listed(names):
    """Returns names as text, at most MAX_NAMES of them."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


class SiemCheck:
    """Looks whether the SIEM works. That rules run and agents are heard is what the SIEM's watch over itself (scripts/siem-watch.py) found
    in the last minutes: the relay connects to servers on the internet, so its own key can read neither log lines nor rules."""

    def __init__(self, use_elasticsearch, status_file, clock=time.time):
        """`use_elasticsearch`: raises an exception if Elasticsearch does not answer. `status_file`: what the watch found last."""
        self.use_elasticsearch, self.status_file, self.clock = use_elasticsearch, Path(status_file), clock

    def faults(self):
        """Returns what does not work, as sentences without text of strangers; an empty list if everything works."""
        faults = []
        try:
            self.use_elasticsearch()
        except Exception as error:
            log.error("heartbeat: %s", error_text(error, SECRETS.get("es_api_key")))
            faults.append("Elasticsearch does not answer.")
        try:
            status = json.loads(self.status_file.read_text(encoding="utf-8"))
            age = self.clock() - status["time"]
            rules, late = int(status["rules"]), int(status["lateRules"])
            machines, silent = int(status["machines"]), [str(name) for name in status["silent"]]
        except (OSError, ValueError, KeyError, TypeError):
            return [*faults, "Nobody knows whether rules run and agents are heard: the SIEM's watch over itself has left no result."]
        if not 0 <= age <= FRESH_SECONDS:
            faults.append("Nobody knows whether rules run and agents are heard: the SIEM's watch over itself did not look within the last three minutes.")
            return faults
        if late or not rules:
            faults.append(f"{late} of {rules} rules did not run within the last three minutes.")
        if silent or not machines:
            faults.append(f"Nothing was heard of {len(silent)} of {machines} machines: {listed(silent)}.")
        return faults


class Heartbeat(threading.Thread):
    """Requests one destination's URL, or its failure URL, once in each interval. It has a thread of its own, so no slow destination
    delays it."""

    def __init__(self, settings, url, check, clock=time.monotonic, wait=time.sleep):
        """`settings`: `name`, `every_seconds`, and optionally `failure_url` and `ca` (PEM). `check`: a SiemCheck."""
        super().__init__(name=f"heartbeat-{settings['name']}", daemon=True)
        self.settings, self.url, self.check, self.clock, self.wait = settings, url, check, clock, wait

    def run(self):
        while True:
            try:
                self.beat()
            except Exception as error:
                log.error("%s: the heartbeat failed: %s", self.settings["name"], error_text(error, self.url))
                self.wait(LOOK_SECONDS)

    def beat(self):
        """One interval: requests the URL as soon as everything works; the failure URL if nothing changed until the interval's end."""
        end = self.clock() + self.settings["every_seconds"]
        faults = self.check.faults()
        while faults and self.clock() + LOOK_SECONDS < end:
            self.wait(LOOK_SECONDS)
            faults = self.check.faults()
        if faults:
            log.error("%s: heartbeat of a failure: %s", self.settings["name"], " ".join(faults))
            self.request(self.settings.get("failure_url") or failure_url_of(self.url), "\n".join(faults))
        else:
            self.request(self.url)
        self.wait(max(0, end - self.clock()))

    def request(self, url, reason=None):
        """Requests a URL, with a reason in the body if there is one; tries it a few times."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.send(url, reason)
                return
            except Exception as error:
                log.error("%s: attempt %d of the heartbeat failed: %s", self.settings["name"], attempt, error_text(error, self.url))
            if attempt < ATTEMPTS:
                self.wait(5)

    def send(self, url, reason):
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
            file.write(self.settings.get("ca", ""))
            file.flush()
            options = {"timeout": TIMEOUT_SECONDS, "allow_redirects": False, "verify": file.name if self.settings.get("ca") else True}
            answer = requests.get(url, **options) if reason is None else requests.post(url, data=reason.encode(), **options)
        if not 200 <= answer.status_code < 300:
            raise requests.HTTPError(f"the service answers {answer.status_code}", response=answer)


def heartbeats_of(conf, use_elasticsearch):
    """Returns the heartbeats of the relay's config, not started yet. A destination's secret is its URL."""
    secrets = SECRETS.get("destinations", {})
    return [
        Heartbeat(settings, secrets[settings["name"]], SiemCheck(use_elasticsearch, conf["watch_status"])) for settings in conf.get("heartbeats", [])
    ]
