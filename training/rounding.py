"""Weights rounded to four bits in training, as they will be in the artefact, so that the network learns to cope."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK = 128
"""So many weights of a row share a scale."""
WORDS = "lower.words.weight"


def in_blocks(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from -8 to 7, (rows, blocks, BLOCK), and the scale of each block, (rows, blocks, 1)."""
    blocks = weight.unflatten(-1, (-1, BLOCK))
    largest = blocks.gather(-1, blocks.abs().argmax(dim=-1, keepdim=True))
    scale = largest / -8
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return (blocks / scale).round().clamp(-8, 7), scale


def four_bits(weight: Tensor) -> Tensor:
    """The weights, (rows, columns), as an artefact of four bits gives them back."""
    values, scale = in_blocks(weight)
    return (values * scale).flatten(-2)


class Linear(nn.Linear):
    """A linear layer that rounds its weights on the way forward if `rounds`; gradients pass straight through.

    The straight-through estimator is of Bengio et al. 2013, "Estimating or propagating gradients".
    """

    rounds = False

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.rounds:
            weight = weight + (four_bits(weight.detach()) - weight.detach())
        return functional.linear(x, weight, self.bias)


def round_words(model: nn.Module) -> None:
    """Once, as they aren't trained."""
    words = model.get_parameter(WORDS)
    words.data.copy_(four_bits(words.data))


def round_weights(model: nn.Module) -> None:
    """From now on all `Linear` layers round."""
    for module in model.modules():
        if isinstance(module, Linear):
            module.rounds = True


def rounded_parameters(model: nn.Module) -> set[str]:
    """Names of the weights of all `Linear` layers."""
    return {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, Linear)}
