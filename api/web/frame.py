"""What all pages share: access control, the view they read from, and response headers.

A page is shown only to those who may read it, and a form is accepted only from this site. One file,
because who may read, the view and the headers are settled together for each page.
"""

from __future__ import annotations

import hmac
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time
from functools import partial, wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from api.asking import viewing
from api.authentication import Opening, come_in, must_include
from api.commands import bounded_for
from api.conditional import by_bytes
from api.fields import ExactSchema
from api.identity.keys import Keys
from api.identity.sessions import Sessions, form_token
from api.limits import Limits
from api.problems import PROBLEMS, Problem, of_refusal, wants_page
from api.questions import written
from api.schemas import stated
from api.waiting import has_recorded
from api.web import keeping, words
from api.web.address import Listed, PageQuery, When, again, asked, id_in_path, part
from api.web.cookies import SESSION, cookie, drop_cookie
from api.web.desks import Desk, SignedIn, signed_in
from api.web.embedding import picture, policy
from api.web.keeping import DONE, OVERTAKEN, ask_for_key, form_to_keep, is_ours, show_kept
from api.web.sealing import compared
from domain.command import Command
from domain.draft import Acknowledgement
from domain.engine import DatabaseUnavailable
from domain.fact import Fact
from domain.identity import named_id, new_id
from domain.journal import Journal
from domain.money.currency import amount, called, money
from domain.permission import OPERATOR
from domain.refusal import NotPermitted, NotPublished, Refusal
from domain.value import NewId
from projections import billing, lineage, sentences, wording
from projections.money.readers import ANONYMOUS
from projections.pictures.cover import cover
from projections.question import Asking, Format
from projections.store import Store, View

FILTERS: Mapping[str, Callable[..., object]] = {
    "day": wording.day,
    "earned": wording.earned,
    "percent": wording.percent,
    "rate": wording.rate,
    "unit": called,
    "name_of": billing.name_of,
    "brief": words.brief,
    "plain": words.plain,
    "combined": lambda one, **more: {**one, **more},
}

Answer = str | AnyResponse | tuple[str, int]
Registering = Callable[[Callable[..., Answer]], Callable[..., Answer]]
"""Registers the function that it decorates, and leaves it as it is."""


class Frame:
    """Registers the routes of pages and forms, and holds what their functions use."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        keys: Keys,
        opening: Opening,
        limits: Limits,
        *,
        public: bool,
        media_hosts: Collection[str] = (),
        contact: str = "",
    ) -> None:
        self.journal, self.store, self.keys, self.opening = journal, store, keys, opening
        self.sessions, self.limits = Sessions(store.engine, keys), limits
        self.public, self.media_hosts, self.contact = public, media_hosts, contact
        self.blueprint = Blueprint("pages", __name__)
        self.open = set[str]()
        """Endpoints that anybody may see, even if pages are not public."""
        self.closed = set[str]()
        """Endpoints that require signing in, even if pages are public."""
        self.desks = dict[str, Desk]()
        self.blueprint.before_request(self._come_in)
        self.blueprint.after_request(_finish)
        self.blueprint.app_context_processor(self._shared)
        for name, shown in FILTERS.items():
            self.blueprint.app_template_filter(name)(shown)
        for told in (amount, money, words.address, sentences.called, again, part, compared):
            self.blueprint.app_template_global(told.__name__)(told)

    # -- routes ----------------------------------------------------------------------------

    def page(self, path: str, *, anybody: bool = False, nobody_else: bool = False) -> Registering:
        """Register a page that only reads; an ``id`` in its path is passed in canonical form.

        With ``anybody``, no one has to sign in for it, even if pages are not public; with
        ``nobody_else``, everyone has to, even if pages are public.
        """

        def decorate(show: Callable[..., Answer]) -> Callable[..., Answer]:
            for names, is_wanted in ((self.open, anybody), (self.closed, nobody_else)):
                if is_wanted:
                    names.add(f"pages.{show.__name__}")

            def shown(**ids: Any) -> Answer:
                try:
                    return show(**_usual(ids))
                except NotPermitted:
                    if g.actor is None:
                        return self._sign_in_first()
                    raise

            shown.__name__ = show.__name__
            self.blueprint.get(path)(shown)
            return show

        return decorate

    def viewed(
        self, path: str, asks: type[ExactSchema] = When, *, is_release: bool = False, **who: bool
    ) -> Registering:
        """Register a page that reads a view: it gets the view, the other parameters and the ids.

        A page with ``is_release`` can be requested as the release was published. ``who`` holds
        the access options of ``page``.
        """

        def decorate(show: Callable[..., Answer]) -> Callable[..., Answer]:
            @wraps(show)
            def shown(**ids: str) -> Answer:
                said = PageQuery(asked(asks))
                with self.view(said, ids["id"] if is_release else None) as view:
                    return show(view, said, **ids)

            return self.page(path, **who)(shown)

        return decorate

    def form(self, path: str) -> Registering:
        """Register what handles a submitted form; it requires signing in and a valid form token."""

        def decorate(take: Callable[..., Answer]) -> Callable[..., Answer]:
            def taken(**ids: str) -> Answer:
                self.must_be_ours()
                given = request.form.get("form_token", "")
                if not hmac.compare_digest(given.encode(), g.form_token.encode()):
                    if kept := form_to_keep():
                        return show_kept(request.path, kept, PROBLEMS["stale_form"].status)
                    raise Problem("stale_form", PROBLEMS["stale_form"].meaning)
                return take(**_usual(ids))

            taken.__name__ = take.__name__
            self.blueprint.post(path)(taken)
            return take

        return decorate

    def filled(self, path: str, show: str, take: str) -> Registering:
        """Register one function for a form and its submission: it gets a view, the button and ids.

        ``show`` and ``take`` name the routes for GET and POST. For GET the button is “choose”.
        """

        def decorate(fill: Callable[..., Answer]) -> Callable[..., Answer]:
            def filled(**ids: str) -> Answer:
                do = request.form.get("do", "") if request.method == "POST" else "choose"
                with self.view(asked()) as view:
                    return fill(view, do, **ids)

            for route, name in ((partial(self.page, nobody_else=True), show), (self.form, take)):
                filled.__name__ = name
                route(path)(filled)
            return fill

        return decorate

    def desk(self, trade: str, about: str, may: Collection[str]) -> Registering:
        """Register a desk at ``/desk/<trade>``; ``may`` says to whom it is open (see ``Desk``)."""
        one = self.desks[trade] = Desk(trade, about, may)

        def decorate(show: Callable[..., Answer]) -> Callable[..., Answer]:
            @wraps(show)
            def shown(view: View, said: PageQuery) -> Answer:
                one.must_be_open(self.journal, g.actor)
                return show(view, said)

            return self.viewed(f"/desk/{trade}", Listed, nobody_else=True)(shown)

        return decorate

    @staticmethod
    def must_be_ours() -> None:
        """Refuse a form if the browser says that it comes from another site."""
        if is_ours() is False:
            raise Problem("stale_form", PROBLEMS["stale_form"].meaning)

    # -- who reads -------------------------------------------------------------------------

    def _recognise(self) -> None:
        token = cookie(SESSION)
        come_in(self.sessions.caller(token) if token else None)
        g.form_token = form_token(token) if g.actor else ""

    def _come_in(self) -> AnyResponse | None:
        self._recognise()
        g.done = keeping.told_once() if g.actor else None
        given = request.authorization
        if g.actor is None and given is not None and given.type == "bearer":
            come_in(self.opening.caller(given.token or ""))
            if g.actor is None:
                self.limits.fail()
        self.limits.admit()
        if request.endpoint not in self.open:
            must_include(None)
        elif g.caller is not None and not g.caller.scope.reads:
            come_in(None)  # what anybody may see is shown as to anybody
        is_closed = request.method == "POST" or request.endpoint in self.closed
        if g.actor or request.endpoint in self.open or (self.public and not is_closed):
            return None
        return self._sign_in_first()

    def _sign_in_first(self) -> AnyResponse:
        """Ask the reader to sign in: the sign-in page leads back here, and a sent form is kept."""
        if not wants_page():
            raise Problem("unauthenticated", "Send a key: Authorization: Bearer KEY.")
        if request.method == "POST" and (kept := form_to_keep()):
            return ask_for_key(request.path, kept=kept, status=401)
        back = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(f"{request.script_root}/sign-in?{urlencode({'to': back})}", 303)

    def _shared(self) -> dict[str, Any]:
        if request.endpoint is None:  # a page that does not exist is still shown as signed in
            with suppress(DatabaseUnavailable):
                self._recognise()
        actor = g.get("actor")
        who = SignedIn("", 0, [])
        if actor and "form_token" in g:
            with self.store.view() as view:
                who = signed_in(view, self.journal, actor, self.desks.values())
        return {
            "actor": actor,
            "actor_name": who.name,
            "waits": who.waits,
            "desks": who.desks,
            "form_token": g.get("form_token", ""),
            "may_read": bool(actor or self.public),
            "base": request.script_root,
            "contact": self.contact,
            "words": words,
            "wording": wording,
            "script": _script,
            "picture_of": partial(picture, hosts=self.media_hosts),
            "cover": cover,
            "new_id": partial(new_id, None),
        }

    # -- what is read ----------------------------------------------------------------------

    @contextmanager
    def view(self, asked: dict[str, Any], id: str | None = None) -> Iterator[View]:
        """A view as of the position or day requested; ``id`` is a release that may be requested
        as published (``as=published``)."""
        day, as_, listed_at = (asked.pop(name, None) for name in ("on", "as_", "listed_at"))
        if listed_at is not None:
            asked["as_of"] = listed_at
        elif day is not None:
            asked["as_of"] = self.journal.position_at(_end_of(day))
        with viewing(self.journal, self.store, asked) as now:
            g.as_of, g.is_now = now.as_of, "as_of" not in request.args and day is None
            view = now
            if as_ == "published" and id is not None:
                with suppress(NotPublished):
                    view = lineage.as_published(now, id)
                g.as_of, g.is_now = view.as_of, False
            yield view

    def record(self, *commands: Command) -> Acknowledgement:
        """Record commands as the person signed in, in one append."""
        for command in commands:
            must_include(type(command))
        with bounded_for(*map(type, commands)):
            g.head = self.journal.facts.head()  # a receipt up to here is a repetition
            receipt = self.journal.record(*commands, by=g.actor)
        has_recorded()
        return receipt

    def is_over(self) -> bool:
        """Whether this form has ended the session of its sender, with their key or account."""
        return self.sessions.caller(cookie(SESSION)) is None

    def with_id(self, command: type[Command], sent: Mapping[str, str]) -> dict[str, str]:
        """What a form says with the id of what it records; without one, it follows from the rest.

        Such a form stands on a page that is loaded again when it is gone back to: with what was
        typed, but with no id. Sent again, it records nothing, unless what it recorded has changed
        since: a comment that was removed can be posted again.
        """
        one = command.by_name().get("id")
        if one is None or not isinstance(one.value, NewId) or sent.get("id"):
            return {**sent}
        said = {"form_token": g.form_token, "command": command.NAME, **sent}
        id = named_id(UUID(int=0), json.dumps(said, sort_keys=True))
        while len(self.journal.facts.streams([id])) > 1:
            id = named_id(UUID(id), "again")
        return {**sent, "id": id}

    def decide(
        self,
        command: type[Command],
        about: Mapping[str, str],
        *,
        is_overtaken: Callable[[], bool],
        refused: Callable[[Problem], str],
        path: str,
    ) -> Answer:
        """Record the decision in a form, then redirect to ``path``.

        If something happened since the form was shown (``is_overtaken``), it is refused.
        ``refused`` makes the page that explains a refusal.
        """
        fields = [one for one in command.fields() if one.name not in about]
        sent = {one.name: request.form.get(one.name, "").strip() for one in fields}
        said = {**about, **{name: text for name, text in sent.items() if text}}
        said = self.with_id(command, said)
        try:
            asked = stated(command, said)
            if self.may(command, **said) and is_overtaken():
                raise Problem("wrong_state", OVERTAKEN)
            receipt = self.record(asked)
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return refused(problem), problem.code
        return to_page(path, receipt.position)

    def rehearse(self, *commands: Command) -> Acknowledgement:
        """The receipt that commands would get, without recording them; raises their refusal."""
        return self.rehearsed(*commands)[0]

    def rehearsed(self, *commands: Command) -> tuple[Acknowledgement, Sequence[Fact]]:
        """Like ``rehearse``, with the facts that would be recorded."""
        for command in commands:
            must_include(type(command))
        with bounded_for(*map(type, commands)):
            return self.journal.rehearse(*commands, by=g.actor)

    def may(self, command: type[Command], **said: Any) -> bool:
        """Whether a command would record something now; required fields not given get examples."""
        if g.actor is None:
            return False
        needed = {
            one.name: one.value.example
            for one in command.fields()
            if one.is_needed or one.name == "evidence"
        }
        try:
            must_include(command)
            _, facts = self.journal.rehearse(command.of({**needed, **said}), by=g.actor)
        except (Refusal, Problem):
            return False
        return bool(facts)


def reader() -> str:
    """Who reads the page: the actor who has signed in, or ``ANONYMOUS``."""
    return g.actor or ANONYMOUS


def account(view: View) -> str | None:
    """The contributor who reads the page, if they were known as of the view.

    Somebody who joined later reads a page about the past as if without an account.
    """
    id = None if g.actor in (None, OPERATOR) else g.actor
    return id if id and view.numbers("contributors", [id]) else None


def _usual(in_path: dict[str, Any]) -> dict[str, Any]:
    """The parameters in a path, with the id in canonical form."""
    return in_path | {n: id_in_path(str(text)) for n, text in in_path.items() if n == "id"}


def to_page(path: str, position: int | None = None) -> AnyResponse:
    """Redirect to a page, or to a place on it (after “#”), after a form was handled.

    With the position of what was recorded, the page waits until it is folded and says once that it
    was recorded.
    """
    page, mark, place = path.partition("#")
    waits = "" if position is None else f"?{urlencode({'min_position': position})}"
    answer = redirect(f"{request.script_root}{page}{waits}{mark}{place}", 303)
    if position is not None:
        keeping.tell_once(answer, position, is_repeated=position <= g.get("head", 0))
    return answer


def file_of(form: Format, asking: Asking) -> Response:
    """An answer in another form, for people: Excel takes a table for UTF-8 only if marked so."""
    answer = written(form, asking)
    if form.media_type == "text/csv":
        answer.data = BOM_UTF8 + answer.data
    return answer


def to_save(answer: Response, name: str) -> Response:
    """Make a browser save an answer as a file of this name."""
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def led_on(path: str) -> AnyResponse:
    """Redirect to the other address of a page, which then shows the message about a sent form."""
    g.done = None
    query = request.query_string.decode()
    return redirect(f"{request.script_root}{path}{'?' if query else ''}{query}", 303)


def page_of(problem: Problem) -> Response:
    """The page that explains a problem."""
    status, meaning = PROBLEMS[problem.problem]
    said = {"kept": keeping.texts_sent(), "wrong": _wrong_in_address(problem)}
    show = partial(render_template, "problem.html", problem=problem, meaning=meaning, **said)
    try:
        page = show()
    except Exception:  # what every page says of its reader can't be read either
        g.actor = None
        page = show()
    answer = make_response(page)
    answer.status_code = status
    answer.headers.update(problem.headers)
    return _finish(answer)


def _wrong_in_address(problem: Problem) -> list[str]:
    """The parameters for which a page was refused: those it names or, if it names none, all."""
    if request.method != "GET" or problem.code != 422:
        return []
    named = [one.get("parameter") for one in problem.errors]
    return [name for name in request.args if name in named] or [*request.args]


def _script(name: str) -> Markup:
    """The tag of one of our scripts, allowed on this page only; the page works without it."""
    g.may_run = True
    return Markup('<script src="{}/static/{}" defer></script>').format(request.script_root, name)


def _finish(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", policy())
    # With "no-referrer", browsers do not say which site a form comes from.
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.vary.add("Cookie")
    if g.get("done"):
        drop_cookie(answer, DONE)
    # A page for anybody depends only on its address and the journal, so it gets an ETag; a personal
    # page gets none.
    return answer if g.get("actor") else by_bytes(answer)


def _end_of(day: str) -> datetime:
    """The last instant of a day."""
    try:
        return datetime.combine(date.fromisoformat(day), time.max, UTC)
    except ValueError:
        raise Problem("bad_made_at", f"“{day}” is not a day, such as 2026-11-20.") from None
