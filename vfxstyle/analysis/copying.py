"""An analysis as a copy of one that is there, for looks of another kind or in the folder of another grade."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict

from vfxstyle.analysis.store import AnalysisFolder
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.errors import ChangedError
from vfxstyle.settings import Run

_OF_SUPERPIXELS = ("frames", "size", "color_tag", "unreadable", "lighting", "chosen_frames")


def segmented_elsewhere(wanted: WantedAnalysis) -> Iterator[AnalysisFolder]:
    """Analyses into the same superpixels that can be copied, one looked at after the other."""
    for other in wanted.with_same_superpixels():
        if not other.stored.unreadable and other.stored.is_segmented(wanted.plate.shot):
            yield other.stored


def copy_superpixels(wanted: WantedAnalysis, run: Run) -> bool:
    """Copy the superpixels of another analysis into the wanted one, if there are any; returns whether it did."""
    for stored in segmented_elsewhere(wanted):
        with suppress(ChangedError):  # it was made anew or taken away meanwhile
            with wanted.stored.segmenting() as writer:
                for number in wanted.plate.shot.frames:
                    writer.write_labels(number, stored.read_labels(number))
                values = {name: stored.manifest[name] for name in _OF_SUPERPIXELS}
                values |= {"settings": asdict(wanted.recipe), **wanted.plate_values}
                writer.finish(stored.read_superpixels(), values)
            run.clock.note(f"superpixels are copied from {stored.place}")
            return True
    return False


def copy_features(wanted: WantedAnalysis, analysis: AnalysisFolder, numbers: Collection[int], run: Run) -> bool:
    """Copy features of chosen frames from the same analysis elsewhere, if it is there; returns whether it did."""
    for other in wanted.with_same_superpixels():
        stored = other.stored
        if other.recipe != wanted.recipe or not stored.has_features() or stored.labels_stamp != analysis.labels_stamp:
            continue
        with suppress(ChangedError):
            for number, features in zip(stored.chosen, stored.read_features(), strict=True):
                if number in numbers:
                    analysis.add_features(number, features)
            run.clock.note(f"features are copied from {stored.place}")
            return True
    return False
