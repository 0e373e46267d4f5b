"""How many cores a process may use, of a machine, of a container, and of a farm's task."""

import os

import pytest

from vfxstyle import cores


@pytest.fixture
def groups(tmp_path):
    """A tree of control groups in which this process is in ``a/b``."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "own").write_text("0::/a/b\n")
    return tmp_path


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [("max 100000", "250000 100000", 3), ("150000 100000", "max 100000", 2), ("50000 100000", "400000 100000", 1)],
)
def test_the_least_share_of_time_counts(groups, outer, inner, expected):
    (groups / "a" / "cpu.max").write_text(outer)
    (groups / "a" / "b" / "cpu.max").write_text(inner)
    assert cores.quota(groups, groups / "own") == expected


def test_the_first_version_of_control_groups(tmp_path):
    group = tmp_path / "cpu,cpuacct" / "job"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text("200000\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "own").write_text("4:cpu,cpuacct:/job\n3:memory:/job\n")
    assert cores.quota(tmp_path, tmp_path / "own") == 2
    (group / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores.quota(tmp_path, tmp_path / "own") > 1000


def test_without_limits_it_is_the_cores_that_may_be_run_on(groups, monkeypatch):
    assert cores.quota(groups, groups / "own") > 1000
    assert cores.quota(groups, groups / "absent") > 1000
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(cores, "quota", lambda: 2**31)
    assert cores.cores() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(cores, "quota", lambda: 1)
    assert cores.cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "7,2")
    assert cores.cores() == 7


def test_memory_is_the_least_of_the_machine_and_its_groups(groups):
    (groups / "meminfo").write_text("MemTotal:  64000000 kB\nMemAvailable:  8000000 kB\n")
    place = groups, groups / "own", groups / "meminfo"
    assert cores.free_memory(*place) == 8_000_000 * 1024
    (groups / "a" / "memory.max").write_text(str(3 * 2**30))
    (groups / "a" / "memory.current").write_text(str(2**30))
    assert cores.free_memory(*place) == 2 * 2**30
    (groups / "a" / "b" / "memory.max").write_text("max")
    (groups / "a" / "b" / "memory.current").write_text("1")
    assert cores.free_memory(*place) == 2 * 2**30


def test_a_number_of_threads_goes_to_every_library(monkeypatch):
    for name in (cores.VARIABLE, *cores._OF_LIBRARIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "5")
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    monkeypatch.setattr(cores, "quota", lambda: 1)
    cores.limit_threads(None)
    assert (os.environ["MKL_NUM_THREADS"], os.environ["OPENIMAGEIO_THREADS"]) == ("5", "1")
    assert os.environ["OPENBLAS_NUM_THREADS"] == "5"
    cores.limit_threads(6)
    assert {os.environ[name] for name in (cores.VARIABLE, *cores._OF_LIBRARIES)} == {"6"}
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
