"""Linear algebra in plain Python, for layers written out by hand."""

import math


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def linear(weight, vector, bias=None):
    """`weight` has a row for every output, as torch keeps it."""
    bias = bias or [0.0] * len(weight)
    return [dot(row, vector) + shift for row, shift in zip(weight, bias, strict=True)]


def times(vector, weight):
    """`weight` has a column for every output, as graph convolutions write it."""
    return linear([list(column) for column in zip(*weight, strict=True)], vector)


def gather(adjacency, nodes):
    """Node j gets the sum of A[j][i] x_i."""
    width = len(nodes[0])
    return [
        [sum(row[i] * nodes[i][d] for i in range(len(nodes))) for d in range(width)]
        for row in adjacency
    ]


def leaky(vector, slope=0.2):
    return [x if x > 0 else slope * x for x in vector]


def sigmoid(vector):
    return [1 / (1 + math.exp(-x)) for x in vector]


def tanh(vector):
    return [math.tanh(x) for x in vector]


def relu(vector):
    return [max(x, 0.0) for x in vector]


def softmax(vector):
    powers = [math.exp(x) for x in vector]
    return [x / sum(powers) for x in powers]


def add(a, b):
    return [x + y for x, y in zip(a, b, strict=True)]


def multiply(a, b):
    return [x * y for x, y in zip(a, b, strict=True)]


def layer_norm(vector, weight, bias, eps=1e-5):
    mean = sum(vector) / len(vector)
    variance = sum((x - mean) ** 2 for x in vector) / len(vector)
    scaled = [(x - mean) / math.sqrt(variance + eps) for x in vector]
    return add(multiply(scaled, weight), bias)


def positions(features):
    """(channels, rows, columns) as one vector a position, row by row."""
    rows, columns = len(features[0]), len(features[0][0])
    return [[channel[y][x] for channel in features] for y in range(rows) for x in range(columns)]


def numbers(module):
    """Parameters and buffers by name, as nested lists."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return {name: tensor.tolist() for name, tensor in named}
