"""The command line as a process: exit codes, streams, files."""

import functools
import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import BACKBONE, QUICK_FLAGS, command, main_in_process, moving_picture, read_pixels, write_picture


def failed(result, exit_code, word, retryable="no"):
    """The run failed as the contract says: code, one sentence, last line, no traceback."""
    assert result.returncode == exit_code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert (
        result.stderr.strip().splitlines()[-1].startswith(f"vfxstyle: FAILED code={word} retryable={retryable} frames=")
    )
    return next(line for line in result.stderr.splitlines() if line.startswith("Error: "))


def test_help_is_quick_to_start_and_loads_no_network():
    code = "import sys, vfxstyle.cli; print([m for m in ('torch', 'cv2', 'numba') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
    for arguments in (["--help"], ["grade", "--help"], ["train", "-h"], ["--version"]):
        assert main_in_process(*arguments).returncode == 0


def test_a_grade_run_ends_with_the_place_and_the_times(make_shot, tmp_path, identity_preset):
    result = main_in_process("grade", make_shot(), "--preset", identity_preset, *QUICK_FLAGS)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "Error" not in result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last == f"4 frames written: {tmp_path / 'plate_identity'}"
    for stage in ("superpixels", "features", "transforms", "grade"):
        assert any(line.startswith(stage) and line.split()[-1] != stage for line in result.stderr.splitlines())
    out = read_pixels(tmp_path / "plate_identity" / "plate_identity.1003.exr")
    np.testing.assert_array_equal(out, read_pixels(tmp_path / "plate" / "plate.1003.exr"))


def test_the_bar_and_silence(make_shot, tmp_path, identity_preset):
    where = [make_shot(frames=range(1, 3)), "--preset", identity_preset, "--analysis", tmp_path / "analysis"]
    bar = main_in_process("grade", *where, "-o", tmp_path / "a", "--progress", "bar", *QUICK_FLAGS)
    assert "100%" in bar.stderr
    silent = main_in_process("grade", *where, "-o", tmp_path / "b", "--progress", "none", *QUICK_FLAGS)
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")


def test_a_farm_reads_progress_and_failure(make_shot, tmp_path, identity_preset):
    shot = make_shot(frames=range(1, 3))
    told = main_in_process(
        "grade", shot, "--preset", identity_preset, "-o", tmp_path / "a", "--progress", "openjd", *QUICK_FLAGS
    )
    lines = told.stderr.splitlines()
    percentages = [int(line.split()[1]) for line in lines if line.startswith("openjd_progress: ")]
    assert percentages == sorted(set(percentages))
    assert (percentages[0], percentages[-1]) == (0, 100)
    assert "Error" not in told.stderr
    sorted(shot.iterdir())[1].write_bytes(b"no picture")
    failed = main_in_process(
        "grade", shot, "--preset", identity_preset, "-o", tmp_path / "b", "--progress", "openjd", *QUICK_FLAGS
    )
    lines = failed.stderr.splitlines()
    assert failed.returncode == 3
    assert "openjd_progress: 100" not in lines
    assert any(line.startswith("openjd_fail: ") and "plate.0002.exr" in line for line in lines)
    assert lines[-1] == "vfxstyle: FAILED code=frame retryable=no frames=1-2"


def test_a_dry_run_prints_json_and_writes_nothing(make_shot, tmp_path, identity_preset):
    shot = make_shot()
    before = sorted(tmp_path.rglob("*"))
    result = main_in_process("grade", shot, "--preset", identity_preset, "-f", "1002-1003", "--format", "png", "-n")
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert [p.rsplit("/", 1)[1] for p in plan["files"]] == ["plate_identity.1002.png", "plate_identity.1003.png"]
    assert plan["input_space"]["name"] == "Linear Rec.709 (sRGB)"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["grade"],
        ["grade", "x"],
        ["grade", "x", "--preset", "golden", "--bogus"],
        ["grade", "x", "--preset", "golden", "--codec", "dnxhd"],
        ["grade", "x", "--preset", "golden", "--strength", "2"],
        ["grade", "x", "--preset", "golden", "--format", "gif"],
        ["train", "x"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_code_2(arguments):
    result = main_in_process(*arguments)
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1] == "vfxstyle: FAILED code=usage retryable=no frames=none"
    assert "Traceback" not in result.stderr


def test_a_group_of_commands_without_one_shows_them_and_has_not_failed():
    result = main_in_process("presets")
    assert result.returncode == 2
    assert "sheet" in result.stderr
    assert "FAILED" not in result.stderr


def test_each_bad_shot_is_one_sentence_and_code_3(make_shot, tmp_path, identity_preset):
    (tmp_path / "empty").mkdir()
    for name in ("left", "right"):
        write_picture(tmp_path / "two" / f"{name}.0001.exr", moving_picture(0))
    damaged = make_shot("damaged")
    (damaged / "damaged.1002.exr").write_bytes((damaged / "damaged.1002.exr").read_bytes()[:500])
    mixed = make_shot("mixed")
    write_picture(mixed / "mixed.1004.exr", moving_picture(0, 30, 40))

    def grade(shot):
        return main_in_process("grade", shot, "--preset", identity_preset, *QUICK_FLAGS)

    assert "no folder" in failed(grade(tmp_path / "absent"), 3, "shot")
    assert "holds no frames" in failed(grade(tmp_path / "empty"), 3, "shot")
    assert "left" in failed(grade(tmp_path / "two"), 3, "shot")
    result = grade(damaged)
    assert "1002" in failed(result, 3, "frame")
    assert result.stderr.strip().endswith("frames=1001-1004")  # the others were never begun
    assert "40x30" in failed(grade(mixed), 3, "frame")


def test_bad_presets_are_code_3(make_shot, tmp_path):
    shot = make_shot()
    assert "no preset 'absent'" in failed(main_in_process("grade", shot, "--preset", "absent"), 3, "preset")
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    result = main_in_process("grade", shot, "--preset", tmp_path / "cut.safetensors")
    assert "is damaged" in failed(result, 3, "preset")


def test_an_unwritable_output_is_code_4_and_can_be_retried(make_shot, tmp_path, identity_preset):
    (tmp_path / "file").write_text("x")
    result = main_in_process(
        "grade", make_shot(), "--preset", identity_preset, "-o", tmp_path / "file" / "out", *QUICK_FLAGS
    )
    sentence = failed(result, 4, "output", "yes")
    assert str(tmp_path / "file" / "out") in sentence
    assert "cannot be written" in sentence


def test_an_absent_gpu_is_code_4(make_shot, identity_preset):
    import torch

    if torch.cuda.device_count() > 7:
        pytest.skip("this machine has more than eight GPUs")
    result = main_in_process("grade", make_shot(), "--preset", identity_preset, "--device", "cuda:7")
    assert "cuda:7" in failed(result, 4, "device", "yes")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_with_nothing_half_written(make_shot, tmp_path, lively_preset, number, code):
    shot, out = make_shot(frames=range(1, 150)), tmp_path / "out"
    words = command("grade", shot, "--preset", lively_preset, "-o", out, *QUICK_FLAGS)
    # a shell that runs the tests in the background has SIGINT ignored, and children inherit that
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    job = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, preexec_fn=listen)
    deadline = time.monotonic() + 240
    while not list(out.glob("out.*.exr")) and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    job.send_signal(number)
    _, stderr = job.communicate(timeout=120)
    assert job.returncode == code, stderr
    assert stderr.strip().splitlines()[-1].startswith("vfxstyle: FAILED code=interrupted retryable=yes")
    frames = sorted(out.glob("out.*.exr"))
    assert 0 < len(frames) < 149
    assert not list(out.rglob("*.part*"))
    for path in frames:
        assert read_pixels(path).shape == (72, 128, 3)


def test_presets_list_and_show(tmp_path, identity_preset):
    (tmp_path / "user_presets").mkdir()
    identity_preset.rename(tmp_path / "user_presets" / "mine.safetensors")
    listed = main_in_process("presets", "list")
    assert listed.returncode == 0
    assert any(line.split()[1] == "user" for line in listed.stdout.splitlines())
    shown = main_in_process("presets", "show", "mine")
    assert shown.returncode == 0
    assert f"Backbone: {BACKBONE}" in shown.stdout
    assert "no preset" in failed(main_in_process("presets", "show", "absent"), 3, "preset")
    (tmp_path / "user_presets" / "torn.safetensors").write_bytes(b"torn")
    listed = main_in_process("presets", "list")
    assert listed.returncode == 0
    assert "is damaged" in next(line for line in listed.stdout.splitlines() if line.startswith("torn"))


def test_doctor_names_versions_devices_codecs_and_damaged_presets(tmp_path):
    (tmp_path / "user_presets").mkdir()
    (tmp_path / "user_presets" / "torn.safetensors").write_bytes(b"torn")
    result = main_in_process("doctor")
    assert result.returncode == 0, result.stderr
    words = "vfxstyle", "torch", "OpenImageIO", "prores_ks write", "cpu", "efficientnet-lite0-quick, weights packaged"
    for word in (*words, "shots on cpu, so that all machines find the same; training on "):
        assert word in result.stdout
    assert "torn: damaged" in result.stdout


def test_train_writes_a_preset_and_says_how_good_it_is(tmp_path):
    for index in range(3):
        before = moving_picture(index, seed=index)
        for side, picture in (("before", before), ("after", before**0.8)):
            write_picture(tmp_path / "pairs" / side / f"p{index}.png", (picture * 255).astype(np.uint8), kind="uint8")
    result = main_in_process(
        "train", tmp_path / "pairs", "--name", "lift", "--epochs", 3, *QUICK_FLAGS, "--backbone", BACKBONE
    )
    assert result.returncode == 0, result.stderr
    written = sorted(p.name for p in (tmp_path / "user_presets").iterdir())
    assert written == ["lift.curve.png", "lift.html", "lift.md", "lift.safetensors", "lift.sheet.png"]
    assert "mean L2 in Lab" in result.stderr
    assert "most of what is missed is in: " in result.stderr
    assert re.search(r"^report +\d+\.\d\d s$", result.stderr, re.MULTILINE)
    *_, preset, drawn = result.stderr.strip().splitlines()
    assert preset.endswith("lift.safetensors")
    assert all(name in drawn for name in written if not name.endswith(".safetensors"))
    assert "no folder before/" in failed(main_in_process("train", tmp_path, "--name", "x"), 3, "pairs")


def test_a_shot_is_graded_as_a_few_of_its_frames(make_shot, tmp_path):
    shot = make_shot(frames=range(1001, 1006), extension="png")
    for number in (1001, 1004):
        graded = moving_picture(number - 1001) ** np.float32(0.8)
        path = tmp_path / "graded" / f"plate.{number}.png"
        write_picture(path, (graded * 65535 + 0.5).astype(np.uint16), kind="uint16")
    named = ["--shot", shot, "--graded", tmp_path / "graded", "--name", "few", "--epochs", "60"]
    result = main_in_process("train", *named, *QUICK_FLAGS, "--backbone", BACKBONE)
    assert result.returncode == 0, result.stderr
    assert "grading these frames would help most: " in result.stderr
    result = main_in_process("grade", shot, "--preset", "few", "-o", tmp_path / "out", "--format", "png", *QUICK_FLAGS)
    assert result.returncode == 0, result.stderr
    plate, wanted = moving_picture(2), moving_picture(2) ** np.float32(0.8)
    out = read_pixels(tmp_path / "out" / "out.1003.png")
    assert np.abs(out - wanted).mean() < 0.4 * np.abs(plate - wanted).mean()
    failed(main_in_process("train", tmp_path / "pairs", *named), 2, "usage")


def test_a_backbone_without_weights_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for side in ("before", "after"):
        write_picture(tmp_path / "pairs" / side / "a.png", np.zeros((64, 64, 3), np.uint8), kind="uint8")
    message = failed(main_in_process("train", tmp_path / "pairs", "--name", "x", "--backbone", "vgg16"), 3, "weights")
    assert "torchvision fetches them once with" in message
    assert "--weights" in message
