"""Policies seen by work: whatever is frozen as assets pays everybody what the policy pays.

Rule: the assets are read again as a policy, and divided without the lineage.
"""

from fractions import Fraction
from typing import Any

import pytest
from exact import fixed, lineage_of
from hypothesis import assume, given
from hypothesis import strategies as st
from test_policies import exact_shares, lineages

from domain.lineage import Lineage
from domain.money.policy.works import Frozen, assets_of
from domain.money.split import read_terms, split
from domain.refusal import BadPolicy, CapExceeded


def as_policy(assets: list[Frozen]) -> dict[str, Any]:
    """The assets as they are written in a proposal."""
    return {
        "type": "assets",
        "assets": [
            {
                "asset": name,
                "value": str(value),
                "shares": [[payee, str(share)] for payee, share in shares],
            }
            for name, value, shares in assets
        ],
    }


CASCADE = {"type": "relative_cascade"}
OVER_A_LINEAGE = [
    CASCADE,
    {"type": "absolute_per_path"},
    {"type": "absolute_per_edge"},
    {"type": "decay", "pool": "1/5", "factor": "2/3", "depth": 4},
]


def fees(*names: str, then: object) -> dict[str, object]:
    lines = [{"payee": name, "rate": f"1/{10 + place}"} for place, name in enumerate(names)]
    return {"type": "fees", "fees": lines, "then": then}


def bundle(*tracks: object) -> dict[str, object]:
    named = [[f"track {place}", track] for place, track in enumerate(tracks)]
    return {"type": "bundle", "by": "track", "tracks": named}


def composed(policy: object) -> list[dict[str, Any]]:
    """A policy alone and inside others; some are paid by the name of a person or of a work."""
    return [
        policy,
        fees("platform", "ana", "0.0", then=policy),
        fees("zoe", then=bundle(policy, fixed([["bo", "1"], ["cy", "2"]]), CASCADE)),
        {"type": "adjusted", "of": policy, "set": [["e1", "1/100"], ["e2", "1/100"]]},
    ]  # type: ignore[list-item]


@given(lineages(), st.sampled_from([each for one in OVER_A_LINEAGE for each in composed(one)]))
def test_what_is_frozen_as_assets_pays_everybody_the_same(
    lineage: Lineage[str], form: dict[str, Any]
) -> None:
    try:
        policy = read_terms(form, graph=lineage)
        right = exact_shares(policy, lineage)
    except CapExceeded:
        assume(False)
    assets = assets_of(policy, lineage)
    assert sum(value for _, value, _ in assets) == 1
    assert {name for name, _, _ in assets} - {"other"} == set(lineage.nodes)
    assert exact_shares(read_terms(as_policy(assets)), lineage) == right


FILM = lineage_of(
    "film",
    [("film", "song", Fraction(1, 5))],
    {"film": ((("ana", Fraction(1, 2)), ("bo", Fraction(1, 2))))},
)


def test_a_work_keeps_its_value_and_a_fee_is_another_asset() -> None:
    policy = read_terms(fees("platform", then=CASCADE), graph=FILM)
    assert assets_of(policy, FILM, other="fees") == [
        ("film", Fraction(18, 25), (("ana", Fraction(1, 2)), ("bo", Fraction(1, 2)))),
        ("song", Fraction(9, 50), (("song", Fraction(1)),)),
        ("fees", Fraction(1, 10), (("platform", Fraction(1)),)),
    ]


def test_whoever_is_paid_by_the_name_of_a_work_is_not_that_work() -> None:
    policy = read_terms(fees("film", then=CASCADE), graph=FILM)
    assert assets_of(policy, FILM)[-1] == ("other", Fraction(1, 10), (("film", Fraction(1)),))


def test_what_depends_on_the_amount_is_frozen_for_that_amount() -> None:
    form = {"type": "waterfall", "tranches": [["bank", "60"], ["film", None, CASCADE]]}
    policy = read_terms(form, graph=FILM)
    assets = assets_of(policy, FILM, amount_minor=100)
    assert [value for _, value, _ in assets] == [Fraction(8, 25), Fraction(2, 25), Fraction(3, 5)]
    right = split(100, policy, FILM).division.units
    assert split(100, read_terms(as_policy(assets))).division.units == right


ADVANCE = {"account": "x", "payee": "ana", "advance_minor": 1, "earned_minor": 0, "paid_minor": 0}


@pytest.mark.parametrize(
    "form",
    [
        {"type": "adjusted", "of": CASCADE, "set": [["ana", "1/10"]]},
        {"type": "advance", "account": "x", "accounts": [ADVANCE], "to": "label", "then": CASCADE},
    ],
    ids=["a share set for somebody in a work", "an advance of somebody in a work"],
)
def test_what_looks_at_the_people_in_works_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy, match="works alone"):
        assets_of(read_terms(form, graph=FILM), FILM)


def test_the_asset_of_all_others_is_not_a_work() -> None:
    with pytest.raises(BadPolicy, match="is a work"):
        assets_of(read_terms(CASCADE, graph=FILM), FILM, other="song")


def test_a_deep_lineage_can_be_frozen_and_read_again() -> None:
    edges = [
        (f"w{n}", f"w{n + 1 + gap}", Fraction(1, 7 + gap)) for n in range(300) for gap in (0, 1)
    ]
    lineage = lineage_of("w0", edges)
    policy = read_terms(CASCADE, graph=lineage)
    assets = assets_of(policy, lineage)
    assert max(len(str(value)) for _, value, _ in assets) > 600
    assert exact_shares(read_terms(as_policy(assets)), lineage) == exact_shares(policy, lineage)
