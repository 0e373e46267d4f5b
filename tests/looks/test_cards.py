from vfxstyle.looks import PresetInfo
from vfxstyle.looks.cards import model_card


def info(**card):
    return PresetInfo(
        name="warm", backbone="efficientnet-lite0", blocks=("mean",), projected=(), description="Sun.", card=card
    )


def test_a_card_gives_the_figures_of_the_preset():
    text = model_card(
        info(
            pairs=12,
            held_out=3,
            data="ours",
            limits="no nights",
            found="a vignette of -9 L in the corners",
            errors={"distance": 10.004, "global_oracle": 5.5, "predicted": 4.25},
            settings={"seed": 0, "epochs": 24},
            pairs_sha256="abc",
            vfxstyle="1.0",
        )
    )
    assert text.startswith("# warm\n\nSun.\n")
    for line in (
        "- Backbone: efficientnet-lite0",
        "- Trained on 9 pairs; 3 more were held out, to choose the epoch and to measure the look",
        "- Data: ours",
        "- Limits: no nights",
        "- Found: a vignette of -9 L in the corners; superpixels learnt what is left",
        "Mean per-pixel L2 distance in CIELab on held-out pairs:",
        "| 10.00 | 5.50 | 4.25 |",
        "Settings: epochs 24, seed 0",
        "Pairs SHA-256: abc",
        "Made with vfxstyle 1.0",
    ):
        assert line in text.splitlines()


def test_a_preset_without_figures_has_a_card_too():
    text = model_card(info())
    assert "- Data: not stated" in text.splitlines()
    assert "|" not in text
    assert "Limits" not in text


def test_a_card_says_what_few_pairs_were_measured_on_and_leaves_out_what_it_has_not():
    assert "- Trained on 3 pairs, one part after the other" in model_card(info(pairs=3, held_out=0))
    assert "- Trained on 1 pair, one part" in model_card(info(pairs=1, held_out=0))
    assert "- Trained on ? pairs" in model_card(info(held_out=3)).splitlines()
