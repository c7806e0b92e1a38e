"""The trained classifiers as one ONNX graph with 8-bit weights, for one pair at its exact length.

What they share, the word table and the layers that didn't learn, is there and is run once; the
graph's logits are the mean of their log-probabilities.

There is no batch axis: a pair's result can't depend on what else is read. Inputs: `ids` (pieces,)
int64, `path` (pieces,) float32, `pair` (2,) int64, the positions of P and Q. Output: `logits` (5,).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.training.network import CLASSES, EPSILON, HEADS, Layer, PairClassifier

OPSET = 17
IR_VERSION = 9


class Builder:
    """Collects nodes and weights; every method returns the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def weight(self, value: np.ndarray[Any, Any]) -> str:
        """Add a constant."""
        name = f"w{len(self.weights)}"
        self.weights[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        """Add a constant list of whole numbers."""
        return self.weight(np.array(values, np.int64))

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def linear(self, x: str, weight: Any, bias: Any) -> str:
        """Add x · weightᵀ + bias, the two given as torch keeps them."""
        product = self.add("MatMul", x, self.weight(_array(weight).T))
        return self.add("Add", product, self.weight(_array(bias)))

    def norm(self, x: str, module: Any) -> str:
        """Add a layer normalisation."""
        scale, shift = self.weight(_array(module.weight)), self.weight(_array(module.bias))
        return self.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=EPSILON)


def export(networks: Sequence[PairClassifier], path: Path, *, eight_bits: bool = True) -> None:
    """Write the graph of networks that began alike.

    `eight_bits` keeps the word table and all matrices as 8-bit integers: words have a scale each,
    matrices one a column; activations are scaled as they come, in 7 bits' worth of weights, since
    processors without VNNI saturate sums of full 8-bit products. Only a BERT can be written: of
    MPNet's attention by distance the graph has nothing.
    """
    model = _model(networks, eight_bits)
    if not eight_bits:
        onnx.save(model, str(path))
        return
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        onnx.save(model, str(whole))
        quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def _model(networks: Sequence[PairClassifier], eight_bits: bool) -> Any:
    build = Builder()
    shared = networks[0]
    x = build.norm(
        build.add("Add", _words(build, shared, eight_bits), _places(build, shared)), shared.norm
    )
    for layer in shared.layers[: shared.frozen]:
        x = _layer(build, layer, x)
    found = [build.add("LogSoftmax", _own(build, each, x), axis=-1) for each in networks]
    logits = build.add("Mean", *found)
    build.nodes.append(
        helper.make_node("Reshape", [logits, build.ints(CLASSES)], ["logits"], "logits")
    )
    graph = helper.make_graph(
        build.nodes,
        "stance",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["pieces"]),
            helper.make_tensor_value_info("path", TensorProto.FLOAT, ["pieces"]),
            helper.make_tensor_value_info("pair", TensorProto.INT64, [2]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [CLASSES])],
        list(build.weights.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _own(build: Builder, network: PairClassifier, x: str) -> str:
    """Add what one network makes of the shared layers' output: logits (1, CLASSES)."""
    x = _tell_pair(build, network, x)
    for layer in network.layers[network.frozen :]:
        x = _layer(build, layer, x)
    wanted = build.add("Concat", build.ints(0), "pair", axis=0)
    joined = build.add("Reshape", build.add("Gather", x, wanted, axis=0), build.ints(1, -1))
    hidden = build.linear(joined, network.joined.weight, network.joined.bias)
    hidden = build.add("Tanh", hidden)
    return build.linear(hidden, network.classes.weight, network.classes.bias)


def _words(build: Builder, network: PairClassifier, eight_bits: bool) -> str:
    table = _array(network.words)
    if not eight_bits:
        return build.add("Gather", build.weight(table), "ids", axis=0)
    scale = np.maximum(np.abs(table).max(1, keepdims=True), 1e-8) / 127
    rows = build.weight(np.round(table / scale).astype(np.int8))
    found = build.add("Cast", build.add("Gather", rows, "ids", axis=0), to=TensorProto.FLOAT)
    scales = build.add("Gather", build.weight(scale.astype(np.float32)), "ids", axis=0)
    return build.add("Mul", found, scales)


def _places(build: Builder, network: PairClassifier) -> str:
    size = build.add("Shape", "ids")
    return build.add("Slice", build.weight(_array(network.places)), build.ints(0), size)


def _tell_pair(build: Builder, network: PairClassifier, x: str) -> str:
    flags = build.add("Unsqueeze", "path", build.ints(1))
    x = build.add("Add", x, build.add("Mul", flags, build.weight(_array(network.path))))
    # A row of ones where P stands and a row for Q, transposed: (pieces, 2) · (2, size).
    places = build.add(
        "OneHot",
        "pair",
        build.add("Shape", "ids"),
        build.weight(np.array([0, 1], np.float32)),
        axis=0,
    )
    return build.add("Add", x, build.add("MatMul", places, build.weight(_array(network.roles))))


def _layer(build: Builder, layer: Layer, x: str) -> str:
    size = layer.query.weight.shape[0]
    width = size // HEADS
    scale = width**-0.5
    parts = [(layer.query, scale), (layer.key, 1.0), (layer.value, 1.0)]
    together = np.concatenate([_array(part.weight) * factor for part, factor in parts])
    bias = np.concatenate([_array(part.bias) * factor for part, factor in parts])
    split = build.ints(0, 3, HEADS, width)
    mixed = build.add("Reshape", build.linear(x, together, bias), split)
    query, key, value = (
        build.add("Gather", mixed, build.weight(np.array(i, np.int64)), axis=1) for i in range(3)
    )
    query = build.add("Transpose", query, perm=[1, 0, 2])
    key = build.add("Transpose", key, perm=[1, 2, 0])
    value = build.add("Transpose", value, perm=[1, 0, 2])
    attention = build.add("Softmax", build.add("MatMul", query, key), axis=-1)
    seen = build.add("Transpose", build.add("MatMul", attention, value), perm=[1, 0, 2])
    seen = build.add("Reshape", seen, build.ints(0, size))
    attended = build.linear(seen, layer.attended.weight, layer.attended.bias)
    x = build.norm(build.add("Add", x, attended), layer.attended_norm)
    inner = build.linear(x, layer.inner.weight, layer.inner.bias)
    # GELU in the spelling that onnxruntime recognises and runs as one.
    half = build.add("Div", inner, build.weight(np.array(2**0.5, np.float32)))
    risen = build.add("Add", build.add("Erf", half), build.weight(np.array(1.0, np.float32)))
    inner = build.add(
        "Mul", build.add("Mul", inner, risen), build.weight(np.array(0.5, np.float32))
    )
    outer = build.linear(inner, layer.outer.weight, layer.outer.bias)
    return build.norm(build.add("Add", x, outer), layer.outer_norm)


def _array(value: Any) -> np.ndarray[Any, Any]:
    found = value.detach().numpy() if hasattr(value, "detach") else value
    return np.asarray(found, np.float32)
