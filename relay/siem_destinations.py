"""Sends messages. Each class has `alert(alerts)`: it sends one message about them to a destination of its type, and raises an exception
if the destination did not accept it."""

import json
import re
import smtplib
import ssl
import tempfile
from email.message import EmailMessage
from email.utils import format_datetime

import requests
from elastalert.alerters.slack import SlackAlerter
from elastalert.alerters.teams import MsTeamsAlerter
from elastalert.alerts import Alerter, DateTimeEncoder
from elastalert.util import EAException

from siem_alert import rank_of, without_details
from siem_messages import Message
from siem_text import visible

# Of a request to a destination.
TIMEOUT_SECONDS = 30
# Of the alerts in a webhook's message, in bytes of JSON. The worst that fit are sent; the others are in Kibana.
MAX_WEBHOOK_BYTES = 1_000_000
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


def cannot_be_built(error):
    """Returns whether the message itself is at fault: nothing was sent, because no message could be made of the alerts."""
    return not any(isinstance(cause, (OSError, smtplib.SMTPException, EAException)) for cause in (error, error.__context__))


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
    # Slack cuts a message's text at 40,000 characters, and recommends 4,000 (https://docs.slack.dev/changelog/2018-truncating-really-long-messages).
    max_size = 12_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "slack_webhook_url": rule["secret"], "slack_username_override": "DHIS2 SIEM", "slack_emoji_override": ":rotating_light:"})

    def size_of(self, text):
        return len(self.format_body(text))

    def format_body(self, body):
        """Escapes Slack's markup, so that text from a log can neither mention people nor hide a link."""
        return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def create_title(self, matches):
        return self.format_body(self.title(matches))


class Teams(Message, MsTeamsAlerter):
    # Teams accepts 28 KB of JSON (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
    max_size = 20_000
    required_options = frozenset()

    def __init__(self, rule):
        super().__init__({**rule, "ms_teams_webhook_url": rule["secret"], "ms_teams_alert_fixed_width": True})

    def size_of(self, text):
        # In JSON, with the marks of a code block around each line (format_body).
        return len(json.dumps(self.format_body(text)))

    def quote(self, value, limit):
        """Teams interprets HTML and Markdown, also in a title."""
        return super().quote(value, limit).translate(str.maketrans({"<": "\u2039", ">": "\u203a", "*": "\u2217", "#": "\u266f"}))


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
        message = f"the destination answers {response.status_code}: {visible(response.text, 5000)}"
        raise requests.HTTPError(message, response=response)


class Telegram(Message, Alerter):
    """Sends plain text. ElastAlert's own class sends Markdown, which Telegram refuses if a log line contains a backtick."""

    max_alerts = 10
    storm_alerts = 40
    # Telegram accepts 4096 characters (https://core.telegram.org/bots/api#sendmessage), which it counts in UTF-16. Here without the title.
    max_size = 3800

    def size_of(self, text):
        return len(text.encode("utf-16-le", "replace")) // 2

    def quote(self, value, limit):
        """Telegram makes a button of "/word" and a link of "#word" and "$WORD"."""
        return re.sub(r"(?<![\w/<>])([/#$])(?=\w)", r"[\1]", super().quote(value, limit))

    def alert(self, matches):
        settings = self.rule["relay"]["telegram"]
        text = f"{self.title(matches)}\n\n{self.text(matches)}" if len(matches) > 1 else self.text(matches)
        payload = {"chat_id": settings["chat"], "text": self.cut(text, 4096), "disable_web_page_preview": True}
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
            # `count` says how many there are; of a storm, only the worst are here.
            "count": len(matches),
            "alerts": self.largest_part(matches),
        }
        headers = {**settings["headers"], "Idempotency-Key": self.pipeline["message_id"]}
        if secret is not None and "url" in settings:
            headers["Authorization"] = secret
        # requests accepts a CA only as a file. It is created for each message, because a file that stays in /tmp may be deleted.
        with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
            file.write(settings.get("ca", ""))
            file.flush()
            post_json(settings.get("url", secret), payload, headers, file.name if "ca" in settings else None)

    def largest_part(self, matches):
        """Returns the alerts, each with its link; of more than a message can hold, the worst."""
        if len(matches) > self.max_alerts:
            matches = sorted(matches, key=rank_of, reverse=True)[: self.max_alerts]
        kept, size = [], 0
        for match in matches:
            alert = {**match, "link": self.link(match)}
            size += len(json.dumps(alert, cls=DateTimeEncoder))
            if size > MAX_WEBHOOK_BYTES:
                alert = {**without_details(match), "link": alert["link"]}
            kept.append(alert)
        return kept
