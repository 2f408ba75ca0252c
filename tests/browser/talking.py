"""What a test sees and does in a conversation on the page."""

import json
import urllib.request
from typing import Any

from playwright.sync_api import Locator, Page, expect

from store.messages import list_messages
from store.reading import reader
from tests.browser.served import App
from tests.support.waiting import until


def transcript_of(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages")


def messages_of(page: Page, speaker: str | None = None) -> Locator:
    """Those in the document, of one speaker."""
    found = transcript_of(page).locator("[data-number]")
    return found if speaker is None else found.and_(page.locator(f'[data-speaker="{speaker}"]'))


def message_of(page: Page, number: int) -> Locator:
    return transcript_of(page).locator(f'[data-number="{number}"]')


def _numbers(page: Page) -> list[int]:
    return messages_of(page).evaluate_all("all => all.map(each => Number(each.dataset.number))")


def participants_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Participants")


def persona_of(page: Page, name: str) -> Locator:
    return (
        participants_of(page)
        .get_by_role("list", name="Taking part")
        .get_by_role("listitem", name=name, exact=True)
    )


def asked_of(page: Page, name: str) -> Locator:
    """What was asked of a persona, newest last."""
    return (
        persona_of(page, name)
        .get_by_role("list", name=f"Guidance sent to {name}")
        .get_by_role("listitem")
    )


def message_field(page: Page) -> Locator:
    return page.get_by_role("region", name="Say something").get_by_role("textbox", name="Message")


def say(page: Page, text: str) -> None:
    """Until it is said."""
    message_field(page).fill(text)
    message_field(page).press("Enter")
    expect(message_field(page)).to_have_value("")
    sent = page.get_by_role("list", name="Messages sent").get_by_role("listitem")
    expect(sent.last).to_contain_text(text[:20])
    expect(sent.last).to_contain_text("said")


def add_persona(page: Page, name: str, tone: str) -> None:
    """By the form, which is open with all of its fields; until it has joined."""
    form = participants_of(page).get_by_role("form", name="Add persona")
    form.get_by_role("textbox", name="Name").fill(name)
    form.get_by_role("textbox", name="Tone").fill(tone)
    form.get_by_role("spinbutton", name="Cooldown").fill("0.3")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(persona_of(page, name)).to_be_visible()
    expect(persona_of(page, name)).to_contain_text(tone)


def said_in(app: App, conversation_id: str) -> list[dict[str, Any]]:
    return list_messages(conversation_id, store=reader(app.data))


def has_decided(app: App, conversation_id: str, name: str, number: int) -> None:
    """Until a persona has answered that message, or chosen not to.

    One that left a message before it for its talkativeness writes nothing when it leaves this one.
    """

    def decided() -> bool:
        with urllib.request.urlopen(f"{app.at}/api/conversations/{conversation_id}") as answer:
            cast = json.load(answer)["participants"]
        [state] = [each["state"] for each in cast if each["name"] == name]
        silence = state["silence"] or {"reason": None}
        return state["last_seen"] >= number or silence["reason"] == "talkativeness"

    until(decided, f"{name} has seen message {number}")


def shows_all(app: App, page: Page, conversation_id: str) -> None:
    """The page's messages are those on record, by number and by text, each once."""

    def same() -> bool:  # looked at anew: they go on talking
        wanted = said_in(app, conversation_id)
        texts = messages_of(page).locator(".text").all_inner_texts()
        numbers = [row["number"] for row in wanted]
        return texts == [row["text"] for row in wanted] and _numbers(page) == numbers

    until(same, "the page's messages are those on record")


def conversation_at(app: App, conversation_id: str) -> str:
    return f"{app.at}/conversations/{conversation_id}"
