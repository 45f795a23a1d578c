"""Personal data and secrets are found, and what only looks like them in a manual is not."""

from __future__ import annotations

import logging

import pytest

from gradus.curate.personal import find_personal_data, is_iban, mask, mask_example, passes_luhn
from gradus.records import Message

from .conftest import Make

REGIONS = ["US", "GB", "DE", "FR"]
# Put together at run time, so that no scanner takes this file for a leak.
AWS = "AKIA" + "IOSFODNN7" + "ABCDEFG"
GITHUB = "ghp_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9" + "." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" + "." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
HUGGING_FACE = "hf_" + "AbCd1234" * 4 + "xy"
OPENAI = "sk-" + "proj-" + "Ab1_" * 10
LETTERS = "hf_" + "qWeRtYuIoPaSdFgHjKlZxCvBnMmNbVcXzL"  # no digit, as most of them are
AWS_SECRET = "wJalrXUtnFEMI/" + "K7MDENG/bPxRfiCY" + "zEXAMPLEKEY"
HEX = "9f86d081884c7d65" + "9a2feaa0c55ad015" + "a3bf4f1b"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nabc+/=\n-----END RSA PRIVATE KEY-----"

FOUND = [
    ("Write to anna.berg@firma.de today.", "Write to [EMAIL] today."),
    ("<Guido@Python.org>, bob@mail.co.uk", "<[EMAIL]>, [EMAIL]"),
    ("Call +49 30 901820 or +1 (415) 555-0132.", "Call [PHONE] or [PHONE]."),
    ("(415) 555-0132 and 415-555-0132", "[PHONE] and [PHONE]"),
    ("Reach us at +4930901820 or +33 1 70 18 99 00!", "Reach us at [PHONE] or [PHONE]!"),
    ("Phone: 030 1234567, fax 020 7946 0958", "Phone: [PHONE], fax [PHONE]"),
    ("Call 020 7946 0958, 0171 2345678 (Berlin) or 01 42 68 53 00.", "Call [PHONE], [PHONE] (Berlin) or [PHONE]."),
    ("Ring 07911 123456 a day before, or 01-42-68-53-00", "Ring [PHONE] a day before, or [PHONE]"),
    ("London (020) 7946 0958, Berlin 030/901820", "London [PHONE], Berlin [PHONE]"),
    ("Card 4111 1111 1111 1111, 378282246310005", "Card [CARD], [CARD]"),
    ("IBAN DE89 3704 0044 0532 0130 00 or GB29NWBK60161331926819.", "IBAN [IBAN] or [IBAN]."),
    (f"key {AWS}.", "key [SECRET]."),
    (f"token={GITHUB}", "token=[SECRET]"),
    (f"Bearer {JWT}", "Bearer [SECRET]"),
    (f"login({HUGGING_FACE!r}) and {OPENAI}", "login('[SECRET]') and [SECRET]"),
    ('api_key = "9f8Gh2kLmN4pQrStUv"', 'api_key = "[SECRET]"'),
    (f"HF_TOKEN: {LETTERS}", "HF_TOKEN: [SECRET]"),
    (f"the key {LETTERS}.", "the key [SECRET]."),
    (f"AWS_SECRET_ACCESS_KEY={AWS_SECRET}\nREGION=eu", "AWS_SECRET_ACCESS_KEY=[SECRET]\nREGION=eu"),
    (f"export API_KEY={HEX[:32]}", "export API_KEY=[SECRET]"),
    (f"?token={AWS_SECRET}&page=2", "?token=[SECRET]&page=2"),
    (f"curl -H 'Authorization: Bearer {HEX}'", "curl -H 'Authorization: Bearer [SECRET]'"),
    (f"Authorization: token {HEX}", "Authorization: token [SECRET]"),
    ('db_password = "S3cr3t!Pass99"', 'db_password = "[SECRET]"'),
    ('"PGPASSWORD": "S3cr3t!Pass99"', '"PGPASSWORD": "[SECRET]"'),
    ("postgres://anna:qX7vbn2@db.firma.de/main", "postgres://anna:[SECRET]@db.firma.de/main"),
    (f"Save it:\n\n{KEY}\n\nDone.", "Save it:\n\n[PRIVATE_KEY]\n\nDone."),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA", "[PRIVATE_KEY]"),
]


@pytest.mark.parametrize(("text", "masked"), FOUND)
def test_found_and_masked(text: str, masked: str) -> None:
    assert mask(text, REGIONS)[0] == masked


LOOKALIKES = [
    ">>> a @ b\n>>> x@self.weight\n>>> q@k.T\n>>> a@b.mT\n>>> W@x.shape",
    "someone@example.com, user@localhost, me@test.invalid, you@your-domain.example",
    "git@github.com:user/repo.git and @app.route and @pytest.mark.slow",
    "array([0.12345678, 1.2345e+10, -1234567890, 415555013, 2147483647])",
    "+1 000 000 0000, +99 12 345 678 and 123-456-7890 are in no numbering plan; fax 1980 1990 2000",
    "x = [+1.5, +2.25]; +49 3 4; 0x1F2E3D4C5B; deadbeef-0123-4567-89ab-cdef01234567; 10.1000/182; 978-3-16-148410-0",
    "1 2 3 4 5 6 7 8 9 10; 555 1234; (200) 300-4000; >>> x[100-200-3000]; 2.0.0-1.2.3.4; ISO 8601: 2024-05-06T12:30:00+01:00",
    "+3.140000; +1234567890; 1000000000000000; 1.4111111111111111",
    "Python 3.11.4, numpy 2.4.6, 2024-05-06 12:30:00, 192.168.100.200, 2001:db8::8a2e:370:7334",
    "4111 1111 1111 1112",  # wrong check digit
    "1234567812345670",  # right check digit, no issuer
    "DE89 3704 0044 0532 0130 01",
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "secrets.token_hex(16)  # 'f9bf78b9a18ce6d46a0cd2b0b86df9da'",
    "http://user:password@proxy.example.com:8080/ and ftp://joe:secret@host",
    'password = "hunter2"',
    "sk-learn-contrib-and-other-packages",
    "[[1 2 3] [100 200 3000]] 10 20 30 40 50 60",
    f"commit {HEX}; git checkout {HEX[:12]}; token_type = {HEX}; etag: {HEX}; cache_key={HEX}",
    "token: 123e4567-e89b-12d3-a456-426614174000, api_key = 123E4567-E89B-12D3-A456-426614174000",
    "token = tokenizer(text); access_token = client.oauth2.fetchAccessTokenFromServerV2(scope)",
    "token = Wav2Vec2ProcessorForSequenceClassification.from_pretrained(name)",
    'password = getpass(); password = os.environ["DB_Pa55w0rd!"]; passwd: "{{ Vault.Db_1 }}"; pwd = "C:/Users/Anna1"',
    'api_key: str = ""; API_KEY=your-key-here; API_KEY=<your-32-character-Key>; SECRET_KEY=${API_KEY_1}',
    "hf_xxx, hf_" + "x" * 34 + ", HF_TOKEN=hf_" + "X" * 34 + ", hf_transformers_and_other_packages_of_the_hub",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_1234567890; Bearer $TOKEN; Bearer {token}; bearer token authentication",
    '{"password":"new-password"},{"id":"B1"}',
    'api_key="your-api-key-1234-here"; password = "P@ssw0rd!"; password="Change-me-1!"',
    "2024-05-06 0930 1030; 01 02 2024; 01-02-2024 12:30; 48 51 24 N 02 21 03 E; 0201 0302; 01 02 03 04 05; 01 42 68 53 00 ff 7a",
    "v01.42.68.53.00; 0171.2345678; 0x0171 2345678a; 0030 1234567; 0123 4567 8901 2345; 00 11 22 33 44 55; 1 020 7946 0958",
    "tel_number, mobile-first, fax machines in 1980-1990",
]


@pytest.mark.parametrize("text", LOOKALIKES)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert find_personal_data(text, REGIONS) == []


def test_check_digits() -> None:
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")
    assert is_iban("GB82WEST12345698765432")
    assert not is_iban("GB82WEST1234569876543")
    assert not is_iban("ZZ82WEST12345698765432")


def test_every_part_of_an_example_is_masked_and_counted(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    example = make("Is a.b@firma.de right?", "Yes, or c.d@firma.de.", context=(Message("system", "Mail e.f@firma.de, call +49 30 901820."),))
    with caplog.at_level(logging.DEBUG):
        masked, counts = mask_example(example, REGIONS)
    assert [turn["content"] for turn in masked.messages()] == ["Mail [EMAIL], call [PHONE].", "Is [EMAIL] right?", "Yes, or [EMAIL]."]
    assert counts == {"EMAIL": 3, "PHONE": 1}
    assert caplog.text == ""
    assert mask_example(masked, REGIONS)[1] == {}
