"""Complaints about the form of fields: sentences that carry a code."""

from __future__ import annotations


class Complaint(str):
    """What is wrong with a field: a sentence with a code."""

    code: str

    def __new__(cls, code: str, sentence: str) -> Complaint:
        """A sentence with its code."""
        complaint = super().__new__(cls, sentence)
        complaint.code = code
        return complaint

    def format(self, *values: object, **named: object) -> Complaint:
        """The sentence with its values; marshmallow calls this, and the code must be kept."""
        return Complaint(self.code, super().format(*values, **named))


MISSING = Complaint("missing_field", "This is required.")
UNKNOWN = Complaint("unknown_field", "There is no such field.")
REPEATED = Complaint("wrong_type", "This is given more than once.")
NO_TEXT = Complaint("bad_text", "This must not be empty.")
NUL = Complaint("bad_text", "The character NUL can't be stored.")
HALF = Complaint("bad_text", "Half of a surrogate pair can't be stored.")
NO_ID = Complaint("bad_id", "This is not a UUID.")
TOO_MANY = Complaint("too_many_items", "This has more than {max} items; an import may have more.")
TOO_LONG = Complaint("text_too_long", "This is longer than {max} characters.")
OUT_OF_RANGE = Complaint("out_of_range", "This is not between {min} and {max}.")
NO_CHOICE = Complaint("unknown_choice", "This is not one of {choices}.")
