"""The table of cheats in the documentation: each line has a test, and names commands that exist."""

import ast
import re
from pathlib import Path

import click
import pytest

from scripts.stemma import main

HERE = Path(__file__).parent
PAGE = HERE.parent / "api" / "web" / "docs" / "concepts" / "proof.md"

SHOWN_BY = {
    "change, delete or insert a fact": "test_log.py::test_a_rewrite_a_rollback_and_another_log",
    "change or delete a fact": "test_audit.py::test_a_mirror_notices_an_edited_fact",
    "move a person's signature": "test_signature.py::test_a_signature_that_was_moved_to",
    "change a field of a signed fact": "test_signature.py::test_a_changed_role_of_a_signed_fact",
    "garble or strip": "test_signature.py::test_a_garbled_or_stripped_signature",
    "record something about someone": "test_monitor.py::test_what_a_key_has_signed_is",
    "use a person's signature twice": "test_signature.py::test_a_signature_used_twice_is_seen",
    "acknowledge a fact, then": "test_mirror.py::test_what_was_acknowledged_and_replaced_before",
    "change a full tile": "test_mirror.py::test_a_full_tile_that_was_changed_afterwards",
    "stop the log": "test_mirror.py::test_a_frozen_log_is_noticed_by_its_age",
    "show one reader a different log": "test_mirror.py::test_a_receipt_is_compared_with_a_mirror",
    "register a key in someone's name": "test_signature.py::test_a_key_that_was_registered_later",
    "log a fact that says": "test_receipt.py::test_a_fact_that_says_that_it_is_elsewhere",
    "register a key where": "test_signature.py::test_a_key_that_was_registered_later",
    "show a checkpoint": "test_trust.py::test_a_verifier_takes_a_policy_instead_of_a_number",
    "show a witness": "test_add_checkpoint.py::test_what_does_not_extend_the_last_tree_is",
    "have a retired log key": "test_add_checkpoint.py::test_a_key_of_a_log_that_was_retired",
    "have a witness post-date": "test_trust.py::test_a_verifier_takes_a_policy_instead_of_a_number",
    "show facts of one history": "test_chain.py::test_a_history_from_two_trees_of_one_size_is",
    "sign with a retired key": "test_mirror.py::test_a_key_counts_only_for_the_sizes",
    "leave a fact out of a history": "test_chain.py::test_a_history_is_whole_and_one_fact_less",
    "pass off a history": "test_just_grown.py::test_what_witnesses_have_not_seen_yet_is_said",
    "hide the newest": "test_latest.py::test_a_history_with_the_proof_of_its_latest_fact",
    "pass off the map": "test_latest.py::test_a_proof_that_says_something_else_is_refused",
    "sign a map": "test_latest.py::test_a_mirror_shows_that_a_map_is_not_the_one_of_its_leaves",
    "stop signing maps": "test_latest.py::test_a_mirror_shows_that_a_map_is_not_the",
    "change an entry of the map": "test_latest.py::test_a_damaged_place_is_named_and_is_neither",
    "change a head": "test_audit.py::test_a_wrong_head_is_replaced_by_what_the_facts_say",
    "assign a text to another": "test_audit.py::test_what_was_changed_is_found_where_it_is",
    "change a text, a tile": "test_one_row.py::test_a_changed_row_is_named",
    "record what no command": "test_rules.py::test_what_no_command_could_have_recorded_is_found",
    "record a fact, of any kind": "test_rules_generated.py::test_no_fact_of_any_command_is_taken",
    "move money with a fact": "test_rules_generated.py::test_a_share_that_nobody_accepted_before",
    "book the money": "test_rules_generated.py::test_no_fact_about_money_says_otherwise",
    "restore an export": "test_restoring_judged.py::test_what_an_audit_of_the_rules_finds",
    "give answers": "test_audit_url.py::test_what_the_read_tables_say_otherwise_than_the_log",
    "show a text": "test_audit_url.py::test_a_text_that_is_not_the_one_committed_to_is_named",
    "answer a repeated command": "test_audit.py::test_what_was_changed_is_found_where_it_is",
    "delete the record of a request": "test_audit.py::test_what_was_changed_is_found_where_it_is",
    "show readers a fact": "test_signature.py::test_a_fact_that_could_be_read_in_several_ways",
    "log something": "test_signature.py::test_what_is_no_fact_or_no_command_gets_a_verdict",
    "set the clock ahead": "test_clock.py::test_after_a_wrong_clock_was_accepted",
    "drop or weaken": "test_audit.py::test_triggers_that_protect_less_are_found_and",
    "give such answers only": "test_audit_url.py::test_a_replay_tells",
    "on SQLite, store": "test_audit.py::test_a_value_of_another_type_than_its_column",
}
"""How each line begins, and how its test does."""

NOT_ON_BOTH = {
    "show readers a fact": "who verifies has signed files and no database",
    "log a fact that says": "who verifies has signed files and no database",
    "log something": "who verifies has signed files and no database",
    "show a checkpoint": "who verifies has signed files and no database",
    "have a witness post-date": "who verifies has signed files and no database",
    "show a witness": "a witness keeps what it has seen in files",
    "have a retired log key": "a witness keeps what it has seen in files",
    "change, delete or insert a fact": "a mirror sees the log, whichever engine is behind it",
    "on SQLite, store": "PostgreSQL refuses such values",
}
"""Why a cheat is not tried on both engines."""


def lines_of(page: str) -> list[list[str]]:
    """The lines of the table: cheat, who notices, with what."""
    table = page.partition("| cheat | who notices | with |\n|---|---|---|\n")[2].partition("\n\n")[
        0
    ]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def problems_of(page: str) -> list[str]:
    """What is not as it should be with the table."""
    lines = lines_of(page)
    by_cheat = {begin: [one for one in lines if one[0].startswith(begin)] for begin in SHOWN_BY}
    told = [f"{begin}: {len(found)} lines" for begin, found in by_cheat.items() if len(found) != 1]
    told += [one[0] for one in lines if not one[0].startswith(tuple(SHOWN_BY))]
    for _, _, remedy in lines:
        told += [f"no {words}" for words in re.findall("`stemma ([^`]*)`", remedy) if lacks(words)]
    return told


def lacks(words: str) -> bool:
    """Whether the command line has no such command, or it has no such option."""
    command: click.Command = main
    named, *rest = re.split(r" (?=--)", words)
    for word in named.replace("…", "").split():
        if isinstance(command, click.Group):
            if word not in command.commands:
                return True
            command = command.commands[word]
    return not all(is_option(command, one.split()[0]) for one in rest)


def is_option(command: click.Command, flag: str) -> bool:
    """Whether a command has an option; of a group, whether any of its commands has."""
    if isinstance(command, click.Group):
        return any(is_option(one, flag) for one in command.commands.values())
    return any(flag in one.opts for one in command.params)


def test_every_line_of_the_table_has_its_test_and_its_commands() -> None:
    assert problems_of(PAGE.read_text("utf-8")) == []


def asks_for(functions: dict[str, ast.FunctionDef], test: str) -> set[str]:
    """The fixtures that a test asks for, and those that they ask for."""
    known = [one.arg for one in functions[test].args.args]
    for name in known:
        known += [one.arg for one in functions[name].args.args] if name in functions else []
    return set(known)


@pytest.mark.parametrize("begin", SHOWN_BY)
def test_the_test_of_a_cheat_is_there_and_tries_it_on_both_engines(begin: str) -> None:
    name, _, test = SHOWN_BY[begin].partition("::")
    every = ast.walk(ast.parse((HERE / name).read_text("utf-8")))
    functions = {one.name: one for one in every if isinstance(one, ast.FunctionDef)}
    (found,) = (one for one in functions if one.startswith(test))
    is_on_both = not asks_for(functions, found).isdisjoint(("database", "prepared_databases"))
    assert is_on_both != (begin in NOT_ON_BOTH)


def test_a_line_without_a_test_or_with_an_unknown_command_is_found() -> None:
    page = PAGE.read_text("utf-8")
    assert problems_of(page.replace("| change a head", "| turn a head")) == [
        "change a head: 0 lines",
        "turn a head, so that the next fact follows a wrong one",
    ]
    assert problems_of(page.replace("`stemma audit`", "`stemma audit --never`"))
