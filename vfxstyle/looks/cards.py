"""Model cards: the description of a preset as Markdown."""

from __future__ import annotations

from vfxstyle.looks.info import PresetInfo


def model_card(info: PresetInfo) -> str:
    """The model card of a preset, as Markdown text, from the figures stored in its file."""
    card = info.card
    errors, settings = card.get("errors", {}), card.get("settings", {})
    lines = [f"# {info.name}", "", info.description or "(no description)", ""]
    lines += [
        f"- Backbone: {info.backbone}",
        f"- Trained on {card.get('pairs', '?')} pairs, {card.get('held_out', 0)} of them kept from the weights, "
        "to choose the best epoch and to measure it",
        f"- Data: {card.get('data') or 'not stated'}",
    ]
    if info.any_light:
        lines.append(
            "- For any light: how bright and warm a plate is, is taken out before the look and put back after it"
        )
    if card.get("start"):
        lines.append(f"- Training went on from {card['start']}")
    if card.get("found"):
        lines.append(f"- Found: {card['found']}; superpixels learnt what is left")
    if card.get("licence"):
        lines.append(f"- Licence: {card['licence']}")
    if card.get("limits"):
        lines.append(f"- Limits: {card['limits']}")
    if errors:
        where = "held-out pairs" if card.get("held_out") else "parts of the pairs kept out in turn"
        lines += [
            "",
            f"Mean per-pixel L2 distance in CIELab on {where}:",
            "",
            "| plate to graded picture | best single transform of each picture (sees the answer) | this preset |",
            "|---|---|---|",
            f"| {errors['distance']:.2f} | {errors['global_oracle']:.2f} | {errors['predicted']:.2f} |",
        ]
    if settings:
        lines += ["", "Settings: " + ", ".join(f"{name} {value}" for name, value in sorted(settings.items()))]
    lines += [
        "",
        f"Pairs SHA-256: {card.get('pairs_sha256', '?')}",
        f"Made with vfxstyle {card.get('vfxstyle', '?')}",
    ]
    return "\n".join(lines) + "\n"
