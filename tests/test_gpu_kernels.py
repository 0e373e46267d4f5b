"""The kernels of a GPU are compiled for one, which needs none."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

NUMBERS = {"d": "fp64", "f": "fp32", "h": "fp16", "l": "i64", "i": "i32", "c": "i8", "b": "i1"}
KERNELS = {
    "tsp.gpu.move_kernels": {
        "move_lattice": "*l *l *l *b *b *d *l *l *l *d i i i i i i",
        "refresh_scores": "*l *b *d *d *l *d",
        "sum_energy": "*d *l *l *d *d",
    },
    "tsp.gpu.map_kernels": {
        "join_pieces": "*i *l *b i i i",
        "name_pieces": "*i *l i",
        "sum_statistics": "*l *b *l *l *l *l i",
        "spread_ring": "*l *l *l *b *l i i",
        "fill_ring": "*l *l *b *l *l *d *l i i",
    },
    "tsp.gpu.transport_kernels": {
        "add_flow": "*l *f *l i i i",
        "land": "*l *b *l *l *l *d *l i i",
        "take_landed": "*l *l *l i",
        "count_sizes": "*l *i i",
        "find_largest": "*l *i *l *l i i i 1",
        "judge_pieces": "*l *i *l *l *i i i i i",
        "rename_pieces": "*l *i *l *l i i i i",
        "reach_pieces": "*l *b *l *c i",
        "trim_pieces": "*l *b *b *c *l i",
        "wait_near": "*l *b *b *b i i",
        "note_changes": "*l *l *b i",
        "mark_touching": "*l *b i i i i i i",
        "count_carried": "*l *l *l *i *i i i i",
    },
    "tsp.gpu.split_kernels": {
        "add_squares": "*l *l *l *l i",
        "draw_members": "*l *b *b *l *l *d *l *l l i 1",
        "take_features": "*l *l *l *b *d i",
        "assign_halves": "*l *b *b *l *l *d *d *l *l i",
        "update_halves": "*l *l *b *d *d i",
        "keep_halves": "*l *b *b i",
        "turn_small": "*l *i *l *l i i",
        "count_pieces": "*l *l *i i",
        "sum_halves": "*l *b *l *l *l i",
        "leave_halves": "*l *l *l *l i",
    },
    "vfxstyle.plates.gpu": {"_guide": "*f *f *f *f *l *f *l *f i i i i i i i 5 6 1"},
    "vfxstyle.superpixels.gpu": {"_smooth": "*f *l *l *d *f i", "_spread": "*i *f *f *f *f *f *f *i *f i i"},
    "vfxstyle.looks.gpu": {"_apply": "*f *f *f *f *f *f *f *f *f *i *f *f i i i i i f f f f f i i 1 1 1 1 1"},
    "vfxstyle.features.torch_convolutions": {"_convolve": "*h *h *h *h i i i i i i i i i i 5"},
}
"""Kernels with the kinds of their arguments: ``*`` for tensors, letters as above, numbers for constants."""
COMPILE = """
import importlib, json, sys
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
for module, name, kinds in json.loads(sys.argv[1]):
    kernel = getattr(importlib.import_module(module), name)
    assert len(kernel.arg_names) == len(kinds), name
    constants = {(i,): int(kind) if int(kind) > 1 else True for i, kind in enumerate(kinds) if kind.isdigit()}
    kinds = ["constexpr" if kind.isdigit() else kind for kind in kinds]
    source = ASTSource(kernel, dict(zip(kernel.arg_names, kinds)), constants)
    print(name, len(compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]))
"""


def test_kernels_compile(tmp_path):
    """For compute capability 9.0. Elsewhere in the tests an interpreter takes more than a compiler does."""
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    every = [
        (module, name, [kind if kind.isdigit() else kind[:-1] + NUMBERS[kind[-1]] for kind in kinds.split()])
        for module, kernels in KERNELS.items()
        for name, kinds in kernels.items()
    ]
    command = [sys.executable, "-c", COMPILE, json.dumps(every)]
    made = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]
    assert len(made.stdout.splitlines()) == len(every)
