"""A hook of mkdocs.yml: equations become MathML when the site is built, so that no browser loads a script for them.

Code hosts show the same sources, ``math`` blocks and ``$...$``, as equations by themselves.
"""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

INLINE = frozenset({"method.md"})
"""Pages on which ``$...$`` is an equation; on the others a dollar is a dollar."""

_BLOCK = re.compile(r"^```math\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<![\\`$])\$([^$\n`]+)\$")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text with MathML in the place of its equations."""
    markdown = _BLOCK.sub(lambda found: f'<div class="equation">{convert(found[1], display="block")}</div>', markdown)
    if page.file.src_uri in INLINE:
        markdown = _INLINE.sub(lambda found: f"<span>{convert(found[1])}</span>", markdown)  # math alone begins a block
    return markdown
