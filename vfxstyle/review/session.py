"""A review: a shot that is looked at and put right by hand. The page asks it; it knows nothing of pages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vfxstyle.arrays import BoolArray, ByteArray, FloatArray, LabelArray
from vfxstyle.errors import PresetError, UsageError, VfxStyleError
from vfxstyle.files import current_digest, key_of
from vfxstyle.grading.corrections import FILE, Correction, Corrections
from vfxstyle.looks import PresetInfo
from vfxstyle.looks.library import find_preset, installed_presets, is_path
from vfxstyle.looks.preset import read_info, read_preset
from vfxstyle.review.commands import grade_command
from vfxstyle.review.following import Selection, followed, inside, vectors_of
from vfxstyle.review.history import opened_history
from vfxstyle.review.regrading import Regrading
from vfxstyle.review.shown import ShownShot
from vfxstyle.review.stencils import border_stencil, group_stencil, selection_stencil
from vfxstyle.settings import DEFAULT_GROUPS
from vfxstyle.superpixels.groups import group_alike

WIDTH = 1280
"""Most columns of the picture that is shown until somebody looks closer, in px."""
_LIGHTS = 512 * 2**20  # bytes of graded light that are kept, so that another strength costs nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which picture is asked for."""

    frame: int
    """Number of the frame."""
    preset: str
    """The look, by one of the names of :attr:`Session.presets`."""
    strength: float = 1.0
    """0..1, of the look."""
    full: bool = False
    """Whether at the plate's own size."""
    quick: bool = False
    """Whether a code value here and there may be another, because the next picture is asked for already."""


class Session:
    """A shot under review, with its corrections. It may be asked by several threads."""

    def __init__(self, view: ShownShot, preset: str, *, strength: float) -> None:
        """strength: of the look when the page opens; the view's own plan must have 1."""
        self.view, self.preset, self.strength = view, preset, strength
        self.file: Path = view.analysis.folder / FILE
        """Where corrections are stored."""
        self.regrading = Regrading(view.plan, view.run, view.wanted.stamps, view.screen.name)
        """Frames that are graded elsewhere, and what is learnt from them."""
        info = view.plan.shot.info
        self._full = view if info.width <= view.width else ShownShot(view.plan, view.wanted, view.run, info.width)
        self.history = opened_history(self.file, view.wanted.identity, view.plan.corrections)
        """The corrections."""
        self._lights: OrderedDict[tuple[Any, ...], FloatArray] = OrderedDict()
        self._turn = threading.RLock()
        self._mending = self._ahead = threading.Thread()
        self._trouble = ""
        self._known_looks: dict[str, bool] = {}
        self._vectors: tuple[str, FloatArray | None] | None = None  # of an analysis, by its label maps

    @property
    def presets(self) -> list[str]:
        """Looks that can be shown, the one of the review first; none that was learnt for another shot."""
        names = [
            path.stem for info, path, _ in installed_presets() if isinstance(info, PresetInfo) and self._is_for(path)
        ]
        return list(dict.fromkeys([self.preset, *names]))

    def _is_for(self, path: Path) -> bool:
        digest = current_digest(path)
        if digest not in self._known_looks:
            try:
                look = read_preset(path)
                self._known_looks[digest] = look.graded is None or bool(self.view.wanted.graded_by(look))
            except PresetError:  # a damaged file of another look is no trouble of this shot
                self._known_looks[digest] = False
        return self._known_looks[digest]

    @property
    def corrections(self) -> Corrections:
        """What has been put right so far."""
        return Corrections(analysis=self.view.wanted.identity, made=self.history.now)

    def state(self) -> dict[str, Any]:
        """Everything that the page shows beside pictures."""
        plan, info = self.view.plan, self.view.plan.shot.info
        height = round(info.height * min(info.width, self.view.width) / info.width)
        return {
            "shot": str(plan.shot.path),
            "frames": list(self.view.frames),
            "size": [min(info.width, self.view.width), height],
            "full": [info.width, info.height],
            "screen": self.view.screen.name,
            "presets": self.presets,
            "preset": self.preset,
            "strength": self.strength,
            "corrections": [_told(own) for own in self.history.now],
            "revision": self._revision(self.corrections),
            "can_undo": self.history.can_undo,
            "can_redo": self.history.can_redo,
            "saved": self.history.is_saved,
            "file": str(self.file),
            "regrading": self.regrading.state(),
            "mending": self._mending.is_alive(),
            "trouble": self._trouble,
        }

    def command(self, preset: str, strength: float) -> str:
        """The command that grades the shot as the page shows it."""
        if not self.history.is_saved:
            return "save the corrections first (s)"
        return grade_command(self.view, self._named(preset), strength, self.file if self.history.now else None)

    def plate(self, number: int, *, full: bool = False) -> ByteArray:
        """What the screen shows of the plate, uint8 (H, W, 3)."""
        return self._shown(full).frame(self._known(number)).plate

    def graded(self, asked: Asked) -> ByteArray:
        """What the screen shows of the grade, uint8 (H, W, 3)."""
        view = self._shown(asked.full)
        light = self._light(view, asked)
        if asked.strength != 1:
            plate = view.frame(asked.frame).lit.rgb
            light = plate + np.float32(asked.strength) * (light - plate)
        return view.screen.shown(light, quick=asked.quick)

    def _light(self, view: ShownShot, asked: Asked) -> FloatArray:
        """Graded light at full strength."""
        number, corrections = self._known(asked.frame), self.corrections
        digest = view.digest_of(self._named(asked.preset))
        key = (number, digest, self._revision(corrections), asked.full)
        with self._turn:
            if key in self._lights:
                self._lights.move_to_end(key)
                return self._lights[key]
        light = view.graded_light(number, view.corrected(view.look(asked.preset), corrections))
        with self._turn:
            self._lights[key] = light
            while len(self._lights) > 2 and sum(kept.nbytes for kept in self._lights.values()) > _LIGHTS:
                self._lights.popitem(last=False)
        return light

    def _revision(self, corrections: Corrections) -> str:
        """Stands for corrections and the looks that they take, one of which may be learnt again meanwhile."""
        return key_of(made=corrections.identity(), looks=[self.view.digest_of(name) for name in corrections.presets])

    def _named(self, preset: str) -> str:
        """A preset, if it is one that the page may show. Raises :class:`~vfxstyle.errors.PresetError`."""
        if preset not in self.presets:
            raise PresetError(f"There is no preset '{preset}' here; choose one of {', '.join(self.presets)}.")
        return preset

    def _shown(self, full: bool) -> ShownShot:
        return self._full if full else self.view

    def _known(self, number: int) -> int:
        if number not in self.view.frames:
            raise UsageError(f"The shot has no frame {number}.", frames=(number,))
        return number

    def borders(self, number: int) -> ByteArray:
        """The borders of superpixels, a stencil over the picture."""
        return border_stencil(self._labels(number))

    def group_picture(self, number: int, preset: str) -> ByteArray:
        """The groups that a look treats alike, a stencil over the picture."""
        known, group = self._groups(preset)
        return group_stencil(group[np.searchsorted(known, self._labels(number))], int(group.max()) + 1)

    def mask(self, number: int, superpixels: Sequence[int]) -> ByteArray:
        """Some superpixels, a stencil over the picture."""
        return selection_stencil(self._labels(number), superpixels)

    def _labels(self, number: int) -> LabelArray:
        return self.view.frame(self._known(number)).large_labels

    def _groups(self, preset: str) -> tuple[LabelArray, LabelArray]:
        transforms = self.view.look(self._named(preset)).transforms
        group = group_alike(transforms.transforms, DEFAULT_GROUPS, self.view.plan.settings.seed)
        return transforms.labels, group.astype(np.int32)

    def at(self, number: int, place: tuple[float, float], preset: str, *, group: bool = False) -> Selection:
        """The superpixel at a place, or all of its group. place: x and y, 0..1 of the picture."""
        labels = self.view.frame(self._known(number)).labels
        row, column = (min(int(part * count), count - 1) for part, count in zip(place[::-1], labels.shape, strict=True))
        label = int(labels[row, column])
        if not group:
            return self._followed(number, (label,))
        known, groups = self._groups(preset)
        own = groups[np.searchsorted(known, label)]
        return Selection(superpixels=tuple(known[groups == own].tolist()))

    def lassoed(self, number: int, outline: Sequence[tuple[float, float]]) -> Selection:
        """The superpixels inside an outline, and what continues them. outline: x and y, 0..1 of the picture."""
        labels = self.view.frame(self._known(number)).labels
        height, width = labels.shape
        corners = np.array([[x * width, y * height] for x, y in outline], np.float32)
        canvas = np.zeros(labels.shape, np.uint8)
        cv2.fillPoly(canvas, [np.round(corners).astype(np.int32)], 1)
        mask: BoolArray = canvas > 0
        return self._followed(number, inside(labels, mask))

    def _followed(self, number: int, selected: Sequence[int]) -> Selection:
        if not selected:
            return Selection()
        return Selection(frames=followed(self.view, number, selected, self._features_now()))

    def _features_now(self) -> FloatArray | None:
        """The features that selections are followed by, read once for an analysis."""
        stamp = self.view.analysis.labels_stamp
        if self._vectors is None or self._vectors[0] != stamp:
            self._vectors = stamp, vectors_of(self.view, self.preset)
        return self._vectors[1]

    def correct(self, selection: Selection, strength: float, preset: str | None, name: str) -> None:
        """Add a correction. Raises :class:`~vfxstyle.errors.UsageError` for one that says nothing."""
        if not selection:
            raise UsageError("Nothing is selected; click a superpixel, or draw a lasso.")
        digest = ""
        if preset is not None:
            file = find_preset(self._named(preset))
            preset = str(file.absolute()) if is_path(preset) else preset
            digest = current_digest(file)
        made = Correction(
            superpixels=selection.superpixels,
            frames=selection.frames,
            strength=strength,
            preset=preset,
            digest=digest,
            name=name,
        )
        self.history.add(made)

    def save(self) -> None:
        """Store the corrections beside the analysis. Raises :class:`~vfxstyle.errors.OutputError`."""
        self.history.save()

    def mend(self) -> None:
        """Make an analysis anew that has been taken away meanwhile, beside whatever is asked."""
        with self._turn:
            if not self._mending.is_alive():
                self._mending = threading.Thread(target=self._mend, daemon=True)
                self._mending.start()

    def _mend(self) -> None:
        try:
            for view in {self.view, self._full}:
                view.renew()
            self._trouble = ""
        except VfxStyleError as error:
            self._trouble = str(error)

    def prepare(self) -> None:
        """Predict every look and read what the first picture needs, beside whatever is asked."""
        threading.Thread(target=self._prepare, daemon=True).start()

    def look_ahead(self, asked: Asked) -> None:
        """Grade the frame after one that was asked for, beside whatever is asked, so that it is there at once."""
        at = self.view.frames.index(asked.frame) + 1
        if asked.full or at >= len(self.view.frames) or self._ahead.is_alive():
            return
        self._ahead = threading.Thread(
            target=self._grade_ahead, args=(replace(asked, frame=self.view.frames[at]),), daemon=True
        )
        self._ahead.start()

    def _grade_ahead(self, asked: Asked) -> None:
        with suppress(VfxStyleError):  # told when it is asked for
            self._light(self.view, asked)

    def _prepare(self) -> None:
        with suppress(VfxStyleError):  # told where the look is asked for
            self.graded(Asked(frame=self.view.frames[0], preset=self.preset, quick=True))
        kind = self.view.wanted.recipe.any_light
        for name in self.presets:  # looks of the other kind need features of their own, once they are asked for
            with suppress(VfxStyleError):
                if read_info(find_preset(name)).any_light == kind:
                    self.view.look(name)

    def close(self) -> None:
        """End what runs beside it."""
        self.regrading.close()


def _told(own: Correction) -> dict[str, Any]:
    """What the page shows of a correction."""
    return {"name": own.name, "strength": own.strength, "preset": own.preset}
