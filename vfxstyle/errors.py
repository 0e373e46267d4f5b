"""The error family. Every failure that a user can meet is one of these.

::

    VfxStyleError                 exit code, code word, whether a retry can help
    ├── UsageError          2     usage        an option or argument makes no sense
    ├── InputError          3
    │   ├── ShotError             shot         the shot is missing, empty or ambiguous
    │   ├── FrameError            frame        one frame cannot be read or does not fit the others
    │   ├── PresetError           preset       the preset is unknown, damaged or unsafe
    │   ├── PairsError            pairs        the before/after pairs cannot be used
    │   ├── WeightsError          weights      a backbone's weights are missing or damaged
    │   ├── AnalysisError         analysis     the shot analysis does not belong to this job
    │   └── ColorError            color        a colour space or configuration is unknown
    ├── ResourceError       4
    │   ├── DeviceError           device       the machine has not the GPU that is asked for, or cannot use it
    │   ├── OutputError           output       a file cannot be written
    │   └── ChangedError          changed      a file that the job relies on was replaced or removed while it ran
    ├── PartialError        1     partial      some frames failed, the others are good
    └── Interrupted       130     interrupted  the user or the farm stopped the job

The message says what happened, to which file and frame, and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence


class VfxStyleError(Exception):
    """Base of every error that vfxstyle raises on purpose.

    ``exit_code`` is what the process returns, ``code`` a stable word for scripts, ``retryable``
    whether the same command can succeed later without a change of its input.
    """

    exit_code: int = 3
    code: str = "error"
    retryable: bool = False

    def __init__(self, message: str, *, frames: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.frames: tuple[int, ...] = tuple(frames)
        """Frame numbers that the error concerns; empty when it concerns the whole job."""
        self.not_made: tuple[int, ...] = ()
        """Frame numbers that were asked for and are not there, those included that were never begun."""

    @property
    def told_frames(self) -> tuple[int, ...]:
        """Frame numbers that scripts are told, ascending: those that the error concerns, and those not made."""
        return tuple(sorted({*self.frames, *self.not_made}))


class UsageError(VfxStyleError):
    """An option or argument is out of range or contradicts another."""

    exit_code = 2
    code = "usage"


class InputError(VfxStyleError):
    """Something handed in cannot be used: a shot, a preset, pairs, an analysis."""

    exit_code = 3
    code = "input"


class ShotError(InputError):
    """The shot is missing, empty, ambiguous or has holes."""

    code = "shot"


class FrameError(InputError):
    """One frame cannot be read, or does not fit the rest of its shot."""

    code = "frame"

    def naming_the_option(self, frames: int) -> FrameError:
        """The error as it stops a run of so many frames; where there are others it names the option to go on."""
        if frames < 2:
            return self
        named = FrameError(f"{self} To go on without it: --on-error skip.", frames=self.frames)
        named.__cause__ = self.__cause__
        return named


class PresetError(InputError):
    """The preset is unknown, damaged, or made for something else."""

    code = "preset"


class PairsError(InputError):
    """The before/after pairs are missing, unmatched or differ in size."""

    code = "pairs"


class WeightsError(InputError):
    """The weight file of a backbone is missing, damaged, or of something else."""

    code = "weights"


class AnalysisError(InputError):
    """A shot analysis on disk is damaged or belongs to another plate."""

    code = "analysis"


class ColorError(InputError):
    """A colour space is unknown or cannot be told, or a colour configuration cannot be used."""

    code = "color"


class ResourceError(VfxStyleError):
    """The machine lacks something just now: disk, memory, a device."""

    exit_code = 4
    code = "resource"
    retryable = True


class DeviceError(ResourceError):
    """The machine has not the GPU that is asked for, or cannot use it; another one may."""

    code = "device"


class OutputError(ResourceError):
    """A file or folder cannot be written."""

    code = "output"


class ChangedError(ResourceError):
    """A file that the job relies on was replaced, removed or damaged while it ran; the next run makes good."""

    code = "changed"


class Terminated(BaseException):
    """SIGTERM, raised where the program is."""


class PartialError(VfxStyleError):
    """Some frames failed; every other frame is on disk and good."""

    exit_code = 1
    code = "partial"


class Interrupted(VfxStyleError):  # noqa: N818 - it is no error of anybody's
    """The job was stopped by a signal; nothing is half written."""

    exit_code = 130
    code = "interrupted"
    retryable = True


def failure_of(error: BaseException) -> VfxStyleError | None:
    """What a user is told of an exception: one of the family; None for a fault of the program itself."""
    if isinstance(error, VfxStyleError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("Stopped from the keyboard; run the same command to go on.")
    if isinstance(error, Terminated):
        stopped = Interrupted("Stopped by a signal; run the same command to go on.")
        stopped.exit_code = 143
        return stopped
    if isinstance(error, OSError):
        return ResourceError(f"{error}; check the disk and the paths, then run again.")
    if isinstance(error, MemoryError):
        return ResourceError("Out of memory; use a machine with more, or a smaller --analysis-width.")
    if isinstance(error, RuntimeError) and "out of memory" in str(error):
        return ResourceError("Out of GPU memory; use a device with more, or --device cpu.")
    return None
