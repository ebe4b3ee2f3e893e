"""No parser answers bad input with anything but its own refusal: a moment for each.

`tests/soak_fuzz.py` takes longer, and with atheris is guided by what the code does.
"""

from fuzzing import fuzz, targets

SECONDS = 0.05
"""For each of some thirty parsers."""


def test_no_parser_fails_on_input_that_has_gone_wrong() -> None:
    with targets() as known:
        for name, target in known.items():
            tried, found = fuzz(target, SECONDS, seed=11)
            assert tried, name
            assert not found, f"{name}: {found[0].error!r} on {found[0].data!r}"
