"""What goes out by message, word for word, in both languages, and what a machine reads beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.alerts.channels.base import Message
from gateway.alerts.notices import row_for
from gateway.alerts.roster import Address
from gateway.alerts.wording import message
from gateway.model.alert import Alert, Handling, Priority, Taken
from gateway.model.catalogue import shipped
from gateway.model.clock import ClockQuality, iso
from gateway.model.rows import Notification
from support.alarm_cases import at
from support.alarm_every import alert

CALLING = alert(Handling.UNACKNOWLEDGED, count=1, step=1, raised=at(0))
TAKEN = alert(Handling.ACKNOWLEDGED, taken=Taken("KL", at(20), at(620)))
FULL = {"da": "Kald – Bolig 12. Gå til boligen.", "en": "Call – Bolig 12. Go to the home."}


def told(
    of: Alert,
    seconds: float = 30,
    *,
    about: str = "alert",
    short: bool = False,
    language: str = "da",
    **row: Any,
) -> Message:
    """Put a telling into words."""
    plain: Notification = row_for(of, Address("group:nat", "sms", "AB"), at(seconds), about=about)
    now = at(seconds, quality=ClockQuality.HOLDOVER)
    return message(replace(plain, **row), of, now, short=short, language=language, words=shipped())


def test_what_where_and_what_to_do() -> None:
    """In the receiver's language, and in both for a receiver that chooses."""
    danish, english = told(CALLING), told(CALLING, language="en")
    assert danish.texts == english.texts == FULL
    assert (danish.text, danish.language) == (FULL["da"], "da")
    assert (english.text, english.language) == (FULL["en"], "en")
    assert (danish.subject, english.subject) == ("Bolig 12: Haster", "Bolig 12: Urgent")
    assert (danish.key, danish.about, danish.person) == (
        row_for(CALLING, Address("group:nat", "sms", "AB"), at(30)).id,
        "alert",
        "AB",
    )


@pytest.mark.parametrize(
    ("changes", "seconds", "danish", "english"),
    [
        ({}, 59.999, "", ""),
        ({}, 60, " Har ventet 1 min.", " Has waited 1 min."),
        ({}, 125, " Har ventet 2 min 5 sek.", " Has waited 2 min 5 s."),
        ({"count": 2}, 30, " 2 gange.", " 2 times."),
        ({"step": 2}, 30, " Sendt videre, ingen har taget den.", " Passed on, nobody has taken it."),
        ({"returned": True}, 30, " Kom igen: ingen afsluttede.", " Back: not finished."),
        ({"helper": "KL"}, 30, " Kalder igen.", " Calling again."),
        (
            {"count": 3, "step": 3, "returned": True, "helper": "KL"},
            60,
            (
                " Kalder igen. Kom igen: ingen afsluttede. Har ventet 1 min. 3 gange."
                " Sendt videre, ingen har taget den."
            ),
            " Calling again. Back: not finished. Has waited 1 min. 3 times. Passed on, nobody has taken it.",
        ),
    ],
)
def test_how_it_stands(changes: dict[str, Any], seconds: float, danish: str, english: str) -> None:
    """How long, how often, and what has become of it so far."""
    texts = told(replace(CALLING, **changes), seconds).texts
    assert texts == {"da": FULL["da"] + danish, "en": FULL["en"] + english}


def test_what_one_person_is_told() -> None:
    """Sent by somebody; taken over by somebody; soon to come back."""
    assert told(TAKEN, about="dispatch").texts == {
        "da": FULL["da"] + " KL beder dig gå derhen.",
        "en": FULL["en"] + " KL asks you to go there.",
    }
    assert told(TAKEN, about="taken_over").texts == {
        "da": "Kald – Bolig 12. KL har overtaget den fra dig.",
        "en": "Call – Bolig 12. KL has taken it over from you.",
    }
    assert told(TAKEN, 500, about="return").texts == {
        "da": "Kald – Bolig 12: kommer igen om 2 min. Er du der stadig?",
        "en": "Call – Bolig 12: comes back in 2 min. Are you still there?",
    }
    assert "0 sek" in told(TAKEN, 700, about="return").text


@pytest.mark.parametrize("about", ["dispatch", "taken_over", "return"])
def test_what_nobody_has_any_more_is_told_as_it_stands(about: str) -> None:
    """It was given back between the writing and the sending."""
    assert told(CALLING, about=about).texts == FULL


def test_a_channel_that_leads_out_of_the_home_is_told_place_and_urgency_only() -> None:
    """Neither what, nor what to do, nor anybody; a test says that it is one."""
    grave = replace(CALLING, priority=Priority.EMERGENCY, count=4, helper="KL")
    short = told(grave, 400, short=True, about="dispatch")
    assert short.texts == {"da": "Bolig 12: Nødkald", "en": "Bolig 12: Emergency"}
    tried = told(replace(grave, test=True), short=True, language="en")
    assert tried.texts == {"da": "PRØVE – Bolig 12: Nødkald", "en": "TEST – Bolig 12: Emergency"}
    assert tried.subject == "TEST – Bolig 12: Emergency"
    assert "person" not in short.document
    assert "AB" not in str({**short.document, "id": ""})


def test_what_may_have_come_before_says_so() -> None:
    """After a crash, by a channel that knows no key."""
    assert told(CALLING, repeated=True).texts == {
        "da": FULL["da"] + " (Gentaget: den kan være kommet før.)",
        "en": FULL["en"] + " (Repeated: it may have come before.)",
    }
    assert told(CALLING, repeated=True).document["repeated"] is True


def test_what_to_do_may_be_unknown() -> None:
    """In a language in which nobody wrote it."""
    assert told(replace(CALLING, do={"da": "Gå"})).texts == {
        "da": "Kald – Bolig 12. Gå.",
        "en": "Call – Bolig 12. .",
    }


def test_the_document() -> None:
    """Schema `velgate/notification/1`; short, it has no more than the text says."""
    once = told(CALLING, repeated=False)
    known = {
        "schema": "velgate/notification/1",
        "id": once.key,
        "about": "alert",
        "time": iso(at(30).wall_ns),
        "clock": "holdover",
        "alert": CALLING.id,
        "rev": CALLING.rev,
        "priority": "high",
        "label": "Bolig 12",
        "test": False,
        "text": once.texts,
        "language": "da",
        "repeated": False,
    }
    more = {
        "to": "group:nat",
        "person": "AB",
        "step": 1,
        "kind": "help_call.press",
        "place": "room-12",
        "title": CALLING.title,
        "do": CALLING.do,
        "raised": iso(at(0).wall_ns),
        "count": 1,
    }
    assert once.document == known | more
    short = told(CALLING, short=True)
    assert short.document == known | {"text": short.texts}
