"""Model cards: the description of a preset as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vfxstyle.looks.info import PresetInfo


def model_card(info: PresetInfo) -> str:
    """The model card of a preset, as Markdown text, from the figures stored in its file."""
    card = info.card
    errors, settings = card.get("errors", {}), card.get("settings", {})
    lines = [f"# {info.name}", "", info.description or "(no description)", ""]
    lines += [
        f"- Backbone: {info.backbone}",
        f"- Trained on {_trained_on(card)}",
        f"- Data: {card.get('data') or 'not stated'}",
    ]
    if info.any_light:
        lines.append(
            "- For any light: how bright and warm a plate is, is taken out before the look and put back after it"
        )
    if card.get("start"):
        lines.append(f"- Training went on from {card['start']}")
    if card.get("graded_frames"):
        frames = ", ".join(map(str, card["graded_frames"]))
        lines.append(f"- Graded frames of one shot: {frames}; on any other shot it is the plain look")
    if card.get("found"):
        lines.append(f"- Found: {card['found']}; superpixels learnt what is left")
    if card.get("licence"):
        lines.append(f"- Licence: {card['licence']}")
    if card.get("limits"):
        lines.append(f"- Limits: {card['limits']}")
    if errors:
        where = "held-out pairs" if card.get("held_out") else "parts of the pairs kept out in turn"
        where += ", by the plain look, without its graded frames" if card.get("graded_frames") else ""
        lines += [
            "",
            f"Mean per-pixel L2 distance in CIELab on {where}:",
            "",
            "| plate to graded picture | best single transform of each picture (sees the answer) | this preset |",
            "|---|---|---|",
            f"| {errors['distance']:.2f} | {errors['global_oracle']:.2f} | {errors['predicted']:.2f} |",
        ]
    given = [f"{name} {value}" for name, value in sorted(settings.items()) if value is not None]
    if given:
        lines += ["", f"Settings: {', '.join(given)}"]
    lines += [
        "",
        f"Pairs SHA-256: {card.get('pairs_sha256', '?')}",
        f"Made with vfxstyle {card.get('vfxstyle', '?')}",
    ]
    return "\n".join(lines) + "\n"


def _trained_on(card: Mapping[str, Any]) -> str:
    """How many pairs were learnt from, and which ones measured the look."""
    pairs, held_out = card.get("pairs"), card.get("held_out")
    if pairs is None or held_out is None:
        return "? pairs" if pairs is None else how_many_pairs(pairs)
    if held_out:
        seen = how_many_pairs(pairs - held_out)
        return f"{seen}; {held_out} more were held out, to choose the epoch and to measure the look"
    return f"{how_many_pairs(pairs)}, one part after the other kept out to measure the look, and then on everything"


def how_many_pairs(pairs: int) -> str:
    """So many pairs, in words that agree."""
    return f"{pairs} pair{'' if pairs == 1 else 's'}"
