"""Text from strangers in messages. Everybody who can write a log line can write into an alert: the name with which somebody tried to
log in, a path, a header. Such text must not act on its readers or on the program that shows it."""

import re
import unicodedata

# Unicode categories without a visible character: control, format (bidirectional marks, zero width, tags), surrogates, private use,
# unassigned.
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Characters that are shown as nothing although their category is a letter, a sign or a mark: fillers, joiners, variation selectors.
BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
# Letters can carry marks; a pile of them covers the lines above and below.
MAX_MARKS = 2
# "word:" before something else, as in "mailto:a", "tel:1", "https://a": programs make links of many such words.
SCHEME = re.compile(r"\b([A-Za-z][\w+-]*):(?=\S)")
# A dot before a letter, as in "example.org"; not the dots of numbers and addresses.
DOT_OF_A_NAME = re.compile(r"(?<=\S)\.(?=[^\W\d_])")
# Signs of Unicode that programs treat as a dot of a domain name.
DOTS = str.maketrans(dict.fromkeys("\u2024\u3002\uff0e\uff61\u06d4\u0701\u0702\ua60e", "."))
# How deep and how far a value that is not text is looked at.
MAX_DEPTH, MAX_ITEMS = 4, 20


def as_text(value, depth=0):
    """Returns any value of a JSON document as text; a list as its values, separated by commas. Never raises an exception."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        if depth == MAX_DEPTH:
            return "..."
        if isinstance(value, list):
            return ", ".join(as_text(item, depth + 1) for item in value[:MAX_ITEMS])
        return ", ".join(f"{as_text(key)}={as_text(value[key], depth + 1)}" for key in list(value)[:MAX_ITEMS])
    try:
        return str(value)
    except ValueError:  # A number with more digits than Python prints.
        return "(a number that is too long)"


def visible(value, limit):
    """Returns a value as one line of at most `limit` characters: without control, format and private characters and line breaks, and
    with at most two marks on a letter. Never raises an exception."""
    # Four characters can become one, and one can become eighteen (compatibility forms); what is beyond is not looked at.
    text = unicodedata.normalize("NFKC", as_text(value)[: 4 * limit + 100])
    kept, marks = [], 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MAX_MARKS:
            continue
        hidden = category in INVISIBLE or category.startswith("Z") or ord(character) in BLANK
        kept.append(" " if hidden else character)
    text = " ".join("".join(kept).split())
    return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."


def without_links(text):
    """Returns a text in which no program finds a link, an address, a mention or formatting: "https[:]//example[.]org", "[@]all"."""
    text = text.translate(DOTS).replace("@", "[@]").replace("`", "'").replace("](", "] (").replace("\\\\", "\\ \\")
    text = SCHEME.sub(r"\1[:]", text).replace("://", "[:]//")
    text = re.sub(r"\bwww\b", "ww[w]", text, flags=re.IGNORECASE)
    return DOT_OF_A_NAME.sub("[.]", text)


def quoted(value, limit):
    """Returns a stranger's text in quotation marks, which it cannot close, and without links."""
    inner = re.sub("[\u201c-\u201f\u00ab\u00bb\u300c-\u300f]", "'", visible(value, limit))
    return f"\u201c{without_links(inner)}\u201d"


def short(value, limit=40):
    """Returns a stranger's text for a subject, quoted: of its first characters, `limit` at most, only letters, digits and a few signs."""
    text = visible(value, limit)
    kept = "".join(character if character.isalnum() or character in " -.:,/+=" else "_" for character in text)
    # Plain quotation marks: so a subject with nothing but ASCII stays readable in a mail's source.
    return f'"{without_links(kept)}"'
