#!/usr/bin/env python3
"""Compares y.npy with what numpy computes of the other files in the current folder."""

import numpy

w1, b1, w2, b2, x, y = (numpy.load(f"{name}.npy") for name in ["w1", "b1", "w2", "b2", "x", "y"])


def linear(x, w, b):
    """`x @ w + b`, summed in the order of the inputs; `@` sums in an order that depends on the machine."""
    sums = numpy.zeros((x.shape[0], w.shape[1]), numpy.float32)
    for i in range(w.shape[0]):
        sums += x[:, i : i + 1] * w[i]
    return sums + b


exact = linear(numpy.maximum(linear(x, w1, b1), 0), w2, b2)
assert y.dtype == exact.dtype and y.tobytes() == exact.tobytes(), f"differs by up to {abs(y - exact).max()}"
usual = numpy.maximum(x @ w1 + b1, 0) @ w2 + b2
assert numpy.allclose(y, usual, rtol=0, atol=1e-4), f"differs by up to {abs(y - usual).max()}"
print(f"{y.shape[0]} rows of {y.shape[1]} numbers, each the same as numpy's")
