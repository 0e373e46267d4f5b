"""A shot at the size of a screen, plain and graded by any look, for everything that people look at."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from vfxstyle.analysis.make import ensure_superpixels
from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.arrays import ByteArray, FloatArray, LabelArray
from vfxstyle.errors import UsageError
from vfxstyle.files import current_digest
from vfxstyle.grading.corrections import Corrections, identities_of
from vfxstyle.grading.frame_renderer import FrameRenderer, guide_of
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.request import GradeRequest
from vfxstyle.grading.transforms import ensure_transforms, once_more
from vfxstyle.looks.library import find_preset
from vfxstyle.plates.picture import analysis_lab
from vfxstyle.plates.places import analyses_beside, analysis_beside, default_analysis
from vfxstyle.plates.plate import one_view
from vfxstyle.plates.spaces import Light
from vfxstyle.review.screen import Screen
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.values import MEASURED
from vfxstyle.shots import Frame, format_frames
from vfxstyle.shots.mattes import with_mattes
from vfxstyle.shots.windows import Window

_MEMORY = 512 * 2**20  # bytes of frames that are kept
_PER_PIXEL = 36  # bytes, of a frame that is kept: light, plate as shown, and two guides that may be as large
_LOOKS_KEPT = 8


@dataclass(frozen=True, kw_only=True)
class ShowRequest:
    """A shot that is shown with some looks."""

    shot: str | Path
    """What is shown, as :func:`vfxstyle.open_shot` takes it."""
    presets: tuple[str, ...]
    """Looks by installed name or file, at least one."""
    target: GradeTarget
    """What the shot consists of, and which analysis is used."""
    settings: GradeSettings
    """How the shot is read and analysed, and where the look is put."""

    def graded_by(self, preset: str, target: GradeTarget) -> GradeRequest:
        """The grade with one of the looks."""
        return GradeRequest(shot=self.shot, preset=preset, settings=self.settings, **vars(target))


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """What a frame is graded from, small."""

    lit: Frame
    """Its light at the size of the screen."""
    guide: FloatArray
    """float32 (h, w, 3), CIELab of the analysis picture."""
    ordinary: FloatArray | None
    """The same in ordinary light, for looks for any light; None before such a look is shown."""
    labels: LabelArray
    """int32 (h, w), the superpixels."""
    plate: ByteArray
    """uint8 (H, W, 3), what the screen shows of the plate."""
    not_finite: int
    """Pixels of the plate that hold NaN or infinity."""

    def guide_in(self, any_light: bool) -> FloatArray:
        """The guide of a look, by whether it is for any light."""
        if not any_light:
            return self.guide
        assert self.ordinary is not None  # ShownShot.look comes before ShownShot.frame
        return self.ordinary

    @property
    def large_labels(self) -> LabelArray:
        """The superpixels in the size of the picture, int32 (H, W)."""
        size = (self.plate.shape[1], self.plate.shape[0])
        return np.asarray(cv2.resize(self.labels, size, interpolation=cv2.INTER_NEAREST), np.int32)


class ShownShot:
    """An opened and analysed shot, at most ``width`` px wide. It may be asked by several threads."""

    def __init__(self, plan: GradePlan, wanted: WantedAnalysis, run: Run, width: int) -> None:
        plan.corrections.check(identities_of(wanted))
        self.plan, self.wanted, self.width = plan, wanted, width
        self.run = once_more(run)
        self.only: frozenset[int] | None = None
        """Where only the frames that are shown were analysed, and those that a look keeps graded: what is shown."""
        self.screen = Screen.of(plan.plate)
        self.analysis: AnalysisFolder = ensure_superpixels(wanted, self.run)
        """The analysis, segmented."""
        self._frames: OrderedDict[int, ShownFrame] = OrderedDict()
        self._looks: OrderedDict[str, FrameRenderer] = OrderedDict()
        self._ordinary: Light | None = None  # the plate's without its lighting, once a look for any light is shown
        self._turn = threading.RLock()

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames that can be shown, ascending."""
        shown = self.plan.shot.frames if self.only is None else sorted(self.only)
        return tuple(number for number in shown if number not in self.analysis.unreadable)

    @property
    def is_quick(self) -> bool:
        """Whether only what is shown was analysed."""
        return self.only is not None

    def look(self, preset: str) -> FrameRenderer:
        """What grades a frame with a look; its transforms are predicted the first time.

        Raises :class:`~vfxstyle.errors.PresetError`.
        """
        digest = self.digest_of(preset)
        with self._turn:
            if digest not in self._looks:
                plan = replace(self.plan, preset_file=find_preset(preset))
                self._looks[digest] = look = FrameRenderer.of(plan, self.wanted.recipe, *self.transforms_of(plan))
                if look.any_light:
                    self._ordinary = look.light
                if len(self._looks) > _LOOKS_KEPT:
                    self._looks.popitem(last=False)
            self._looks.move_to_end(digest)
            return self._looks[digest]

    def digest_of(self, preset: str) -> str:
        """Hash of a look's file, which may be another one after it has been learnt again."""
        return current_digest(find_preset(preset))

    def renew(self) -> None:
        """Make the analysis anew where it was taken away. Raises :class:`~vfxstyle.errors.VfxStyleError`."""
        with self._turn:
            self.analysis = ensure_superpixels(self.wanted, self.run)
            self._frames.clear()
            self._looks.clear()

    def transforms_of(self, plan: GradePlan) -> tuple[AnalysisFolder, ShotTransforms]:
        """The analysis and the transforms of a plan over it. Raises :class:`~vfxstyle.errors.VfxStyleError`."""
        return ensure_transforms(plan, self.wanted.for_look(plan.preset.info, plan.settings.lighting), self.run)

    def corrected(self, look: FrameRenderer, corrections: Corrections) -> FrameRenderer:
        """A look with corrections."""
        return look.corrected(corrections, {name: self.look(name) for name in corrections.presets})

    def frame(self, number: int) -> ShownFrame:
        """A frame. Raises :class:`~vfxstyle.errors.FrameError` if it cannot be read."""
        with self._turn:
            ordinary = self._ordinary
            if number in self._frames and (ordinary is None or self._frames[number].ordinary is not None):
                self._frames.move_to_end(number)
                return self._frames[number]
        frame = self._read(number, ordinary)
        with self._turn:
            self._frames[number] = frame
            if len(self._frames) > max(2, _MEMORY // (frame.plate.size // 3 * _PER_PIXEL)):
                self._frames.popitem(last=False)
            return frame

    def guide(self, number: int) -> FloatArray:
        """The analysis picture of a frame, float32 (h, w, 3), CIELab; the frame is not kept for it."""
        with self._turn:
            if number in self._frames:
                return self._frames[number].guide
        frame = self.plan.plate.read(number, self.wanted.stamps)
        return analysis_lab(frame, self.plan.plate.light, self.wanted.recipe.analysis_width)

    def _read(self, number: int, ordinary: Light | None) -> ShownFrame:
        plan, light = self.plan, self.plan.plate.light
        raw = with_mattes(plan.plate.read(number, self.wanted.stamps), plan.regions.mattes)
        plate = raw.straightened() if light.decoder is not None else raw
        lit = replace(plan.regions.shaped(plate), rgb=light.decoded(plate.rgb)).on_display()
        width = self.wanted.recipe.analysis_width
        faults = int((~np.isfinite(lit.rgb).all(axis=-1)).sum())
        small = shrunk(lit, self.width)
        return ShownFrame(
            lit=small,
            guide=guide_of(lit, light, width),
            ordinary=None if ordinary is None else guide_of(lit, ordinary, width),
            labels=self.analysis.read_labels(number),
            plate=self.screen.shown(small.rgb),
            not_finite=faults,
        )

    def graded(self, number: int, look: FrameRenderer) -> ByteArray:
        """What the screen shows of a graded frame, uint8 (H, W, 3)."""
        return self.screen.shown(self.graded_light(number, look))

    def graded_light(self, number: int, look: FrameRenderer) -> FloatArray:
        """The light of a graded frame, float32 (H, W, 3), as :attr:`ShownFrame.lit` has it."""
        frame = self.frame(number)
        return look.graded_over(frame.lit, frame.labels, frame.guide_in)[0]


@contextmanager
def shown(
    request: ShowRequest, frames: Sequence[int] | None, run: Run, *, width: int | None = None, quick: bool = True
) -> Iterator[ShownShot]:
    """Open a shot to show frames of it.

    Where it has been analysed that analysis is used. Else only the frames that are shown are analysed, and those that
    a look keeps graded, as a shot of their own, in a folder that is removed; with ``frames`` None the first, the middle
    and the last.
    width: most columns of what is shown; by default those of the analysis picture. quick: without it the whole shot is
    analysed where that has not been done, and kept where a grade makes it.
    Raises :class:`~vfxstyle.errors.VfxStyleError`.
    """
    if not request.presets:
        raise UsageError("No look is named; name at least one with --preset.")
    one_view(request.settings, "This command")
    with ExitStack() as opened:
        plan = opened.enter_context(request.graded_by(request.presets[0], request.target).open())
        wanted = existing_analysis(plan, request, run)
        is_quick = wanted is None and quick
        if wanted is None and not quick:
            wanted = plan.wanted(run)
        if wanted is None:
            numbers = first_middle_last(plan.shot.frames) if frames is None else plan.plate.requested(frames)[0]
            looks = [replace(plan, preset_file=find_preset(name)).preset for name in request.presets]
            known = WantedAnalysis.of(plan.plate, analysis_beside(plan.shot), plan.recipe(run), hash_plate=False)
            by_hand = {number for look in looks for number in known.graded_by(look)}
            scratch = opened.enter_context(tempfile.TemporaryDirectory(prefix="vfxstyle-proof-"))
            target = replace(request.target, within=tuple(sorted({*numbers, *by_hand})), analysis=scratch)
            plan = opened.enter_context(request.graded_by(request.presets[0], target).open())
            wanted = WantedAnalysis.of(plan.plate, Path(scratch), plan.recipe(run))
            run.clock.warn(
                f"the shot has not been analysed for this look; what is shown ({format_frames(numbers)}) is analysed "
                "by itself, and a grade of the whole shot, whose superpixels live through time, can differ a little; "
                "vfxstyle analyze, with the same options, analyses the whole shot"
            )
            if any(look.info.any_light for look in looks) and plan.settings.lighting == MEASURED:
                run.clock.warn("how the shot is lit is measured on what is shown alone; analyse it, or say --lighting")
            if by_hand:
                run.clock.warn(
                    "graded frames are carried to those that are shown at one leap, which loses more on the way than "
                    "from frame to frame; analyse the shot first to see what a grade makes of it"
                )
        view = ShownShot(plan, wanted, run, width or wanted.recipe.analysis_width)
        if is_quick:
            view.only = frozenset(numbers)
        yield view


def existing_analysis(plan: GradePlan, request: ShowRequest, run: Run) -> WantedAnalysis | None:
    """The analysis of the plate that is there, whatever its settings: where it was named, or where grades make it."""
    shot = plan.shot
    own = [default_analysis(shot, find_preset(name)) for name in request.presets]
    folders = [analysis_beside(shot), *own, *analyses_beside(shot)]
    if request.target.analysis is not None:
        folders = [Path(request.target.analysis)]
    for folder in dict.fromkeys(folders):
        if not AnalysisFolder(folder).manifest:
            continue
        asked = WantedAnalysis.of(plan.plate, folder, plan.recipe(run))
        if asked.stored.is_segmented(shot):
            return asked
        other = asked.or_existing()
        if other is not asked:
            return other
    return None


def first_middle_last(frames: Sequence[int]) -> tuple[int, ...]:
    """The first, the middle and the last frame, each once."""
    return tuple(dict.fromkeys((frames[0], frames[len(frames) // 2], frames[-1])))


def shrunk(lit: Frame, width: int) -> Frame:
    """A frame over its display window, made smaller to a width in px; without what its file holds beside it."""
    height, columns = lit.rgb.shape[:2]
    bare = replace(lit, header=None, exr=None, others=())
    if columns <= width:
        return replace(bare, data_window=Window(0, 0, columns, height), display_window=Window(0, 0, columns, height))
    size = (width, max(1, round(height * width / columns)))
    window = Window(0, 0, *size)

    def small(plane: FloatArray) -> FloatArray:
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)

    return replace(
        bare,
        rgb=small(lit.rgb),
        alpha=None if lit.alpha is None else small(lit.alpha),
        mattes=tuple(small(matte) for matte in lit.mattes),
        data_window=window,
        display_window=window,
    )
