"""Blocks: layers that hold layers, or stand for several. They nest freely in each other.

A block is a name, what it is about, its arguments, and one function that is given the checked
arguments, the shape that arrives and a Site, and returns the module with the shape it gives: it
puts inner layers by `site.chain`, or makes a module that shows as one row by `whole`. To add one,
write that function and its entry in the file where it belongs. The constructor of a block's module
takes what the module keeps under the same names, and needs nothing but torch: that is how it
becomes standalone code.
"""

from __future__ import annotations

from digitlab.models.arguments import LayerSignature
from digitlab.models.blocks.block import Block, place
from digitlab.models.blocks.composition import COMPOSITION
from digitlab.models.blocks.convolution import CONVOLUTION
from digitlab.models.blocks.sequence import SEQUENCE
from digitlab.models.blocks.tokens import TOKENS
from digitlab.models.layer import Layer
from digitlab.models.placement import Part, Shape, Site

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


def place_block(layer: Layer, shape: Shape, site: Site) -> Part:
    """Make a block and all inside it. Raises SpecError; KeyError where there is no such block."""
    return place(BLOCKS[layer.type], layer, shape, site)
