"""One frame, graded: a pure function of the frame, the analysis, the preset and the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vfxstyle.analysis.lighting import lighting_in
from vfxstyle.analysis.predict import ShotTransforms
from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import AnalysisRecipe
from vfxstyle.arrays import FloatArray, LabelArray
from vfxstyle.color import SpaceKind, Transform
from vfxstyle.grading.carried import CarriedGrade
from vfxstyle.grading.corrections import Corrections
from vfxstyle.grading.display_range import keep_in_range
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.regions import Regions
from vfxstyle.grading.untouched import restore_untouched
from vfxstyle.looks import TransformField, apply_field
from vfxstyle.looks.base import Base
from vfxstyle.looks.field import Placing
from vfxstyle.plates.picture import analysis_lab, analysis_size
from vfxstyle.plates.spaces import Light, encoder
from vfxstyle.shots import Frame, OutputFormat
from vfxstyle.superpixels.areas import spread_in_areas
from vfxstyle.superpixels.smoothing import blend_over_pixels, reach_of, smooth_over_neighbours, spread_over_pixels
from vfxstyle.superpixels.tables import adjacency, table_of

if TYPE_CHECKING:
    from vfxstyle.grading.gpu import DeviceGrade


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """A graded frame."""

    frame: Frame
    """In the output's encoding, with the plate's windows, alpha, other channels and header."""
    untouched: int
    """Pixels left alone because they hold NaN or infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRenderer:
    """Everything that grading a frame needs besides the frame."""

    analysis: AnalysisFolder
    """Where the label maps are."""
    transforms: ShotTransforms
    """The look, superpixel by superpixel."""
    base: Base
    """What the look does by colour alone or by place."""
    analysis_width: int
    """Width of the analysis picture, in px."""
    light: Light
    """How the plate's numbers become light."""
    any_light: bool = False
    """Whether ``light`` is without the lighting of the shot, which is then put back."""
    for_display: bool = False
    """Whether the plate's numbers are those of a display whose white is light of 1."""
    encoder: Transform | None
    """From that light to the result's numbers; None where the result is that light itself."""
    same_space: bool
    """Whether the result is in the plate's space, so that pixels left alone keep their numbers."""
    straight_alpha: bool
    """Whether the output holds colour not multiplied by alpha (all formats but EXR do)."""
    strength: float
    """0..1, share of the change that is made."""
    carried: CarriedGrade | None = None
    """Graded frames of this shot, where the look was learnt from some."""
    regions: Regions = field(default_factory=Regions)
    """Where the look is put."""
    strengths: FloatArray | None = None
    """float32 (N,), 0..1, of each superpixel; None for 1."""
    corrections: Corrections = field(default_factory=lambda: Corrections(analysis=""))
    """What was put right by hand."""
    name: str | None = None
    """What corrections call this look; None for the one that the shot is graded with."""
    instead: tuple[FrameRenderer, ...] = ()
    """Other looks, on superpixels that do not take this one."""
    on_device: DeviceGrade | None = None
    """Where frames are graded on a GPU."""

    @classmethod
    def of(
        cls, plan: GradePlan, recipe: AnalysisRecipe, analysis: AnalysisFolder, transforms: ShotTransforms
    ) -> FrameRenderer:
        """The renderer of a plan. recipe: of the analysis."""
        size = plan.shot.info.width, plan.shot.info.height
        columns, rows = analysis_size(*size, recipe.analysis_width)
        if plan.preset.base.has_place:
            plan.preset.base.field(rows, columns)  # once, before threads ask for it
        any_light = plan.preset.info.any_light
        plain = cls(
            analysis=analysis,
            transforms=transforms,
            base=plan.preset.base,
            analysis_width=recipe.analysis_width,
            light=plan.plate.light.without(lighting_in(analysis)) if any_light else plan.plate.light,
            any_light=any_light,
            for_display=plan.input.space.kind is SpaceKind.VIDEO and plan.plate.light.ends_at_white,
            encoder=encoder(plan.config, plan.input.space, plan.output_space),
            same_space=plan.input.space.name == plan.output_space.name,
            straight_alpha=plan.format is not OutputFormat.EXR,
            strength=plan.settings.strength,
        )
        of_groups = plan.regions.of_superpixels(transforms.transforms, plan.settings.seed)
        plain = replace(plain, regions=plan.regions, strengths=of_groups)
        graded = plan.preset.graded
        if graded is None or not transforms.graded:
            return plain
        carried = CarriedGrade(graded, transforms, analysis, plain.plain_field)
        return replace(plain, carried=carried)

    def on(self, device: str) -> FrameRenderer:
        """The renderer on a device, ``cpu``, ``cuda`` or ``cuda:N``; loads torch for a GPU only."""
        if device == "cpu":
            return self
        from vfxstyle.grading.gpu import DeviceGrade
        from vfxstyle.superpixels.gpu import ShotLook

        look = ShotLook(self.transforms.labels, self.transforms.transforms, device)
        return replace(self, on_device=DeviceGrade(device, look, self.base, self.analysis_width))

    def corrected(self, corrections: Corrections, others: Mapping[str, FrameRenderer]) -> FrameRenderer:
        """The renderer with corrections. others: those of the other looks that superpixels take, by name."""
        if not corrections:
            return self
        whole = replace(self, corrections=corrections)
        instead = tuple(
            replace(other, strengths=self.strengths, regions=self.regions, corrections=corrections, name=name)
            for name, other in others.items()
        )
        return replace(whole, instead=instead)

    def render(self, plate: Frame) -> RenderedFrame:
        """Grade one frame. Its mattes are those of the regions."""
        original = plate = self.regions.shaped(plate)
        if self.light.decoder is not None:
            plate = plate.straightened()  # code values with alpha multiplied in stand for no light
        lit = replace(plate, rgb=self.light.decoded(plate.rgb))
        graded, untouched = self._graded(lit)
        rgb = self._associated(graded, plate, original)
        if self.encoder is not None:
            rgb = self.encoder.apply_to_picture(rgb)
            restore_untouched(rgb, plate.rgb, graded, lit.rgb, same_space=self.same_space)
        return RenderedFrame(replace(plate, rgb=rgb, premultiplied=not self.straight_alpha), untouched)

    def _graded(self, lit: Frame) -> tuple[FloatArray, int]:
        labels, there = self.analysis.read_labels(lit.number), self.on_device
        if there is None:
            return self.graded_over(lit, labels, partial(self._guide, lit))
        plate = there.plate(lit)
        guide = there.guide_of(plate, self.light.matrix)
        if self.carried is None and self.strengths is None and not (self.corrections or lit.mattes):
            return self._in_range(there.apply(plate, there.plain_field(labels, guide), self._placing(lit), None), lit)
        own = there.on_host(guide)
        return self.graded_over(lit, labels, lambda kind: own if kind == self.any_light else self._guide(lit, kind))

    def _guide(self, lit: Frame, any_light: bool) -> FloatArray:
        look = next(look for look in (self, *self.instead) if look.any_light == any_light)
        return guide_of(lit, look.light, self.analysis_width)

    def graded_over(
        self, lit: Frame, labels: LabelArray, guide_in: Callable[[bool], FloatArray]
    ) -> tuple[FloatArray, int]:
        """A frame of decoded light, or a smaller picture of it, graded; and the number of pixels left alone.

        labels: int32 (h, w). guide_in: gives the analysis picture, float32 (h, w, 3), CIELab, with True that in
        ordinary light, for looks for any light.
        """
        guides = {kind: guide_in(kind) for kind in {look.any_light for look in (self, *self.instead)}}
        guide = guides[self.any_light]
        share = self.regions.share(lit.mattes) if lit.mattes else None
        areas = None
        if lit.mattes and self.carried is None:
            areas = self.regions.areas(lit.on_display().mattes, (guide.shape[1], guide.shape[0]))
        graded, untouched = self._changed(lit, self.field_of(lit.number, labels, guide, areas), share)
        for other in self.instead:
            changed, _ = other._changed(lit, other.field_of(lit.number, labels, guides[other.any_light], areas), share)
            graded = np.where(changed == lit.rgb, graded, graded + (changed - lit.rgb))
        return graded, untouched

    def field_of(
        self, number: int, labels: LabelArray, guide: FloatArray, areas: FloatArray | None = None
    ) -> TransformField:
        """The transforms of a frame. areas: as :meth:`Regions.areas` gives them."""
        if self.carried is not None:
            field = self.carried.on(number, labels, guide)
        elif areas is None:
            field = self.plain_field(labels, guide)
        else:
            field = self.base.added_to(spread_in_areas(labels, guide, areas, self.transforms.of))
        if self.strengths is None and not self.corrections:
            return field
        table, rows = table_of(labels, guide)
        own = self.corrections.strengths(number, table.labels, self.name)
        if self.strengths is not None:
            own = own * self.strengths[np.searchsorted(self.transforms.labels, table.labels)]
        if (own == 1).all():
            return field
        blended = blend_over_pixels(rows, own[:, None], table.colours, guide, reach_of(table, rows))
        return replace(field, strengths=np.ascontiguousarray(blended[..., 0]))

    def _changed(self, lit: Frame, field: TransformField, share: FloatArray | None) -> tuple[FloatArray, int]:
        if self.on_device is not None:
            there = self.on_device
            changed = there.apply(there.plate(lit), there.field_of(field), self._placing(lit), share)
        else:
            alpha = lit.alpha if lit.premultiplied else None
            changed = apply_field(lit.rgb, field, self._placing(lit), alpha=alpha, share=share)
        return self._in_range(changed, lit)

    def _in_range(self, changed: tuple[FloatArray, int], lit: Frame) -> tuple[FloatArray, int]:
        """A changed frame within the range of a display, of a plate that is for one."""
        if self.any_light and self.for_display:
            keep_in_range(changed[0], lit.rgb)
        return changed

    def _placing(self, lit: Frame) -> Placing:
        data, display = lit.data_window, lit.display_window
        offset = data.x - display.x, data.y - display.y
        return Placing((display.width, display.height), offset, self.strength, self.light.matrix)

    def plain_field(self, labels: LabelArray, guide: FloatArray) -> TransformField:
        """The look alone, without graded frames. labels: int32 (h, w). guide: float32 (h, w, 3), CIELab."""
        table, rows = table_of(labels, guide)
        smoothed = smooth_over_neighbours(self.transforms.of(table.labels), table, adjacency(rows))
        return self.base.added_to(spread_over_pixels(rows, smoothed, table, guide))

    def _associated(self, light: FloatArray, plate: Frame, original: Frame) -> FloatArray:
        """``light`` multiplied by the plate's alpha, or not, as the output format has it."""
        if plate.alpha is None or plate.premultiplied is not self.straight_alpha:
            return light
        if self.straight_alpha:
            return replace(plate, rgb=light).straightened().rgb
        cover = plate.alpha[..., None]
        # colour that an associated plate has under no cover is light of its own, a flame's, and not multiplied away
        glows = original.premultiplied
        return np.asarray(np.multiply(light, cover, out=light.copy(), where=(cover > 0) | (not glows)), np.float32)


def guide_of(lit: Frame, light: Light, analysis_width: int) -> FloatArray:
    """The analysis picture of a frame of light that has been decoded, float32 (h, w, 3), CIELab."""
    return analysis_lab(lit, replace(light, decoder=None), analysis_width)
