"""A step captured as a CUDA graph: its hundreds of kernels are launched at once, again and again."""

from collections.abc import Callable

import torch

Step = Callable[[], None]
"""What is done for each token."""
WARM_UPS = 2
"""Calls before a step is captured: libraries choose kernels and make their handles in them."""


def capture_graph(step: Step, generator: torch.Generator) -> Step:
    """A CUDA graph of `step`, whose random numbers come from `generator`, on the generator's card."""
    with torch.cuda.device(generator.device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(generator)
        # Its default stream is on the card that first captured something. In its default mode another thread, which
        # still reads the classifier's weights, would be refused memory meanwhile.
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            step()
    return graph.replay
