"""The small values of the domain: rates, URIs, ids, texts, digests, roles and kinds."""

import re
import unicodedata
import uuid
from fractions import Fraction
from hashlib import sha1

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.annotation import value_of
from domain.credit import CREDIT_KINDS
from domain.fact import utc_now
from domain.identity import new_id, part_id
from domain.outside import URI_LIMIT, normal_uri
from domain.refusal import (
    REFUSALS,
    BadId,
    BadRate,
    BadText,
    BadUri,
    Refusal,
    TextTooLong,
    UnknownKind,
    UnknownRole,
)
from domain.registry import COMMANDS
from domain.remix import REMIX_KINDS, exact_rate
from domain.role import role_named, roles
from domain.seal import digest_of, seal
from domain.text import LIMITS, folded, hex_digest, plain_text
from domain.value import Many
from domain.values import CreditKind, RemixKind
from domain.vocabularies import VOCABULARIES

# -- rates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["0", "1", "1/5", "0.2", "0.20", "10/50", "1.000", "0/7", "7/7"])
def test_an_exact_rate_is_kept_as_it_was_stated(rate: str) -> None:
    assert exact_rate(rate) == rate


def test_a_rate_may_be_left_out() -> None:
    assert exact_rate(None) is None


@pytest.mark.parametrize(
    "rate",
    [
        *("", " ", "1/5 ", " 1/5", "1 /5", "1/ 5", "1 / 5", "1/5\n"),
        *("-0.1", "-1/5", "-0", "+1/5", "1.0001", "6/5", "2"),
        *("1/0", "0/0", "1/-5", "1/5/5", "0.2/1", "1/0.2", "/5", "1/", "."),
        *("1e-1", "2E-1", "nan", "inf", "20%", "1_0/2_0", "½", "١/٥", "0,2", "a fifth"),
        *(0.2, 1, 0, True, Fraction(1, 5), ["1/5"]),
        "0." + "1" * 79,
    ],
)
def test_what_is_no_exact_rate_from_0_to_1_is_refused(rate: object) -> None:
    with pytest.raises(BadRate):
        exact_rate(rate)


@given(st.fractions(0, 1, max_denominator=10**9))
def test_every_fraction_from_0_to_1_is_a_rate(rate: Fraction) -> None:
    assert Fraction(str(exact_rate(str(rate)))) == rate


# -- URIs ----------------------------------------------------------------------------------

NORMAL = [
    ("https://example.org/x", "https://example.org/x"),
    ("HTTPS://Example.ORG/x", "https://example.org/x"),
    (" https://example.org/x\n", "https://example.org/x"),
    ("https://EXAMPLE.org:8080/Path?Query=A#Part", "https://example.org:8080/Path?Query=A#Part"),
    ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
    ("https://example.org/a//b/", "https://example.org/a//b/"),
    ("https://[::FFFF]/x", "https://[::ffff]/x"),
    ("https://пример.example/ä", "https://xn--e1afmkfd.example/%C3%A4"),
    ("https://ПРИМЕР.example/a\u0308", "https://xn--e1afmkfd.example/%C3%A4"),
    ("https://xn--e1afmkfd.example/%c3%a4", "https://xn--e1afmkfd.example/%C3%A4"),
    ("https://%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.example", "https://xn--e1afmkfd.example/"),
    ("https://b\u00fccher。example/", "https://xn--bcher-kva.example/"),
    ("https://example.org", "https://example.org/"),
    ("https://example.org?q#a", "https://example.org/?q#a"),
    ("https://example.org:443/a", "https://example.org/a"),
    ("https://example.org:/a", "https://example.org/a"),
    ("https://example.org:80/a", "https://example.org:80/a"),
    ("http://example.org:80", "http://example.org/"),
    ("ftp://example.org:21/a", "ftp://example.org/a"),
    ("https://example.org/%61%7e%2D", "https://example.org/a~-"),
    ("https://example.org/%2f?%3d#%2A", "https://example.org/%2F?%3D#%2A"),
    ("https://example.org/x/../a", "https://example.org/a"),
    ("https://example.org/x/%2E%2e/a", "https://example.org/a"),
    ("https://example.org/../../a/./b/.", "https://example.org/a/b/"),
    ("https://example.org/a/b/..", "https://example.org/a/"),
    ("https://example.org/?x/../y", "https://example.org/?x/../y"),
    ("https://example.org/100%", "https://example.org/100%25"),
    ("https://example.org/%%36%31", "https://example.org/%2561"),
    ("https://Ana:Key@Example.org:443/", "https://Ana:Key@example.org/"),
    ("https://my_host.example/", "https://my_host.example/"),
    ("https://[2001:DB8::1]:443", "https://[2001:db8::1]/"),
    ("https://[2001:db8:0:0:0:0:0:01]:0443", "https://[2001:db8::1]/"),
    ("https://example.org:08080/a", "https://example.org:8080/a"),
    ("https://example.org:00/a", "https://example.org:0/a"),
    ("https://[::ffff:192.0.2.1]/", "https://[::ffff:c000:201]/"),
    ("https://[::ffff:0.0.0.0]/", "https://[::ffff:0:0]/"),
    ("x:/.//y", "x:/.//y"),
    ("spotify:track:4uLU6hMCjMI75M1A2tKUQC", "spotify:track:4uLU6hMCjMI75M1A2tKUQC"),
    (
        "IPFS://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPBdG/a",
        "ipfs://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPBdG/a",
    ),
    ("ar://bNbA3TEQVL60xlgCcqdz4ZPHFZ711cZ3hmkpGttDt_U/",) * 2,
    ("magnet:?xt=urn:btih:C12FE1C06BBA254A9DC9F519B335AA7C1367A88A",) * 2,
    ("URN:ISBN:0451450523", "urn:isbn:0451450523"),
    ("urn:ocremix:game:81", "urn:ocremix:game:81"),
    ("mailto:Ana@example.org", "mailto:Ana@example.org"),
    ("doi:10.1000/ABC", "doi:10.1000/ABC"),
    ("file:///Music/a.flac", "file:///Music/a.flac"),
    ("file:////server/Music", "file:////server/Music"),
]


@pytest.mark.parametrize("uri, normal", NORMAL)
def test_equivalent_uris_have_one_spelling(uri: str, normal: str) -> None:
    assert normal_uri(uri) == normal


@pytest.mark.parametrize(
    "uri",
    [
        *("", " ", "example.org/x", "/x", "//example.org/x", "https:", "https:///x", "http://"),
        *("https://example.org/a b", "https://example.org/a\nb", "https://example.org/<x>"),
        *("https://example.org/\0", "https://example.org/\ud800", "https://[::1", "1a:x", "a|b:x"),
        *("https://example.org/{x}", "x:", "https://?q", "https://#part"),
        *(
            "https://:80/",
            "https://a:b/",
            "https://@/",
            "https://a]/",
            "https://a:65536/",
            "https://a:000000000080000/",
            "https://[1:2]/",
            "https://[g]/",
            "https://-\u00fc/",
        ),
    ],
)
def test_what_is_no_absolute_uri_is_refused(uri: str) -> None:
    with pytest.raises(BadUri):
        normal_uri(uri)


def test_a_uri_has_an_end() -> None:
    start = "https://example.org/"
    longest = start + "x" * (URI_LIMIT - len(start))
    assert normal_uri(longest) == longest
    with pytest.raises(TextTooLong):
        normal_uri(longest + "x")


@given(
    st.builds(
        "{}:{}".format,
        st.from_regex(r"[A-Za-z][A-Za-z0-9+.-]{0,5}", fullmatch=True) | st.just("http"),
        st.text("/?#:@[]%.aZ1é ", max_size=12),
    )
)
@example("file:////server/x")
@example("x:////y")
@example("a:?#")
def test_a_normal_uri_is_its_own_normal_form(uri: str) -> None:
    try:
        normal = normal_uri(uri)
    except BadUri:
        return
    assert normal_uri(normal) == normal
    assert normal.isascii()
    scheme, _, rest = normal.partition(":")
    if "[" not in rest:  # an address of IPv6 is never encoded
        codes = re.sub("%..|[a-zA-Z]", _encoded, rest)
        assert normal_uri(f"{scheme.upper()}:{codes}") == normal


def _encoded(found: re.Match[str]) -> str:
    text = found[0]
    return text.lower() if text.startswith("%") else f"%{ord(text):02x}"


# -- ids -----------------------------------------------------------------------------------

UUID = "0b7e9d1e-93b0-4a3c-8a6a-5f6c2d1e0f9a"


@pytest.mark.parametrize(
    "written", [UUID, UUID.upper(), "{" + UUID + "}", "urn:uuid:" + UUID, UUID.replace("-", "")]
)
def test_an_id_has_one_form_however_it_is_written(written: str) -> None:
    assert new_id(written) == UUID


@pytest.mark.parametrize("written", ["", "ana", UUID[:-1], UUID + "0", UUID.replace("0", "g"), "1"])
def test_what_is_no_uuid_is_refused(written: str) -> None:
    with pytest.raises(BadId):
        new_id(written)


def test_an_id_nobody_chose_is_new() -> None:
    assert new_id(None) != new_id(None)


def test_parts_are_found_again_by_their_whole_and_number() -> None:
    ids = {part_id(UUID, part, n) for part in ("author", "source") for n in range(3)}
    assert len(ids) == 6
    assert part_id(UUID, "author", 0) in ids


def test_the_id_of_a_part_begins_with_the_time_of_its_whole_if_that_begins_with_one() -> None:
    whole = new_id(None)
    part = part_id(whole, "author", 0)
    assert part != part_id(whole, "author", 1)
    for id in (part, part_id(part, "hold", 0)):
        assert id[:13] == whole[:13]
        assert (uuid.UUID(id).version, uuid.UUID(id).variant) == (8, uuid.RFC_4122)
    named = bytes.fromhex(UUID.replace("-", "")) + b"author/0"
    assert part_id(UUID, "author", 0) == str(uuid.UUID(bytes=sha1(named).digest()[:16], version=5))


# -- texts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("field", LIMITS)
def test_a_text_may_be_as_long_as_its_field_and_no_longer(field: str) -> None:
    longest = "ä" * LIMITS[field]
    assert plain_text(field, longest) == longest
    with pytest.raises(TextTooLong) as refused:
        plain_text(field, longest + "ä")
    assert refused.value.details == {"field": field, "limit": LIMITS[field]}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\n\t", "\u00a0", "a\0b", "\0", "\ud800", "a\udfffb"),
        # Nothing of these can be seen: spaces of no width, fillers, marks and controls alone.
        *(
            "\u200b",
            "\u2060\ufeff",
            "\u00ad",
            "\u3164",
            "\u115f\u1160",
            "\u2800",
            "\u0301",
            "\x01\x1b",
        ),
        *(
            "\ufffc",
            "\U0001d159",
            "\U00013441\U00013442",
            "\u202e\u2066",
            "\ufe0f",
            "\U000e0041",
            "\u3000\u2003",
            "\ue000",
        ),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(BadText) as refused:
        plain_text("title", text)
    assert refused.value.code == "bad_text"
    assert refused.value.details["field"] == "title"
    assert set(refused.value.details) == {"field", "reason"}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        " x ",
        "Ⅷ 😀 \u202e مرحبا",
        "a\nb",
        "a\x01",
        "'; DROP TABLE",
        "…",
        "Ж",
        "한",
        "👩‍👩‍👧",
        "ก็",
    ],
)
def test_any_other_text_is_kept_as_it_is(text: str) -> None:
    assert plain_text("title", text) == text


@given(st.text(), st.text(), st.text())
def test_part_of_a_text_is_part_of_it_when_folded(before: str, text: str, after: str) -> None:
    assert folded(text) in folded(before + text + after)
    assert folded(folded(text)) == folded(text)
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))
    assert folded(text.upper()) == folded(text)


def test_a_digest_is_64_hexadecimal_digits() -> None:
    assert hex_digest("AB" * 32) == "ab" * 32
    for wrong in ("", "ab" * 31, "ab" * 33, "zz" * 32, "ab" * 32 + "\n"):
        with pytest.raises(BadText):
            hex_digest(wrong)


# -- commitments ---------------------------------------------------------------------------


def test_a_commitment_is_the_digest_of_rfc_9901() -> None:
    """The example of its section 4.2.3, which writes the array with spaces, is not ours to match
    byte for byte; the same array without them is."""
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    inner = urlsafe_b64encode('["c2FsdA","title","Größe"]'.encode()).rstrip(b"=")
    outer = urlsafe_b64encode(sha256(inner).digest()).rstrip(b"=").decode()
    assert digest_of("c2FsdA", "title", "Größe") == outer


def test_the_same_text_is_never_committed_to_twice_alike() -> None:
    """Who guesses a text cannot check the guess against another fact."""
    one, other = seal("ana", "name", "Ana"), seal("ana", "name", "Ana")
    assert one.digest != other.digest
    assert len(one.salt) == 22  # 128 bits
    assert one.digest == digest_of(one.salt, one.name, one.value)


# -- roles and kinds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "written, role",
    [
        ("writer", "writer"),
        ("Writer", "writer"),
        ("voice actor", "voice actor"),
        ("Voice_Actor", "voice actor"),
        ("voice-actor", "voice actor"),
        ("VOICEACTOR", "voice actor"),
        (" on air  talent ", "on-air talent"),
        ("On-Air Talent", "on-air talent"),
        ("author", "writer"),
        ("Bass-Player", "bassist"),
        ("make up artist", "makeup artist"),
        ("D.J.", None),
        ("wizard", None),
        ("", None),
        ("writer\0", None),
    ],
)
def test_a_role_is_found_however_it_is_spelt(written: str, role: str | None) -> None:
    if role is not None:
        assert role_named(written) == role
    else:
        with pytest.raises(UnknownRole):
            role_named(written)


def test_the_roles_that_were_asked_for_exist() -> None:
    asked = "writer, photographer, illustrator, voice actor, on-air talent, editor, musician"
    asked += ", singer, animator, director"
    assert set(asked.split(", ")) <= set(roles())


def test_kinds_are_those_documented_and_no_others() -> None:
    asked = {"adaptation", "arrangement", "sample", "component", "influence"}
    assert asked <= set(REMIX_KINDS)
    assert set(CREDIT_KINDS) == {"direct", "influence"}
    for kinds, declared in ((REMIX_KINDS, RemixKind), (CREDIT_KINDS, CreditKind)):
        word = value_of(declared)
        assert {word.read(kind, utc_now()) for kind in kinds} == set(kinds)
        with pytest.raises(UnknownKind):
            word.read("Sample", utc_now())


# -- refusals ------------------------------------------------------------------------------


def test_every_refusal_has_a_code_of_its_own_and_says_what_it_means() -> None:
    def below(kind: type[Refusal]) -> list[type[Refusal]]:
        # One with the code of its parent is another sentence for the same.
        of_parent = getattr(kind, "code", "")
        subs = [sub for sub in kind.__subclasses__() if sub.code != of_parent]
        return [kind] if not subs else [one for sub in subs for one in below(sub)]

    kinds = [kind for kind in below(Refusal) if kind.__module__.startswith("domain.")]
    # What is said of a line of a file is no answer to a request.
    kinds = [kind for kind in kinds if kind.__module__ != "domain.lines"]
    assert {kind.code: kind for kind in kinds} == REFUSALS
    assert len(kinds) == len(REFUSALS)
    assert all(kind.__doc__ and kind.code.replace("_", "").islower() for kind in kinds)


def test_every_word_with_a_fixed_meaning_is_in_a_vocabulary_or_in_its_help() -> None:
    known = [one.words for one in VOCABULARIES.values()]
    for command in COMMANDS.values():
        for one in command.every_field():
            value = one.value.inner if isinstance(one.value, Many) else one.value
            words = getattr(value, "choices", None) or getattr(value, "words", None) or {}
            missing = [word for word in words if word not in value.help]
            assert words in known or not missing, (command.NAME, one.name, missing)
