"""Where a look that is learnt is saved."""

import logging

import pytest

from vfxstyle.looks.library import user_folder
from vfxstyle.progress import Clock, Silent
from vfxstyle.training.preset_file import preset_file

WARNED = {
    "own": [],
    "golden": [
        "this hides the shipped look golden: --preset golden means this one from now on; choose another --name to keep "
        "both"
    ],
}


@pytest.mark.parametrize("name", WARNED)
def test_a_look_named_as_a_shipped_one_is_pointed_out(name, caplog, tmp_path):
    with caplog.at_level(logging.WARNING, "vfxstyle"):
        assert preset_file(name, None, Clock(Silent())) == user_folder() / f"{name}.safetensors"
        preset_file(name, tmp_path / "elsewhere" / "golden.safetensors", Clock(Silent()))
        (user_folder() / f"{name}.safetensors").write_bytes(b"")
        preset_file(name, None, Clock(Silent()))  # it is hidden already
    assert [record.message for record in caplog.records] == WARNED[name]
