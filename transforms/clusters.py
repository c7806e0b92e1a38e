"""Union-find: which nodes hang together, whatever the order of the pairs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

Node = TypeVar("Node", bound=Hashable)


class Forest(Generic[Node]):
    """Nodes joined pair by pair; a component's root is its least node by `key`.

    Iterative, so that a long chain can't exhaust the stack; nearly linear in the number of joins.
    """

    def __init__(self, key: Callable[[Node], Any] | None = None) -> None:
        self._rank: Callable[[Node], Any] = key if key is not None else lambda node: node
        self._parent: dict[Node, Node] = {}

    def add(self, node: Node) -> None:
        """Make a node known; it is alone until it is joined."""
        self._parent.setdefault(node, node)

    def root(self, node: Node) -> Node:
        """Return the root of a node's component; a node not known is added."""
        parent = self._parent
        root = parent.setdefault(node, node)
        while parent[root] != root:
            root = parent[root]
        while parent[node] != root:
            parent[node], node = root, parent[node]
        return root

    def join(self, one: Node, other: Node) -> None:
        """Put two nodes into one component."""
        root, second = self.root(one), self.root(other)
        if root == second:
            return
        if self._rank(second) < self._rank(root):
            root, second = second, root
        self._parent[second] = root

    def together(self, one: Node, other: Node) -> bool:
        """Return whether two nodes are in one component."""
        return self.root(one) == self.root(other)

    def roots(self) -> dict[Node, Node]:
        """Map every known node to its root."""
        return {node: self.root(node) for node in list(self._parent)}


def connected(
    pairs: Iterable[tuple[Node, Node]],
    nodes: Iterable[Node] = (),
    key: Callable[[Node], Any] | None = None,
) -> dict[Node, Node]:
    """Map every node of `pairs` and `nodes` to its component's root: the least node by `key`.

    Without `key` nodes are compared themselves. The result depends on neither order.
    """
    forest = Forest(key)
    for node in nodes:
        forest.add(node)
    for one, other in pairs:
        forest.join(one, other)
    return forest.roots()
