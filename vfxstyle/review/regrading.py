"""Frames that are graded by hand in another program, and a look that is learnt from them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfxstyle.errors import OutputError, UsageError, VfxStyleError
from vfxstyle.files import write_atomically, writing_atomically
from vfxstyle.grading.plan import GradePlan
from vfxstyle.looks.library import user_folders
from vfxstyle.looks.preset import SUFFIX
from vfxstyle.plates.places import parent_of
from vfxstyle.plates.stamps import PlateFile
from vfxstyle.settings import Run, TrainSettings
from vfxstyle.settings.table import options_of
from vfxstyle.shots import open_shot
from vfxstyle.shots.folders import make_folder
from vfxstyle.shots.writing import write_picture
from vfxstyle.training.preset_file import name_from

_TO_GRADE, _GRADED, _NOTE = "to_grade", "graded", "spaces.json"


class Regrading:
    """Frames of a shot that go out to be graded, come back, and are learnt from.

    They lie beside the shot: ``SHOT_to_grade`` takes copies of the plate's frames, and ``SHOT_graded`` the graded
    pictures, by frame number, as ``vfxstyle train --shot`` takes them.
    """

    def __init__(self, plan: GradePlan, run: Run, stamps: Mapping[str, PlateFile], screen: str) -> None:
        shot = plan.shot
        parent = parent_of(shot).absolute()
        self.plan, self.run, self.stamps, self.screen = plan, run, stamps, screen
        self._turn = threading.Lock()
        self.to_grade = parent / f"{shot.name}_{_TO_GRADE}"
        """Folder of frames to be graded."""
        self.graded = parent / f"{shot.name}_{_GRADED}"
        """Folder of graded frames."""
        self.name = f"{name_from(shot.name)}_by_hand"
        """Name of the look that is learnt from them."""
        self._training: subprocess.Popen[str] | None = None
        self._said = ""

    def send(self, number: int) -> Path:
        """Put a frame out to be graded, with a note that says its colour space; returns its file.

        A picture's file is copied as it is; a frame of a movie becomes a 16-bit TIFF in the movie's own space.
        Raises :class:`~vfxstyle.errors.OutputError`.
        """
        shot, space = self.plan.shot, self.plan.input
        make_folder(self.to_grade)
        make_folder(self.graded)
        source = shot.file_of(number)
        try:
            if shot.is_movie:
                place = self.to_grade / f"{shot.name}.{number:0{shot.padding}d}.tif"
                _write_tiff(place, self.plan.plate.read(number, self.stamps).rgb)
            else:
                place = self.to_grade / source.name
                with source.open("rb") as plate, writing_atomically(place) as copy:
                    shutil.copyfileobj(plate, copy)
            note = {
                "plate space": space.space.name,
                "known from": space.source,
                "shown by": self.screen,
                "put graded pictures into": str(self.graded),
                "named": f"with the same frame number and in the same colour space, e.g. {place.stem}.tif",
            }
            write_atomically(self.to_grade / _NOTE, (json.dumps(note, indent=1) + "\n").encode())
        except OSError as error:
            raise OutputError(f"{self.to_grade} cannot be written: {error.strerror or error}; check it.") from error
        return place

    def arrived(self) -> tuple[tuple[int, ...], str]:
        """Frames that have come back, and why they cannot be read where they cannot."""
        if not self.graded.is_dir() or not any(self.graded.iterdir()):
            return (), ""
        try:
            with open_shot(self.graded, missing="skip") as graded:
                return tuple(number for number in graded.frames if number in set(self.plan.shot.frames)), ""
        except VfxStyleError as error:  # a picture that is being written, or two sequences
            return (), str(error)

    def train(self) -> None:
        """Learn a look from the frames that have come back, in a process of its own."""
        settings = self.plan.settings
        if settings.layer is not None or settings.view is not None:
            raise UsageError("Looks are learnt from the main layer; open the review without --layer and --view.")
        words = ["train", "--shot", str(self.plan.shot.path), "--graded", str(self.graded), "--name", self.name]
        words += ["--no-suggest", "--progress", "none"]
        for own in options_of(TrainSettings, "train"):
            for values in (settings, self.run):
                if hasattr(values, own.name) and own.name not in ("superpixels", "matte"):
                    words += own.arguments(getattr(values, own.name))
        command = [sys.executable, "-P", "-m", "vfxstyle", *words]
        with self._turn:
            if self._training is None or self._training.poll() is not None:
                self._training = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
                threading.Thread(target=self._listen, args=(self._training,), daemon=True).start()

    def _listen(self, training: subprocess.Popen[str]) -> None:
        _, said = training.communicate()
        lines = [line for line in said.splitlines() if line.startswith("Error:")]
        self._said = "" if training.returncode == 0 else (lines or said.splitlines() or ["it failed"])[-1]

    def state(self) -> dict[str, Any]:
        """Where frames go, which have come back, and how far learning is."""
        runs = self._training is not None and self._training.poll() is None
        arrived, trouble = self.arrived()
        return {
            "to_grade": str(self.to_grade),
            "graded": str(self.graded),
            "arrived": list(arrived),
            "name": self.name,
            "training": runs,
            "learnt": any((folder / f"{self.name}{SUFFIX}").exists() for folder in user_folders()[:1]),
            "trouble": trouble or ("" if runs else self._said),
        }

    def close(self) -> None:
        """End learning that still runs."""
        if self._training is not None and self._training.poll() is None:
            self._training.terminate()


def _write_tiff(path: Path, rgb: np.ndarray) -> None:
    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, oiio.UINT16)
    write_picture(path, spec, np.asarray(np.clip(rgb, 0, 1) * 65535 + 0.5, np.uint16))
