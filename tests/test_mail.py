"""Notifications by mail: read from a real SMTP server, as a reader of mail reads them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from certified import Certified, certified
from clocks import AheadClock
from commanding import Stemma
from serving import Served, serving
from stories import OPERATOR, Story, id_of, story
from test_pages import reader, signed_in

from api.sending.mailboxes import LEAST_BETWEEN, PAUSES, Mailbox, Mailboxes, must_be_address
from api.sending.turns import PATIENCE, TAKEN
from api.web.mail import Sender
from domain.identity import part_id
from domain.printable import CONTROLS
from domain.refusal import BadAddress, UnknownMailbox
from scripts.delivering import Deliverer
from scripts.mailing import MailServer
from scripts.settings import BadSetting, mail_server_in, read_mail_password, read_settings

PASSWORD = "kept in a file"
SENDER = Sender("stemma@example.org", "https://stemma.example")


@dataclass
class Post:
    """A mail server, what it took, and what it answers."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """What it says to the next messages instead of taking them."""
    before: Callable[[], None] = lambda: None
    """What happens before it answers."""

    async def handle_RCPT(  # noqa: N802 - so the library calls it
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers and self.answers[0].startswith("550"):
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        self.to += envelope.rcpt_tos
        self.before()
        return "250 taken"

    def server(self, security: str = "none", authorities: str = "") -> MailServer:
        user = "" if security == "none" else "stemma"
        return MailServer("127.0.0.1", self.port, security, user, PASSWORD, SENDER, authorities)


class Anywhere(Controller):
    """A server on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert self.server
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def posting(security: str = "none", made: Certified | None = None) -> Iterator[Post]:
    """A mail server; an encrypted one wants the name and the password."""
    post = Post()
    more: dict[str, Any] = {}
    if made:
        more["auth_required"] = security == "starttls"
        more["authenticator"] = lambda _server, _session, _envelope, _mechanism, said: AuthResult(
            handled=False, success=(said.login, said.password) == (b"stemma", PASSWORD.encode())
        )
    if made and security == "starttls":
        more |= {"tls_context": made.context, "require_starttls": True}
    elif made:
        more |= {"ssl_context": made.context, "auth_require_tls": False}
    controller = Anywhere(post, hostname="127.0.0.1", port=0, **more)
    controller.start()
    post.port = controller.port
    try:
        yield post
    finally:
        controller.stop()


@dataclass
class Mailed:
    """A story whose people have mailboxes, and the server that takes their mail."""

    told: Story
    time: AheadClock
    post: Post
    mailboxes: Mailboxes
    deliverer: Deliverer

    def want(self, person: str, often: str = "at_once") -> Mailbox:
        """A confirmed mailbox of somebody, to which nothing is new."""
        address = f"{person[:8]}@example.org"
        head = self.told.head()
        made = self.mailboxes.put(person, address, often, position=head, now=self.time())
        return self.mailboxes.confirm(made.token, head)

    def deliver(self, after: timedelta = timedelta()) -> list[EmailMessage]:
        """What arrives after a time."""
        self.time.ahead += after
        seen = len(self.post.got)
        self.told.service.follower.catch_up()
        self.deliverer.deliver_all()
        return self.post.got[seen:]

    def state(self, one: Mailbox) -> Mailbox:
        return self.mailboxes.of([one.holder])[0]


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as opened:
        yield opened


@pytest.fixture
def mailed(database: str, post: Post) -> Iterator[Mailed]:
    with story(database) as told, ExitStack() as stack:
        time = AheadClock()
        deliverer = Deliverer(told.service, (), time, server=post.server())
        stack.callback(deliverer.close)
        yield Mailed(told, time, post, Mailboxes(told.service.engine), deliverer)


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def disputed(mailed: Mailed) -> str:
    """Ana, of whose poem Ben made a song; he disputes her credit, in words for the two of them."""
    told = mailed.told
    ana, ben = told.person("Ana <b>"), told.person("Ben")
    poem = told.piece("A poem & more", by=[ana], actor=ana)
    mailed.want(ana)
    told.piece("A song", poem, by=[ben], actor=ben)
    said = {"grounds": "not_theirs", "reason": "Between us alone.", "evidence": "drafts"}
    told.tell("dispute_credit", id=part_id(poem, "author", 0), **said, actor=ben)
    return ana


def test_a_digest_has_what_waits_and_what_happened_as_text_and_as_a_page(mailed: Mailed) -> None:
    ana = disputed(mailed)
    mailed.told.piece("おゆき and the gull – ½", id_of("A poem & more"))
    (message,) = mailed.deliver()
    assert message.as_bytes().isascii(), "not every server takes eight bits"
    assert mailed.post.to == [message["To"]] == [f"{ana[:8]}@example.org"]
    assert message["From"] == "Stemma <stemma@example.org>"
    assert message["Subject"] == "Stemma: 1 waiting for you, 3 notifications"
    text, page = text_of(message), text_of(message, "html")
    assert "- Answer the dispute: A poem & more; until " in text
    assert f"https://stemma.example/credit/{part_id(id_of('A poem & more'), 'author', 0)}" in text
    assert "A song" in text.partition("What happened")[2]
    assert "A poem &amp; more" in page
    for written in (text, page, message["Subject"]):
        assert "Between us alone." not in written
        assert "drafts" not in written
    stop = message["List-Unsubscribe"].strip("<>")
    assert stop.startswith("https://stemma.example/mail/stop/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"Unsubscribe: {stop}" in text
    assert mailed.deliver(PAUSES["weekly"]) == [], "nothing is new"


def test_no_title_adds_a_line_to_a_digest(mailed: Mailed) -> None:
    told = mailed.told
    ana, ben = told.person("Ana"), told.person("Ben")
    told.tell("ask_first", id=ana, actor=ana)
    mailed.want(ana)
    forged = "\n\nStop:\u2028https://evil.example/\x1b[2J\u202e"
    told.credit(told.piece(f"A song{forged}", by=[ben], actor=ben), ana, actor=ben)
    (message,) = mailed.deliver()
    text = text_of(message)
    assert "evil.example" in text
    assert not CONTROLS.search(text)
    for line in text.splitlines():
        assert "evil.example" not in line or line.startswith("- "), line


def test_each_is_told_as_often_as_they_want(mailed: Mailed) -> None:
    told = mailed.told
    people = {often: told.person(often) for often in ("never", "at_once", "daily", "weekly")}
    for often, person in people.items():
        mailed.want(person, often)

    def arrived(number: int, after: timedelta) -> list[str]:
        for often, person in people.items():
            told.credit(told.piece(f"{often} {number}"), person)
        by = {f"{person[:8]}@example.org": often for often, person in people.items()}
        return sorted(by[str(one["To"])] for one in mailed.deliver(after))

    assert arrived(1, timedelta()) == ["at_once", "daily", "weekly"]
    assert arrived(2, timedelta(minutes=1)) == []
    assert arrived(3, timedelta(minutes=5)) == ["at_once"]
    assert arrived(4, timedelta(days=1)) == ["at_once", "daily"]
    assert arrived(5, timedelta(days=6)) == ["at_once", "daily", "weekly"]
    assert sorted(one["Subject"] for one in mailed.post.got[-3:]) == [
        *["Stemma: 5 waiting for you, 1 notification"] * 2,
        "Stemma: 5 waiting for you, 4 notifications",
    ]


def test_an_address_counts_once_somebody_who_reads_there_says_so(mailed: Mailed) -> None:
    told, ana = mailed.told, mailed.told.person("ana")

    def put(address: str) -> Mailbox:
        return mailed.mailboxes.put(ana, address, "at_once", position=0, now=mailed.time())

    made = put("ana@bücher.example")
    told.credit(told.piece("poem"), ana)
    (message,) = mailed.deliver()
    assert str(message["To"]) == made.address == "ana@bücher.example"
    assert f"https://stemma.example/mail/confirm/{made.token}" in text_of(message)
    assert message["List-Unsubscribe"] is None
    assert mailed.deliver(PAUSES["weekly"]) == [], "once, and nothing else"
    mailed.mailboxes.confirm(made.token, told.head())
    assert mailed.deliver() == [], "what was there before is not new"
    told.credit(told.piece("song"), ana)
    assert len(mailed.deliver()) == 1
    other = put("else@example.org")
    assert (other.state, mailed.mailboxes.of([ana])) == ("new", [other])
    with pytest.raises(UnknownMailbox):
        mailed.mailboxes.confirm(made.token, 0)
    told_before, message = mailed.deliver()
    assert message["To"] == "else@example.org"
    assert told_before["To"] == made.address, "it may be somebody else who changed it"
    assert "https://stemma.example/own-keys" in text_of(told_before)
    assert "else@example.org" not in str(told_before)
    assert told_before["Message-ID"] != message["Message-ID"]
    assert mailed.state(other).former is None
    with pytest.raises(BadAddress):
        put("third@example.org")
    mailed.time.ahead += LEAST_BETWEEN
    assert put("third@example.org").state == "new"
    assert [each["To"] for each in mailed.deliver()] == ["third@example.org"], "told once"


def test_only_who_has_confirmed_an_address_and_wants_mail_is_told_by_it(mailed: Mailed) -> None:
    ana = mailed.told.person("ana")
    said = {"position": 0, "now": mailed.time()}
    made = mailed.mailboxes.put(ana, "ana@example.org", "daily", **said)
    assert mailed.mailboxes.told([ana]) == set()
    mailed.mailboxes.confirm(made.token, 0)
    assert mailed.mailboxes.told([ana]) == {ana}
    mailed.mailboxes.stop(made.token)
    assert mailed.mailboxes.told([ana]) == set()


def test_a_clock_that_was_ahead_keeps_nobody_from_naming_another_address(mailed: Mailed) -> None:
    ana = mailed.told.person("ana")
    mailed.time.ahead = timedelta(hours=5)
    for address in ("ana@example.org", "else@example.org"):
        made = mailed.mailboxes.put(ana, address, "daily", position=0, now=mailed.time())
        assert made.state == "new"
        assert len(mailed.deliver()) == 1
        mailed.time.ahead = timedelta()


def test_who_ends_and_asks_anew_sends_strangers_no_more_confirmations(mailed: Mailed) -> None:
    ana = mailed.told.person("ana")

    def put(address: str) -> Mailbox:
        return mailed.mailboxes.put(ana, address, "daily", position=0, now=mailed.time())

    put("nobody@example.org")
    mailed.mailboxes.end(ana)
    assert mailed.told.service.engine.query("SELECT 1 FROM mailboxes") == []
    put("stranger@example.org")
    assert len(mailed.deliver()) == 1
    mailed.mailboxes.end(ana)
    assert mailed.mailboxes.of(None) == []
    (kept,) = mailed.told.service.engine.query("SELECT address, sent_at FROM mailboxes")
    assert kept == ("", None)
    for address in ("stranger@example.org", "another@example.org"):
        with pytest.raises(BadAddress):
            put(address)
    assert mailed.deliver(LEAST_BETWEEN) == []
    assert put("ana@example.org").state == "new"
    assert len(mailed.deliver()) == 1


@pytest.mark.parametrize("ends", [False, True])
def test_who_changes_the_address_while_mail_is_sent_sends_strangers_no_more(
    mailed: Mailed, ends: bool
) -> None:
    ana = mailed.told.person("ana")

    def put(number: int) -> None:
        address = f"stranger{number}@example.org"
        mailed.mailboxes.put(ana, address, "daily", position=0, now=mailed.time())

    def meanwhile() -> None:
        if ends:
            mailed.mailboxes.end(ana)
        with suppress(BadAddress):
            put(len(mailed.post.got))

    put(0)
    mailed.post.before = meanwhile
    for _ in range(3):
        mailed.deliver()
    assert mailed.post.to == ["stranger0@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        *("", "ana", "ana@", "@example.org", "a b@example.org", "ana@localhost", "ana@[127.0.0.1]"),
        *(
            "ana@example.org\r\nBcc: x@example.org",
            "a,b@example.org",
            "ana@exa mple.org",
            "ä@b.org",
        ),
        *(f"{'a' * 65}@example.org", "a..b@example.org", f"a@{'b' * 300}.org", "<ana@example.org>"),
        f"{'a' * 64}@{'.'.join(['b' * 60] * 3)}.example",
    ],
)
def test_what_is_no_address_of_a_public_host_is_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        must_be_address(address)


def test_what_the_server_does_not_take_is_sent_again_later(mailed: Mailed) -> None:
    told, ana = mailed.told, mailed.told.person("ana")
    one = mailed.want(ana)
    told.credit(told.piece("poem"), ana)
    mailed.post.answers = ["451 later", "451 later"]
    assert mailed.deliver() == mailed.deliver() == []
    waits = mailed.state(one)
    assert (waits.failures, waits.said) == (1, "the mail server: SMTPDataError")
    assert mailed.deliver(timedelta(seconds=6)) == []
    assert len(mailed.deliver(timedelta(seconds=11))) == 1
    assert (mailed.state(one).failures, mailed.state(one).said) == (0, None)
    told.credit(told.piece("song"), ana)
    mailed.post.answers = ["451 later"] * 2
    mailed.deliver(PAUSES["at_once"])
    mailed.deliver(PATIENCE)
    assert mailed.state(one).state == "disabled"
    assert mailed.deliver(PATIENCE) == []
    other = mailed.want(told.person("ben"))
    told.credit(told.piece("film"), other.holder)
    mailed.post.answers = ["550 no such user"]
    mailed.deliver()
    gone = mailed.state(other)
    assert (gone.state, gone.said) == ("disabled", "550 no such user")


def test_what_a_killed_process_had_sent_is_sent_again_with_the_same_id(mailed: Mailed) -> None:
    told, ana = mailed.told, mailed.told.person("ana")
    one = mailed.want(ana)
    told.credit(told.piece("poem"), ana)
    (first,) = mailed.deliver()
    # It was handed over, but nothing was written down: as after kill -9.
    told.service.engine.execute(
        "UPDATE mailboxes SET position = :position, next_at = NULL, taken_until = :until",
        position=one.position,
        until=(mailed.time() + TAKEN).isoformat(timespec="microseconds"),
    )
    assert mailed.deliver() == [], "another process may still be sending"
    (second,) = mailed.deliver(TAKEN + timedelta(seconds=1))
    assert first["Message-ID"] == second["Message-ID"]


def test_an_address_is_erased_with_its_holder_at_once(mailed: Mailed) -> None:
    told, ana = mailed.told, mailed.told.person("ana")
    mailed.want(ana)
    assert mailed.mailboxes.told([ana]) == {ana}
    told.tell("forget_contributor", id=ana, ground="request")
    assert told.service.engine.query("SELECT * FROM mailboxes") == []
    assert (mailed.mailboxes.told([ana]), mailed.deliver()) == (set(), [])


def test_the_operator_is_told_what_waits(mailed: Mailed) -> None:
    told, ben = mailed.told, mailed.told.person("ben")
    mailed.want(OPERATOR)
    told.credit(told.piece("poem", actor=OPERATOR), ben, actor=ben)
    (message,) = mailed.deliver()
    assert "Accept or decline the claim to a credit: poem" in text_of(message)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_only_to_a_server_that_an_authority_vouches_for(
    database: str, tmp_path: Path, security: str
) -> None:
    made = certified(tmp_path)
    with story(database) as told, posting(security, made) as post, ExitStack() as stack:
        ana, time = told.person("ana"), AheadClock()
        mailboxes = Mailboxes(told.service.engine)
        one = mailboxes.put(ana, "ana@example.org", "daily", position=0, now=time())
        for authorities in ("", str(made.authority)):
            server = post.server(security, authorities)
            deliverer = Deliverer(told.service, (), time, server=server)
            stack.callback(deliverer.close)
            deliverer.deliver_all()
            time.ahead += timedelta(hours=1)
            state = mailboxes.of([ana])[0]
            assert len(post.got) == bool(authorities)
            if authorities:
                assert (state.state, state.said) == ("asked", None)
            else:
                assert state.state == "new"
                why = "SSLCertVerificationError, unable to get local issuer certificate"
                assert state.said == f"the mail server: {why}"
        wrong = post.server(security, str(made.authority))._replace(password="another")
        mailboxes.put(ana, "else@example.org", "daily", position=0, now=time())
        deliverer = Deliverer(told.service, (), time, server=wrong)
        stack.callback(deliverer.close)
        deliverer.deliver_all()
        assert mailboxes.of([ana])[0].said == "the mail server: SMTPAuthenticationError"
        assert one.token != mailboxes.of([ana])[0].token


def test_the_settings_name_the_server_and_where_its_password_is(tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text(f"{PASSWORD}\n")
    said = {
        "STEMMA_SMTP": "smtp://a%40b@mail.example.org",
        "STEMMA_SMTP_PASSWORD": str(kept),
        "STEMMA_MAIL_FROM": "stemma@example.org",
        "STEMMA_ADDRESS": "https://stemma.example/",
    }
    settings = read_settings(said)
    assert read_mail_password(settings, said) == PASSWORD
    named = read_settings(said | {"STEMMA_SMTP_PASSWORD": "env:SECRET"})
    assert read_mail_password(named, {"SECRET": "x"}) == "x"
    assert mail_server_in(settings.smtp) == ("mail.example.org", 587, "starttls", "a@b")
    assert mail_server_in("smtps://h:1465")[1:3] == (1465, "tls")
    assert mail_server_in("smtp+plain://h")[1:3] == (25, "none")
    for name, wrong in (
        *((name, "") for name in ("STEMMA_MAIL_FROM", "STEMMA_ADDRESS")),
        *(("STEMMA_SMTP", one) for one in ("mail.example.org", "smtp://u:p@h", "smtp://h:x")),
        *(("STEMMA_ADDRESS", "http://example.org"), ("STEMMA_AUTHORITIES", "/nowhere")),
        ("STEMMA_MAIL_FROM", "nobody"),
    ):
        with pytest.raises(BadSetting, match=name):
            read_settings(said | {name: wrong})


# -- by HTTP, on pages and on the command line ------------------------------------------------


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as opened:
        yield opened


def test_what_was_read_moves_forward_and_not_beyond_what_is_recorded(served: Served) -> None:
    """A position that was mistyped hid for ever what was new, because it is never set back."""
    ana, ben = (served.acting(served.admit(name)) for name in ("Ana", "Ben"))
    for said, noted in ((1, 1), (2, 2), (1, 2), (9_999, 2)):
        assert ana.post("/notifications/seen", position=said).json == {"position": noted}
    served.admit("Cal")
    assert ana.post("/notifications/seen", position=3).json == {"position": 3}
    assert ben.get("/notifications/seen").json == {"position": 0}


def test_people_see_and_change_their_own_address_only(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ana, as_ben = served.acting(ana), served.acting(ben)
    assert as_ana.post("/notifications", often="daily").code == "bad_address"
    made = as_ana.post("/notifications", address="ana@example.org").json
    assert (made["holder"], made["often"], made["state"]) == (ana, "daily", "new")
    (listed,) = as_ana.get("/notifications").items
    (token,) = [one.token for one in Mailboxes(served.service.engine).of(None)]
    assert token not in as_ana.get("/notifications").text
    assert (as_ben.get("/notifications").items, listed) == ([], made)
    assert served.operator.get("/notifications").items == [made]
    assert as_ben.post("/notifications/end", {}).code == "unknown_mailbox"
    assert as_ana.post("/notifications/confirm", token="x").code == "unknown_mailbox"
    assert as_ana.post("/notifications/confirm", token=token).json["state"] == "confirmed"
    assert as_ana.post("/notifications", often="weekly").json["state"] == "confirmed"
    assert as_ana.post("/notifications", often="hourly").status == 422
    assert as_ana.post("/notifications/end", {}).json["address"] == "ana@example.org"
    assert served.operator.get("/notifications").items == []


def test_links_in_messages_ask_before_they_change_anything_and_one_click_ends(
    served: Served,
) -> None:
    ana = served.admit("Ana")
    as_ana, nobody = signed_in(served, ana), reader(served)
    said = {"form_token": as_ana.get("/own-notifications").token, "do": "save"}
    wrong = as_ana.post("/own-notifications", {**said, "address": "<b>@x", "often": "daily"})
    assert (wrong.status, "&lt;b&gt;@x" in wrong.text) == (422, True)
    sent = as_ana.post("/own-notifications", {**said, "address": "a@example.org", "often": "daily"})
    assert "open its link" in as_ana.get(sent.headers["Location"]).text_seen
    mailboxes = Mailboxes(served.service.engine)
    (one,) = mailboxes.of(None)
    assert "a@example.org" in nobody.get(f"/mail/confirm/{one.token}").text_seen
    assert mailboxes.of(None)[0].state == "new"
    assert nobody.post(f"/mail/confirm/{one.token}", {}).status == 200
    assert mailboxes.of(None)[0].state == "confirmed"
    assert nobody.get(f"/mail/stop/{one.token}").status == 200
    assert mailboxes.of(None)[0].often == "daily"
    assert nobody.post(f"/mail/stop/{one.token}", {"List-Unsubscribe": "One-Click"}).status == 200
    assert mailboxes.of(None)[0].often == "never"
    assert nobody.post("/mail/stop/x", {}).status == 404
    assert as_ana.post("/own-notifications", {**said, "do": "end"}).status == 303
    assert mailboxes.of(None) == []


def test_the_command_line_says_where_and_sends(
    database: str, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEMMA_SMTP", f"smtp+plain://127.0.0.1:{post.port}")
    monkeypatch.setenv("STEMMA_MAIL_FROM", SENDER.address)
    monkeypatch.setenv("STEMMA_ADDRESS", SENDER.pages)

    run = Stemma(database)
    run("contributor", "add", "--id", "ana", "--name", "Ana")
    assert "is new" in run("notifications", "set", "a@example.org", "--for", "ana")
    run("deliver")
    (message,) = post.got
    token = text_of(message).partition("/mail/confirm/")[2].split()[0]
    assert "is confirmed" in run("notifications", "confirm", token)
    assert '"confirmed"' in run("notifications", "list", "--json")
    assert "a@example.org" in run("notifications", "list")
    run("contribution", "post", "--id", "poem", "--title", "A poem", "--medium", "text")
    run("credit", "open", "--work", "poem", "--contributor", "ana", "--role", "editor")
    run("deliver")
    assert "Accept or decline the credit: A poem" in text_of(post.got[1])
    run("notifications", "end", "--for", "ana")
    assert "a@example.org" not in run("notifications", "list", "--json")
