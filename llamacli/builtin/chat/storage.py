"""How the weights of the built-in chat model are stored: in 8 bits, as checkpoints of DeepSeek are.

A weight of a linear layer is float8_e4m3fn (a sign, 4 bits of exponent, 3 of mantissa; 448 at most), cut into blocks of
32 rows and 32 columns; beside it, one factor for each block in float32, by which transformers multiplies while it
loads. Embeddings, which are the head too, and norms stay in float16.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

BLOCK = 32
"""Rows, and columns, of a block. The sizes of all linear layers are multiples of it."""
QUANTIZATION = {
    "quant_method": "fp8",
    "dequantize": True,
    "weight_block_size": [BLOCK, BLOCK],
    "activation_scheme": "dynamic",
    "modules_to_not_convert": ["lm_head"],
}
"""What config.json says of it to transformers (`FineGrainedFP8Config`): plain linear layers are made while loading."""


def stored_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a model with a tied head by their names in the file; factors are called `<name>_scale_inv`."""
    head = model.get_output_embeddings()
    modules = model.named_modules()
    linear = {f"{name}.weight" for name, module in modules if isinstance(module, nn.Linear) and module is not head}
    stored: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():  # a tied head comes once, as the embeddings
        weight = parameter.detach().cpu()
        if name in linear:
            stored[name], stored[f"{name}_scale_inv"] = in_blocks(weight)
        else:
            stored[name] = weight.half()
    return stored


def in_blocks(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight (rows, columns) as float8_e4m3fn, and its factors (rows / 32, columns / 32) in float32."""
    rows, columns = weight.shape
    blocks = weight.float().view(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    largest = blocks.abs().amax((1, 3)).clamp(min=1e-12)  # a block of zeros has a factor too
    factors = largest / torch.finfo(torch.float8_e4m3fn).max
    return (blocks / factors[:, None, :, None]).view(rows, columns).to(torch.float8_e4m3fn), factors
