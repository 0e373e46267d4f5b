"""Vector instructions, for compiled kernels, where numba's compiler makes none by itself.

It makes them of long loops, not of the sums of ten terms that one pixel's transform is made of, which took half of a
grade pass, and not of lists of some ten superpixels. So these are written out here. The 30 coefficients of a
transform lie in four vectors of eight lanes, each is blended from four cells at once and multiplied by the quadratic
basis of the colour, and what belongs to the same row is added up. Every step is one operation of IEEE 754 in a stated
order, so all processors give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function, unpack_tuple
from numba.core.errors import TypingError
from numba.extending import intrinsic

from vfxstyle.color.lab import Scalar
from vfxstyle.looks.likeness import LEAST_EXPONENT, SERIES
from vfxstyle.looks.transform import COEFFICIENTS, TERMS

LANES = 8
"""Numbers that one instruction works on."""
_LOADS = (0, 8, 16, COEFFICIENTS - LANES)
"""First coefficient of each vector; the last overlaps the one before, where coefficients count once."""
_FACTORS = ("LL", "aa", "bb", "La", "Lb", "ab", "L1", "a1", "b1", "11")
"""The two factors of each term of the basis, as :func:`~vfxstyle.looks.transform.basis` orders them."""
_PLACES = {"L": 0, "a": 1, "b": 2, "1": 3, "0": 4}
"""Where each factor lies in the vector of a colour."""

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_Value = Any
"""A value of LLVM."""


def _check(array: Any, kind: Any) -> None:
    """Refuse arrays whose numbers do not follow each other in memory as the instructions take them."""
    if array.layout != "C" or array.dtype != kind:
        raise TypingError(f"{array} is not a contiguous array of {kind}")


def _blended_change(_: Any, rows: Any, cells: Any, weights: Any, colour: Any) -> Any:
    """The types and the instructions of :data:`blended_change`."""
    _check(rows.dtype, types.float32)
    signature = types.UniTuple(types.float32, 3)(rows, cells, weights, colour)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        parts = [unpack_tuple(builder, part) for part in given]
        starts = [builder.mul(x, ir.Constant(x.type, COEFFICIENTS)) for x in parts[1]]
        places = [context.make_array(rows.dtype)(context, builder, row).data for row in parts[0]]
        transforms = [builder.gep(place, [start]) for place in places for start in starts]
        return context.make_tuple(builder, signature.return_type, _change(builder, transforms, *parts[2:]))

    return signature, generate


blended_change: Callable[..., tuple[Scalar, Scalar, Scalar]] = intrinsic(_blended_change)
"""What the weighted sum of four transforms adds to a colour, both scaled as in :mod:`vfxstyle.looks.transform`.

It takes two rows of cells, float32 (w, 30), contiguous and finite; two cells in each, uintp, which are not checked;
the weights of both cells of the first row, then of the second, float32; and the colour, L, a, b, float32: four tuples.
"""


def _weigh_eight(_: Any, near: Any, numbers: Any, at: Any, colour: Any, scale: Any, weights: Any) -> Any:
    """The types and the instructions of :data:`weigh_eight`."""
    for array, kind in ((near, types.int32), (numbers, types.float32), (weights, types.float32)):
        _check(array, kind)
    signature = types.none(near, numbers, at, colour, scale, weights)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        arrays = {i: context.make_array(signature.args[i])(context, builder, given[i]) for i in (0, 1, 5)}

        def eight(array: int, kind: Any, row: int = 0) -> Any:
            shape = arrays[array].shape
            start = builder.mul(
                builder.extract_value(shape, signature.args[array].ndim - 1), ir.Constant(given[2].type, row)
            )
            place = builder.gep(arrays[array].data, [builder.add(start, given[2])])
            return builder.bitcast(place, ir.VectorType(kind, LANES).as_pointer())

        def read(array: int, kind: Any, row: int = 0) -> Any:
            return builder.load(eight(array, kind, row), align=4)

        squares = []
        for row, value in enumerate(unpack_tuple(builder, given[3])):
            gap = builder.fsub(_in_all_lanes(builder, value), read(1, _FLOAT, row))
            squares.append(builder.fmul(gap, gap))
        distance = reduce(builder.fadd, squares)
        like = _likeness(builder, builder.fmul(distance, _in_all_lanes(builder, given[4])))
        by_place = builder.sitofp(read(0, _INT), like.type)
        builder.store(builder.fmul(by_place, builder.fadd(like, read(1, _FLOAT, 3))), eight(5, _FLOAT), align=4)
        return context.get_dummy_value()

    return signature, generate


weigh_eight: Callable[..., None] = intrinsic(_weigh_eight)
"""Weigh eight superpixels of a list by place and by likeness of colour: ``near * (likeness(scale * d^2) + extra)``.

It takes their weights by place, int32 (N,); numbers, float32 (4, N), their L, a, b and extra; where the first of them
is listed, uintp, which is not checked; a colour, a tuple of three float32; scale, float32, as
:func:`~vfxstyle.looks.likeness.exponent_of` gives it; and where the weights are written, float32 (N,).
"""


def _likeness(builder: Any, exponent: _Value) -> _Value:
    """:func:`~vfxstyle.looks.likeness.likeness` of eight exponents, step by step the same; NaN has the least."""

    def whole(value: int) -> _Value:
        return ir.Constant(ir.VectorType(_INT, LANES), [value] * LANES)

    def number(value: Any) -> _Value:
        return ir.Constant(exponent.type, [float(value)] * LANES)

    least = number(LEAST_EXPONENT)
    z = builder.select(builder.fcmp_ordered(">", exponent, least), exponent, least)
    rint = get_or_insert_function(builder.module, ir.FunctionType(z.type, [z.type]), f"llvm.rint.v{LANES}f32")
    rounded = builder.call(rint, [z])
    x = builder.fsub(z, rounded)
    rest = number(SERIES[-1])
    for coefficient in SERIES[-2::-1]:
        rest = builder.fadd(number(coefficient), builder.fmul(x, rest))
    power = builder.shl(builder.add(builder.fptosi(rounded, whole(0).type), whole(127)), whole(23))
    return builder.fmul(builder.bitcast(power, rest.type), rest)


def _change(builder: Any, transforms: list[_Value], weights: list[_Value], colour: list[_Value]) -> list[_Value]:
    factors = ir.Constant(ir.VectorType(_FLOAT, LANES), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    for lane, value in enumerate(colour):
        factors = builder.insert_element(factors, value, ir.Constant(_INT, lane))
    spread = [_in_all_lanes(builder, weight) for weight in weights]
    rows: list[list[_Value]] = [[], [], []]
    counted = 0
    for first in _LOADS:
        parts = [
            builder.fmul(weight, _load(builder, one, first)) for weight, one in zip(spread, transforms, strict=True)
        ]
        blended = reduce(builder.fadd, parts)
        lanes = range(first, first + LANES)
        for row in range(3):
            terms = [k % TERMS if k >= counted and k // TERMS == row else None for k in lanes]
            if any(term is not None for term in terms):
                rows[row].append(builder.fmul(blended, _basis(builder, factors, terms)))
        counted = first + LANES
    return [_sum_of_lanes(builder, reduce(builder.fadd, products)) for products in rows]


def _basis(builder: Any, factors: _Value, terms: list[int | None]) -> _Value:
    """The terms of the basis in the order of lanes; 0 for None."""
    pairs = ["00" if term is None else _FACTORS[term] for term in terms]
    one, two = (_shuffled(builder, factors, [_PLACES[pair[side]] for pair in pairs]) for side in (0, 1))
    return one if all(pair[1] == "1" or pair == "00" for pair in pairs) else builder.fmul(one, two)


def _sum_of_lanes(builder: Any, vector: _Value) -> _Value:
    """The sum of eight lanes: halves, quarters, then the last two."""
    width = LANES
    while width > 1:
        width //= 2
        low, high = (_shuffled(builder, vector, range(start, start + width)) for start in (0, width))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _load(builder: Any, transform: _Value, first: int) -> _Value:
    place = builder.gep(transform, [ir.Constant(ir.IntType(64), first)])
    return builder.load(builder.bitcast(place, ir.VectorType(_FLOAT, LANES).as_pointer()), align=4)


def _in_all_lanes(builder: Any, value: _Value) -> _Value:
    single = builder.insert_element(_undefined(LANES), value, ir.Constant(_INT, 0))
    return _shuffled(builder, single, [0] * LANES)


def _shuffled(builder: Any, vector: _Value, places: Any) -> _Value:
    mask = ir.Constant(ir.VectorType(_INT, len(places)), list(places))
    return builder.shuffle_vector(vector, _undefined(vector.type.count), mask)


def _undefined(lanes: int) -> _Value:
    return ir.Constant(ir.VectorType(_FLOAT, lanes), ir.Undefined)
