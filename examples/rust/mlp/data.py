#!/usr/bin/env python3
"""Writes a model and some rows into the current folder, as .npy files: w1, b1, w2, b2 and x. Needs nothing but Python."""

import array
import sys


def numbers(seed, count, most):
    """The same numbers on every machine: a multiplicative generator's, from -most to most, exact as 32-bit floats."""
    for _ in range(count):
        seed = seed * 48271 % 2147483647
        yield (seed % 2001 - 1000) / 1024 * most


def write(name, seed, shape, most):
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    data = array.array("f", numbers(seed, count, most))
    if sys.byteorder == "big":
        data.byteswap()
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(-(10 + len(header) + 1) % 64 + len(header)) + "\n"
    with open(f"{name}.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data.tobytes())


write("w1", 1, (64, 128), 0.25)
write("b1", 2, (128,), 0.5)
write("w2", 3, (128, 10), 0.25)
write("b2", 4, (10,), 0.5)
write("x", 5, (32, 64), 1)
