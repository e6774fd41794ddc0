"""What people read: each class sends one message about one or more alerts to a destination of its type, or raises."""

import json
import smtplib
import ssl
import tempfile
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import requests
from elastalert.alerters.slack import SlackAlerter
from elastalert.alerters.teams import MsTeamsAlerter
from elastalert.alerts import Alerter, DateTimeEncoder

SECONDS = 30
EVENTS = 5
SEVERITIES = ["informational", "low", "medium", "high", "critical"]
# Answers to what a message says, whoever sends it. Others are of a destination that is down, busy, or does not let us in.
REFUSED_SMTP = {550, 552, 554}
REFUSED_HTTP = {400, 406, 413, 422}


def limit_requests():
    """ElastAlert's Teams alerter sets no timeout: a destination that never answers would stop its deliveries for good."""
    plain = requests.Session.request

    def request(self, *args, **options):
        options["timeout"] = options.get("timeout") or SECONDS
        return plain(self, *args, **options)

    requests.Session.request = request


def field(alert, path, default=""):
    value = alert
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default if value is None else value


def one_line(value, limit):
    """A text without control characters or line breaks: logs hold what attackers write."""
    value = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def refuses_content(error, takes_others):
    """Whether a destination refuses a message for what it says, and so surely has not taken it. 403 is many firewalls' answer
    to a hostile line, but also to a login that has ended: it counts only where the destination takes others meanwhile."""
    for one in (error, error.__context__):  # ElastAlert's alerters make an error of their own.
        if isinstance(one, smtplib.SMTPDataError):
            return one.smtp_code in REFUSED_SMTP
        response = getattr(one, "response", None)
        if response is not None:
            return response.status_code in REFUSED_HTTP or (response.status_code == 403 and takes_others)
    return False


def bare(alert):
    """What can be told of an alert without a word that a log line could have brought."""
    note = f"The details of this alert could not be sent, as this destination refuses them. They are in Kibana (id {alert['_id']})."
    return {
        "_id": alert["_id"],
        "_index": alert["_index"],
        "@timestamp": field(alert, "@timestamp"),
        "message": field(alert, "rule.name", "An alert"),
        "rule": {"id": field(alert, "rule.id"), "name": field(alert, "rule.name", "?")},
        "dhis2": {"alert": {"severity": severity(alert), "note": note}},
    }


def severity(alert):
    return field(alert, "dhis2.alert.severity") or "unknown severity"


class Message:
    """How alerts are told. Parts of it are left out, never a whole alert, where a destination takes only so much text."""

    # Alerts in one message, and characters of its text.
    most = 50
    characters = 200_000

    def link(self, alert):
        """The alert's own page in Kibana's Discover."""
        relay = self.rule["relay"]
        if "_index" not in alert:  # The relay's own words.
            return relay["kibana"]
        return f"{relay['kibana']}/app/discover#/doc/{relay['view']}/{alert['_index']}?id={alert['_id']}"

    def title(self, alerts):
        if len(alerts) == 1:
            return f"[{severity(alerts[0])}] {one_line(field(alerts[0], 'message', 'An alert'), 180)}"
        worst = max(map(severity, alerts), key=lambda name: SEVERITIES.index(name) if name in SEVERITIES else -1)
        rules = sorted({one_line(field(alert, "rule.name", "?"), 60) for alert in alerts})
        return one_line(f"[{worst}] {len(alerts)} alerts: {', '.join(rules)}", 200)

    def local(self, text):
        try:
            time = datetime.fromisoformat(str(text))
            return time.astimezone(ZoneInfo(self.rule["relay"]["timezone"])).strftime("%Y-%m-%d %H:%M:%S %Z")
        except ValueError:
            return one_line(text, 40)

    def event(self, event):
        """One event, as the alert index keeps it: a flat object of fields."""
        said = event.get("event.original") or event.get("message") or json.dumps(event, sort_keys=True)
        where = one_line(event.get("dhis2.container.name", ""), 63)
        return f"- {self.local(event.get('@timestamp', ''))} {where}: {one_line(said, 300)}"

    def brief(self, alert):
        return f"[{severity(alert)}] {one_line(field(alert, 'message', 'An alert'), 180)}\n{self.link(alert)}"

    def full(self, alert):
        events = [event for event in field(alert, "dhis2.alert.events", []) if isinstance(event, dict)]
        rows = [
            ("Rule", "rule.name", 200),
            ("About", "dhis2.alert.entity", 300),
            ("In", "dhis2.container.name", 200),
            ("Count", "dhis2.alert.count", 20),
            ("Within", "dhis2.alert.window", 20),
            ("Fires at", "dhis2.alert.threshold", 100),
        ]
        lines = [f"[{severity(alert)}] {one_line(field(alert, 'message', 'An alert'), 180)}"]
        lines += [f"{name}: {one_line(field(alert, path), limit)}" for name, path, limit in rows if field(alert, path) != ""]
        lines.append(f"At: {self.local(field(alert, '@timestamp'))}")
        if field(alert, "dhis2.alert.note"):
            lines += ["", "What to do:", str(field(alert, "dhis2.alert.note")).strip()]
        if events:
            shown = events[:EVENTS]
            more = f", {len(shown)} of {len(events)}" if len(events) > EVENTS else ""
            lines += ["", f"The events that fired it{more}:", *map(self.event, shown)]
        return "\n".join([*lines, "", f"In Kibana: {self.link(alert)}"])

    def text(self, alerts):
        parts = list(map(self.brief, alerts))
        for at, alert in enumerate(alerts):
            longer = [*parts[:at], self.full(alert), *parts[at + 1 :]]
            if sum(map(len, longer)) + 40 * len(parts) <= self.characters:
                parts = longer
        return ("\n" + "-" * 30 + "\n").join(parts)

    # What ElastAlert's own alerters ask for.
    def create_title(self, matches):
        return self.title(matches)

    def create_alert_body(self, matches):
        return self.text(matches)


class Email(Message, Alerter):
    """By SMTP, with TLS that is asked for and checked. ElastAlert's own takes any certificate, goes on without TLS where
    the server offers none, and loses the alert where the server refuses it (550)."""

    def alert(self, matches):
        settings, site = self.rule["relay"]["email"], self.rule["relay"]["site"]
        message = EmailMessage()
        message["Subject"] = self.title(matches)
        message["From"] = settings["from"]
        message["To"] = ", ".join(settings["to"])
        message["Date"] = format_datetime(self.pipeline["time"])
        # The same for every attempt, so that mail systems can tell a message that came twice.
        message["Message-ID"] = f"<{self.pipeline['message_id']}@{site}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text(matches).encode("utf-8", "replace").decode(), cte="quoted-printable")
        tls = ssl.create_default_context(cadata=settings.get("ca"))
        server = (settings["host"], settings["port"])
        smtps = settings["tls"] == "smtps"
        with smtplib.SMTP_SSL(*server, timeout=SECONDS, context=tls) if smtps else smtplib.SMTP(*server, timeout=SECONDS) as smtp:
            if not smtps:
                smtp.starttls(context=tls)
            if "user" in settings:
                smtp.login(settings["user"], self.rule["secret"])
            refused = smtp.send_message(message)
        # The others have it: trying again would bring it to them twice.
        return [f"{address} was refused: {reason}" for address, reason in refused.items()]


class Slack(Message, SlackAlerter):
    characters = 12_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "slack_webhook_url": rule["secret"], "slack_username_override": "DHIS2 SIEM", "slack_emoji_override": ":rotating_light:"})

    def format_body(self, body):
        """Nothing in a log can mention people or hide behind a link."""
        return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def create_title(self, matches):
        return self.format_body(self.title(matches))


class Teams(Message, MsTeamsAlerter):
    characters = 15_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "ms_teams_webhook_url": rule["secret"], "ms_teams_alert_fixed_width": True})

    def create_title(self, matches):
        """Not fixed in width, so that Markdown may count in it: no link from a log under a name of its own."""
        return self.title(matches).replace("](", "] (")


def post(url, payload, headers=None, ca=None):
    response = requests.post(
        url,
        data=json.dumps(payload, cls=DateTimeEncoder),
        headers={"Content-Type": "application/json", **(headers or {})},
        verify=ca or True,
        timeout=SECONDS,
        allow_redirects=False,
    )
    if not 200 <= response.status_code < 300:
        # Longer than what is told of it: a secret in it is to be found before it is cut.
        said = f"the destination says {response.status_code}: {one_line(response.text, 5000)}"
        raise requests.HTTPError(said, response=response)


class Telegram(Message, Alerter):
    """As plain text. ElastAlert's own sends Markdown, which Telegram refuses when a log line has a backtick in it."""

    most = 10
    characters = 4000

    def alert(self, matches):
        settings = self.rule["relay"]["telegram"]
        text = f"{self.title(matches)}\n\n{self.text(matches)}" if len(matches) > 1 else self.text(matches)
        payload = {"chat_id": settings["chat"], "text": text[:4096], "disable_web_page_preview": True}
        post(f"{settings['api']}/bot{self.rule['secret']}/sendMessage", payload)


class Webhook(Message, Alerter):
    """One request for one message; ElastAlert's own sends one for each alert, and all of them again when one fails."""

    def alert(self, matches):
        relay = self.rule["relay"]
        settings, secret = relay["webhook"], self.rule.get("secret")
        payload = {
            "id": self.pipeline["message_id"],
            "site": relay["site"],
            "destination": self.rule["name"],
            "title": self.title(matches),
            "text": self.text(matches),
            "alerts": [{**match, "link": self.link(match)} for match in matches],
        }
        headers = {**settings["headers"], "Idempotency-Key": self.pipeline["message_id"]}
        if secret is not None and "url" in settings:
            headers["Authorization"] = secret
        # requests takes a file only. Made for each message: one that stays may be tidied away from /tmp.
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
            file.write(settings.get("ca", ""))
            file.flush()
            post(settings.get("url", secret), payload, headers, file.name if "ca" in settings else None)
