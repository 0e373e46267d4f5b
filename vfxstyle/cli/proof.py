"""``vfxstyle proof``."""

from __future__ import annotations

from typing import Any

import click

from vfxstyle.cli import flags
from vfxstyle.cli.configured import ConfiguredCommand
from vfxstyle.cli.graded import with_analysis_of_grade
from vfxstyle.settings import GradeSettings, GradeTarget, Run
from vfxstyle.settings.table import pick


@click.command(cls=ConfiguredCommand)
@click.argument("shot")
@click.option(
    "--preset", "presets", required=True, metavar="NAME|FILE,...", help="Looks, with commas between them; one a column."
)
@click.option(
    "-o", "--output", metavar="FILE", help="A .png, or a .html with wipes. [default: SHOT_proof.png beside the shot]"
)
@flags.frames_shown
@flags.graded_to
@flags.tokens
@flags.of("proof", GradeTarget, GradeSettings, Run, defaults={"analysis": "where grades with these presets make it"})
@flags.progress
def proof(shot: str, presets: str, output: str | None, progress: Any, **chosen: Any) -> None:
    """Draw frames of SHOT under several looks in one picture, plate first, as a viewer shows them."""
    pick(GradeSettings, chosen)  # wrong options are told before anything is loaded
    from vfxstyle.cli.progress import tell, watching
    from vfxstyle.cli.shares import PROOF_SHARES
    from vfxstyle.cli.summaries import proof_summary
    from vfxstyle.review.proof import proof as draw

    names = tuple(name for name in presets.split(",") if name)
    with watching(progress, PROOF_SHARES) as watch:
        options = with_analysis_of_grade(shot, presets, chosen, there=True)
        report = draw(shot, names, output, progress=watch, **options)
        watch.result(report)
    tell(progress, proof_summary(report))
