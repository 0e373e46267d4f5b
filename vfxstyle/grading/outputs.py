"""Outputs of a grade: which files are there, what they were made from, and which frames are still to be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vfxstyle._version import __version__
from vfxstyle.analysis.arrays import is_sound
from vfxstyle.analysis.predict import look_of
from vfxstyle.analysis.tracks import missing_tracks_of
from vfxstyle.analysis.wanted import WantedAnalysis
from vfxstyle.errors import UsageError
from vfxstyle.files import drop, key_of
from vfxstyle.grading.corrections import identities_of
from vfxstyle.grading.plan import GradePlan
from vfxstyle.grading.records import Records
from vfxstyle.plates.spaces import encoder
from vfxstyle.settings import GradeSettings, Overwrite, Run
from vfxstyle.settings.table import Decides, options_of
from vfxstyle.shots import format_frames
from vfxstyle.shots.movie_files import frames_in_movie


class Outputs:
    """Files of a plan, with what they were made from. It asks the disk and changes nothing, but for its two verbs.

    unreadable: frames of the plate that an analysis could not read, and why. A movie holds the frame before them.
    """

    def __init__(self, plan: GradePlan, wanted: WantedAnalysis, unreadable: Mapping[int, str]) -> None:
        self.plan, self.wanted = plan, wanted
        self.unreadable = unreadable
        self.others: tuple[Outputs, ...] = ()
        """The same of further views, which are in the same files."""
        self.records = Records(plan.records)
        self._encoder = encoder(plan.config, plan.input.space, plan.output_space)
        self._numbers: dict[Path, list[int]] = {}
        for number, path in plan.targets.items():
            self._numbers.setdefault(path, []).append(number)

    @classmethod
    def of(cls, plan: GradePlan, run: Run, *, recall: bool, hash_plate: bool = True) -> Outputs:
        """The outputs of a plan.

        recall: whether frames that an analysis of this plate could not read count as unreadable. hash_plate: whether
        plate files that no analysis knows are hashed; without, outputs of such plates count as outdated.
        """
        wanted = WantedAnalysis.of(plan.plate, plan.analysis, plan.recipe(run), hash_plate=hash_plate)
        if wanted.stamps and plan.corrections:
            plan.corrections.check(identities_of(wanted))
        unreadable: Mapping[int, str] = {}
        if recall:
            stored = wanted.stored
            unreadable = stored.unreadable if stored.is_segmented(plan.shot) else {}
        outputs = cls(plan, wanted, unreadable)
        outputs.others = tuple(cls.of(other, run, recall=recall, hash_plate=hash_plate) for other in plan.others)
        return outputs

    @property
    def lost(self) -> dict[int, str]:
        """Frames asked for that are unreadable, and why."""
        asked = set(self.plan.frames)
        return {number: why for number, why in self.unreadable.items() if number in asked}

    def key_of_file(self, target: Path, failed: Iterable[int] = ()) -> str:
        """Hash of what an output file is made from. failed: frames that could not be read by this run."""
        return self.key_of_frames(self._numbers[target], failed)

    def key_of_frames(self, numbers: Sequence[int], failed: Iterable[int] = ()) -> str:
        """Hash of what a file with these frames is made from; empty where the plate's contents are not known."""
        plan, settings = self.plan, self.plan.settings
        if not self.wanted.stamps:
            return ""
        held = sorted({*failed, *self.unreadable} & set(numbers)) if plan.format.is_movie else []
        as_asked = {own.name: getattr(settings, own.name) for own in _DECIDING}
        return key_of(
            **as_asked,
            **({"held": held} if held else {}),
            **({"views": [other.wanted.identity for other in self.others]} if self.others else {}),
            **({"regions": plan.regions.identity(numbers)} if plan.regions else {}),
            **({"corrections": plan.corrections.identity(numbers)} if plan.corrections else {}),
            frames=list(numbers),
            plate=sorted({self.wanted.stamps[plan.shot.file_of(n).name].sha256 for n in numbers}),
            analysis=self.wanted.identity,
            preset=plan.preset.digest,
            format=plan.format.value,
            space=[plan.output_space.name, "" if self._encoder is None else self._encoder.cache_id],
            rate=str(plan.frame_rate) if plan.format.is_movie else settings.fps,
            version=__version__,
        )

    def frames_to_write(self, overwrite: Overwrite) -> list[int]:
        """Frames to write: all, those that are missing, or those that are missing or not current."""
        if overwrite == "always":
            return list(self.plan.frames)
        fresh = self.current(overwrite)
        lost = set() if self.plan.encodes else {number for own in (self, *self.others) for number in own.lost}
        return [number for number, path in self.plan.targets.items() if not fresh[path] and number not in lost]

    def current(self, overwrite: Overwrite) -> dict[Path, bool]:
        """Whether each file is there and need not be made; one that must never be touched need only be there."""
        files = self.plan.files
        if self.plan.prepares:  # these frames are made for a movie, and are nobody's to keep
            if self._has_movie(overwrite):
                return dict.fromkeys(files, True)
        elif overwrite == "never":
            return {path: path.exists() for path in files}
        return {path: self.is_made(path) for path in files}

    def is_made(self, target: Path) -> bool:
        """Whether a file is there as it was written, and made from what the plan says."""
        return self.records.is_current(target, self.key_of_file(target))

    def not_made(self, numbers: Iterable[int]) -> list[int]:
        """Those of some frames whose file has not been made: never begun, or not ended."""
        files = {self.plan.targets[number] for number in numbers}
        made = {path for path in files if self.records.was_made_from(path, self.key_of_file(path))}
        return [number for number in numbers if self.plan.targets[number] not in made]

    def made_otherwise(self) -> tuple[int, ...]:
        """Frames not asked for whose files are there, and were not made from what the plan says of those asked for.

        Empty where mattes are given, which need not be there for other frames, and where the analysis is named, as
        tasks of a farm do, whose other frames are about to be made.
        """
        if self.plan.regions.mattes or self.plan.target.analysis is not None:
            return ()
        found = []
        for number, path in self.plan.files_not_asked_for.items():
            key = self.records.key_of(path)
            if key is not None and key != self.key_of_frames([number]) and path.exists():
                found.append(number)
        return tuple(found)

    def is_prepared(self, number: int) -> bool:
        """Whether a frame of a movie has been made ready."""
        return self.records.is_current(self.plan.prepared[number], self.key_of_frames([number]))

    def _has_movie(self, overwrite: Overwrite) -> bool:
        """Whether a movie of, among others, the frames of the plan is there and current, or must not be touched."""
        movie = self.plan.output
        if overwrite == "never":
            return movie.exists()
        frames = self.records.frames_of(movie)
        known = set(self.plan.frames) <= set(frames) <= set(self.plan.shot.frames)
        return known and self.records.is_current(movie, self.key_of_frames(frames))

    def refuse_to_replace(self) -> None:
        """Raise :class:`~vfxstyle.errors.UsageError` where a movie of other frames would be replaced by this one."""
        movie, asked = self.plan.output, set(self.plan.frames)
        if not self.plan.encodes or not movie.is_file():
            return
        frames = self.records.frames_of(movie)
        there = len(frames) or frames_in_movie(movie)
        if set(frames) <= asked if frames else there == len(asked):
            return
        if not there:
            raise UsageError(
                f"{movie} is there and is no movie that can be read; name another file with -o, or replace it with "
                "--overwrite always."
            )
        held = format_frames(frames) or f"{there} of them"
        raise UsageError(
            f"{movie} is there and holds other frames ({held}) than those asked for "
            f"({format_frames(self.plan.frames)}); "
            "name another file with -o, or replace it with --overwrite always."
        )

    def untouched(self, numbers: Iterable[int]) -> dict[int, int]:
        """Pixels left alone on frames that are there already, by frames that have any."""
        found: dict[int, int] = {}
        for path in {self.plan.targets[number] for number in numbers}:
            found |= self.records.untouched_of(path)
        return found

    def gone(self, overwrite: Overwrite, failed: Iterable[int]) -> list[int]:
        """Frames that did not fail and whose files are not there."""
        lost = set(failed)
        found = [number for number, path in self.plan.targets.items() if number not in lost and not path.exists()]
        if found and self.plan.prepares and self._has_movie(overwrite):
            return []  # what has become a movie is not needed any more
        return found

    def support_files(self, files: Sequence[Path], run: Run) -> list[Path]:
        """Files beside the outputs that a run which writes ``files`` writes: records, and what the analysis lacks.

        Where the plate has not been hashed, :data:`~vfxstyle.analysis.wanted.UNKNOWN` stands for the
        folder of the analysis.
        """
        if not files:
            return []
        records = [self.records.file_of(path) for path in files]
        analysis, look = self.wanted.stored, look_of(self.plan.preset)
        transforms = analysis.transforms_file(look)
        anew = self.plan.remakes_analysis(run) or not analysis.is_segmented(self.plan.shot)
        if anew:
            needed = [*analysis.files(self.plan.shot.frames), transforms]
        elif is_sound(transforms):
            needed = []
        else:
            needed = [*([] if analysis.has_features() else [analysis.features_file]), transforms]
        needed += missing_tracks_of(self.wanted, self.plan.preset, anew=anew)
        for name in self.plan.corrections.presets:
            other = self.plan.with_look(name).preset
            wanted = self.wanted.for_look(other.info, self.plan.settings.lighting)
            stored = wanted.stored
            if stored.place != analysis.place:
                segmented = stored.is_segmented(self.plan.shot)
                needed += [] if segmented else stored.superpixel_files(self.plan.shot.frames)
                needed += [] if segmented and stored.has_features() else [stored.features_file]
            if anew or not is_sound(stored.transforms_file(look_of(other))):
                needed.append(stored.transforms_file(look_of(other)))
            needed += missing_tracks_of(wanted, other, anew=anew)
        of_views = [path for other in self.others for path in other.support_files(files, run) if path not in records]
        return records + self.wanted.listed(needed) + of_views

    def store(self, target: Path, untouched: Mapping[int, int], failed: Iterable[int] = ()) -> None:
        """Record what a file that has been written was made from, and the pixels left alone on its frames."""
        numbers = self._numbers[target]
        own = {number: untouched[number] for number in numbers if number in untouched}
        frames = numbers if self.plan.encodes else ()
        self.records.store(target, self.key_of_file(target, failed), frames, own)

    def drop_prepared(self) -> None:
        """Take away frames that have become a movie."""
        if self.plan.encodes:
            folder = next(iter(self.plan.prepared.values())).parent
            for path in folder.glob("*.npz"):
                drop(self.records.file_of(path))
            shutil.rmtree(folder, ignore_errors=True)


_DECIDING = [own for own in options_of(GradeSettings) if own.decides is Decides.FRAMES]
"""Options that are part of every key as they were asked for; all others are so through what the plan makes of them."""
