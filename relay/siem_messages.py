"""Writes and sends what people read. Each class has `alert(alerts)`: it sends one message about them to a destination of its type,
and raises an exception if the destination did not accept it."""

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

# Of a request to a destination.
TIMEOUT_SECONDS = 30
# Events of one alert that a message shows.
SHOWN_EVENTS = 5
SEVERITIES = ["informational", "low", "medium", "high", "critical"]
# Statuses with which a destination refuses a message for its content. Other statuses mean that it is down, busy, or refuses our login.
CONTENT_REFUSED_SMTP = {550, 552, 554}
CONTENT_REFUSED_HTTP = {400, 406, 413, 422}


def limit_requests():
    """Gives every request of this process a timeout. ElastAlert's Teams alerter sets none: a destination that never answers would stop
    its deliveries for ever."""
    original_request = requests.Session.request

    def request(self, *args, **options):
        options["timeout"] = options.get("timeout") or TIMEOUT_SECONDS
        return original_request(self, *args, **options)

    requests.Session.request = request


def get_field(alert, path, default=""):
    """Returns the value at a path such as "rule.name"; `default` if it is missing or null."""
    value = alert
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default if value is None else value


def one_line(value, limit):
    """Returns a text of at most `limit` characters, without control characters and line breaks: attackers can write into logs."""
    value = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def refuses_content(error, accepts_others):
    """Returns whether the destination refused the message for its content. Many firewalls answer 403 to hostile text, but 403 can also
    mean that a login has expired: it counts only if `accepts_others`, that is if the destination accepts other messages meanwhile."""
    for cause in (error, error.__context__):  # ElastAlert's alerters raise their own error, with the cause as its context.
        if isinstance(cause, smtplib.SMTPDataError):
            return cause.smtp_code in CONTENT_REFUSED_SMTP
        response = getattr(cause, "response", None)
        if response is not None:
            return response.status_code in CONTENT_REFUSED_HTTP or (response.status_code == 403 and accepts_others)
    return False


def without_details(alert):
    """Returns a copy of an alert without any text that can come from a log line."""
    note = f"The details of this alert could not be sent, because this destination refuses them. They are in Kibana (id {alert['_id']})."
    return {
        "_id": alert["_id"],
        "_index": alert["_index"],
        "@timestamp": get_field(alert, "@timestamp"),
        "message": get_field(alert, "rule.name", "An alert"),
        "rule": {"id": get_field(alert, "rule.id"), "name": get_field(alert, "rule.name", "?")},
        "dhis2": {"alert": {"severity": severity_of(alert), "note": note}},
    }


def severity_of(alert):
    return get_field(alert, "dhis2.alert.severity") or "unknown severity"


class Message:
    """The title and text of a message about alerts. If the text is longer than the destination accepts, details of alerts are left
    out, but every alert is named."""

    max_alerts = 50
    max_characters = 200_000

    def link(self, alert):
        """Returns the URL of the alert in Kibana's Discover."""
        relay = self.rule["relay"]
        if "_index" not in alert:  # A message of the relay itself.
            return relay["kibana_url"]
        return f"{relay['kibana_url']}/app/discover#/doc/{relay['alerts_view']}/{alert['_index']}?id={alert['_id']}"

    def title(self, alerts):
        if len(alerts) == 1:
            return f"[{severity_of(alerts[0])}] {one_line(get_field(alerts[0], 'message', 'An alert'), 180)}"
        worst = max(map(severity_of, alerts), key=lambda name: SEVERITIES.index(name) if name in SEVERITIES else -1)
        rules = sorted({one_line(get_field(alert, "rule.name", "?"), 60) for alert in alerts})
        return one_line(f"[{worst}] {len(alerts)} alerts: {', '.join(rules)}", 200)

    def local_time(self, text):
        """Returns a time in the site's time zone; the text itself if it is not a time."""
        try:
            time = datetime.fromisoformat(str(text))
            return time.astimezone(ZoneInfo(self.rule["relay"]["timezone"])).strftime("%Y-%m-%d %H:%M:%S %Z")
        except ValueError:
            return one_line(text, 40)

    def event_line(self, event):
        """Returns one event as a line. `event` is as in the alert index: a flat object of fields."""
        log_line = event.get("event.original") or event.get("message") or json.dumps(event, sort_keys=True)
        container = one_line(event.get("dhis2.container.name", ""), 63)
        return f"- {self.local_time(event.get('@timestamp', ''))} {container}: {one_line(log_line, 300)}"

    def short_text(self, alert):
        return f"[{severity_of(alert)}] {one_line(get_field(alert, 'message', 'An alert'), 180)}\n{self.link(alert)}"

    def full_text(self, alert):
        events = [event for event in get_field(alert, "dhis2.alert.events", []) if isinstance(event, dict)]
        rows = [
            ("Rule", "rule.name", 200),
            ("About", "dhis2.alert.entity", 300),
            ("Container", "dhis2.container.name", 200),
            ("Count", "dhis2.alert.count", 20),
            ("Within", "dhis2.alert.window", 20),
            ("Threshold", "dhis2.alert.threshold", 100),
        ]
        lines = [f"[{severity_of(alert)}] {one_line(get_field(alert, 'message', 'An alert'), 180)}"]
        lines += [f"{name}: {one_line(get_field(alert, path), limit)}" for name, path, limit in rows if get_field(alert, path) != ""]
        lines.append(f"At: {self.local_time(get_field(alert, '@timestamp'))}")
        if get_field(alert, "dhis2.alert.note"):
            lines += ["", "What to do:", str(get_field(alert, "dhis2.alert.note")).strip()]
        if events:
            shown = events[:SHOWN_EVENTS]
            more = f", {len(shown)} of {len(events)}" if len(events) > SHOWN_EVENTS else ""
            lines += ["", f"The events that fired it{more}:", *map(self.event_line, shown)]
        return "\n".join([*lines, "", f"In Kibana: {self.link(alert)}"])

    def text(self, alerts):
        """Returns the text: the full text of as many alerts as fit, the short text of the others."""
        parts = list(map(self.short_text, alerts))
        for index, alert in enumerate(alerts):
            longer = [*parts[:index], self.full_text(alert), *parts[index + 1 :]]
            # 40: more than the separator below.
            if sum(map(len, longer)) + 40 * len(parts) <= self.max_characters:
                parts = longer
        return ("\n" + "-" * 30 + "\n").join(parts)

    # ElastAlert's own alerters call these two.
    def create_title(self, matches):
        return self.title(matches)

    def create_alert_body(self, matches):
        return self.text(matches)


class Email(Message, Alerter):
    """Sends by SMTP, always with TLS, and checks the server's certificate. ElastAlert's own class accepts any certificate, continues
    without TLS if the server offers none, and loses an alert that the server refuses (550)."""

    def alert(self, matches):
        settings, site = self.rule["relay"]["email"], self.rule["relay"]["site"]
        message = EmailMessage()
        message["Subject"] = self.title(matches)
        message["From"] = settings["from"]
        message["To"] = ", ".join(settings["to"])
        message["Date"] = format_datetime(self.pipeline["time"])
        # The same for every attempt, so that mail systems recognise a message that arrives twice.
        message["Message-ID"] = f"<{self.pipeline['message_id']}@{site}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text(matches).encode("utf-8", "replace").decode(), cte="quoted-printable")
        tls = ssl.create_default_context(cadata=settings.get("ca"))
        server = (settings["host"], settings["port"])
        if settings["tls"] == "smtps":
            connection = smtplib.SMTP_SSL(*server, timeout=TIMEOUT_SECONDS, context=tls)
        else:
            connection = smtplib.SMTP(*server, timeout=TIMEOUT_SECONDS)
        with connection as smtp:
            if settings["tls"] != "smtps":
                smtp.starttls(context=tls)
            if "user" in settings:
                smtp.login(settings["user"], self.rule["secret"])
            refused = smtp.send_message(message)
        # Not an exception: the other recipients have the mail, and another attempt would send it to them twice.
        return [f"the mail server refused the recipient {address}: {reason}" for address, reason in refused.items()]


class Slack(Message, SlackAlerter):
    max_characters = 12_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "slack_webhook_url": rule["secret"], "slack_username_override": "DHIS2 SIEM", "slack_emoji_override": ":rotating_light:"})

    def format_body(self, body):
        """Escapes Slack's markup, so that text from a log can neither mention people nor hide a link."""
        return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def create_title(self, matches):
        return self.format_body(self.title(matches))


class Teams(Message, MsTeamsAlerter):
    max_characters = 15_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "ms_teams_webhook_url": rule["secret"], "ms_teams_alert_fixed_width": True})

    def create_title(self, matches):
        """Breaks Markdown links: Teams interprets Markdown in a title, so a log line could hide a link behind other text."""
        return self.title(matches).replace("](", "] (")


def post_json(url, payload, headers=None, ca=None):
    """Posts JSON. `ca`: path of a CA file; default: the system's. Raises HTTPError if the status is not 2xx; follows no redirect."""
    response = requests.post(
        url,
        data=json.dumps(payload, cls=DateTimeEncoder),
        headers={"Content-Type": "application/json", **(headers or {})},
        verify=ca or True,
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
    if not 200 <= response.status_code < 300:
        # Longer than what is shown later: secrets must be hidden before the text is cut.
        message = f"the destination answers {response.status_code}: {one_line(response.text, 5000)}"
        raise requests.HTTPError(message, response=response)


class Telegram(Message, Alerter):
    """Sends plain text. ElastAlert's own class sends Markdown, which Telegram refuses if a log line contains a backtick."""

    max_alerts = 10
    # Telegram accepts 4096.
    max_characters = 4000

    def alert(self, matches):
        settings = self.rule["relay"]["telegram"]
        text = f"{self.title(matches)}\n\n{self.text(matches)}" if len(matches) > 1 else self.text(matches)
        payload = {"chat_id": settings["chat"], "text": text[:4096], "disable_web_page_preview": True}
        post_json(f"{settings['api']}/bot{self.rule['secret']}/sendMessage", payload)


class Webhook(Message, Alerter):
    """Sends one request for each message. ElastAlert's own class sends one for each alert, and repeats all of them if one fails."""

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
        # requests accepts a CA only as a file. It is created for each message, because a file that stays in /tmp may be deleted.
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
            file.write(settings.get("ca", ""))
            file.flush()
            post_json(settings.get("url", secret), payload, headers, file.name if "ca" in settings else None)
