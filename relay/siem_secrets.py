"""The relay's secrets, and errors as text without them."""

import re
from urllib.parse import unquote, unquote_plus, urlsplit

from requests.utils import requote_uri

# The file of --secrets: the key of Elasticsearch, and the destinations' secrets by name.
SECRETS = {}


def secret_parts(secret):
    """Returns the secret and those parts of it that an error could contain alone, the longest first. Errors of requests contain
    URLs without the host, and decoded parts of URLs."""
    try:
        url = urlsplit(secret)
    except ValueError:  # A password can look like a broken URL.
        return [secret]
    user = url.netloc.rpartition("@")[0]
    whole = [secret, url.path.strip("/"), url.query, user, url.password, url.username]
    pieces = [*url.path.split("/"), *secret.split(), *(parameter.partition("=")[2] for parameter in url.query.split("&"))]
    found = {part for part in whole if part} | {piece for piece in pieces if len(piece) >= 8}
    found |= {convert(part) for part in found for convert in (unquote, unquote_plus, requote_uri)}
    return sorted(found, key=len, reverse=True)


def hide_secret(text, secret):
    """Returns the text with "[secret]" instead of the secret and its parts."""
    if not secret:
        return text
    return re.sub("|".join(map(re.escape, secret_parts(secret))), "[secret]", text, flags=re.IGNORECASE)


def error_text(error, secret):
    """Returns an error as text for the journal and the state, without the secret: errors of requests contain whole URLs."""
    return hide_secret(f"{type(error).__name__}: {error}", secret)[:1000]
