"""Plate and grade for review tools: a session of RV with a wipe between them, and a timeline of OpenTimelineIO.

Formats: OpenRV's reference manual, chapter 6 (GTO, "What makes a .rv file work") and 16 (properties of nodes),
https://aswf-openrv.readthedocs.io; OpenTimelineIO, https://opentimelineio.readthedocs.io.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

from vfxstyle.errors import OutputError
from vfxstyle.files import printable, write_atomically
from vfxstyle.grading.media import Media, beside, grade_of, plate_of
from vfxstyle.grading.plan import DEFAULT_FRAME_RATE, GradePlan
from vfxstyle.otio import otio_library


def review_files(plan: GradePlan) -> list[Path]:
    """The session of RV, and the timeline."""
    return [beside(plan, ".rv"), beside(plan, ".otio")]


def write_review(plan: GradePlan) -> list[Path]:
    """Write both; returns their paths.

    Raises :class:`~vfxstyle.errors.OutputError`, and :class:`~vfxstyle.errors.UsageError` where OpenTimelineIO is not
    installed.
    """
    session, timeline = review_files(plan)
    for path, text in ((timeline, _timeline(plan)), (session, _session(plan))):
        try:
            write_atomically(path, text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return [session, timeline]


def _session(plan: GradePlan) -> str:
    """A stack with the grade on top of the plate, wiped."""
    rate = _rate(plan)
    plate, grade = plate_of(plan), grade_of(plan)
    sources = [
        _source(index, name, media, rate, plate.first)
        for index, (name, media) in enumerate((("grade", grade), ("plate", plate)))
    ]
    return f"""GTOa (3)

rv : RVSession (2)
{{
    session
    {{
        string viewNode = "vfxstyleReview"
        float fps = {rate:g}
    }}
}}

{"".join(sources)}connections : connection (1)
{{
    evaluation
    {{
        string lhs = [ "sourceGroup000000" "sourceGroup000001" ]
        string rhs = [ "vfxstyleReview" "vfxstyleReview" ]
    }}
}}

vfxstyleReview : RVStackGroup (1)
{{
    ui
    {{
        string name = {_quoted(f"{plan.preset_file.stem} over {plan.shot.name}")}
        int wipes = 1
    }}
}}

vfxstyleReview_stack : RVStack (1)
{{
    composite
    {{
        string type = "over"
    }}
    mode
    {{
        int strictFrameRanges = 1
    }}
}}
"""


def _source(index: int, name: str, media: Media, rate: float, start: int) -> str:
    """A source of the session. start: frame of the plate that comes first, which every source is to begin at."""
    file = media.named(f"{media.first}-{media.last}{'@' * media.padding}")
    begins = f"\n        int rangeStart = {start}" if media.first != start else ""
    part = (media.first, media.last) != media.whole
    cut = f"\n    cut\n    {{\n        int in = {media.first}\n        int out = {media.last}\n    }}" if part else ""
    return f"""sourceGroup{index:06d}_source : RVFileSource (1)
{{
    media
    {{
        string movie = {_quoted(str(file))}
    }}
    group
    {{
        float fps = {rate:g}{begins}
    }}{cut}
}}

sourceGroup{index:06d} : RVSourceGroup (1)
{{
    ui
    {{
        string name = "{name}"
    }}
}}

"""


def _timeline(plan: GradePlan) -> str:
    """Two tracks with a clip each, the grade above the plate."""
    otio = otio_library("--write-review")
    time, rate = otio.opentime.RationalTime, _rate(plan)
    tracks = []
    for name, media in (("plate", plate_of(plan)), ("grade", grade_of(plan))):
        span, whole = (
            otio.opentime.TimeRange(time(first, rate), time(last - first + 1, rate))
            for first, last in ((media.first, media.last), media.whole)
        )
        if media.padding:
            before, after = (quote(os.fsencode(part)) for part in media.parts)
            policies = otio.schema.ImageSequenceReference.MissingFramePolicy
            reference = otio.schema.ImageSequenceReference(
                target_url_base=f"{media.file.parent.as_uri()}/",
                name_prefix=before,
                name_suffix=after,
                start_frame=media.first,
                rate=rate,
                frame_zero_padding=media.padding,
                missing_frame_policy=policies.hold if media.has_gaps else policies.error,
                available_range=span,
            )
        else:
            reference = otio.schema.ExternalReference(media.file.as_uri(), whole)
        clip = otio.schema.Clip(printable(f"{plan.shot.name} {name}"), reference, span)
        tracks.append(otio.schema.Track(name, [clip], kind=otio.schema.TrackKind.Video))
    name = printable(f"{plan.preset_file.stem} over {plan.shot.name}")
    timeline = otio.schema.Timeline(name, global_start_time=time(grade_of(plan).first, rate))
    timeline.tracks.extend(tracks)
    return str(timeline.to_json_string())


def _rate(plan: GradePlan) -> float:
    return float(plan.frame_rate or DEFAULT_FRAME_RATE)


def _quoted(text: str) -> str:
    """A string of GTO, which has JSON's escapes for quotes and backslashes."""
    return json.dumps(text, ensure_ascii=False)
