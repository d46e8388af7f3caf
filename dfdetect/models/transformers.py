"""What the families of vision transformers share: the table of their sizes, and facts that follow from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any


@dataclass(frozen=True)
class Size:
    """One size of a vision transformer.

    Attributes:
        width: channels of a token.
        heads: attention heads of each block.
        depth: number of blocks.
        preset: keras-hub's name of the published weights; "" if there are none.
    """

    width: int
    heads: int
    depth: int = 12
    preset: str = ""

    def settings(self, mlp: str = "intermediate_dim", **own: Any) -> dict[str, Any]:
        """The arguments of keras-hub's network of this size.

        Args:
            mlp: its name for the width of the perceptrons, which is four times that of a token.
            own: arguments that do not depend on the size.
        """
        sizes = {"num_layers": self.depth, "num_heads": self.heads, "hidden_dim": self.width}
        return {**sizes, mlp: 4 * self.width, **own}


def facts(patch: int, **own: Any) -> dict[str, Any]:
    """What to register for a network of tokens with patches of `patch` pixels: see `registry.Family`."""
    sides = {"image_size": 224, "min_image_size": 2 * patch, "size_step": patch}
    return {**sides, "blocks": r"(block\d+)_", **own}


def block_weights(blocks: Iterable[Any], layers: Mapping[str, str]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The names of the layers in our blocks, each with its values from keras-hub's.

    Args:
        blocks: keras-hub's transformer blocks, in order.
        layers: our layer's name in a block, and where keras-hub's block has it:
            {"dense1": "mlp.fc1"} gives `block1_dense1` the values of `blocks[0].mlp.fc1`.
    """
    for number, block in enumerate(blocks, start=1):
        for ours, theirs in layers.items():
            yield f"block{number}_{ours}", attrgetter(theirs)(block).weights
