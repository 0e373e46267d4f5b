"""The page of a report: one HTML file with all its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vfxstyle.review.charts import Line, line_chart, marks, scatter
from vfxstyle.review.embedding import Embedding
from vfxstyle.review.figures import HEAT_TOP, Pictures
from vfxstyle.review.groups import group_colour
from vfxstyle.review.pages import Cell, data_address, page, table, text
from vfxstyle.shots.discover import format_frames

_STRIP_QUALITY = 82  # of JPEG


@dataclass(frozen=True, slots=True)
class ReportPictures:
    """What a page shows beside the figures."""

    strip: Mapping[int, Pictures]
    """Frames to scrub through."""
    map: Embedding | None
    """Frames of the shot among the pictures that the look was learnt from; None for a look that keeps none."""
    overlays: Sequence[Cell]
    """Chosen frames with the borders of their superpixels."""
    groups: Cell
    """A frame painted by the groups that the look treats alike."""
    beyond_lut: Cell
    """The map of what a global LUT cannot do, where that is most."""


def report_page(facts: Mapping[str, Any], pictures: ReportPictures) -> str:
    """The page. facts: as in the JSON."""
    preset, shot = facts["preset"], facts["shot"]
    title = f"{preset['name']} on {shot['path']}"
    parts = [
        f"<h1>{text(title)}</h1>",
        f'<p class="soft">{text(preset["description"])} Shown by {text(facts["screen"])}.</p>',
        *(f'<p class="warning">{text(warning)}</p>' for warning in facts["warnings"]),
        _scrubber(pictures.strip),
        _summary(facts),
        _curves(facts["frames"]),
        _groups(facts["groups"], pictures.groups),
        "<h2>What a global LUT cannot do</h2>"
        f'<p class="soft">The grade less the best global LUT for it, on {text(pictures.beyond_lut.name)}; white is a '
        f"CIEDE2000 of {HEAT_TOP:g}. <code>vfxstyle export --lut</code> writes such a LUT.</p>"
        f'<div class="row">{_figure(pictures.beyond_lut)}</div>',
        _neighbourhood(facts["training_distance"], pictures.map),
        _superpixels(facts["superpixels"], pictures.overlays),
        _provenance(facts),
    ]
    return page(title, "\n".join(parts), scripts=("report.js",))


def _figure(cell: Cell) -> str:
    address = data_address(cell.picture, quality=_STRIP_QUALITY)
    return (
        f'<figure><img style="width:100%" src="{address}" alt="{text(cell.name)}">'
        f"<figcaption>{text(cell.name)}</figcaption></figure>"
    )


def _scrubber(strip: Mapping[int, Pictures]) -> str:
    shots: list[tuple[int, str, str]] = [
        (
            number,
            data_address(own.plate, quality=_STRIP_QUALITY),
            data_address(own.graded, quality=_STRIP_QUALITY),
        )
        for number, own in strip.items()
    ]
    some = next(iter(strip.values())).plate
    size = sum(len(before) + len(after) for _, before, after in shots) / 1e6
    return (
        '<figure class="wipe scrub"><div class="pictures"><img alt="graded"><img class="before" alt="plate"></div>'
        '<label>Wipe <input class="at" type="range" min="0" max="100" value="50"></label>'
        f'<label>Frame <input class="frame" type="range" min="0" max="{len(shots) - 1}" value="{len(shots) // 2}">'
        "</label><figcaption><output></output>, plate left of the line, grade right of it; "
        f"{len(shots)} frames of {some.shape[1]}x{some.shape[0]} px, {size:.1f} MB</figcaption></figure>"
        f'<script type="application/json" id="strip">{json.dumps(shots)}</script>'
    )


def _summary(facts: Mapping[str, Any]) -> str:
    own = facts["summary"]
    flicker = (
        "one frame" if own["flicker_worst"] is None else f"{own['flicker_median']:.2f}, {own['flicker_worst']:.2f}"
    )
    rows = [
        ("change, mean CIEDE2000", f"{own['change']:.2f}"),
        ("of it beyond a global LUT", f"{own['beyond_lut']:.2f}"),
        ("flicker, Lab, 95th percentile: median, worst frame", flicker),
        ("pixels at display white: plate, grade", " → ".join(f"{share:.2%}" for share in own["white"])),
        ("pixels at display black: plate, grade", " → ".join(f"{share:.2%}" for share in own["black"])),
        ("NaN or infinite pixels", str(own["not_finite"])),
        ("frames measured", format_frames(tuple(frame["frame"] for frame in facts["frames"]))),
    ]
    if facts["preset"]["found"]:
        rows.append(("found when it was learnt", facts["preset"]["found"]))
    return "<h2>In short</h2>" + table(rows)


def _curves(frames: Sequence[Mapping[str, Any]]) -> str:
    numbers = [own["frame"] for own in frames]
    flicker = Line("flicker", [own["flicker"] for own in frames])
    change = [
        Line("change", [own["change"] for own in frames]),
        Line("LUT misses", [own["beyond_lut"] for own in frames]),
    ]
    clipped = [
        Line(f"{name}, {side}", [100 * own[name][index] for own in frames])
        for name in ("white", "black")
        for index, side in enumerate(("plate", "grade"))
    ]
    return (
        "<h2>Frame by frame</h2>"
        '<p class="soft">Flicker is how much the grade changes from one frame to the next along the plate\'s motion, '
        "so what the plate itself does is left out.</p>"
        f'<div class="row">{line_chart("flicker, Lab p95", numbers, [flicker])}'
        f"{line_chart('change, CIEDE2000', numbers, change)}"
        f"{line_chart('pixels at display white and black, %', numbers, clipped)}</div>"
    )


def _groups(groups: Sequence[Mapping[str, Any]], picture: Cell) -> str:
    rows = "".join(
        f'<tr><td class="name"><span class="chip" style="background:rgb{group_colour(index)}"></span>'
        f"{text(own['name'])}</td>"
        f"<td>{_share(own['share'])}</td><td>{text(own['words'])}</td></tr>"
        for index, own in enumerate(groups)
    )
    return (
        "<h2>The look</h2><p class='soft'>Superpixels that it treats alike, and what it does to them on average. "
        "<code>--region group:look_3=0.5</code> gives a group another strength.</p>"
        f'<div class="row">{_figure(picture)}<table><tr><th>group</th><th>of the picture</th><th>what it gets</th></tr>'
        f"{rows}</table></div>"
    )


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"


def _superpixels(own: Mapping[str, Any], overlays: Sequence[Cell]) -> str:
    numbers = [frame["frame"] for frame in own["frames"]]
    alive = [Line("on the frame", [frame["alive"] for frame in own["frames"]])]
    lines = [Line(name, [frame[name] for frame in own["frames"][1:]]) for name in ("born", "died")]
    chosen = own["chosen"]
    rows = [(f"frame {frame['frame']}", frame["words"]) for frame in chosen]
    return (
        f"<h2>Superpixels</h2><p class='soft'>{own['total']} in the whole shot. The network looked at "
        f"{len(chosen)} frames.</p>"
        + marks(numbers, [frame["frame"] for frame in chosen])
        + f'<div class="row">{line_chart("superpixels", numbers, alive)}'
        + (line_chart("born and died", numbers[1:], lines) if len(numbers) > 2 else "")
        + f"</div>{table(rows)}"
        + f'<div class="row">{"".join(_figure(cell) for cell in overlays)}</div>'
    )


def _neighbourhood(distance: Mapping[str, Any] | None, map_: Embedding | None) -> str:
    if distance is None:
        return ""
    drawn = "<p>With scikit-learn installed they are drawn here.</p>"
    if map_ is not None:
        drawn = scatter(map_.pictures, map_.frames)
    return (
        "<h2>What the look has seen</h2><p class='soft'>Frames of the shot among the pictures that the look was learnt "
        "from, by what is in them (t-SNE of their global features, as in the paper's figure 4). The frame farthest off "
        f"is {distance['worst']:.1f} times as far from the nearest picture as these usually are from each other.</p>"
        + drawn
    )


def _provenance(facts: Mapping[str, Any]) -> str:
    stages = [(own["stage"], f"{own['seconds']:.1f} s, {own['peak_bytes'] / 2**30:.2f} GiB") for own in facts["stages"]]
    rows = [
        ("vfxstyle", facts["vfxstyle"]),
        ("plate", f"{facts['shot']['path']}, {facts['shot']['space']['name']} ({facts['shot']['space']['from']})"),
        ("preset", f"{facts['preset']['file']}, {facts['preset']['sha256']}"),
        ("analysis", f"{facts['analysis']['folder']}, {facts['analysis']['identity']}"),
        ("output space", facts["output_space"]),
        ("outputs", f"{len(facts['outputs'])} there, {sum(own['as_written'] for own in facts['outputs'])} as written"),
        *((f"stage {name}: wall, most memory by then", value) for name, value in stages),
        ("libraries", ", ".join(f"{name} {value}" for name, value in facts["libraries"].items())),
        ("settings", ", ".join(f"{name}={value}" for name, value in facts["settings"].items() if value is not None)),
    ]
    files = [(name, digest) for name, digest in facts["plate"].items()]
    files += [(own["file"], own["sha256"]) for own in facts["outputs"]]
    return (
        f"<h2>Where it came from</h2>{table(rows)}"
        f"<details><summary>SHA-256 of {len(files)} files</summary>{table(files)}</details>"
    )
