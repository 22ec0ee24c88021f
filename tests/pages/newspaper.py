"""A newspaper's article with a room's window in it: what somebody else's site looks like with ours on it."""

from __future__ import annotations

from tests.pages.house import House

_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1a1a1a, #e9e6e1); --paper: light-dark(#fffdf9, #181613);
  --rule: light-dark(#1a1a1a, #e9e6e1); --quiet: light-dark(#5d5850, #aca599); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.06rem/1.6 Georgia, "DejaVu Serif", serif; }
header, main { max-width: 72rem; margin: 0 auto; padding: 0 2rem; }
header { display: flex; align-items: baseline; justify-content: space-between;
  padding-top: 1.2rem; padding-bottom: .8rem; border-bottom: 3px double var(--rule); }
header strong { font-size: 2rem; letter-spacing: .01em; }
header span { color: var(--quiet); }
main { display: grid; grid-template: auto 1fr / minmax(0, 1fr) 25rem; gap: 1rem 3rem; padding-top: 1.8rem; }
h1 { grid-column: 1; margin: 0 0 .4rem; font-size: 2.3rem; line-height: 1.15; text-wrap: balance; }
.lead { font-size: 1.2rem; color: var(--quiet); }
article { grid-column: 1; }
aside { grid-column: 2; grid-row: 1 / span 2; }
fanout-window { --fanout-height: 41rem; --fanout-radius: 4px; }
"""

_PAGE = """<style>{style}</style>
<header><strong>The Montreval Courier</strong><span>Thursday · Town &amp; country</span></header>
<main>
<h1>The mayor answers the town, and the town asks about drains</h1>
<article>
<p class="lead">The questions of tonight came from all quarters of Montreval, by web and by telephone.
Follow the answers here as they are given.</p>
<p>The footbridge over the river has been closed since the spring flood. Its piers are repaired, the mayor said at the
beginning of the evening; what is missing is the deck, which arrives in February.</p>
<p>The library will stay open on Thursdays until nine. Whether it should be two evenings a week is to be decided in the
summer, when it is known who comes.</p>
<p>The most pressing question of the evening was another one: which drains are renewed first, in a town where some
streets flood after each storm. The list, it turns out, is public.</p>
</article>
<aside>
<script async src="{url}/embed.js" data-room="{room}" data-lang="en"
  data-accent="light-dark(#8a1538, #e78aa2)"></script>
</aside>
</main>"""


def article(house: House, room: str) -> tuple[str, str]:
    """The body of the page, and the policy that it is served with."""
    live = house.url.replace("http", "ws")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {house.url}; connect-src {house.url} {live}"
    return _PAGE.format(style=_STYLE, url=house.url, room=room), policy
