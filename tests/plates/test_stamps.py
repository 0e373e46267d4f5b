import pytest

from vfxstyle.analysis.wanted import AnalysisRecipe, WantedAnalysis
from vfxstyle.plates.plate import open_plate
from vfxstyle.plates.stamps import stamp_plate
from vfxstyle.settings import AnalysisSettings, PlateSettings
from vfxstyle.shots import open_shot


def test_the_identity_follows_contents_and_settings_not_times(make_shot, tmp_path):
    shot = make_shot(frames=range(1, 3))

    def identity(space=None, device="cpu", **settings):
        with open_plate(shot, PlateSettings(input_space=space)) as plate:
            recipe = AnalysisRecipe.of(
                AnalysisSettings(**settings), plate.shot, backbone="b", weights="", device=device
            )
            return WantedAnalysis.of(plate, tmp_path / "analysis", recipe).identity

    before = identity()
    (shot / "plate.0001.exr").touch()
    assert identity() == before
    assert identity(superpixels=3000) == before  # the default, whoever says it
    assert identity(superpixels=7) != before
    assert identity(device="auto") == before  # whether a machine has a GPU decides nothing by itself
    assert identity(device="cuda") == identity(device="cuda:1") != before  # a GPU finds others
    assert identity(device="cuda", frame_based=True) != identity(frame_based=True)  # its features are in half precision
    assert identity(space="ACEScg") != before
    (shot / "plate.0001.exr").write_bytes((shot / "plate.0002.exr").read_bytes())
    assert identity() != before


def test_known_files_are_not_read_again(make_shot, monkeypatch):
    shot = open_shot(make_shot(frames=range(1, 3)))
    plate = stamp_plate(shot, {})
    monkeypatch.setattr("vfxstyle.plates.stamps.file_digest", lambda path: pytest.fail("read again"))
    assert stamp_plate(shot, plate) == plate
    shot.file_of(1).write_bytes(b"new")
    assert stamp_plate(shot, plate, hash_new=False) == {}


def test_a_recipe_that_a_manifest_states_wrongly_is_none():
    values = {"superpixels": 40, "backbone": "b", "weights": "", "device": "cpu"}
    assert AnalysisRecipe.read(values).superpixels_per_frame == 40
    for wrong in ({"superpixels": 0}, {"superpixels": None}, {"unknown": 1}):
        assert AnalysisRecipe.read({**values, **wrong}) is None
