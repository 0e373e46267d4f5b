"""Options of training."""

from __future__ import annotations

from dataclasses import dataclass

from vfxstyle.settings.shared import AnalysisWidth, NetworkSettings, ReadSettings
from vfxstyle.settings.table import Decides, at_least, between, is_plain_text, option
from vfxstyle.settings.values import DEFAULT_BACKBONE, DEFAULT_LEARNT_SUPERPIXELS, SUPERPIXELS, TRAIN


@dataclass(frozen=True, kw_only=True)
class TrainSettings(ReadSettings, AnalysisWidth, NetworkSettings):
    """How a preset is trained."""

    superpixels: int = option(
        DEFAULT_LEARNT_SUPERPIXELS,
        help="Superpixels of a picture to learn from, of each of the two ways to find them.",
        metavar="N",
        check=SUPERPIXELS,
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    epochs: int | None = option(
        None,
        help="Passes over all superpixels.",
        default_text="24; more with fewer than 20 pairs, so that training takes enough steps",
        metavar="N",
        check=at_least(1),
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    held_out: float = option(
        0.15,
        help="Share of the pairs kept from training to choose the epoch and to measure the look; used with 20 "
        "pairs or more.",
        metavar="SHARE",
        check=between(0, 0.5),
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    backbone: str = option(
        DEFAULT_BACKBONE,
        help="Network of the features: efficientnet-lite0-quick, efficientnet-lite0, or vgg16 with weights of your "
        "own.",
        metavar="NAME",
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    description: str = option(
        "",
        help="One line about the look, stored in the preset.",
        check=is_plain_text,
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    data_note: str = option(
        "",
        help="Origin and licence of the pairs, stored in the preset.",
        check=is_plain_text,
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    any_light: bool = option(
        False,
        help="Learn a look that holds in any light: how bright and warm a plate is, is taken out before the look and "
        "put back after it. For pairs of pictures.",
        commands=TRAIN,
        decides=Decides.PLAN,
    )
    no_suggest: bool = option(
        False,
        help="With --shot: do not look through the shot, after the look is saved, for the frames to grade next.",
        commands=TRAIN,
        decides=Decides.NOTHING,
    )
    matte: str | None = option(
        None,
        help="With --shot: matte of the subject, which is learnt as much as all the rest; as of grade --matte.",
        default_text="none",
        metavar="MATTE",
        commands=TRAIN,
        decides=Decides.PLAN,
        is_path=True,
    )
    samples: int = option(
        10,
        help="Pixels sampled from each superpixel.",
        metavar="N",
        check=at_least(1),
        decides=Decides.PLAN,
    )
    blocks: tuple[str, ...] = option(
        (),
        help="Blocks of the feature vector; fewer than all are for measuring what each contributes.",
        default_text="all",
        decides=Decides.PLAN,
    )
