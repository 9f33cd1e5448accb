"""The catalogue: both languages whole, every kind with words and a line "what to do", overlays of words."""

from __future__ import annotations

import ast
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

import gateway
from gateway.model import catalogue
from gateway.model.alert import Handling
from gateway.model.catalogue import LANGUAGES, placeholders, shipped
from gateway.model.refusal import STATUS

# people.md, "Words": kind -> (Danish, what to do, English)
FIXED = {
    "help_call.press": ("Kald", "Gå til boligen", "Call"),
    "help_call.double_press": ("Kald", "Gå til boligen", "Call"),
    "help_call.long_press": ("Nødkald", "Gå til boligen nu", "Emergency call"),
    "help_call.triple_press": ("Nødkald", "Gå til boligen nu", "Emergency call"),
    "help_call.bath": ("Kald fra bad", "Gå til badet nu", "Bathroom call"),
    "assist": ("Kollega har brug for hjælp", "Gå derhen nu", "Colleague needs help"),
    "fall.detected": ("Fald", "Se til beboeren nu", "Fall"),
    "smoke": ("Røg", "Følg brandinstruksen", "Smoke"),
    "carbon_monoxide": ("Kulilte", "Følg brandinstruksen", "Carbon monoxide"),
    "gas": ("Gas", "Følg brandinstruksen", "Gas"),
    "bed.left": ("Ude af sengen", "Se til beboeren", "Out of bed"),
    "bed.not_back": ("Ikke tilbage i seng", "Se til beboeren", "Not back in bed"),
    "door.opened": ("Dør åbnet", "Se, hvem der går ud", "Door opened"),
    "no_motion": ("Ingen bevægelse", "Se til beboeren", "No movement"),
    "leak": ("Vand på gulvet", "Luk for vandet, tør op", "Water on the floor"),
    "room.hot": ("For varmt", "Regulér varme, luft ud", "Too hot"),
    "room.cold": ("For koldt", "Regulér varme, luft ud", "Too cold"),
    "vital.limit": ("Måling uden for aftalt grænse", "Mål igen, følg aftalen", "Outside agreed limit"),
    "battery.low": ("Skift batteri", "Skift i dag", "Change battery"),
    "device.silent": ("Svarer ikke", "Tryk på den; kontakt teknik", "Not responding"),
    "call_device.silent": (
        "Kaldeknap svarer ikke",
        "Se til beboeren, giv en anden knap",
        "Call button not responding",
    ),
    "tamper": ("Taget af eller løs", "Sæt den på igen", "Removed or loose"),
    "adapter.down": ("Radio virker ikke", "Ring til teknik; gå runder", "Radio down"),
    "channel.failing": ("Beskeder når ikke frem", "Ring til teknik", "Messages not getting through"),
    "clock.unsynced": ("Ur passer ikke", "Kontakt teknik", "Clock wrong"),
    "outlet.behind": ("Data venter", "Kontakt teknik", "Data waiting"),
    "disk.filling": ("Disk næsten fuld", "Kontakt teknik", "Disk nearly full"),
    "driver.quarantined": ("Driver stoppet", "Kontakt teknik", "Driver stopped"),
    "basis.expiring": ("Aftale udløber", "Forny eller afslut", "Agreement expires"),
}


def test_both_languages_hold_the_same_keys_and_values() -> None:
    """A text that one language lacks, or that takes other values, would fail on the night it is needed."""
    danish, english = (shipped().texts[lang] for lang in LANGUAGES)
    assert danish.keys() == english.keys()
    assert len(danish) > 200
    differing = [key for key in danish if placeholders(danish[key]) != placeholders(english[key])]
    assert differing == []


def test_every_kind_has_a_name_and_a_line_what_to_do() -> None:
    """R1: an alarm asks for an action."""
    kinds = shipped().kinds()
    for kind in kinds:
        assert all(shipped().texts[lang][f"alert.{kind}.short"].strip() for lang in LANGUAGES)
        do = shipped().what_to_do(kind)
        assert do is not None, kind
        assert all(do[lang].strip() for lang in LANGUAGES), kind
    assert len(kinds) >= len(FIXED) + 1


@pytest.mark.parametrize("kind", FIXED)
def test_the_fixed_words(kind: str) -> None:
    """The words that staff were promised stand to the letter."""
    danish, do, english = FIXED[kind]
    assert shipped().short(kind) == {"da": danish, "en": english}
    told = catalogue.what_to_do(kind)
    assert told is not None
    assert told["da"] == do


def test_what_is_known_beside_a_kind() -> None:
    """A battery's type, a time, a channel stand in brackets where they are known, and only then."""
    say = shipped().short
    assert say("battery.low", battery="CR2477")["da"] == "Skift batteri (CR2477)"
    assert say("battery.low", battery="")["da"] == "Skift batteri"
    assert say("bed.not_back", held=timedelta(minutes=20))["da"] == "Ikke tilbage i seng (20 min)"
    assert say("channel.failing", subject="SMS")["da"] == "Beskeder når ikke frem (SMS)"
    assert say("basis.expiring", until=date(2026, 12, 12)) == {
        "da": "Aftale udløber 12.12.",
        "en": "Agreement expires 12 Dec",
    }


def test_title_says_what_and_where() -> None:
    """The published form of the contract, a device beside it, and a test that says so first."""
    assert catalogue.title("help_call.press", "Bolig 12") == {
        "da": "Kald – Bolig 12",
        "en": "Call – Bolig 12",
    }
    assert catalogue.title("device.silent", "Bolig 12", device_label="klima-01")["da"] == (
        "Svarer ikke – Bolig 12 · klima-01"
    )
    assert catalogue.title("help_call.press", "Bolig 12", test=True) == {
        "da": "PRØVE – Kald – Bolig 12",
        "en": "TEST – Call – Bolig 12",
    }


def test_unknown_kind_and_key() -> None:
    """A typing mistake is loud in the tests, not a blank card on the wall."""
    assert catalogue.what_to_do("no.such") is None
    assert not shipped().knows("no.such")
    with pytest.raises(KeyError):
        catalogue.title("no.such", "Bolig 12")
    with pytest.raises(KeyError):
        catalogue.text("card.theirs", "da", by="AB")


def test_no_text_claims_to_watch_or_to_judge_health() -> None:
    """Velgate calls and passes on; it neither monitors nor diagnoses."""
    texts = [text for lang in LANGUAGES for text in shipped().texts[lang].values()]
    assert len(texts) > 400
    forbidden = re.compile(r"overvåg|monitor|diagnos", re.IGNORECASE)
    assert [text for text in texts if forbidden.search(text)] == []


def test_actions_have_their_words() -> None:
    """The buttons of the page, as fixed."""
    danish = {
        "acknowledge": "Jeg tager den",
        "presence": "Jeg er her",
        "extend": "10 min mere",
        "release": "Giv tilbage",
        "assist": "Send hjælp",
        "resolve": "Afslut",
        "shelve": "Vent til …",
        "mute": "Dæmp 2 min",
        "object": "Beboeren siger fra",
        "join": "Jeg kommer også",
    }
    for action, words in danish.items():
        assert catalogue.text(f"action.{action}", "da") == words
    outcomes = {
        "assisted": "Hjalp",
        "checked": "Så til – intet behov",
        "false_alarm": "Falsk alarm",
        "test": "Prøve",
        "technical": "Teknisk fejl",
        "other": "Andet",
    }
    for outcome, words in outcomes.items():
        assert catalogue.text(f"outcome.{outcome}", "da") == words


def test_durations_and_times() -> None:
    """Times `02.14`, durations `1 min 42 sek`."""
    assert catalogue.duration(timedelta(seconds=102), "da") == "1 min 42 sek"
    assert catalogue.duration(timedelta(seconds=102), "en") == "1 min 42 s"
    assert catalogue.duration(timedelta(seconds=42), "da") == "42 sek"
    assert catalogue.duration(timedelta(minutes=20), "da") == "20 min"
    assert catalogue.duration(timedelta(hours=2, minutes=5), "da") == "2 t 5 min"
    assert catalogue.duration(timedelta(hours=12), "en") == "12 h"
    assert catalogue.duration(timedelta(hours=72), "da") == "3 dage"
    assert catalogue.duration(timedelta(seconds=-3), "da") == "0 sek"
    assert catalogue.countdown(timedelta(minutes=8, seconds=20), "da") == "8.20"
    assert catalogue.countdown(timedelta(minutes=8, seconds=20), "en") == "8:20"


def test_a_municipality_overlays_words() -> None:
    """Local words stand, everything else stays; nested tables and dotted keys both do."""
    words = shipped().overlaid(
        {"da": {"alert": {"bed.left": {"short": "Har forladt sengen"}}, "action.release": "Læg den fra dig"}}
    )
    assert words.title("bed.left", "Bolig 3")["da"] == "Har forladt sengen – Bolig 3"
    assert words.title("bed.left", "Bolig 3")["en"] == "Out of bed – Bolig 3"
    assert words.text("action.release", "da") == "Læg den fra dig"
    assert shipped().text("action.release", "da") == "Giv tilbage"


@pytest.mark.parametrize(
    ("overlay", "names"),
    [
        ({"da": {"alert.new.short": "Nyt"}}, "da.alert.new.short: a key of the catalogue"),
        ({"da": {"title.place": "{short}"}}, "da.title.place: the values {label} {short}, found {short}"),
        ({"da": {"title.place": "{short"}}, "braces that do not match"),
        ({"da": {"action.release": "  "}}, "da.action.release: a text that is not empty"),
        ({"sv": {"action.release": "Ge tillbaka"}}, "sv: a language"),
    ],
)
def test_an_overlay_changes_words_only(overlay: dict[str, dict[str, str]], names: str) -> None:
    """What would lose a place or name a thing that does not exist is refused, and says where."""
    with pytest.raises(ValueError, match=re.escape(names)):
        shipped().overlaid(overlay)


def test_every_transition_and_refusal_of_an_alert_has_words() -> None:
    """A sweep over the source: what is audited on an alert, and why something is refused, has words."""
    audited: set[str] = set()
    reasons: set[str] = set()
    for path in sorted((Path(gateway.__file__).parent / "alerts").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            words = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
            if name in ("Audit", "audit"):
                audited.update(words[:1])
            elif name in ("refused", "Refuse") and len(words) >= 2:
                reasons.add(words[1])
            reasons |= {
                str(word.value.value)
                for word in node.keywords
                if name == "Refused" and word.arg == "reason" and isinstance(word.value, ast.Constant)
            }
    reasons |= {f"{handling.value}_alert" for handling in Handling}
    told_to_nobody = {
        "stale_timer",
        "timer_does_not_fit",
        "not_calling",
        "step_is_over",
    }  # answers to the engine
    assert len(audited) >= 20
    assert len(reasons) >= 12
    assert {what for what in audited if not shipped().has(f"timeline.{what}")} == set()
    unsaid = {reason for reason in reasons - told_to_nobody if not shipped().has(f"refusal.{reason}")}
    assert unsaid == set()
    assert {code for code in STATUS if not shipped().has(f"refusal.{code}")} == set()
