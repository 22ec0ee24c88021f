"""What is the same on every page: head, header with the house's name and the other language, policies, and the texts
that its scripts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fanout.web.appearance import Appearance
from fanout.web.language import LANGUAGES, language_for
from fanout.web.security import EVERYWHERE, PAGE_POLICY
from fanout.web.static_files import StaticFiles
from fanout.wire.rendered import encode_json

_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
{head}</head>
<body{attributes}>
<a class="skip" href="#main">{skip}</a>
<header class="top">
<a class="house" href="/{query}">{logo}<span>{house}</span></a>
<nav aria-label="{languages}">{switch}</nav>
</header>
<main id="main">
{main}
</main>
<script type="application/json" id="texts">{texts}</script>
</body>
</html>
"""


class Frame:
    """Puts a page together.

    Args:
        texts: Those of every page, by language.
    """

    def __init__(self, appearance: Appearance, static: StaticFiles, texts: Mapping[str, Mapping[str, Any]]) -> None:
        self.appearance, self.static, self._texts = appearance, static, texts

    def page(
        self,
        request: Request,
        title: str,
        main: str,
        *,
        script: str = "",
        styles: Iterable[str] = (),
        data: Mapping[str, str | None] | None = None,
        texts: Mapping[str, Any] | None = None,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Response:
        """A page, in the language of who asks.

        Args:
            main: Markup, in which everything is escaped already.
            script: The module that brings it to life.
            styles: Style sheets besides those of every page.
            data: For the script, on the body; what is None is left out.
            texts: What the script says.
        """
        language, house = language_for(request), self.appearance.name
        attributes = "".join(
            f' data-{name}="{escape(value)}"' for name, value in (data or {}).items() if value is not None
        )
        head = [f'<link rel="stylesheet" href="{self.static.address(name)}">' for name in ("page.css", *styles)]
        head.append(f'<link rel="stylesheet" href="{self.static.address("site.css")}">')
        if script:
            head.append(f'<script type="module" src="{self.static.address(script)}"></script>')
        body = _PAGE.format(
            language=language,
            title=escape(title if title == house else f"{title} · {house}"),
            icon=self.static.address("icon.svg"),
            head="".join(f"{line}\n" for line in head),
            attributes=attributes,
            skip=escape(self._texts[language]["skip"]),
            query=f"?lang={language}",
            logo=self._logo(),
            house=escape(house),
            languages=escape(self._texts[language]["languages"]),
            switch=_switch(request, language),
            main=main,
            texts=encode_json(texts or {}).decode().replace("<", "\\u003c"),
        )
        all_headers = (
            *EVERYWHERE,
            PAGE_POLICY,
            ("Content-Language", language),
            ("Vary", "Accept-Language"),
            ("Cache-Control", "no-cache"),
            *headers,
        )
        return Response(body.encode(), status, dict(all_headers), "text/html")

    def _logo(self) -> str:
        if self.appearance.logo is None:
            return f'<img src="{self.static.address("icon.svg")}" alt="" width="28" height="28">'
        return f'<img src="{self.static.address("logo" + self.appearance.logo[0])}" alt="" height="36">'


def _switch(request: Request, language: str) -> str:
    """Links to the same page in the other languages, with all that its address asks for."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return "".join(
        f'<a href="?{escape(urlencode([*kept, ("lang", other)]))}" hreflang="{other}" lang="{other}">{name}</a>'
        for other, name in LANGUAGES.items()
        if other != language
    )


def filled(template: str, texts: Mapping[str, Any], **values: Any) -> str:
    """A template with everything in it escaped, our own words too. A value that is markup already is a `Markup`."""
    return template.format(
        **{
            key: value if isinstance(value, Markup) else escape(str(value))
            for key, value in {**texts, **values}.items()
        }
    )


class Markup(str):
    """Text in which everything is escaped already."""

    __slots__ = ()
