"""Who may do what: one table of verbs and relations."""

import pytest

from domain.permission import MAY, OPERATOR, permit
from domain.refusal import NotPermitted

RELATIONS = (
    *("poster", "poster of the parent", "contributor", "addressee", "opener", "disputer", "author"),
    "anyone",
)

#                     poster  of parent  contributor  addressee  opener  disputer  author  anyone
TABLE = {
    "admit a contributor":        ("no", "no", "no", "no", "no", "no", "no", "no"),
    "merge":                      ("no", "no", "no", "no", "no", "no", "no", "no"),
    "submit":                     ("yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
    "withdraw":                   ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "redate":                     ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "declare":                    ("yes", "yes", "no", "no", "no", "no", "no", "no"),
    "dispute":                    ("yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
    "answer":                     ("yes", "yes", "yes", "no", "yes", "no", "yes", "no"),
    "settle":                     ("no", "no", "no", "no", "no", "no", "no", "no"),
    "withdraw a dispute": ("no", "no", "no", "no", "no", "yes", "no", "no"),
    "let expire":                 ("yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
    "strike":                     ("no", "no", "no", "no", "no", "no", "no", "no"),
    "grant":                      ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "claim":                      ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "accept":                     ("no", "no", "no", "yes", "no", "no", "no", "no"),
    "decline":                    ("no", "no", "yes", "yes", "no", "no", "no", "no"),
    "revoke":                     ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "assemble":                   ("yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
    "publish":                    ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "read notices":      ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "forget":                     ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "register a key":             ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "revoke a key":               ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "close a split":              ("yes", "no", "no", "no", "no", "no", "no", "no"),
    "comment":                    ("yes", "yes", "yes", "yes", "yes", "yes", "yes", "yes"),
    "answer for a share":         ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "keep the books":             ("no", "no", "no", "no", "no", "no", "no", "no"),
    "pay":                        ("no", "no", "no", "no", "no", "no", "no", "no"),
    "claim a payout":             ("no", "no", "yes", "no", "no", "no", "no", "no"),
    "hold money":                 ("no", "no", "no", "no", "no", "no", "no", "no"),
    "read a statement":           ("no", "no", "yes", "no", "no", "no", "no", "no"),
}  # fmt: skip


def allowed(actor: str, verb: str, **relations: str) -> bool:
    try:
        permit(actor, verb, **relations)
    except NotPermitted:
        return False
    return True


def test_every_verb_is_in_the_table() -> None:
    assert set(TABLE) == set(MAY)


@pytest.mark.parametrize("verb", TABLE)
@pytest.mark.parametrize("place, relation", list(enumerate(RELATIONS)))
def test_a_verb_is_open_to_these_relations_only(verb: str, place: int, relation: str) -> None:
    others = {name.replace(" ", "_"): "somebody else" for name in RELATIONS[:-1]}
    own = {} if relation == "anyone" else {relation.replace(" ", "_"): "ana"}
    assert allowed("ana", verb, **(others | own)) == (TABLE[verb][place] == "yes")


@pytest.mark.parametrize("verb", TABLE)
def test_an_operator_may_do_everything(verb: str) -> None:
    permit(OPERATOR, verb)


def test_a_refusal_names_who_and_what() -> None:
    with pytest.raises(NotPermitted) as refused:
        permit("ana", "strike", poster="ana")
    assert refused.value.details == {"actor": "ana", "verb": "strike"}
