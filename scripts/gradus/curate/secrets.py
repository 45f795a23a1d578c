"""Where keys, tokens and private keys stand in a text: the patterns of detect-secrets, and a few that it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

# Detectors whose secrets have a form of their own. The entropy and keyword detectors are left out: in documentation
# they report hashes and examples. The npm, OpenAI and basic-auth patterns are wider or older than ours below.
_DETECTORS = (
    AWSKeyDetector, AzureStorageKeyDetector, DiscordBotTokenDetector, GitHubTokenDetector, GitLabTokenDetector, JwtTokenDetector, MailchimpDetector,
    PypiTokenDetector, SendGridDetector, SlackDetector, SquareOAuthDetector, StripeDetector, TelegramBotTokenDetector, TwilioKeyDetector,
)  # fmt: skip
_OWN = (
    r"\bsk-(?:ant-|proj-|or-)?(?=[\w-]*\d)[A-Za-z0-9_-]{20,}",  # Anthropic, OpenAI, OpenRouter
    r"\bAIza[0-9A-Za-z_-]{35}",  # Google
    r"\bya29\.[\w-]{30,}",  # Google OAuth
    r"\bhf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"\bgithub_pat_\w{40,}",
    r"\bnpm_[A-Za-z0-9]{36}",
    # A value of 16 and more characters, letters and digits mixed, given to something called key, token, secret or password.
    r"""(?i:(?:key|token|secret|passw(?:or)?d|pwd)["']?\s*(?:=|:|=>)\s*)["']"""
    r"""(?P<value>(?=[^"'\s]*\d)(?=[^"'\s]*[A-Za-z])[A-Za-z0-9+/=_.~-]{16,})["']""",
    # The same without quotes, as in `.env` files: 32 characters and more, of all three kinds or hexadecimal. Code goes on with . or (.
    r"""(?i:(?:(?:secret|access|api)[_-]?key|token)["']?\s*(?:=|:|=>)\s*)"""
    r"""(?P<bare>(?=[\w+/=-]{0,63}\d)(?=[\w+/=-]{0,63}[a-z])(?=[\w+/=-]{0,63}[A-Z])[A-Za-z0-9][A-Za-z0-9+/=_-]{31,}+"""
    r"""|(?=[a-f]{0,63}\d)(?=\d{0,63}[a-f])[0-9a-f]{32,}+)(?![\w.(\[-])""",
    r"""(?i:\b(?:bearer|authorization:\s*token)\s+)(?P<bearer>(?=[\w.~+/=-]*\d)(?=[\w.~+/=-]*[A-Za-z])[A-Za-z0-9._~+/=-]{20,})""",
    # A password in quotes of capital and small letters, digits and signs; with a slash it may be a path, with brackets a template.
    r"""(?i:(?:passw(?:or)?d|passphrase|pwd)["']?\s*(?:=|:|=>)\s*)["'](?![$%])"""
    r"""(?P<password>(?=[^\s"']*\d)(?=[^\s"']*[a-z])(?=[^\s"']*[A-Z])(?=\w*[^\w\s"'])[^\s"'`/\\<>{}()\[\]]{8,64})["']""",
    r"""://[^\s:/@\[\]<>{}"'`]+:(?P<login>[^\s:/@\[\]<>{}"'`]{3,})@(?=[\w.-]+)""",  # a password inside an address
)
_KEY_END = r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = re.compile(rf"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:(?:(?!-----).)*{_KEY_END}|[A-Za-z0-9+/=\s]*)", re.DOTALL)
_MAY_HOLD_ONE = re.compile(
    r"(?=[A-Za-z_+/=.-]{0,39}\d)(?=[0-9_+/=.-]{0,39}[A-Za-z])[A-Za-z0-9_+/=.-]{16}|://[^\s/:@]*:[^\s/@]*@",
)
_MAY_BE_NAMED = re.compile(  # what the above passes over: a known beginning with letters alone, or something short called a password
    r"""(?:hf|npm|gh[opsur]|github_pat)_\w{16}|AIza[\w-]{16}|ya29\.|(?i:passw(?:or)?d|passphrase|pwd)["']?\s*[=:]""",
)
# What manuals write in the place of a password.
_EXAMPLE = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|example|user(?:name)?|your[\w-]*|x{3,}|\.{3}|\*+|s3cr3t|hunter2|foo|bar|spam|eggs)\d*",
)
_TO_FILL_IN = re.compile(r"(?i)x{4}|\.{3}|\*{3}|(?:^|[-_.])(?:your|here|example|placeholder|change-?me|p[a@]ssw[o0]rd)(?:[-_.!\d]|$)")

SECRETS = frozenset({"PRIVATE_KEY", "SECRET"})
"""The types that `find_secrets` gives."""


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """All patterns; the ones of detect-secrets are made to begin with a word and to take it to its end."""
    theirs = [pattern for detector in _DETECTORS for pattern in detector().denylist]
    bounded = [re.compile(rf"(?<![A-Za-z0-9])(?:{pattern.pattern})[\w-]*", pattern.flags) for pattern in theirs]
    return (*bounded, *(re.compile(pattern) for pattern in _OWN))


def find_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and type (`PRIVATE_KEY`, `SECRET`) of every secret; the spans may overlap."""
    for match in _PRIVATE_KEY.finditer(text):
        yield (*match.span(), "PRIVATE_KEY")
    if not (_MAY_HOLD_ONE.search(text) or _MAY_BE_NAMED.search(text)):  # cheap, and rarely true
        return
    for pattern in _patterns():
        for match in pattern.finditer(text):
            named = [name for name in match.groupdict() if match[name]]
            start, end = match.span(named[0]) if named else match.span()
            value = text[start:end]
            if not (_EXAMPLE.fullmatch(value) or _TO_FILL_IN.search(value)):
                yield start, end, "SECRET"
