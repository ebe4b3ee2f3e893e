"""The roles a person can be credited in.

A fact holds a role by its canonical name only, so that everyone who did the same thing is found
under the same word; what someone would rather be called ("low harmony") is the free display text
of their credit.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from domain.refusal import UnknownRole


class Role(NamedTuple):
    """One way of contributing, and its MARC relator code if MARC has the same term."""

    name: str
    meaning: str
    marc: str | None = None


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        # words
        Role("writer", "wrote the words", "aut"),
        Role("poet", "wrote the verse"),
        Role("screenwriter", "wrote the script of a film or an episode", "aus"),
        Role("lyricist", "wrote the words of a song", "lyr"),
        Role("storyteller", "shaped or told the story", "stl"),
        Role("adapter", "rewrote a work for another form", "adp"),
        Role("translator", "put the words into another language", "trl"),
        Role("transcriber", "wrote down what was said or played", "trc"),
        Role("subtitler", "wrote and timed the subtitles"),
        Role("editor", "chose, cut and ordered the material of others", "edt"),
        Role("proofreader", "found the mistakes before the reader did", "pfr"),
        Role("researcher", "found out what the work needed to know", "res"),
        # voices and presence
        Role("narrator", "read or told the story aloud", "nrt"),
        Role("voice actor", "gave a character a voice", "vac"),
        Role("actor", "played a character on screen or stage", "act"),
        Role("on-air talent", "appeared on screen or on air as themselves", "onp"),
        Role("host", "led the viewer or listener through a programme", "hst"),
        Role("interviewer", "asked the questions", "ivr"),
        Role("interviewee", "answered the questions", "ive"),
        Role("dancer", "danced", "dnc"),
        Role("choreographer", "composed the movement", "chr"),
        Role("puppeteer", "moved the puppets", "ppt"),
        # pictures
        Role("photographer", "took the photographs", "pht"),
        Role("illustrator", "drew or painted pictures that go with a text", "ill"),
        Role("artist", "made a work of visual art that stands by itself", "art"),
        Role("concept artist", "drew what things should look like before they were made"),
        Role("background artist", "drew or painted the places"),
        Role("storyboard artist", "drew the shots before they were made"),
        Role("character designer", "decided what the characters look like"),
        Role("3d modeler", "built the shapes of a three-dimensional scene"),
        Role("cartoonist", "drew a comic or a cartoon"),
        Role("inker", "drew the final lines over a sketch"),
        Role("colorist", "chose and laid the colours, on paper or on film", "clr"),
        Role("letterer", "drew or set the words inside the pictures"),
        Role("calligrapher", "wrote words beautifully by hand", "cll"),
        Role("designer", "gave the work its form and layout", "dsr"),
        Role("cover designer", "designed the cover", "cov"),
        Role("type designer", "drew the typeface", "tyd"),
        Role("cartographer", "drew the maps", "ctg"),
        Role("sculptor", "made the solid figures", "scl"),
        # moving pictures
        Role("director", "led the making of the whole and answers for it", "drt"),
        Role("producer", "brought the people and the means together", "pro"),
        Role("production manager", "ran the production from day to day", "pmn"),
        Role("cinematographer", "decided how the pictures were lit and shot", "cng"),
        Role("camera operator", "held the camera", "cop"),
        Role("film editor", "cut the moving picture", "flm"),
        Role("animator", "made still things move", "anm"),
        Role("visual effects artist", "made pictures that no camera saw", "vfx"),
        Role("art director", "decided how the whole should look", "adi"),
        Role("production designer", "designed the world in front of the camera", "prs"),
        Role("set designer", "designed the sets", "std"),
        Role("costume designer", "designed the clothes", "cst"),
        Role("makeup artist", "made up the faces", "mka"),
        Role("lighting designer", "placed the light", "lgd"),
        # music
        Role("musician", "played or otherwise made music", "mus"),
        Role("performer", "performed the work, alone or as a group", "prf"),
        Role("singer", "sang", "sng"),
        Role("rapper", "rapped"),
        Role("instrumentalist", "played an instrument that has no role of its own here", "itr"),
        Role("drummer", "played the drums"),
        Role("percussionist", "played percussion"),
        Role("guitarist", "played the guitar"),
        Role("bassist", "played the bass"),
        Role("pianist", "played the piano or another keyboard"),
        Role("composer", "wrote the music", "cmp"),
        Role("arranger", "set existing music for other voices or instruments", "arr"),
        Role("conductor", "led the players", "cnd"),
        Role("beatmaker", "built the beat"),
        Role("dj", "played records as an instrument", "djo"),
        Role("remixer", "made a new version out of a recording", "rxa"),
        # sound
        Role("field recordist", "recorded sounds where they happen", "rcd"),
        Role("recording engineer", "recorded the performance", "rce"),
        Role("mixing engineer", "balanced the recorded parts", "mxe"),
        Role("mastering engineer", "prepared the mix for publication"),
        Role("sound designer", "made the sounds of the work's world", "sds"),
        Role("foley artist", "performed everyday sounds to picture"),
        # games and everything around a work
        Role("game designer", "made the rules of the game"),
        Role("level designer", "built the places where the game is played"),
        Role("programmer", "wrote the program", "prg"),
        Role("curator", "found and gathered the pieces of others", "cur"),
    )
}

ALIASES: dict[str, str] = {
    "author": "writer",
    "script writer": "screenwriter",
    "songwriter": "lyricist",
    "vocalist": "singer",  # MARC withdrew "vocalist" in favour of "singer", too
    "vocals": "singer",
    "mc": "rapper",
    "emcee": "rapper",
    "voice artist": "voice actor",
    "voice over": "voice actor",
    "presenter": "host",
    "photo": "photographer",
    "colourist": "colorist",
    "painter": "artist",
    "visual artist": "artist",
    "graphic designer": "designer",
    "3d artist": "3d modeler",
    "3d modeller": "3d modeler",
    "director of photography": "cinematographer",
    "video editor": "film editor",
    "vfx artist": "visual effects artist",
    "bass player": "bassist",
    "bass guitarist": "bassist",
    "guitar player": "guitarist",
    "keyboardist": "pianist",
    "disc jockey": "dj",
    "remix artist": "remixer",
    "field recorder": "field recordist",
    "sound recordist": "field recordist",
    "mixer": "mixing engineer",
    "make-up artist": "makeup artist",
    "game developer": "programmer",
}
"""Other words for the same role; a word that is itself a role is never an alias."""


def _spelling(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


_NAMES: dict[str, str] = {
    **{_spelling(alias): name for alias, name in ALIASES.items()},
    **{_spelling(name): name for name in ROLES},
}


def role_named(text: str) -> str:
    """The canonical role, however its case, spaces, hyphens and underscores are written."""
    try:
        return _NAMES[_spelling(text)]
    except KeyError:
        raise UnknownRole(text) from None
