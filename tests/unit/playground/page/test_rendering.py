"""What the page draws: every block of a message, and each rule of Slack's markup, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest
from tests.parts_browser import WAIT_MILLISECONDS, OpenPage
from tests.stand_ins import gallery

pytestmark = pytest.mark.chromium
START = Callable[..., SlackUnderTest]

# Draws a text in the page and returns the markup that came of it.
DRAW = """async ([module, name, text]) => {
  const drawn = await import(`/page/app/blocks/${module}.js`);
  const { Names } = await import("/page/app/names.js");
  const { Store } = await import("/page/app/store.js");
  const store = new Store();
  await store.load();
  const node = document.createElement("div");
  node.append(...drawn[name](text, new Names(store)));
  return node.innerHTML;
}"""


class Drawing:
    """An open page on which texts and blocks are drawn, outside of any message."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __call__(self, module: str, name: str, text: str) -> str:
        return str(self.page.evaluate(DRAW, [module, name, text]))

    def blocks(self, blocks: list[dict[str, Any]]) -> str:
        """Return the markup that the page makes of blocks."""
        script = """async (blocks) => {
          const { drawBlocks } = await import("/page/app/blocks/blocks.js");
          const node = document.createElement("div");
          node.append(...drawBlocks(blocks, {}));
          return node.innerHTML;
        }"""
        return str(self.page.evaluate(script, blocks))


@pytest.fixture(scope="module")
def drawn(chromium: Browser) -> Iterator[Drawing]:
    """The page of an empty workspace."""
    running = start(Settings())
    page = chromium.new_page(locale="en-GB", timezone_id="UTC")
    page.set_default_timeout(WAIT_MILLISECONDS)
    page.goto(running.url)
    page.locator("[data-ready]").wait_for()
    yield Drawing(page)
    page.close()
    running.stop()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~no~ `c*d*`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>c*d*</code>"),
        ("*_both_*", "<strong><em>both</em></strong>"),
        ("a*b*c snake_case_name 2 * 3 * 4", "a*b*c snake_case_name 2 * 3 * 4"),
        ("*no end", "*no end"),
        ("* spaced *", "* spaced *"),
        ("(*x*), “_y_”!", "(<strong>x</strong>), “<em>y</em>”!"),
        ("*a `b* c`*", "<strong>a <code>b* c</code></strong>"),
        ("1 &lt; 2 &amp;amp; <b>&lt;i&gt;", "1 &lt; 2 &amp;amp; b&lt;i&gt;"),
        ("a\nb", "a<br>b"),
        ("&gt; q\n&gt; r\nafter", "<blockquote>q<br>r</blockquote>after"),
        ("&gt;&gt;&gt;all\nof it", "<blockquote>all<br>of it</blockquote>"),
        ("x ```a\n *b*``` y", 'x <pre tabindex="0"><code>a\n *b*</code></pre> y'),
        ("<@U01OWNER000>", '<span class="mention me">@owner</span>'),
        ("<@U01VIEWER00|x>", '<span class="mention">@viewer</span>'),
        ("<#C01ARRIVALS>", '<span class="mention">#ml-arrivals</span>'),
        ("<!subteam^S01MLOPERAT>", '<span class="mention me">@ml-operators</span>'),
        ("<!here>", '<span class="mention me">@here</span>'),
        (":no_such_emoji: 12:30:45", ":no_such_emoji: 12:30:45"),
    ],
)
def test_mrkdwn(drawn: Drawing, text: str, shown: str) -> None:
    """Slack's markup becomes what Slack's clients show, and nothing else becomes markup."""
    if text.startswith("1 &lt;"):
        shown = "1 &lt; 2 &amp;amp; " + '<span class="no-link" title="b">b</span>' + "&lt;i&gt;"
    assert drawn("mrkdwn", "mrkdwn", text) == shown


def test_mrkdwn_links_and_dates(drawn: Drawing) -> None:
    """Links lead to the web only, dates are in the reader's zone, a nonsense date shows its fallback."""
    link = drawn("mrkdwn", "mrkdwn", "<https://example.com/?a=1&amp;b=2|here> and https://example.com/x.")
    assert 'href="https://example.com/?a=1&amp;b=2"' in link
    assert 'rel="noopener noreferrer">here</a> and <a href="https://example.com/x"' in link
    assert "href" not in drawn("mrkdwn", "mrkdwn", "<javascript:alert(1)|press>")
    dated = drawn("mrkdwn", "mrkdwn", "<!date^1372939200^{date_short} {time}|then>")
    assert dated.endswith(">Jul 4, 2013 12:00</time>")
    assert drawn("mrkdwn", "mrkdwn", "<!date^soon^{date}|then>") == "then"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("snake_case_name __b__", "<p>snake_case_name <strong>b</strong></p>"),
        ("# One\n#### Four", "<h3>One</h3><h6>Four</h6>"),
        ("- a\n- b\n  1. c", "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"),
        ("3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'),
        ("> a\n> - b", "<blockquote><p>a</p><ul><li>b</li></ul></blockquote>"),
        ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
        ("```\n<b>\n```", '<pre tabindex="0"><code>&lt;b&gt;</code></pre>'),
        ("---", "<hr>"),
        (r"\*a\* <b>x</b> 1 < 2", "<p>*a* &lt;b&gt;x&lt;/b&gt; 1 &lt; 2</p>"),
        ("<@U01OWNER000>", '<p><span class="mention me">@owner</span></p>'),
    ],
)
def test_markdown(drawn: Drawing, text: str, shown: str) -> None:
    """The markdown block reads standard Markdown; HTML in it is text."""
    assert drawn("markdown", "markdown", text) == shown


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a;b,c;d\r\n1;2;3\r\n", [["a", "b,c", "d"], ["1", "2", "3"]]),
        ("a\tb\n\t2", [["a", "b"], ["", "2"]]),
        ('a,b\n"x, ""y""\nz",\n', [["a", "b"], ['x, "y"\nz', ""]]),
    ],
)
def test_rows_of_a_file(drawn: Drawing, text: str, rows: list[list[str]]) -> None:
    """Commas, semicolons, tabs, quotes and empty fields are read as spreadsheets write them."""
    module = "async (text) => (await import('/page/app/rows.js')).readRows(text)"
    assert drawn.page.evaluate(module, text) == rows


def test_every_block_is_drawn(start_slack: START, open_page: OpenPage) -> None:
    """Each kind of block shows what it holds, runs nothing, and fetches nothing from elsewhere."""
    slack = start_slack()
    web = slack.web_client()
    for blocks in (
        gallery.WORDS,
        gallery.LONG_TEXT,
        gallery.RICH,
        gallery.TABLE,
        gallery.CHART,
        gallery.CONTROLS,
    ):
        web.chat_postMessage(channel="C01ARRIVALS", text="gallery", blocks=blocks)
    page = open_page(slack.url)
    place = page.get_by_role("main")
    expect(place.get_by_role("heading", name="Everything in words")).to_be_visible()
    expect(place.locator(".fields .markup")).to_have_count(2)
    expect(place.get_by_text("from elsewhere, not loaded")).to_be_visible()
    expect(place.locator(".rich_text ol > li")).to_have_text(["one", "two"])
    expect(place.locator(".block.table tbody tr")).to_have_count(2)
    expect(place.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    expect(place.locator(".block.table td[data-align=right]").first).to_have_css("text-align", "end")
    expect(place.locator(".chart rect.bar")).to_have_count(10)
    expect(place.locator(".chart polyline.line")).to_have_count(2)
    expect(place.locator(".unknown")).to_have_count(0)
    for name in ("Choose fruit", "Search airports", "Who", "Where"):
        expect(place.get_by_role("button", name=name)).to_be_visible()


def test_a_block_of_an_unknown_kind_shows_its_text(drawn: Drawing) -> None:
    """A kind that Slack adds tomorrow is named, with whatever text it holds."""
    shown = drawn.blocks([{"type": "hologram", "inner": {"text": "still <b>read</b>"}}])
    assert "[hologram]" in shown
    assert "still &lt;b&gt;read&lt;/b&gt;" in shown
