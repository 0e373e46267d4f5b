"""An extension of Griffe, which reads the sources for the reference page: house docstrings as Markdown.

A docstring of ours names its arguments in running text (``frames: a range. output: a folder.``) and refers to other
objects as Sphinx does (``:class:`~vfxstyle.errors.UsageError```). Arguments become a list, references plain code.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`([^`]+)`")
_LITERAL = re.compile(r"``([^`]+)``")


def as_markdown(docstring: str, arguments: tuple[str, ...]) -> str:
    """A docstring with its references as code and its arguments as a list."""
    text = _ROLE.sub(lambda role: f"`{_name(role[1])}`", docstring)
    text = _LITERAL.sub(r"`\1`", text)
    if not arguments:
        return text
    names = "|".join(map(re.escape, arguments))
    begins = re.compile(rf"(?:^|(?<=\. )|(?<=\.\n))({names})((?:, (?:{names}))*): ", re.MULTILINE)
    paragraphs = text.split("\n\n")
    return "\n\n".join(_listed(paragraph, begins) for paragraph in paragraphs)


def _listed(paragraph: str, begins: re.Pattern[str]) -> str:
    """A paragraph with the arguments that it names as a list; what comes after them is a paragraph again."""
    if not begins.search(paragraph):
        return paragraph
    items = begins.sub(lambda found: f"\n- **{found[1]}{found[2]}**: ", paragraph)
    return re.sub(r"\n(?=(?:Raises|Returns|Yields) )", "\n\n", "\n" + items)


def _name(target: str) -> str:
    """What a reader calls the target of a reference: all of it, or, with a tilde, its last part."""
    return target.lstrip("~").rpartition(".")[2] if target.startswith("~") else target.lstrip(".")


class HouseDocstrings(griffe.Extension):
    """Rewrites the docstring of everything that Griffe has read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Take up one object."""
        if obj.docstring is not None:
            arguments = tuple(p.name for p in obj.parameters) if isinstance(obj, griffe.Function) else ()
            obj.docstring.value = as_markdown(obj.docstring.value, arguments)
