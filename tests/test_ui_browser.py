"""The page in a real Chromium: asking, streaming, citing, reading, keeping, and nothing ever running that should not."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ui
from index.build import Index
from index.errors import UserError
from index.settings import Settings, load_settings
from rag.condense import Turn
from tests.ui_support import (
    HOSTILE,
    PARAGRAPHS,
    Script,
    an_answer,
    answering_over,
    make_index,
    served,
    wait_until,
    writer,
)
from ui.answering import MOST_AT_ONCE, Answering
from ui.feedback import FeedbackStore

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"),
]

LONG, LONG_EN, FOLLOW, SILENT, CARE = (
    "桥有多长?",
    "How long is the bridge?",
    "那它多宽?",
    "桥是什么颜色的?",
    "Who looks after the bridge?",
)
CARED = "谁来照看它?", "Who looks after it?"
STAGE = "时间线上的「1956 洪水」说了什么？", "What does the timeline say about “1956 The flood”?"
SLOW, LOST = "慢慢说?", "出错吗?"
NO_PHONE_HOME = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# The network is cut: no name but this machine's resolves.
CUT = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


@dataclass
class World:
    """The page under test: where it is, and what its engine will say."""

    url: str
    index: Index
    scripts: dict[str, Script]
    answering: Answering
    settings: Settings


def _scripts(index: Index) -> dict[str, Script]:
    def quotes(question: str, paragraph: int, sentence: int, **more: Any) -> Any:
        return an_answer(index, question, ("", paragraph, sentence, "supported"), generator="quote", **more)

    def script(question: str, *said: Any, rewritten: str | None = None, pieces: tuple[str, ...] = ()) -> Script:
        final = an_answer(index, question, *said, rewritten=rewritten)
        quoted = an_answer(
            index,
            question,
            *((final.citations[i].quote, p, s, "supported") for i, (_, p, s, _) in enumerate(said)),
            rewritten=rewritten,
        )
        return Script(quoted, final, pieces)

    both = script(
        LONG,
        ("桥长四十米。", 3, 1, "supported"),
        ("它也许更长。", 4, 0, "partial"),
        pieces=("桥长", "四十", "米[¶", "3]。它也许", "更长。"),
    )
    slow = script(SLOW, ("桥长四十米。", 3, 1, "supported"), pieces=("桥长", "四十", "米[¶", "3]。"))
    return {
        LONG: both,
        LONG_EN: script(
            LONG_EN,
            ("The bridge is forty metres long.", 3, 1, "supported"),
            pieces=("The bridge is ", "forty metres long."),
        ),
        FOLLOW: script(FOLLOW, ("没有用一颗钉子。", 3, 2, "supported"), rewritten="竹桥有多宽?"),
        CARE: script(CARE, ("The families of both banks take turns.", 8, 1, "supported")),
        SLOW: slow,
        HOSTILE: script(HOSTILE, (HOSTILE, 3, 0, "partial"), rewritten=HOSTILE, pieces=(HOSTILE,)),
        **{
            asked: script(asked, ("", paragraph, 0, "supported"))
            for paragraph, questions in ((6, STAGE), (8, CARED))
            for asked in questions
        },
        LOST: Script(an_answer(index, LOST), error=RuntimeError("not for readers")),
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    index = make_index(tmp_path_factory.mktemp("browser"))
    assert index.vectors  # opened here: what a test opens is closed after it
    scripts = _scripts(index)
    answering = answering_over(index, scripts)
    answering.start().join()
    settings = load_settings(home=tmp_path_factory.mktemp("browser-home"))
    with served(settings, answering) as url:
        yield World(url, index, scripts, answering, settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*NO_PHONE_HOME, *CUT])
        yield browser
        browser.close()


Open = Callable[..., Any]
# What gradio writes to the console of a page that is left while it listens, or finds a planted conversation.
_EXPECTED = re.compile(
    r"AbortError|ERR_CONNECTION_REFUSED|Connection errored out|Unexpected error|network error|ERR_INCOMPLETE_CHUNKED_ENCODING|Error reading from localStorage"
)


@pytest.fixture(scope="module")
def profiles(browser: Any) -> Iterator[dict[str, Any]]:
    """A browser profile for every set of options, so that gradio's scripts are fetched and compiled once for each."""
    made: dict[str, Any] = {}
    yield made
    for profile in made.values():
        profile.close()


@pytest.fixture
def opened(browser: Any, profiles: dict[str, Any], world: World) -> Iterator[Open]:
    """Opens the page in a profile that keeps nothing; afterwards nothing may have failed, run, or left this machine."""
    pages: list[Any] = []
    trouble: list[str] = []
    asked: list[str] = []

    def open_page(
        path: str = "", *, base: str | None = None, locale: str = "zh-CN", width: int = 1440, **options: Any
    ) -> Any:
        options |= {"viewport": {"width": width, "height": 900 if width > 900 else 844}, "locale": locale}
        key = json.dumps(options, sort_keys=True)
        profiles[key] = profiles.get(key) or browser.new_context(**options)
        profiles[key].grant_permissions(["clipboard-read", "clipboard-write"], origin=(base or world.url).rstrip("/"))
        page = profiles[key].new_page()
        pages.append(page)
        # What the page of an earlier test kept, also after that test had ended.
        forget = {"origin": (base or world.url).rstrip("/"), "storageTypes": "local_storage"}
        profiles[key].new_cdp_session(page).send("Storage.clearDataForOrigin", forget)
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto((base or world.url) + path)
        page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
        return page

    yield open_page
    ran = [page.evaluate("window.fired") for page in pages]
    for page in pages:
        page.close()
    elsewhere = [url for url in asked if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", url)]
    assert elsewhere == []
    assert ran == [None] * len(ran)
    assert [line for line in trouble if not _EXPECTED.search(line)] == []


def _ask(page: Any, question: str, *, wait: bool = True) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")
    if wait:
        page.wait_for_function(
            "question => { const last = [...document.querySelectorAll('.exchange')].pop();"
            " return last && last.dataset.state !== 'running' && last.querySelector('.question').textContent === question }",
            arg=question,
        )


def _lit(page: Any, twin: bool) -> list[str]:
    return page.locator(".s.lit.twin" if twin else ".s.lit:not(.twin)").all_text_contents()  # type: ignore[no-any-return]


@pytest.fixture
def slow(world: World) -> Iterator[Script]:
    """SLOW's script: its model waits behind the quotes until the gate is set, at the latest when the test is over."""
    script = world.scripts[SLOW]
    script.gate = threading.Event()
    script.closed.clear()
    yield script
    script.gate.set()
    script.gate, script.pause = None, 0


@pytest.fixture
def underway(opened: Open, slow: Script) -> Any:
    """A page on which SLOW was asked and its quotes stand; the answer is not written yet."""
    page = opened()
    _ask(page, SLOW, wait=False)
    page.wait_for_selector(".exchange[data-state=running] .statement")
    return page


# --- asking


@pytest.mark.parametrize(
    ("question", "answer", "locale"),
    [(LONG, "桥长四十米。", "en-GB"), (LONG_EN, "The bridge is forty metres long.", "zh-CN")],
)
def test_a_question_is_answered_in_its_own_language_whatever_the_interfaces(
    opened: Open, question: str, answer: str, locale: str
) -> None:
    page = opened(locale=locale)
    _ask(page, question)
    statement = page.locator(".exchange .statement").first
    assert answer in statement.text_content()
    own = "zh-Hans" if question == LONG else "en"
    assert [page.locator(part).get_attribute("lang") for part in (".question bdi", ".answer")] == [own, own]
    assert statement.locator(".chip").text_content() == "¶3"
    assert page.input_value("#question") == ""


def test_quotes_stand_first_then_the_draft_grows_without_half_a_marker_then_the_answer_takes_its_place(
    opened: Open, slow: Script
) -> None:
    slow.pause = 0.25
    page = opened()
    page.evaluate(
        "() => { window.seen = new Set(); new MutationObserver(() => { const draft = document.querySelector('.draft');"
        " if (draft) window.seen.add(draft.textContent.trim()); }).observe(document.body, {subtree: true, childList: true, characterData: true}); }"
    )
    _ask(page, SLOW, wait=False)
    page.wait_for_selector(".exchange[data-state=running] .statement.verbatim")
    assert "它横跨清溪,长四十米。" in page.locator(".statement.verbatim").text_content()
    assert page.locator(".stage").is_visible()
    wide = page.locator(".question").bounding_box()["width"]
    slow.gate.set()
    page.wait_for_selector(".exchange[data-state=done]")
    drafts = page.evaluate("[...window.seen]")
    assert len(drafts) >= 2
    assert not [draft for draft in drafts if "[" in draft or "¶" in draft]
    assert page.locator(".draft").count() == 0
    assert "桥长四十米。" in page.locator(".statement").text_content()
    assert page.locator(".question").bounding_box()["width"] == wide  # its lines stay as they were


def test_stop_leaves_the_quotes_and_ends_the_model(underway: Any, slow: Script) -> None:
    underway.click("#stop")
    underway.wait_for_selector(".exchange[data-state=stopped]")
    assert "它横跨清溪,长四十米。" in underway.locator(".statement").text_content()
    assert underway.locator("#send").is_visible()
    slow.gate.set()
    assert slow.closed.wait(5)


def test_a_question_sent_while_an_answer_is_written_is_asked_once_it_is_done(underway: Any, slow: Script) -> None:
    underway.fill("#question", CARE)
    underway.press("#question", "Enter")
    assert underway.locator("#next-note").is_visible()
    assert underway.input_value("#question") == CARE
    assert underway.locator(".exchange").count() == 1
    slow.gate.set()
    underway.wait_for_selector(".exchange[data-state=done] >> nth=1")
    assert CARE in underway.locator(".exchange").last.text_content()
    assert underway.input_value("#question") == ""
    assert underway.locator("#next-note").is_hidden()


@pytest.mark.parametrize("taken_back_by", ["the button", "writing on"])
def test_what_is_to_be_asked_next_can_be_kept_back(underway: Any, slow: Script, taken_back_by: str) -> None:
    underway.fill("#question", CARE)
    underway.press("#question", "Enter")
    if taken_back_by == "the button":
        underway.click("#next-note button")
    else:
        underway.press("#question", "End")
        underway.keyboard.type("!")
    assert underway.locator("#next-note").is_hidden()
    slow.gate.set()
    underway.wait_for_selector(".exchange[data-state=done]")
    underway.wait_for_timeout(300)
    assert underway.locator(".exchange").count() == 1
    assert underway.input_value("#question").startswith(CARE), "what was written stays in the box"


def test_stop_is_heard_before_anything_was_heard_of_the_question(opened: Open, slow: Script) -> None:
    page = opened()
    page.fill("#question", SLOW)
    page.evaluate("() => { document.getElementById('ask').requestSubmit(); document.getElementById('stop').click(); }")
    page.wait_for_selector(".exchange[data-state=stopped]")
    slow.gate.set()
    _ask(page, CARE)
    assert page.locator(".exchange").last.get_attribute("data-state") == "done"


def test_a_new_question_stands_at_the_top_with_its_answer_in_view(opened: Open) -> None:
    page = opened(width=390, has_touch=True, is_mobile=True)
    for question in (LONG, FOLLOW, CARE, LONG_EN):
        _ask(page, question)
        place = page.evaluate(
            "() => { const pane = document.getElementById('transcript-block').getBoundingClientRect();"
            " const last = [...document.querySelectorAll('.exchange')].pop();"
            " return [last.getBoundingClientRect().top - pane.top,"
            " pane.bottom - last.querySelector('.tools').getBoundingClientRect().bottom] }"
        )
        assert page.evaluate(  # no tick in a line of its own
            "[...document.querySelectorAll('.marks')].every(own => Math.abs("
            "own.querySelector('.verdict').getBoundingClientRect().top - [...own.querySelectorAll('.chip')].pop().getBoundingClientRect().top) < 20)"
        )
        assert -1 < place[0] < 4
        assert place[1] > 0
    page.reload()
    page.wait_for_selector(".exchange >> nth=3")
    page.wait_for_function("[...document.querySelectorAll('.exchange')].pop().getBoundingClientRect().top < 200")


def test_only_the_last_question_can_be_answered_again_since_what_follows_would_be_lost(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    _ask(page, CARE)
    assert page.locator(".tools [data-act=retry]").count() == 1
    assert page.locator(".exchange").last.locator("[data-act=retry]").is_visible()


def test_quotes_that_were_unfolded_stay_so_when_the_conversation_goes_on(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.locator(".sources summary").click()
    _ask(page, CARE)
    folded = "[...document.querySelectorAll('details.sources')].map(own => own.open)"
    assert page.evaluate(folded) == [True, False]
    page.locator(".sources summary").first.click()
    _ask(page, LONG_EN)
    assert page.evaluate(folded) == [False, False, False]


def test_retry_asks_again_in_place(opened: Open, world: World) -> None:
    page = opened()
    _ask(page, LONG)
    before = len(world.scripts[LONG].asked)
    page.click("[data-act=retry]")
    page.wait_for_function(
        "!document.querySelector('[data-state=running]') && document.documentElement.dataset.busy === 'no'"
    )
    page.wait_for_function("document.querySelector('.statement')")
    assert len(world.scripts[LONG].asked) == before + 1
    assert page.locator(".exchange").count() == 1


def test_editing_a_question_replaces_it_and_what_followed_and_says_so_before(opened: Open) -> None:
    page = opened(locale="en-GB")
    _ask(page, LONG)
    _ask(page, CARE)
    page.locator(".asked [data-act=edit]").first.click()
    assert page.input_value("#question") == LONG
    assert "Editing question 1" in page.locator("#editing-note").text_content()
    assert page.locator(".exchange.leaving").count() == 2
    _ask(page, LONG_EN)
    assert page.locator(".question").all_text_contents() == [LONG_EN]


def test_leaving_an_edit_gives_back_what_stood_in_the_box_before(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.fill("#question", "还没问完的")
    page.locator(".asked [data-act=edit]").click()
    assert page.input_value("#question") == LONG
    page.keyboard.press("Escape")
    assert page.input_value("#question") == "还没问完的"
    page.click("[data-act=undo]")
    page.wait_for_selector("#welcome")
    assert page.input_value("#question") == "还没问完的"


def test_what_was_written_before_an_edit_is_in_the_box_once_it_is_sent(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.fill("#question", "还没问完的")
    page.locator(".asked [data-act=edit]").click()
    _ask(page, CARE)
    assert page.input_value("#question") == "还没问完的"
    page.reload()
    page.wait_for_selector(".exchange .statement")
    assert page.input_value("#question") == "还没问完的"


def test_an_edit_whose_question_is_gone_replaces_nothing(opened: Open) -> None:
    page = opened(locale="en-GB")
    _ask(page, LONG)
    page.locator(".asked [data-act=edit]").click()
    assert page.locator("#editing-note").is_visible()
    page.click("[data-act=retry]")
    page.wait_for_selector("#editing-note", state="hidden")
    assert page.input_value("#question") == LONG


def test_a_question_about_one_paragraph_is_taken_back_as_one(opened: Open) -> None:
    page = opened(locale="en-GB")
    page.hover("#p4")
    page.click("#p4 .about")
    _ask(page, LONG)
    page.click("[data-act=undo]")
    page.wait_for_selector("#welcome")
    assert page.input_value("#question") == LONG
    assert "Only ¶4" in page.locator("#scope-note").inner_text()


def test_undo_takes_the_last_question_back_into_the_box(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    _ask(page, CARE)
    page.click("[data-act=undo]")
    page.wait_for_function("document.querySelectorAll('.exchange').length === 1")
    assert page.input_value("#question") == CARE


def test_a_question_asked_before_a_change_is_back_is_asked_after_it(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    _ask(page, CARE)
    page.route("**/gradio_api/run/**", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.fill("#question", SILENT)
    page.click("[data-act=rate][data-rating=down] >> nth=0")
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    page.wait_for_selector(".exchange[data-state=done] >> nth=2")
    assert page.locator("[data-rating=down]").first.get_attribute("aria-pressed") == "true"
    page.wait_for_function("document.documentElement.dataset.busy === 'no'")
    page.click("[data-act=undo]")
    page.keyboard.press("Enter")
    page.wait_for_function("!document.getElementById('question').value")
    page.wait_for_selector(".exchange[data-state=done] >> nth=2")
    assert page.locator(".question").all_text_contents() == [LONG, CARE, SILENT]
    page.unroute("**/gradio_api/run/**")
    page.click("[data-act=rate][data-rating=down] >> nth=0")  # again, which changes nothing that is drawn
    page.wait_for_timeout(500)
    _ask(page, LONG_EN, wait=False)
    assert page.locator("#next-note").is_hidden()


def test_a_follow_up_is_shown_as_it_was_understood_and_can_be_edited_and_asked_again(
    opened: Open, world: World
) -> None:
    page = opened()
    _ask(page, LONG)
    _ask(page, FOLLOW)
    assert world.scripts[FOLLOW].asked[-1][1] == (Turn(LONG, "桥长四十米。 它也许更长。"),)
    understood = page.locator(".understood")
    assert "竹桥有多宽?" in understood.text_content()
    understood.locator("[data-act=edit]").click()
    assert page.input_value("#question") == "竹桥有多宽?"
    page.fill("#question", CARE)
    page.keyboard.press("Enter")
    page.wait_for_function("[...document.querySelectorAll('.question')].pop().textContent.startsWith('Who')")
    assert world.scripts[CARE].asked[-1][1] == ()  # a question in full leans on nothing


def test_a_question_that_was_misunderstood_can_be_asked_as_it_was_typed(opened: Open, world: World) -> None:
    page = opened(locale="en-GB")
    _ask(page, LONG)
    _ask(page, FOLLOW)
    assert world.scripts[FOLLOW].asked[-1][1] != ()
    before = len(world.scripts[FOLLOW].asked)
    page.click("[data-act=as-typed]")
    page.wait_for_function("document.documentElement.dataset.busy === 'no'")
    page.wait_for_selector(".exchange:last-of-type[data-state=done]")
    assert len(world.scripts[FOLLOW].asked) == before + 1
    assert world.scripts[FOLLOW].asked[-1][1] == ()
    assert page.locator(".question").all_text_contents() == [LONG, FOLLOW]


def test_enter_that_chooses_a_word_in_an_input_method_does_not_send(opened: Open) -> None:
    page = opened()
    page.fill("#question", "qiao")
    page.evaluate(
        "document.getElementById('question').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    assert page.locator(".exchange").count() == 0
    assert page.input_value("#question") == "qiao"


def test_esc_that_leaves_a_word_of_an_input_method_throws_no_edit_away(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.locator(".asked [data-act=edit]").click()
    page.fill("#question", "改了很久的问题 qiao")
    page.evaluate(
        "document.getElementById('question').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', isComposing: true, bubbles: true, cancelable: true}))"
    )
    assert page.input_value("#question") == "改了很久的问题 qiao"
    page.keyboard.press("Escape")
    assert page.input_value("#question") == ""


def test_a_question_that_is_too_long_is_not_sent_and_the_limit_is_said(opened: Open) -> None:
    page = opened(locale="en-GB")
    page.fill("#question", "x" * 2001)
    assert "2000" in page.locator("#length-note").text_content()
    page.click("#ui-language")
    assert page.locator("#length-note").text_content() == "问题最多 2000 个字符。"
    page.focus("#question")
    page.keyboard.press("Enter")
    assert page.locator("#send").is_disabled()
    assert page.locator(".exchange").count() == 0
    page.set_viewport_size({"width": 320, "height": 256})  # four times enlarged: the box leaves its button in view
    box = page.locator("#send").bounding_box()
    assert box["y"] + box["height"] <= 256


def test_the_server_hears_that_a_question_is_being_written(opened: Open, world: World) -> None:
    page = opened()
    before = world.answering.last_asked
    page.locator("#question").press_sequentially("桥")
    wait_until(lambda: world.answering.last_asked > before)
    assert page.locator(".exchange").count() == 0


def test_one_reader_too_many_is_told_it_is_busy_and_may_try_again(opened: Open, world: World, slow: Script) -> None:
    streams = [world.answering.stream(SLOW, (), job=f"other-{n}") for n in range(MOST_AT_ONCE)]
    for stream in streams:
        next(stream)
    page = opened(locale="en-GB")
    _ask(page, LONG)
    assert "Too many questions at once" in page.locator(".notice").text_content()
    assert page.locator("[data-act=retry]").is_visible()
    slow.gate.set()
    for stream in streams:
        list(stream)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_inside_is_said_without_its_details(opened: Open, capfd: pytest.CaptureFixture[str]) -> None:
    page = opened(locale="en-GB")
    _ask(page, LOST)
    said = "Something went wrong and there is no answer: an error inside the program; the terminal has the details."
    assert page.locator(".notice").inner_text() == said  # in one line, not in columns
    assert "not for readers" not in page.content()
    assert "not for readers" in capfd.readouterr().err


# --- citations


def test_clicking_a_citation_lands_on_the_lit_sentence_and_back_returns(opened: Open) -> None:
    page = opened(width=1000)
    _ask(page, LONG)
    chip = page.locator(".statement .chip").first
    chip.click()
    assert _lit(page, twin=False) == ["它横跨清溪,长四十米。"]
    (twin,) = _lit(page, twin=True)
    assert twin in PARAGRAPHS[2]["en"]
    assert page.url.endswith("#p3")
    assert page.evaluate("document.activeElement.id") == "p3"
    page.wait_for_function(
        "() => { const pane = document.getElementById('read').getBoundingClientRect();"
        " const lit = document.querySelector('.s.lit').getBoundingClientRect();"
        " return lit.top >= pane.top + 60 && lit.bottom <= pane.bottom }"
    )
    page.locator("#back").click()
    page.wait_for_function("document.activeElement.classList.contains('chip')")
    assert not page.locator("#back").is_visible()


def test_the_browsers_own_back_returns_from_the_article_too(opened: Open) -> None:
    page = opened(width=390)
    _ask(page, LONG)
    page.locator(".statement .chip").first.click()
    assert page.locator("#read").is_visible()
    page.go_back()
    page.wait_for_function("document.documentElement.dataset.pane === 'talk'")
    assert page.locator(".statement").first.is_visible()
    page.locator(".statement .chip").first.click()
    page.click("#tab-talk")
    assert not page.locator("#back").is_visible()
    page.reload()
    page.wait_for_selector(".exchange .statement")
    assert page.locator("#talk").is_visible()


def test_hovering_a_citation_shows_the_quoted_sentence_in_both_languages(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.hover(".statement .chip >> nth=0")
    page.wait_for_selector("#card:not([hidden])")
    card = page.locator("#card").text_content()
    assert "它横跨清溪,长四十米。" in card
    assert any(sentence in card for sentence in ("It spans the Qing stream", "The villagers built", "Not one nail"))
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()


def test_a_long_quote_is_scrolled_within_its_card(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.evaluate("document.getElementById('card').style.maxHeight = '60px'")
    page.hover(".statement .chip >> nth=0")
    page.wait_for_selector("#card:not([hidden])")
    box = page.locator("#card").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.wheel(0, 30)
    page.wait_for_function("document.getElementById('card').scrollTop > 0")
    page.wait_for_timeout(100)
    assert page.locator("#card").is_visible()


def test_a_citation_is_reached_read_and_followed_with_the_keyboard_alone(opened: Open) -> None:
    page = opened()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type(LONG)
    page.keyboard.press("Enter")
    page.wait_for_selector(".exchange[data-state=done] .chip")
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.statement .chip')"):
            break
    page.wait_for_selector("#card:not([hidden])")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "card"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.classList.contains('pair')")
    assert page.locator(".s.lit").count() >= 1


def test_a_partly_supported_statement_says_so_in_words(opened: Open) -> None:
    page = opened(locale="en-GB")
    _ask(page, LONG)
    assert page.locator(".statement.partial .verdict").inner_text().strip() == "Partly supported"
    assert "Supported" in page.locator(".statement.supported .verdict").first.text_content()


def test_a_refusal_shows_the_nearest_paragraphs_uncited_and_they_can_be_read(opened: Open) -> None:
    page = opened(locale="en-GB")
    _ask(page, SILENT)
    assert "文章没有提到这一点。" in page.locator(".refused").text_content()
    assert page.locator(".closest").inner_text() == "Closest in the article, not an answer"
    assert page.locator(".exchange .chip").count() == 0
    page.locator(".near").first.click()
    assert page.evaluate("document.activeElement.id") == "p3"
    assert page.locator(".s.lit").count() == 0


def test_a_quote_in_the_language_that_is_hidden_is_shown_when_it_is_followed(opened: Open) -> None:
    page = opened()
    page.locator("#show-language input[value=en]").check(force=True)
    assert not page.locator("#p3 .text.zh").is_visible()
    _ask(page, LONG)
    page.locator(".statement .chip").first.click()
    assert page.locator("#p3 .text.zh .s.lit").is_visible()
    assert not page.locator("#p4 .text.zh").is_visible()


def test_a_lit_sentence_is_read_easily_also_in_the_small_print_and_in_colours_forced_on_the_page(opened: Open) -> None:
    page = opened(color_scheme="dark")
    page.evaluate("document.querySelector('#p9 .s').classList.add('lit')")
    drawn = "name => getComputedStyle(document.querySelector(name)).color"
    assert page.evaluate(drawn, "#p9 .s.lit") == page.evaluate(drawn, "body") != page.evaluate(drawn, "#p9 .text")
    page.emulate_media(forced_colors="active")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('#p9 .s.lit')).backgroundColor === 'rgb(255, 255, 0)'"
    )


# --- the article


def test_ask_about_this_paragraph_asks_of_it_alone_and_a_refusal_can_be_widened(opened: Open, world: World) -> None:
    page = opened(locale="en-GB")
    page.hover("#p4")
    page.click("#p4 .about")
    assert "Only ¶4" in page.locator("#scope-note").text_content()
    _ask(page, CARE)
    assert world.scripts[CARE].asked[-1][2] == {p.number for p in world.index.paragraphs} - {4}
    assert "Asked of ¶4 alone" in page.locator(".scope").inner_text()
    page.hover("#p4")
    page.click("#p4 .about")
    _ask(page, SILENT)
    assert "¶4 does not say." in page.locator(".refused").inner_text()
    page.locator("[data-act=whole]").click()
    page.wait_for_function(
        "document.querySelectorAll('.exchange').length === 3 && !document.querySelector('[data-state=running]')"
    )
    assert page.locator(".refused").last.text_content().strip() == "文章没有提到这一点。"


def test_suggestions_are_in_the_readers_language_and_from_parts_not_yet_visited(opened: Open) -> None:
    page = opened(locale="en-GB")
    page.wait_for_function("document.querySelectorAll('.suggestion').length === 2")  # the others would be refused
    assert page.locator(".suggestion").all_text_contents() == [STAGE[1], CARED[1]]
    page.click("#ui-language")
    assert page.locator(".suggestion").all_text_contents() == [STAGE[0], CARED[0]]
    page.locator(".suggestion").last.click()
    page.wait_for_selector(".exchange[data-state=done]")
    assert page.locator(".question").text_content() == CARED[0]
    assert page.evaluate("document.activeElement.id") == "question"
    assert page.locator(".suggestion").all_text_contents() == [STAGE[0]]


def test_a_suggestion_keeps_the_focus_when_the_suggestions_come_again(opened: Open) -> None:
    page = opened(locale="en-GB")
    page.wait_for_function("document.querySelectorAll('.suggestion').length === 2")
    page.focus(".suggestion >> nth=0")
    page.evaluate("document.dispatchEvent(new CustomEvent('duizhao:language'))")
    assert page.evaluate("document.activeElement.textContent") == STAGE[1]


def test_the_reading_map_shows_which_paragraphs_the_conversation_has_touched(opened: Open) -> None:
    page = opened(locale="en-GB")
    assert page.locator(".map-count").inner_text() == "0 of 10 paragraphs touched"
    _ask(page, LONG)
    assert page.locator(".map-count").inner_text() == "2 of 10 paragraphs touched"
    page.click(".map-button")
    assert page.locator(".cell.touched").all_text_contents() == ["3", "4"]
    assert page.locator(".cell.touched").first.get_attribute("aria-label") == "¶3, cited in this conversation"
    page.evaluate("navigator.clipboard.writeText('mine')")
    page.locator(".cell", has_text="8").click()
    assert page.evaluate("document.activeElement.id") == "p8"
    assert page.locator("#map").is_hidden()
    assert page.evaluate("navigator.clipboard.readText()") == "mine"
    page.click(".map-button")
    assert page.locator(".map-name").last.inner_text() == "¶10"  # no "¶10–10"
    page.locator(".map-name", has_text="HOW THE BRIDGE").first.click()
    assert page.evaluate("document.activeElement.id") == "p3"
    head, heading = page.locator(".article-head").bounding_box(), page.locator("h2", has_text="HOW").bounding_box()
    assert head["y"] + head["height"] <= heading["y"] + heading["height"] / 2
    page.click(".map-button")
    page.keyboard.press("Escape")
    assert page.locator("#map").is_hidden()
    assert page.evaluate("document.activeElement.classList.contains('map-button')")


def test_a_link_to_a_paragraph_opens_there_also_on_a_phone(opened: Open) -> None:
    for width in (1440, 390):
        page = opened("#p8", width=width)
        assert page.evaluate("document.activeElement.id") == "p8"
        assert page.locator("#p8").is_visible()


def test_a_paragraphs_number_is_its_link(opened: Open) -> None:
    page = opened()
    page.click("#p4 .number")
    assert page.url.endswith("/#p4")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert page.locator("#toast").inner_text() == "¶4 的链接已复制"


def test_one_language_alone_or_both_and_the_choice_is_kept(opened: Open) -> None:
    page = opened()
    assert page.locator("#p3 .text.zh").is_visible()
    assert page.locator("#p3 .text.en").is_visible()
    page.locator("#show-language input[value=zh]").check(force=True)
    assert not page.locator("#p3 .text.en").is_visible()
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    assert not page.locator("#p3 .text.en").is_visible()


# --- language, appearance, narrow screens


_VISIBLE_WORDS = """() => {
  const own = '.masthead, .tabs, #banner, #desk-block, #transcript-block, .article-bar, .about, .absent';
  const skip = '.running-title, .seal, .question, .answer, .draft, .understood bdi, blockquote, .match, .where, .nearest, #ui-language, .switch, .refused > span[lang]';
  const out = [];
  const walk = (node) => {
    if (node.nodeType === 3) { if (node.data.trim()) out.push(node.data.trim()); return; }
    if (node.nodeType !== 1 || node.matches(skip) || getComputedStyle(node).display === 'none') return;
    for (const name of ['aria-label', 'title', 'placeholder']) if (node.hasAttribute(name)) out.push(node.getAttribute(name));
    node.childNodes.forEach(walk);
  };
  document.querySelectorAll(own).forEach(walk);
  return out;
}"""


@pytest.mark.parametrize(
    ("locale", "lang", "foreign"),
    [("zh-TW", "zh-Hans", r"[A-Za-z]{3,}"), ("fr-FR", "en", r"[\u4e00-\u9fff]"), ("en-US", "en", r"[\u4e00-\u9fff]")],
)
def test_the_interface_follows_the_browser_and_the_switch_switches_every_word(
    opened: Open, locale: str, lang: str, foreign: str
) -> None:
    page = opened(locale=locale)
    _ask(page, FOLLOW)
    _ask(page, SILENT)
    page.locator("[data-act=rate][data-rating=down]").last.click()
    page.wait_for_selector("form.note")
    known = r"Duizhao|Enter|Shift|Markdown|JSON|local"
    assert page.evaluate("document.documentElement.lang") == lang
    assert [words for words in page.evaluate(_VISIBLE_WORDS) if re.search(foreign, re.sub(known, "", words))] == []
    page.click("#ui-language")
    other = r"[A-Za-z]{3,}" if lang == "en" else r"[\u4e00-\u9fff]"
    assert page.evaluate("document.documentElement.lang") != lang
    assert [words for words in page.evaluate(_VISIBLE_WORDS) if re.search(other, re.sub(known, "", words))] == []
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    assert page.evaluate("document.documentElement.lang") != lang


def test_dark_follows_the_system_until_the_reader_chooses_and_the_choice_is_kept(opened: Open) -> None:
    page = opened(color_scheme="dark")
    tone = "document.documentElement.dataset.tone"
    assert page.evaluate(tone) == "dark"
    page.click("#theme")
    assert page.evaluate(tone) == "light"
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    assert page.evaluate(tone) == "light"


def test_on_a_phone_the_panes_are_tabs_and_nothing_is_wider_than_the_screen(opened: Open) -> None:
    page = opened(width=390, has_touch=True, is_mobile=True)
    assert page.locator("#talk").is_visible()
    assert not page.locator("#read").is_visible()
    _ask(page, LONG)
    page.locator(".sources summary").click()
    for tab in ("talk", "read"):
        page.click(f"#tab-{tab}")
        assert page.locator(f"#{tab}").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (
            page.evaluate(
                "name => [...document.querySelectorAll('#' + name + ' *')].filter(e => e.offsetParent && !e.closest('.sr') &&"
                " e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)",
                tab,
            )
            == []
        )


def test_on_the_smallest_phone_the_article_does_not_scroll_sideways(opened: Open) -> None:
    page = opened(width=320, locale="en-GB")
    page.click("#tab-read")
    assert page.evaluate("(own => own.scrollWidth <= own.clientWidth)(document.getElementById('read'))")


def test_under_a_very_long_question_its_answer_is_in_view_and_the_question_can_be_unfolded(opened: Open) -> None:
    page = opened(width=390)
    _ask(page, ("Please tell me in some detail " * 60).strip())
    assert page.evaluate("document.querySelector('.refused').getBoundingClientRect().bottom < innerHeight / 2")
    height = page.locator(".question").bounding_box()["height"]
    page.click("[data-act=unfold]")
    assert page.locator(".question").bounding_box()["height"] > 3 * height
    assert page.locator("[data-act=unfold]").get_attribute("aria-expanded") == "true"
    page.click("[data-act=unfold]")
    assert page.locator(".question").bounding_box()["height"] == height


@pytest.mark.parametrize("width", [1440, 700])
def test_on_paper_the_conversation_and_the_whole_article_stand_one_after_the_other(opened: Open, width: int) -> None:
    page = opened(width=width)
    _ask(page, LONG)
    page.evaluate("document.documentElement.dataset.tone = 'dark'")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.question')).color") == "rgb(36, 33, 28)"
    talk, last = page.locator("#talk").bounding_box(), page.locator("#p10").bounding_box()
    assert page.locator(".statement").first.is_visible()
    assert talk["y"] + talk["height"] < page.locator("#p1").bounding_box()["y"] + 40
    assert last["y"] + last["height"] - 1 < page.evaluate("document.documentElement.scrollHeight")
    assert page.evaluate("(own => own.scrollHeight <= own.clientHeight)(document.getElementById('read'))")


# --- keeping


def test_a_conversation_survives_a_reload_with_its_citations(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    _ask(page, SILENT)
    before = page.locator(".exchange .statement, .refused").all_text_contents()
    page.reload()
    page.wait_for_selector(".exchange >> nth=1")
    assert page.locator(".exchange .statement, .refused").all_text_contents() == before
    page.locator(".statement .chip").first.click()
    assert _lit(page, twin=False) == ["它横跨清溪,长四十米。"]


def test_each_of_two_tabs_has_its_own_conversation_again_when_it_is_loaded_again(opened: Open, world: World) -> None:
    page = opened()
    other = page.context.new_page()
    other.goto(world.url)
    other.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    _ask(page, LONG)
    _ask(other, CARE)
    page.reload()
    page.wait_for_selector(".exchange .statement")
    assert page.locator(".question").all_text_contents() == [LONG]
    other.reload()
    other.wait_for_selector(".exchange .statement")
    assert other.locator(".question").all_text_contents() == [CARE]
    other.close()


def test_a_question_asked_before_the_kept_conversation_is_here_is_answered_after_it(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    held: list[Any] = []
    page.route("**/gradio_api/run/**", lambda route: held.append(route))  # noqa: PLW0108 - it has to be a function of Python's
    page.reload()
    page.wait_for_selector("[data-waiting]", state="attached")
    page.wait_for_function("document.documentElement.dataset.busy === 'no'")
    page.fill("#question", CARE)
    page.keyboard.press("Enter")
    page.wait_for_function("document.documentElement.dataset.busy === 'yes'")
    assert page.locator(".exchange").count() == 0
    held[0].continue_()
    page.wait_for_selector(".exchange[data-state=done] >> nth=1")
    assert page.locator(".question").all_text_contents() == [LONG, CARE]


def test_leaving_while_an_answer_is_written_keeps_its_quotes(underway: Any) -> None:
    underway.wait_for_timeout(300)
    underway.reload()
    underway.wait_for_selector(".exchange[data-state=stopped] .statement")
    assert "它横跨清溪,长四十米。" in underway.locator(".statement").text_content()


def test_a_conversation_is_exported_as_markdown_and_as_json(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    saved: dict[str, str] = {}
    for form in ("markdown", "json"):
        page.click("#menu summary")
        with page.expect_download() as download:
            page.click(f"[data-format={form}]")
        assert page.evaluate("document.activeElement.matches('#menu summary')")  # not lost with the menu
        saved[form] = Path(download.value.path()).read_text(encoding="utf-8")
    assert "桥长四十米。 [¶3]" in saved["markdown"]
    assert json.loads(saved["json"])["answers"][0]["citations"][0]["quote"] == "它横跨清溪,长四十米。"


def test_a_new_conversation_is_confirmed_first(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click("#menu summary")
    page.click("[data-act=new]")
    assert page.locator(".exchange").count() == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#menu summary")
    page.click("[data-act=new]")
    page.wait_for_selector("#welcome")


def test_a_thumb_and_its_note_are_kept(opened: Open, world: World) -> None:
    page = opened()
    _ask(page, LONG)
    page.click("[data-act=rate][data-rating=down]")
    page.fill("form.note input", "单位呢?")
    page.click("form.note button")
    page.wait_for_function("!document.querySelector('form.note')")
    assert page.locator("[data-rating=down]").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.dataset.rating") == "down"  # where the form was
    (record,) = [row for row in FeedbackStore(world.settings.home).all() if row["note"] == "单位呢?"]
    assert (record["rating"], record["question"], record["answer"]["statements"][0]["text"]) == (
        "down",
        LONG,
        "桥长四十米。",
    )


def test_a_thumb_that_cannot_be_kept_is_told(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise UserError("the disk is full")

    page = opened()
    _ask(page, LONG)
    monkeypatch.setattr(FeedbackStore, "add", refuse)
    page.click("[data-act=rate][data-rating=up]")
    page.wait_for_selector("#toast:not([hidden])")
    assert page.locator("#toast").inner_text() == "评价没能存下来，原因见终端。"
    assert page.locator("[data-rating=up]").get_attribute("aria-pressed") == "false"
    _ask(page, CARE, wait=False)
    assert page.locator("#next-note").is_hidden()


def test_an_answer_is_copied_with_its_marks(opened: Open) -> None:
    page = opened()
    _ask(page, LONG)
    page.click("[data-act=copy]")
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('桥长四十米[¶3]。'))")
    # Selected with the mouse, its marks stand in the line too, and the tick is not copied as a word.
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.answer'))")
    page.keyboard.press("Control+C")
    page.wait_for_function(
        "navigator.clipboard.readText().then(text => text.replace(/ *\\n+/g, '|') === '桥长四十米。 ¶3|它也许更长。 ¶4 部分有据')"
    )
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#p4 .margin'))")
    page.keyboard.press("Control+C")
    page.wait_for_function("navigator.clipboard.readText().then(text => text.trim() === '¶4')")


# --- models that are not there yet


def test_the_page_is_there_before_the_models_and_says_what_they_are_doing(opened: Open, tmp_path: Path) -> None:
    index = make_index(tmp_path)
    warm = threading.Event()
    answering = answering_over(index, _scripts(index), writer(warm))
    with served(load_settings(), answering) as url:
        page = opened(base=url, locale="en-GB")
        page.wait_for_selector("#banner:not([hidden])")
        assert "Opening the search model" in page.locator("#banner").inner_text()
        assert page.locator("#p3").is_visible()
        loading = answering.start()
        page.wait_for_function("document.documentElement.dataset.models === 'quotes'")
        assert "quotes from the article are the answer" in page.locator("#banner").inner_text()
        _ask(page, LONG)
        assert "它横跨清溪,长四十米。" in page.locator(".statement").first.text_content()
        assert not page.locator(".when-ready").is_visible()
        assert "still loading, so quotes are the answer" in page.locator(".exchange .stage").inner_text()
        warm.set()
        loading.join()
        page.wait_for_function("document.getElementById('banner').hidden")
        page.click(".when-ready")
        page.wait_for_function("document.querySelector('.statement')?.textContent.includes('桥长四十米。')")
        assert page.locator(".when-ready").count() == 0


def test_a_lost_connection_is_said_once_and_in_the_readers_language_and_the_question_comes_back(
    opened: Open, world: World
) -> None:
    with served(world.settings, world.answering) as url:
        page = opened(base=url)
    page.clock.install()
    page.fill("#question", CARE)
    page.keyboard.press("Enter")
    page.wait_for_function("document.documentElement.dataset.models === 'lost'")
    assert page.locator("#banner").inner_text() == "与服务器的连接断了，正在重试。"
    page.clock.run_for(13_000)
    assert page.input_value("#question") == CARE
    assert page.locator("#toast").inner_text() == "没有收到回应，问题已放回提问框。"
    assert not page.locator(".toast-wrap").is_visible()


def test_an_answer_whose_server_went_away_and_came_back_is_settled_and_the_next_one_is_answered(
    opened: Open, world: World, slow: Script
) -> None:
    with served(world.settings, world.answering) as url:
        page = opened(base=url)
        _ask(page, SLOW, wait=False)
        page.wait_for_selector(".exchange[data-state=running] .statement")
        page.wait_for_timeout(300)
    slow.gate.set()
    page.wait_for_function("document.documentElement.dataset.models === 'lost'", timeout=10_000)
    page.fill("#question", CARE)
    with served(world.settings, world.answering, int(url.rstrip("/").rpartition(":")[2])):
        page.wait_for_selector(".exchange[data-state=stopped] .statement")
        page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
        assert page.input_value("#question") == CARE
        page.press("#question", "Enter")
        page.wait_for_selector(".exchange[data-state=done]")
        assert page.locator(".question").all_text_contents() == [SLOW, CARE]


def test_a_question_that_nothing_answered_to_comes_back_whole_after_the_one_that_is_being_written(
    opened: Open, world: World
) -> None:
    with served(world.settings, world.answering) as url:
        page = opened(base=url)
        page.hover("#p4")
        page.click("#p4 .about")
    page.clock.install()
    page.fill("#question", CARE)
    page.keyboard.press("Enter")
    page.fill("#question", LONG)
    page.clock.run_for(13_000)
    assert "那一问会回到提问框" in page.locator("#toast").inner_text()
    assert page.input_value("#question") == LONG
    page.press("#question", "Enter")
    assert page.input_value("#question") == CARE
    assert page.locator("#scope-note").is_visible()


# --- safety


def test_a_hostile_question_and_a_hostile_model_stay_text(opened: Open) -> None:
    page = opened()
    _ask(page, HOSTILE)
    assert page.locator(".question bdi").text_content() == HOSTILE
    assert page.locator(".statement bdi").text_content() == HOSTILE
    page.locator(".asked [data-act=edit]").click()
    assert page.input_value("#question") == HOSTILE
    page.hover(".statement .chip")
    page.wait_for_selector("#card:not([hidden])")
    page.reload()
    page.wait_for_selector(".exchange .statement")
    page.wait_for_timeout(300)
    assert page.locator(".exchange img, .exchange script").count() == 0


def test_a_hostile_article_stays_text(opened: Open, tmp_path: Path) -> None:
    hostile = [
        {
            "kind": kind,
            "zh": f"{HOSTILE} 桥{kind}。",
            "en": f"{HOSTILE} bridge {kind}.",
            "section_zh": f"{HOSTILE} {kind}",
            "section_en": f"{HOSTILE} {kind}",
        }
        for kind in ("front", "body", "timeline", "figure", "footnote")
    ]
    index = make_index(tmp_path, [*hostile, *PARAGRAPHS[2:8]], title="竹桥")
    question = "<img src=x onerror=window.fired=9>?"
    said = an_answer(index, question, (HOSTILE, 2, 0, "partial"))
    answering = answering_over(index, {question: Script(said, said, pieces=(HOSTILE,))})
    answering.start().join()
    with served(load_settings(), answering) as url:
        page = opened(base=url)
        assert page.locator("#p2 .text.zh").text_content() == hostile[1]["zh"]
        _ask(page, question)
        page.hover(".statement .chip")
        page.wait_for_selector("#card:not([hidden])")
        page.locator(".statement .chip").first.click()
        page.click(".map-button")
        page.wait_for_timeout(300)
        assert page.locator(".paper img, .paper script, .exchange img, .map img").count() == 0


def test_a_conversation_planted_in_the_browser_stays_text(opened: Open, world: World) -> None:
    page = opened()
    _ask(page, LONG)
    page.evaluate(
        "for (const key of Object.keys(localStorage)) if (key.startsWith('duizhao-')) localStorage[key] = '\"<img src=x onerror=window.fired=5>\"'"
    )
    page.reload()
    page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    _ask(page, LONG)
    assert page.locator(".exchange").count() == 1


def test_with_a_password_the_page_works_for_who_has_it(browser: Any, world: World) -> None:
    with served(Settings(auth="reader:secret"), world.answering) as url:  # type: ignore[arg-type]
        context = browser.new_context(http_credentials={"username": "reader", "password": "secret"}, locale="zh-CN")
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
        _ask(page, LONG)
        assert page.locator(".statement .chip").first.is_visible()
        context.close()


# --- accessibility


@pytest.mark.parametrize(
    ("tone", "width", "locale"),
    [("light", 1440, "zh-CN"), ("dark", 1440, "en-GB"), ("light", 390, "en-GB"), ("dark", 390, "zh-CN")],
)
def test_axe_finds_nothing_wrong_at_wcag_aa(opened: Open, tone: str, width: int, locale: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    rules = {
        "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        "resultTypes": ["violations"],
    }
    page = opened(locale=locale, color_scheme=tone, width=width, reduced_motion="reduce")

    def check(what: str) -> None:
        found = axe.run(page, options=rules).response["violations"]
        assert [(what, v["id"], [node["html"][:160] for node in v["nodes"]][:3]) for v in found] == []

    check("first page")
    _ask(page, FOLLOW)
    _ask(page, LONG)
    page.locator(".exchange:last-of-type .sources summary").click()
    check("an answer with its quotes")
    page.locator(".exchange:last-of-type .statement .chip").first.click()
    page.wait_for_timeout(300)
    check("the article, lit")
    page.click(".map-button")
    check("the reading map")
    page.click(".map-button")
    if width < 900:
        page.click("#tab-talk")
    _ask(page, SILENT)
    page.click(".exchange:last-of-type [data-rating=down]")
    page.wait_for_selector("form.note")
    page.click("#menu summary")
    check("a refusal, a note, the menu")


def test_screen_readers_are_told_when_quotes_and_the_answer_are_there(opened: Open) -> None:
    page = opened(locale="en-GB")
    assert page.get_by_role("region", name="Conversation", exact=True).count() == 1
    page.evaluate(
        "() => { window.told = []; new MutationObserver(() => { const t = document.getElementById('say').textContent; if (t) window.told.push(t); }).observe(document.getElementById('say'), {childList: true, characterData: true, subtree: true}); }"
    )
    _ask(page, LONG)
    page.wait_for_function(
        "window.told.some(text => text.startsWith('The answer is ready.') && text.includes('桥长四十米'))"
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_screen_readers_are_told_why_there_is_no_answer_in_their_language_alone(opened: Open) -> None:
    page = opened(locale="en-GB")
    page.evaluate(
        "() => { window.told = []; new MutationObserver(() => { const t = document.getElementById('say').textContent; if (t) window.told.push(t); }).observe(document.getElementById('say'), {childList: true, characterData: true, subtree: true}); }"
    )
    _ask(page, LOST)
    page.wait_for_function("window.told.some(text => text.startsWith('Something went wrong'))")
    _ask(page, CARE)
    page.wait_for_function("window.told.some(text => text.startsWith('The answer is ready. The families'))")
    told = page.evaluate("window.told")
    assert not [text for text in told if re.search(r"[\u4e00-\u9fff]", text)]
    assert not [text for text in told if "ready" in text and "wrong" in text]


def test_every_asset_is_served_from_here(world: World) -> None:
    assets = Path(ui.__file__).parent / "assets"
    for path in assets.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "http:" not in text
        assert "https:" not in text
        assert "@import" not in text
