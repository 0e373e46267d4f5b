"""Proofs: one picture or page with frames of a shot under some looks, before an hour of farm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np

from vfxstyle.arrays import ByteArray
from vfxstyle.errors import PresetError, UsageError, VfxStyleError
from vfxstyle.files import key_of
from vfxstyle.grading.frame_renderer import FrameRenderer
from vfxstyle.grading.outputs import Outputs
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.records import Records
from vfxstyle.looks import PresetInfo, read_preset
from vfxstyle.looks.library import installed_presets, is_path
from vfxstyle.plates.announce import announce_plate
from vfxstyle.plates.frames import Frames, frame_numbers
from vfxstyle.plates.places import parent_of
from vfxstyle.plates.plate import open_plate
from vfxstyle.progress import Clock, Progress, Silent, Stage
from vfxstyle.review.pages import Cell, proof_page, write_page
from vfxstyle.review.shown import ShownShot, ShowRequest, first_middle_last, shown
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.keywords import ShowOptions
from vfxstyle.settings.table import check_known, pick
from vfxstyle.shots import Shot
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.lettering import PAPER, band, beside
from vfxstyle.shots.sheets import write_sheet

ProofKind = Literal["none", "png", "html"]
SUFFIXES = (".png", ".html")
"""What a proof can be."""
_LOOKED_AT = 12  # frames among which the one that changes most is looked for
_A_ROW = 3  # pictures in a row of looks
_WIDEST = 6000  # columns of a sheet, in px


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofReport:
    """What was drawn."""

    output: Path
    """The picture or page."""
    frames: tuple[int, ...]
    """Its rows."""
    presets: tuple[str, ...]
    """Its columns, after the plate."""
    screen: str
    """Display and view that everything is shown by."""
    is_quick: bool
    """Whether only these frames were analysed."""


def proof(
    shot: str | Path,
    presets: Sequence[str],
    output: str | Path | None = None,
    *,
    frames: Frames = None,
    within: Frames = None,
    analysis: str | Path | None = None,
    progress: Progress | None = None,
    **options: Unpack[ShowOptions],
) -> ProofReport:
    """Draw frames of a shot, the plate and each look side by side, as a viewer shows them.

    presets: looks by installed name or file. output: a ``.png``, or a ``.html`` with a wipe in each picture; by default
    SHOT_proof.png beside the shot. frames: by default the first, the middle, the last and the one that the first look
    changes most. A shot that has not been analysed gets a quick analysis of these frames alone.
    The rest is as in :func:`vfxstyle.grade`. Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    check_known(options, ShowOptions)
    if output is not None:
        _check_suffix(Path(output), SUFFIXES)
    run, asked = Run.of(options, progress), frame_numbers(frames)
    request = ShowRequest(
        shot=shot,
        presets=tuple(presets),
        target=GradeTarget(within=frame_numbers(within), analysis=analysis),
        settings=pick(GradeSettings, options),
    )
    with shown(request, asked, run) as view:
        place = proof_place(view.plan.shot, output)
        announce_plate(view.plan.plate, view.frames, run.clock)
        return draw_proof(view, request.presets, asked, place)


def proof_place(shot: Shot, output: str | Path | None) -> Path:
    """Where a proof goes. Raises :class:`~vfxstyle.errors.UsageError` for a file of another kind."""
    if output is None:
        return parent_of(shot) / f"{shot.name}_proof.png"
    place = Path(output)
    if place.is_dir():
        raise UsageError(f"{place} is a folder; name a file with -o.")
    return place


def _check_suffix(place: Path, allowed: Sequence[str]) -> None:
    if place.suffix.lower() not in allowed:
        raise UsageError(f"A proof is a {' or a '.join(allowed)}, not {place}; name one with -o.")


def draw_proof(view: ShownShot, presets: Sequence[str], frames: Sequence[int] | None, place: Path) -> ProofReport:
    """Draw a proof of an opened shot into a file. frames: None for those that are drawn by default."""
    numbers = None if frames is None else view.plan.plate.requested(frames)[0]
    looks = {_column(name, presets): view.corrected(view.look(name), view.plan.corrections) for name in presets}
    if numbers is None:
        numbers = default_frames(view, next(iter(looks.values())))
    _draw(view, looks, numbers, place, view.run.clock)
    return ProofReport(
        output=place, frames=tuple(numbers), presets=tuple(looks), screen=view.screen.name, is_quick=view.is_quick
    )


def sheet_of_looks(
    shot: str | Path, output: str | Path, progress: Progress | None = None, **options: Any
) -> ProofReport:
    """Draw installed looks, but those of single shots, on the middle frame of a shot, or on a picture.

    options: as of :func:`proof`.
    """
    _check_suffix(Path(output), SUFFIXES[:1])
    names = [path.stem for info, path, _ in installed_presets() if _is_for_any(info, path)]
    run = Run.of(options, progress)
    request = ShowRequest(shot=shot, presets=tuple(names), target=GradeTarget(), settings=pick(GradeSettings, options))
    with open_plate(shot, request.settings) as plate:
        middle = plate.shot.frames[len(plate.shot.frames) // 2]
    with shown(request, (middle,), run) as view:
        place = proof_place(view.plan.shot, output)
        make_folder(place.parent)
        with run.clock.stage(Stage.PROOF, len(names)) as step:
            cells = [Cell("plate", view.frame(middle).plate)]
            for name in names:
                cells.append(Cell(name, view.graded(middle, view.look(name))))
                step()
        title = f"{view.plan.shot.path}   frame {middle}, shown by {view.screen.name}"
        rows = ((middle, cells[at : at + _A_ROW]) for at in range(0, len(cells), _A_ROW))
        write_sheet(place, _sheet(title, rows).astype(np.float32) / 255)
    return ProofReport(
        output=place, frames=(middle,), presets=tuple(names), screen=view.screen.name, is_quick=view.is_quick
    )


def contact_sheet(plan: GradePlan, kind: ProofKind | None) -> Path | None:
    """Where the contact sheet of a grade goes; None for a grade that gets none.

    kind: what was asked for; by default a grade of a whole shot gets a picture.
    """
    if kind == "none" or plan.prepares or (kind is None and plan.frames != (plan.shot.whole or plan.shot.frames)):
        return None
    name = plan.output.stem if plan.format.is_movie else plan.output.resolve().name
    return plan.output.parent / f"{name}.proof.{kind or 'png'}"


def is_sheet_current(plan: GradePlan, place: Path, run: Run, *, hash_plate: bool = True) -> bool:
    """Whether a contact sheet is there and shows this very grade. hash_plate: as of :meth:`Outputs.of`."""
    key = _key_of_sheet(plan, run, hash_plate=hash_plate)
    return bool(key) and Records(plan.records).is_current(place, key)


def _key_of_sheet(plan: GradePlan, run: Run, *, hash_plate: bool = True) -> str:
    outputs = Outputs.of(plan, run, recall=False, hash_plate=hash_plate)
    keys = [outputs.key_of_frames([number]) for number in plan.frames]
    return key_of(sheet=keys) if all(keys) else ""


def draw_contact_sheet(plan: GradePlan, place: Path, run: Run) -> None:
    """Draw the first, the middle and the last frame of a grade that has ended, beside their plates.

    What cannot be drawn is said and no failure: the frames are there.
    """
    try:
        # a grade that has rendered has said all of the analysis
        quiet = replace(run, clock=Clock(Silent())) if Stage.GRADE in run.clock.seconds else run
        wanted = plan.wanted(run)
        view = ShownShot(plan, wanted, quiet, wanted.recipe.analysis_width)
        frames = [number for number in plan.frames if number in set(view.frames)]
        look = view.corrected(view.look(str(plan.preset_file)), plan.corrections)
        _draw(view, {plan.preset_file.stem: look}, first_middle_last(frames), place, run.clock)
        Records(plan.records).store(place, _key_of_sheet(plan, view.run))
    except VfxStyleError as error:
        run.clock.warn(f"no contact sheet: {error}")


def default_frames(view: ShownShot, look: FrameRenderer) -> tuple[int, ...]:
    """The first, the middle and the last frame, and, of an analysed shot, the one that a look changes most."""
    usual = first_middle_last(view.frames)
    if view.is_quick or len(view.frames) <= len(usual):
        return tuple(sorted(usual))
    places = np.linspace(0, len(view.frames) - 1, min(_LOOKED_AT, len(view.frames))).round().astype(int)
    others = [number for place in places if (number := view.frames[place]) not in usual]
    changes = {number: _change(view, number, look) for number in others}
    most = max(changes, key=lambda number: changes[number], default=usual[0])
    return tuple(sorted({*usual, most}))


def _is_for_any(info: PresetInfo | PresetError, path: Path) -> bool:
    """Whether an installed look can be read, and was not learnt for one shot."""
    try:
        return not isinstance(info, PresetError) and read_preset(path).graded is None
    except PresetError:
        return False


def _column(preset: str, presets: Sequence[str]) -> str:
    """What a look is called above its column: by its name, or by its file where two have one name."""
    stems = [Path(name).stem if is_path(name) else name for name in presets]
    own = Path(preset).stem if is_path(preset) else preset
    return own if stems.count(own) == 1 else preset


def _draw(
    view: ShownShot, looks: Mapping[str, FrameRenderer], numbers: Sequence[int], place: Path, clock: Clock
) -> None:
    make_folder(place.parent)
    with clock.stage(Stage.PROOF, len(numbers)) as step:
        rows = _rows(view, looks, numbers, step)
        quick = "; only these frames were analysed" if view.is_quick else ""
        title = f"{view.plan.shot.path}   shown by {view.screen.name}{quick}"
        if place.suffix.lower() == ".html":
            write_page(place, proof_page(title, rows))
        else:
            write_sheet(place, _sheet(title, rows).astype(np.float32) / 255)


def _change(view: ShownShot, number: int, look: FrameRenderer) -> float:
    """How much of a frame's code values a look changes, on average."""
    graded = view.graded(number, look).astype(np.float32)
    return float(np.abs(graded - view.frame(number).plate).mean())


def _rows(
    view: ShownShot, looks: Mapping[str, FrameRenderer], numbers: Sequence[int], step: Callable[[], None]
) -> Iterator[tuple[int, list[Cell]]]:
    """Frame number, and the plate and each look."""
    for number in numbers:
        yield (
            number,
            [
                Cell("plate", view.frame(number).plate),
                *(Cell(name, view.graded(number, look)) for name, look in looks.items()),
            ],
        )
        step()


def _sheet(title: str, rows: Iterable[tuple[int, list[Cell]]]) -> ByteArray:
    parts: list[ByteArray] = []
    for number, cells in rows:
        pictures = [cell.picture for cell in cells]
        least = max(1, -(-sum(picture.shape[1] for picture in pictures) // _WIDEST))
        pictures = [np.ascontiguousarray(picture[::least, ::least]) for picture in pictures]
        words = beside(
            [band(f"{number}  {cell.name}", picture.shape[1]) for cell, picture in zip(cells, pictures, strict=True)]
        )
        parts += [words, beside(pictures)]
    width = max(part.shape[1] for part in parts)
    wide = [np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=PAPER) for part in parts]
    return np.concatenate([band(title, width), *wide])
