"""A policy of trust is read as C2SP tlog-policy describes it, and decides by groups."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from domain.checkpoint import Checkpoint, cosign, sign
from domain.note import COSIGNATURE, ML_DSA, SignerKey
from domain.tree import EMPTY_ROOT, NotVerified
from domain.trust import read_policy
from scripts.settings import BadSetting, read_settings
from scripts.verify import main as verify

SPEC = Path(__file__).parent / "golden" / "transparency_log.json"
LOG = SignerKey("log.example", bytes(range(32))).verifier
SIGNERS = {
    f"{letter}{number}": SignerKey(
        f"{letter.lower()}{number}.example",
        bytes(range(10 * number + ord(letter) - 80, 10 * number + ord(letter) - 48)),
        ML_DSA if number == 3 else COSIGNATURE,
    )
    for letter in "XY"
    for number in (1, 2, 3)
}
KEYS = {name: one.verifier for name, one in SIGNERS.items()}
UNKNOWN = "w.example+fd91d1bc+BQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
"""A key of the kind 0x05, which is one of Certificate Transparency."""


def example() -> bytes:
    """The example of the specification, with keys in the place of the elided ones."""
    (text,) = (one for one in examples() if one.startswith("log <vkey>\n\nwitness X1"))
    text = text.replace("log <vkey>", f"log {LOG}")
    for name, key in KEYS.items():
        text = text.replace(f"witness {name} <vkey>", f"witness {name} {key}")
    return text.encode()


def examples() -> list[str]:
    found: list[str] = []

    def walk(value: object) -> None:
        match value:
            case str():
                found.append(value)
            case dict():
                [walk(one) for one in value.values()]
            case list():
                [walk(one) for one in value]

    walk(json.loads(SPEC.read_text("utf-8")))
    return found


def test_a_log_may_have_one_address() -> None:
    (party,) = read_policy(f"log {LOG} https://log.example\nquorum none\n".encode()).logs
    assert (party.key, party.url) == (LOG, "https://log.example")
    with pytest.raises(NotVerified, match="not a line of this form"):
        read_policy(f"log {LOG} https://log.example https://more\nquorum none\n".encode())


def test_the_example_of_the_specification_asks_for_two_of_one_group_and_one_of_the_other() -> None:
    policy = read_policy(example())
    assert [one.key for one in policy.logs] == [LOG]
    for size in range(len(KEYS) + 1):
        for names in combinations(KEYS, size):
            of_x, of_y = (sum(name[0] == letter for name in names) for letter in "XY")
            assert policy.is_met([KEYS[name] for name in names]) == (of_x >= 2 and of_y >= 1)


def test_blanks_comments_addresses_and_other_scripts_are_read() -> None:
    one, two = (KEYS[name] for name in ("X1", "X2"))
    policy = read_policy(
        f"\t# a comment\n \n witness\tÉté  {one}\thttps://one.example/é \n"
        f"witness \u212a {two}\ngroup g any Été \u212a\nquorum g".encode()
    )
    assert policy.witnesses["Été"].url == "https://one.example/é"
    assert policy.witnesses["\u212a"].url == ""
    assert policy.is_met([two])
    assert not policy.is_met([])
    assert read_policy(b"quorum none\n").is_met([])


def test_what_is_no_policy_is_refused_with_its_line() -> None:
    one, two = (f"witness {name} {KEYS[name]}\n" for name in ("X1", "X2"))
    same = SignerKey("x9.example", bytes(range(18, 50)), COSIGNATURE).verifier
    bad = {
        "": "no line with its quorum",
        one: "no line with its quorum",
        f"{one}quorum X1\nquorum X1\n": "line 3 of the policy: a policy has one quorum",
        f"quorum X1\n{one}": "line 1 of the policy: “X1” is not defined above",
        f"{one}{one}quorum X1\n": "the name “X1” is taken",
        f"{one}witness X2 {same}\nquorum X1\n": "this key is there already",
        f"{one}group g 2 X1\nquorum g\n": "2 of 1 members cannot be",
        f"{one}group g 0 X1\nquorum g\n": "no number of members",
        f"{one}group g 01 X1\nquorum g\n": "no number of members",
        f"{one}group g any\nquorum g\n": "is not a line of this form",
        f"{one}group g any X1 X1\nquorum g\n": "is in a group already",
        f"{one}{two}group g any X1\ngroup h any g X1\nquorum h\n": "is in a group already",
        f"{one}group g any g\nquorum g\n": "“g” is not defined above",
        f"{one}group g any none\nquorum g\n": "“none” is not defined above",
        f"witness none {KEYS['X1']}\nquorum none\n": "the name “none” is taken",
        f"{one[:-1]} https://a https://b\nquorum X1\n": "is not a line of this form",
        "witness X1 key\nquorum X1\n": "line 1 of the policy: the verifier key",
        f"log {LOG}\nlog {LOG}\nquorum none\n": "this key is there already",
        "policy\n": "“policy” is not a line of this form",
        "quorum none\r\n": "control character",
        "quorum none\x7f\n": "control character",
        "quorum \u00a0none\n": "is not defined above",
    }
    for text, said in bad.items():
        with pytest.raises(NotVerified, match=said):
            read_policy(text.encode())


def test_a_key_of_an_unknown_kind_is_told_apart_and_cannot_decide(tmp_path: Path) -> None:
    policy = read_policy(
        f"witness W {UNKNOWN}\nwitness X1 {KEYS['X1']}\ngroup g any W X1\nquorum g\n".encode()
    )
    assert (policy.unknown, policy.witness_keys) == ([UNKNOWN], [KEYS["X1"]])
    assert policy.is_met([KEYS["X1"]])
    settings = read_settings({"STEMMA_WITNESSES": f"{UNKNOWN} {KEYS['X2']}"})
    assert settings.unknown_witnesses == (UNKNOWN,)
    assert settings.witnesses == (KEYS["X2"],)
    assert read_settings(settings.said) == settings
    (tmp_path / "policy").write_text(f"witness W {UNKNOWN}\nquorum W\n")
    with pytest.raises(BadSetting, match="its quorum needs witnesses whose kind of key"):
        read_settings({"STEMMA_WITNESS_POLICY": str(tmp_path / "policy")})
    with pytest.raises(BadSetting, match="STEMMA_WITNESSES is"):
        read_settings({"STEMMA_WITNESSES": UNKNOWN.replace("BQIC", "BAIC")})


def test_a_policy_is_a_setting_and_is_handed_down_to_workers(tmp_path: Path) -> None:
    file = tmp_path / "policy"
    file.write_bytes(example())
    settings = read_settings(
        {"STEMMA_WITNESS_POLICY": str(file), "STEMMA_WITNESSES": str(KEYS["X1"])}
    )
    assert set(settings.witnesses) == {*KEYS.values()}
    assert read_settings(settings.said) == settings
    for text in (b"quorum", b"\xff", f"witness A {LOG}\nquorum A\n".encode()):
        file.write_bytes(text)
        with pytest.raises(BadSetting, match="STEMMA_WITNESS_POLICY"):
            read_settings({"STEMMA_WITNESS_POLICY": str(file)})
    with pytest.raises(BadSetting, match="STEMMA_WITNESS_POLICY"):
        read_settings({"STEMMA_WITNESS_POLICY": str(tmp_path / "nothing")})


def test_a_verifier_takes_a_policy_instead_of_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = SignerKey("log.example", bytes(range(32)))
    note = sign(Checkpoint(signer.name, 0, EMPTY_ROOT), signer)
    (tmp_path / "policy").write_bytes(example())
    stranger = str(SignerKey("stranger.example", bytes(range(1, 33))).verifier)
    asked = ["checkpoint", str(tmp_path / "note"), "--key", stranger]
    asked += ["--policy", str(tmp_path / "policy")]
    for names, status in (("X1 X2", 1), ("X1 Y3", 1), ("X1 X3 Y2", 0), ("Y1 Y2 Y3", 1)):
        (tmp_path / "note").write_bytes(note + cosigned(names, note))
        assert verify(asked) == status, names
        said = capsys.readouterr()
        assert ("not as the policy asks" in said.err) == (status == 1)
        assert said.out.count("witnessed") == (0 if status else 3)
    for more in (["--witness", str(KEYS["Y1"])], ["--quorum", "9"]):
        (tmp_path / "note").write_bytes(note + cosigned("X1 X3 Y2", note))
        assert verify([*asked, *more]) == 2
        assert "name none besides it" in capsys.readouterr().err
    in_2100 = cosigned("X1 X3", note) + cosign(note, SIGNERS["Y2"], 4_102_444_800).encode()
    (tmp_path / "note").write_bytes(note + in_2100)
    assert verify([*asked, "--max-age", "9999d"]) == 1
    assert "says that it has seen this tree in" in capsys.readouterr().err


def cosigned(names: str, note: bytes) -> bytes:
    return "".join(cosign(note, SIGNERS[one], 1_790_000_000) for one in names.split()).encode()
