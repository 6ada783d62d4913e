"""Making one layer of any kind that torch has: its own, operations, blocks, whole models."""

from __future__ import annotations

from digitlab.models.blocks import BLOCKS, place_block
from digitlab.models.layer import Layer
from digitlab.models.layers import explain_unknown, list_layers, place_layer
from digitlab.models.operations import OPERATIONS, place_operation
from digitlab.models.parameters import ON_PARAMETERS, WEIGHTS, place_on_parameter, place_weights
from digitlab.models.placement import Part, Placement, Shape
from digitlab.models.sequence_layers import SEQUENCE_LAYERS, place_sequence_layer
from digitlab.models.whole_model_names import PREFIXES
from digitlab.models.whole_models import place_model


def place_torch(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make one layer where `shape` reaches it. Raises SpecError."""
    if layer.type in OPERATIONS:
        return place_operation(layer, shape, placement)
    if layer.type in WEIGHTS:
        return place_weights(layer, shape, placement)
    if layer.type in SEQUENCE_LAYERS:
        return place_sequence_layer(layer, shape, placement)
    if layer.type in ON_PARAMETERS and placement.inputs and not placement.inputs[0].batched:
        return place_on_parameter(layer, placement)
    check_single(layer, placement)
    if layer.type in BLOCKS:
        return place_block(layer, shape, placement)
    if layer.type.startswith(PREFIXES):
        return place_model(layer, shape, placement)
    if layer.type not in list_layers():
        raise placement.error(explain_unknown(layer.type, (*BLOCKS, *OPERATIONS)))
    return place_layer(layer, shape, placement)


def check_single(layer: Layer, placement: Placement) -> None:
    """Raise SpecError unless the layer reads one other, which sees the images."""
    if len(placement.inputs) != 1:
        raise placement.error(
            f"reads one layer, but from names {len(placement.inputs)}; join them by Add or "
            f"Concatenate before it.",
            argument="from",
        )
    if not placement.inputs[0].batched:
        raise placement.error(
            "reads a Parameter, which is the same for every image; join it with another layer "
            "before.",
            argument="from" if layer.sources else None,
        )
