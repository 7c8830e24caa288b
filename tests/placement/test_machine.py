import pytest

from llamacli.placement import kernels_available
from tests.placement.machines import GTX_1050, RTX_2080, RTX_3060, RTX_4090, machine

CUDA_12_6 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
CUDA_13 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


@pytest.mark.parametrize(
    ("capability", "arch_list", "runs"),
    [
        ((6, 1), CUDA_12_6, True),  # sm_60: the same major version, a minor not above
        ((6, 1), CUDA_13, False),
        ((7, 5), CUDA_12_6, True),
        ((7, 5), CUDA_13, True),
        ((8, 9), CUDA_13, True),
        ((7, 0), ["sm_75"], False),  # a later minor
        ((8, 0), ["sm_75"], False),  # a binary for another major version
        ((8, 0), ["compute_75"], True),  # PTX is compiled for later cards
        ((7, 0), ["compute_75"], False),
        ((12, 0), CUDA_12_6, False),
        ((12, 1), CUDA_13, True),
        ((13, 0), CUDA_13, True),
        ((9, 0), ["sm_90a"], True),
        ((9, 1), ["sm_90a"], False),  # for that card alone
        ((10, 3), ["sm_100f"], True),  # for its family
        ((11, 0), ["compute_100f"], False),
        ((9, 0), ["gfx1100", ""], False),
        ((9, 0), [], False),
    ],
)
def test_which_builds_run_on_which_cards(capability: tuple[int, int], arch_list: list[str], runs: bool) -> None:
    assert kernels_available(capability, arch_list) is runs


def test_cards_rank_by_capability_then_by_free_memory() -> None:
    cards = machine(GTX_1050, RTX_3060, RTX_2080, RTX_4090, RTX_4090.after(100))
    assert [gpu.index for gpu in cards.usable()] == [3, 4, 1, 2, 0]


def test_bfloat16_begins_at_capability_8() -> None:
    assert (RTX_2080.dtype, RTX_3060.dtype) == ("float16", "bfloat16")
