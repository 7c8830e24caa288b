import pytest

from llamacli.errors import BadUsage
from llamacli.placement import Choice, Machine, Wishes, choose_model
from tests.placement.machines import BUSY_4090, GTX_1050, OLD_1050, RTX_2080, RTX_4090, machine

PAIR = machine(RTX_2080, GTX_1050)


@pytest.mark.parametrize(
    ("on_disk", "token", "offline"),
    [(True, False, False), (True, False, True), (False, True, False), (True, True, True)],
)
def test_llama_where_there_is_room_and_a_way_to_have_it(on_disk: bool, token: bool, offline: bool) -> None:
    assert choose_model(PAIR, llama_on_disk=on_disk, hub_token=token, offline=offline) == Choice("llama-3.1-8b")


@pytest.mark.parametrize(
    ("where", "on_disk", "token", "offline", "wishes", "notice"),
    [
        (machine(), True, True, False, Wishes(), "needs a CUDA card with 6,504 MiB free, and PyTorch finds none here"),
        (machine(ram=500_000), True, True, False, Wishes(), "PyTorch finds none here"),
        (machine(mps=True), True, True, False, Wishes(), "PyTorch finds none here"),
        (machine(GTX_1050), True, True, False, Wishes(), "GTX 1050 (cuda:0) has 1,950"),
        (machine(OLD_1050), True, True, False, Wishes(), "needs a CUDA card with 6,504 MiB free"),
        (machine(BUSY_4090), True, True, False, Wishes(), "passed over for Llama 3.1 8B, because only 900 of"),
        (machine(RTX_2080.after(2_000)), True, True, False, Wishes(), "close the programs"),
        (PAIR, False, False, False, Wishes(), "accept its licence on the Hugging Face hub and set HF_TOKEN"),
        (PAIR, False, True, True, Wishes(), "offline it cannot be downloaded: run once online with HF_TOKEN set"),
        (PAIR, False, False, True, Wishes(), "offline"),
        (PAIR, True, True, False, Wishes("cpu"), "--device cpu was given"),
        (PAIR, True, True, False, Wishes("cuda:1"), "GTX 1050 (cuda:1) has 1,950"),
        (PAIR, True, True, False, Wishes(quantization="none"), "needs a CUDA card with 16,382 MiB free"),
    ],
)  # fmt: skip
def test_the_built_in_model_elsewhere_with_one_notice(
    where: Machine, on_disk: bool, token: bool, offline: bool, wishes: Wishes, notice: str
) -> None:
    choice = choose_model(where, llama_on_disk=on_disk, hub_token=token, offline=offline, wishes=wishes)
    assert choice.name == "builtin"
    assert choice.notice.startswith("Using the small built-in model. ")
    assert notice in choice.notice


def test_an_unsupported_card_that_is_large_enough_is_named_with_its_remedy() -> None:
    old = machine(type(RTX_4090)(0, "NVIDIA TITAN X", (6, 1), 12_196, 12_196, supported=False))
    choice = choose_model(old, llama_on_disk=True, hub_token=True)
    assert "TITAN X (cuda:0) is not used" in choice.notice
    assert "CUDA 12.6" in choice.notice


def test_a_wish_that_no_model_could_obey_is_refused() -> None:
    with pytest.raises(BadUsage, match="cuda:4"):
        choose_model(PAIR, llama_on_disk=True, hub_token=True, wishes=Wishes("cuda:4"))
