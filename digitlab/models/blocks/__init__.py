"""Blocks: layers that hold layers, or stand for several. They nest freely in each other.

A block is a name, a description, its arguments, and one function that takes the checked arguments,
the shape that reaches the block and a Placement, and returns the module with its output shape: it
places inner layers by `placement.chain`, or makes a module that is one row of the summary by
`whole`. To add a block, write that function and a `Block` in the file where it belongs. The
constructor of a block's module takes what the module keeps under the same names, and needs nothing
but torch: that is how it becomes standalone code.
"""

from __future__ import annotations

from digitlab.models.arguments import LayerSignature
from digitlab.models.blocks.block import Block, place
from digitlab.models.blocks.composition import COMPOSITION
from digitlab.models.blocks.convolution import CONVOLUTION
from digitlab.models.blocks.sequence import SEQUENCE
from digitlab.models.blocks.tokens import TOKENS
from digitlab.models.layer import Layer
from digitlab.models.placement import Part, Placement, Shape

BLOCKS: dict[str, Block] = {
    block.name: block for block in (*COMPOSITION, *CONVOLUTION, *TOKENS, *SEQUENCE)
}


def list_blocks() -> tuple[str, ...]:
    """The names of all blocks."""
    return tuple(BLOCKS)


def block_signature(name: str) -> LayerSignature:
    """What a block takes. Raises KeyError for a name that `list_blocks` does not have."""
    block = BLOCKS[name]
    return LayerSignature(block.name, "block", block.about, block.arguments)


def place_block(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make a block and all inside it. Raises SpecError; KeyError where there is no such block."""
    return place(BLOCKS[layer.type], layer, shape, placement)
