"""What it costs to segment a shot in sections: ``python -m benchmarks.sections DAVIS [CLIP ...]``.

DAVIS is the DAVIS 2016 data set (JPEGImages/480p, Annotations/480p). Whole clips of 64 frames and more are segmented,
with 1000 superpixels a frame, in one piece and in two and four sections that overlap and are joined. Prints a Markdown
table, a row for each:

* life: mean frames that a superpixel lasts, and the same weighed by its area, as ``tsp.metrics`` has them;
* superpixels of the clip, share of the colour variance that they explain, and frames chosen for the network;
* error: mean L2 in Lab of a look ("pop-out", the clip's mask apart from the rest) learnt from five of its frames, on
  all others, and on those from two frames before to two frames after a joint, where a joint is one in four sections;
* jump: mean change, in Lab, of what the look adds to a pixel from one frame to the next, followed by the flow, across
  the joints over that across all other frames.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.clip_analysis import OURS, PAIRS, ROWS, ClipAnalysis, ClipExamples
from benchmarks.image_tables import learnt_preset
from benchmarks.labelled import labelled_clip
from tsp import DISFlow, metrics
from vfxstyle.arrays import FloatArray
from vfxstyle.plates.picture import lab_of_picture
from vfxstyle.settings import TrainSettings

STYLE = "pop-out"
PARTS = (1, 2, 4)
CLIPS = ("parkour", "paragliding-launch")
_NEAR = 2  # frames at either side of a joint


def joints(frames: int, parts: int) -> list[int]:
    """The indices of the first frames of all sections but the first."""
    return [frames * index // parts for index in range(1, parts)]


def jumps(clip: ClipAnalysis, labs: list[FloatArray]) -> FloatArray:
    """Mean change of what a look adds to a pixel between each frame and the next, in Lab, float64 (T - 1,)."""
    added = [lab - plate for lab, plate in zip(labs, clip.labs, strict=True)]
    height, width = added[0].shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    found = []
    for index in range(len(added) - 1):
        moved = DISFlow()(clip.plates[index], clip.plates[index + 1])
        later = cv2.remap(added[index + 1], x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR)
        found.append(np.linalg.norm(later - added[index], axis=-1).mean())
    return np.array(found)


def rows(davis: Path, name: str, scratch: Path) -> list[str]:
    """The rows of a clip."""
    labelled = labelled_clip(davis, name)
    ways = {
        OURS if parts == 1 else f"in {parts} sections": replace(
            ROWS[OURS], section_frames=0 if parts == 1 else len(labelled) // parts
        )
        for parts in PARTS
    }
    clip = ClipAnalysis(name, labelled, scratch, ways=ways)
    truth, learnt = clip.truth(STYLE), clip.exemplars(PAIRS)
    settings = TrainSettings()
    preset = learnt_preset(ClipExamples(clip, settings).of(learnt, truth)[0], settings)
    true_lab = [lab_of_picture(picture) for picture in truth]
    at = joints(len(labelled), max(PARTS))
    near = {index for joint in at for index in range(joint - _NEAR, joint + _NEAR)} - set(learnt)
    lines = []
    for (row, _), parts in zip(ways.items(), PARTS, strict=True):
        labs = [lab_of_picture(picture) for picture in clip.graded(row, preset)]
        maps = np.stack(clip.label_maps(row))
        size = maps.shape[2], maps.shape[1]
        small = np.stack([cv2.resize(lab, size, interpolation=cv2.INTER_AREA) for lab in clip.labs]).astype(np.float32)
        errors = [float(np.linalg.norm(a - b, axis=-1).mean()) for a, b in zip(labs, true_lab, strict=True)]
        changes = jumps(clip, labs)
        across = [changes[joint - 1] for joint in joints(len(labelled), parts)]
        rest = np.delete(changes, [joint - 1 for joint in joints(len(labelled), parts)]).mean()
        cells = (
            f"{metrics.mean_life(maps):.1f}",
            f"{metrics.life_by_volume(maps):.1f}",
            f"{metrics.superpixel_count(maps)}",
            f"{metrics.explained_variation_3d(maps, small):.3f}",
            f"{clip.chosen[row]}",
            f"{np.mean([e for index, e in enumerate(errors) if index not in learnt]):.3f}",
            f"{np.mean([errors[index] for index in sorted(near)]):.3f}",
            f"{np.mean(across) / rest:.2f}" if across else "",
        )
        lines.append(f"| {name} | {parts} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("davis", type=Path)
    parser.add_argument("clips", nargs="*", default=CLIPS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = [line for name in asked.clips for line in rows(asked.davis, name, Path(scratch))]
    print(
        "\n| clip | sections | life | by area | superpixels | explained | frames chosen | error | near joints | jump |"
    )
    print(f"|{'---|' * 10}")
    print("\n".join(found))


if __name__ == "__main__":
    main()
