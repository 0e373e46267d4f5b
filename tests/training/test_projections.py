import numpy as np
import pytest
from helpers import BACKBONE, moving_picture

from vfxstyle.features import all_blocks
from vfxstyle.features.registry import backbone_class, load_backbone
from vfxstyle.settings import TrainSettings
from vfxstyle.training import projections
from vfxstyle.training.examples import superpixels_of
from vfxstyle.training.kept_files import KeptFiles
from vfxstyle.training.projections import fitted_or_kept

PICTURE = (0.2 + 0.5 * moving_picture(0)).astype(np.float32)
CLASS = backbone_class(BACKBONE)
BLOCKS = all_blocks(CLASS)


@pytest.fixture(scope="module")
def plate():
    settings, random = TrainSettings(superpixels=60, samples=8), np.random.default_rng(0)
    return superpixels_of(PICTURE, load_backbone(BACKBONE, "cpu"), settings, 60, random)


@pytest.fixture
def fitted(monkeypatch):
    """Counts how often projections are fitted."""
    counted, fit = [], projections.fit_projections
    monkeypatch.setattr(projections, "fit_projections", lambda *a: counted.append(1) or fit(*a))
    return counted


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, pca in one.items():
        np.testing.assert_array_equal(pca.mean, other[name].mean)
        np.testing.assert_array_equal(pca.components, other[name].components)


def test_another_grade_of_the_same_plate_finds_its_projections(plate, fitted, tmp_path):
    kept = KeptFiles(tmp_path)
    first = fitted_or_kept([plate.graded(PICTURE)], CLASS, BLOCKS, kept)
    again = fitted_or_kept([plate.graded(PICTURE**1.2)], CLASS, BLOCKS, kept)
    assert len(fitted) == 1
    assert_same(first, again)
    assert_same(first, fitted_or_kept([plate.graded(PICTURE)], CLASS, BLOCKS))


def test_other_plates_and_blocks_are_fitted(plate, fitted, tmp_path):
    kept, example = KeptFiles(tmp_path), plate.graded(PICTURE)
    fitted_or_kept([example], CLASS, BLOCKS, kept)
    fitted_or_kept([example, example], CLASS, BLOCKS, kept)
    some = fitted_or_kept([example], CLASS, BLOCKS[:1], kept)
    assert len(fitted) == 3
    assert len(some) < len(fitted_or_kept([example], CLASS, BLOCKS))


def test_damaged_ones_are_fitted_again_and_a_folder_that_cannot_be_made_is_no_fault(plate, fitted, tmp_path):
    kept, example = KeptFiles(tmp_path / "kept"), plate.graded(PICTURE)
    first = fitted_or_kept([example], CLASS, BLOCKS, kept)
    (file,) = kept.folder.iterdir()
    file.write_bytes(file.read_bytes()[:500])
    assert_same(fitted_or_kept([example], CLASS, BLOCKS, kept), first)
    (tmp_path / "file").write_text("a file where the folder would be")
    assert_same(fitted_or_kept([example], CLASS, BLOCKS, KeptFiles(tmp_path / "file")), first)
    assert len(fitted) == 3
