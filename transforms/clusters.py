"""Union-find: which nodes hang together, whatever the order of the pairs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

Node = TypeVar("Node", bound=Hashable)


def connected(
    pairs: Iterable[tuple[Node, Node]],
    nodes: Iterable[Node] = (),
    key: Callable[[Node], Any] | None = None,
) -> dict[Node, Node]:
    """Map every node of `pairs` and `nodes` to its component's root: the least node by `key`.

    Without `key` nodes are compared themselves. The result depends on neither order. Nearly
    linear; iterative, so that a long chain can't exhaust the stack.
    """
    rank: Callable[[Node], Any] = key if key is not None else lambda node: node
    parent: dict[Node, Node] = {node: node for node in nodes}
    for one, other in pairs:
        parent.setdefault(one, one)
        parent.setdefault(other, other)
        root, second = _find(parent, one), _find(parent, other)
        if root == second:
            continue
        if rank(second) < rank(root):
            root, second = second, root
        parent[second] = root
    return {node: _find(parent, node) for node in list(parent)}


def _find(parent: dict[Node, Node], node: Node) -> Node:
    root = node
    while parent[root] != root:
        root = parent[root]
    while parent[node] != root:
        parent[node], node = root, parent[node]
    return root
