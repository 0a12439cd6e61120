# ruff: noqa: E501, RUF001  strings that are meant to be ambiguous, and lines of them
"""Strings that break software, in the spirit of the Big List of Naughty Strings and written for this house: what a phone, a
forger or a broken gateway may send. None of them is altered, refused or answered with an error.
"""

SCRIPTS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "<svg/onload=alert(1)>", "</textarea><b>",
    "<!--", "-->", "]]>", "&lt;&amp;&#x3c;", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% raw %}", "%00", "%0d%0aSet-Cookie: a=b",
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "<Response><Message>x</Message></Response>",
]  # fmt: skip
COMMANDS = [
    "'; DROP TABLE inbox;--", "1 OR 1=1", '" OR ""="', "') UNION SELECT NULL--", "'; SELECT pg_sleep(9);--", "$(reboot)", "`reboot`",
    "; reboot", "| reboot", "&& reboot", "../../../../etc/passwd", "..\\..\\x", "file:///etc/passwd", "() { 0; }; echo", "%s%s%s%n", "%d %x",
    "=1+1", '=HYPERLINK("http://example.org")', "+1+1", "-1+1", "@SUM(1)", "\tcmd", "CON", "NUL", "PRN", "/dev/null",
]  # fmt: skip
WORDS = [
    "null", "NULL", "None", "nil", "undefined", "true", "false", "NaN", "Infinity", "-Infinity", "0", "00", "-0", "1", "2", "3", "1.0",
    "1e309", "0x0", "99999999999999999999999", "1/0", "0.1+0.2", "STOP", "stop", "S T O P", "START", "HELP", "INFO", "yes", "oya", "ego",
    "1 K7-4QM9", "K74QM9", "ok", "+250780000101", "0780000101", "(null)", "\\", "\\\\", "'", "''", '"', "`", "/", "?", "#", "&", "=", "+", "%", ";",
]  # fmt: skip
SPACES = [
    "", " ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x00", "\x00\x00x", "a\x00b", "\x01\x02\x03", "\x1b[2J\x1b[31m", "\x7f", "\x80\x9f", "\xa0",
    "\u00ad", "\u200b", "\u200b" * 400, "\u200d", "\u2028", "\u2029", "\u202e\u202dx", "\u2066\u2069", "\ufeff", "\ufffe", "\uffff", "\ufffd",
]  # fmt: skip
LETTERS = [
    "Ω≈ç√∫", "田中さんにあげて下さい", "社會科學院", "찦차를 타고", "الكل في المجمو", "בְּרֵאשִׁית", "ትግርኛ", "ႠႡႢ", "ᚠᛇᚻ", "Z͑ͫ̓ͪ̂ͫ̽A̴̵̜L͔G̑O", "ﬀﬁﬂ", "ℌ𝔢𝔩𝔭",
    "ＳＴＯＰ", "ⓈⓉⓄⓅ", "İıſK", "ßẞ", "ǆǅ", "𐐷", "𝟘𝟙", "١٢٣", "१२३", "〇一二", "²³", "ñ", "n\u0303", "e\u0301" * 100, "🚨", "👩‍👩‍👧‍👦", "🇷🇼🇧🇮🇨🇩",
    "👍🏿", "🏳️‍🌈", "🅰", "♥︎♥️", "ŋg'ombe", "Ijw'abana", "Mudufashe!", "Mwaramutse, ndi i Kamembe", "Ndi mu nzu kandi sinshobora gusohoka",
]  # fmt: skip
LONG = [
    "x" * 161,
    "x" * 1_600,
    "Ndi mu nzu. " * 1_000,
    "\U0001f6a8" * 2_000,
    "a\u0300" * 2_000,
    "(" * 3_000,
    "[" * 3_000,
    "<" * 3_000,
    "9" * 3_000,
]
RAW = [
    b"\xff", b"\xfe\xff", b"\xc3", b"\xc3\x28", b"\xa0\xa1", b"\xe2\x28\xa1", b"\xf0\x28\x8c\x28", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf4\x90\x80\x80", b"\xf8\xa1\xa1\xa1\xa1", b"\xc0\x80", b"\xe0\x80\xaf", b"\x00\xff", b"M\xfcnchen", b"\x1b$B", b"\xff" * 1_000,
]  # fmt: skip

NAUGHTY: list[bytes] = [
    *(text.encode("utf-8", "surrogatepass") for group in (SCRIPTS, COMMANDS, WORDS, SPACES, LETTERS, LONG) for text in group),
    *RAW,
]
