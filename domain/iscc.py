"""Reading ISCC content codes (ISO 24138) into units, and comparing units of the same kind.

Source: the codec of the reference implementation, iscc-core 1.x, and its documentation. Here codes
are only read and compared; clients compute them from their files.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

PREFIX = "ISCC:"
MAIN_TYPES = ("meta", "semantic", "content", "data", "instance", "iscc")
SUBTYPES = ("text", "image", "audio", "video", "mixed")
_SUM, _NONE = 5, 6
"""The subtypes of a code without a part about content; the second has one about metadata."""
_PLAIN = ("meta", "data", "instance")
"""The units that have no subtype."""
_IN_CODE = ("meta", "semantic", "content")
"""The units that a code may have before data and instance, one for each bit of its length."""
UNIT_BITS = 64
"""The bits of each unit in a code; a single unit may be longer, but only these are compared."""
NEAR_BITS = 7
"""Units that differ in at most this many bits are similar."""
BANDS, BAND_BITS = 4, 16
"""A unit is found by its bands: if 7 bits differ, one of the 4 bands has at most 1 of them."""


class Unit(NamedTuple):
    """One part of a code: what it is about, and its bits."""

    kind: str
    bits: bytes

    @property
    def is_compared(self) -> bool:
        """Whether it describes the content, and is long enough to be found."""
        return self.kind != "meta" and len(self.bits) * 8 >= UNIT_BITS


def normal_iscc(text: str) -> str:
    """The normal spelling of a code; raises ValueError for what is none."""
    spelled = re.sub(r"\A(?i:iscc:)", "", text.strip()).replace("-", "").upper()
    _read(_decoded(spelled))
    return PREFIX + spelled


def units_of(code: str) -> tuple[Unit, ...]:
    """The units of a code in its normal form."""
    return _read(_decoded(code.removeprefix(PREFIX)))


def difference(one: bytes, other: bytes) -> int:
    """The number of bits in which two units differ, over their common length."""
    size = min(len(one), len(other))
    return (int.from_bytes(one[:size]) ^ int.from_bytes(other[:size])).bit_count()


def bands_of(bits: bytes) -> list[int]:
    """The keys under which a unit of 64 bits or more is found."""
    parts = [int.from_bytes(bits[2 * at : 2 * at + 2]) for at in range(BANDS)]
    return [at << BAND_BITS | part for at, part in enumerate(parts)]


def near_bands(bits: bytes) -> list[int]:
    """The keys under which every similar unit is found: its bands, with one bit changed or none."""
    return [key ^ change for key in bands_of(bits) for change in (0, *_ONE_BIT)]


_ONE_BIT = tuple(1 << bit for bit in range(BAND_BITS))


def _decoded(spelled: str) -> bytes:
    try:
        decoded = base64.b32decode(spelled + "=" * (-len(spelled) % 8))
    except (binascii.Error, ValueError):
        raise ValueError(spelled) from None
    if base64.b32encode(decoded).decode().rstrip("=") != spelled:
        raise ValueError(spelled)  # bits after the end
    return decoded


def _read(raw: bytes) -> tuple[Unit, ...]:
    main, subtype, version, length, body = _header(raw)
    if main >= len(MAIN_TYPES) or version != 0:
        raise ValueError(raw)
    found = tuple(
        _of_code(subtype, length, body) if main == 5 else _single(main, subtype, length, body)
    )
    if sum(len(unit.bits) for unit in found) != len(body) or not found:
        raise ValueError(raw)
    return found


def _single(main: int, subtype: int, length: int, body: bytes) -> Iterator[Unit]:
    kind = _kind(MAIN_TYPES[main], subtype)
    if length > 7:
        raise ValueError(length)
    yield Unit(kind, body[: (length + 1) * 4])


def _of_code(subtype: int, length: int, body: bytes) -> Iterator[Unit]:
    if length > 7 or subtype > _NONE:
        raise ValueError(length)
    # The highest of the three bits is that of the first unit.
    parts = [name for at, name in enumerate(_IN_CODE) if length & (4 >> at)]
    has_content = bool({"semantic", "content"} & set(parts))
    without_content = _NONE if parts else _SUM
    if subtype >= _SUM if has_content else subtype != without_content:
        raise ValueError(subtype)
    size = UNIT_BITS // 8
    for at, name in enumerate((*parts, "data", "instance")):
        kind = name if name in _PLAIN else _kind(name, subtype)
        yield Unit(kind, body[at * size : (at + 1) * size])


def _kind(name: str, subtype: int) -> str:
    if name in _PLAIN:
        if subtype:
            raise ValueError(subtype)
        return name
    return f"{name} ({SUBTYPES[subtype]})" if subtype < len(SUBTYPES) else _no(subtype)


def _no(subtype: int) -> str:
    raise ValueError(subtype)


def _header(raw: bytes) -> tuple[int, int, int, int, bytes]:
    """Four numbers of one nibble or more each, then the body from the next whole byte on."""
    nibbles = [part for byte in raw for part in (byte >> 4, byte & 15)]
    numbers, at = list[int](), 0
    for _ in range(4):
        number, at = _number(nibbles, at)
        numbers.append(number)
    if at % 2 and nibbles[at : at + 1] != [0]:
        raise ValueError(raw)
    main, subtype, version, length = numbers
    return main, subtype, version, length, raw[(at + 1) // 2 :]


_STARTS = (0, 8, 72, 584)
"""The first number that takes so many nibbles more than one."""


def _number(nibbles: Sequence[int], at: int) -> tuple[int, int]:
    """One number: its first nibble begins with a 1 for each further one."""
    if at >= len(nibbles):
        raise ValueError(at)
    more = next((n for n in range(4) if not nibbles[at] & (8 >> n)), None)
    if more is None or at + more >= len(nibbles):
        raise ValueError(at)
    value = 0
    for nibble in nibbles[at : at + more + 1]:
        value = value << 4 | nibble
    bits = 4 * (more + 1) - more - 1
    return _STARTS[more] + (value & ((1 << bits) - 1)), at + more + 1
