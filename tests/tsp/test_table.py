"""The table of superpixels."""

import io

import cv2
import numpy as np

from tsp.table import TspTable


def written(table):
    file = io.BytesIO()
    table.write(file)
    return file.getvalue().decode().splitlines()


def test_birth_and_death_in_the_table():
    table, grey = TspTable(), np.full((1, 2, 3), 0.5, np.float32)
    for number, labels in ((-1, [[4, 4]]), (0, [[4, 7]]), (1, [[7, 7]])):
        table.add(number, grey, np.array(labels, np.int32))
    header, *rows = written(table)
    assert header == "label,frame,birth,death,area_px,centroid_x,centroid_y,mean_L,mean_a,mean_b"
    assert [row.split(",")[:7] for row in rows] == [
        ["4", "-1", "-1", "0", "2", "0.500", "0.000"],
        ["4", "0", "-1", "0", "1", "0.000", "0.000"],
        ["7", "0", "0", "1", "1", "1.000", "0.000"],
        ["7", "1", "0", "1", "2", "0.500", "0.000"],
    ]
    assert (table.frames, table.superpixels) == (3, 2)


def test_means_are_those_of_the_pixels():
    random = np.random.default_rng(0)
    rgb, labels = random.random((9, 7, 3)).astype(np.float32), random.integers(0, 4, (9, 7)).astype(np.int32)
    table = TspTable()
    table.add(1, rgb, labels)
    rows = np.array([line.split(",") for line in written(table)[1:]], float)
    for row, label in zip(rows, np.unique(labels), strict=True):
        y, x = np.nonzero(labels == label)
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[y, x].mean(axis=0, dtype=float)
        np.testing.assert_allclose(row, [label, 1, 1, 1, len(x), x.mean(), y.mean(), *lab], atol=1e-3)


def test_an_empty_table_has_its_headings():
    table = TspTable()
    assert len(written(table)) == 1
    assert (table.frames, table.superpixels) == (0, 0)


def test_the_file_stays_open():
    file = io.BytesIO()
    TspTable().write(file)
    assert not file.closed
