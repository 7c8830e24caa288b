"""Several cards that train one model together, each in a process of its own, as `torchrun` starts them."""

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Team:
    """The place of this process among `size` others, and its device."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def of_environment(cls) -> "Team":
        """One process alone, or what `torchrun` says."""
        size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        on_cards = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if on_cards else torch.device("cpu")
        if on_cards:
            torch.cuda.set_device(device)
        if size > 1:
            distributed.init_process_group("nccl" if on_cards else "gloo")
        return cls(rank, size, device)

    def average(self, model: nn.Module) -> None:
        """Make the gradients of all members their mean."""
        if self.size == 1:
            return
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(together)
        together /= self.size
        means = torch.split(together, [gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))
