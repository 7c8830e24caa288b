"""What torch sees, told by a stand-in for `torch.cuda`."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llamacli.engine.local.hardware import detect, memory_bytes
from llamacli.placement import Gpu

MIB = 1024 * 1024
CUDA_13 = ["sm_75", "sm_80", "sm_90", "compute_120"]


@dataclass
class Card:
    name: str
    major: int
    minor: int
    total_memory: int
    free: int = 0
    fails: Exception | None = None


@dataclass
class FakeCuda:
    cards: list[Card] = field(default_factory=list)
    failure: Exception | None = None
    touched: list[int] = field(default_factory=list)

    def is_available(self) -> bool:
        warnings.warn("Found GPU1 which is of cuda capability 6.1 ...", stacklevel=1)
        if self.failure:
            raise self.failure
        return bool(self.cards)

    def device_count(self) -> int:
        return len(self.cards)

    def get_arch_list(self) -> list[str]:
        return CUDA_13

    def get_device_properties(self, device: int) -> Card:
        return self.cards[device]

    def mem_get_info(self, device: int) -> tuple[int, int]:
        self.touched.append(device)
        return self.cards[device].free, self.cards[device].total_memory

    def run(self, device: int) -> None:
        if failure := self.cards[device].fails:
            raise failure


def rtx_2080(fails: Exception | None = None) -> Card:
    return Card("RTX 2080", 7, 5, 7_982 * MIB, 7_600 * MIB, fails)


def gpus(cuda: FakeCuda) -> tuple[Gpu, ...]:
    return detect(cuda, kernel=cuda.run, mps=lambda: False).gpus


def test_a_card_is_described_and_an_old_one_left_alone() -> None:
    cuda = FakeCuda([rtx_2080(), Card("GTX 1050", 6, 1, 2_000 * MIB, 5)])
    assert gpus(cuda) == (
        Gpu(0, "RTX 2080", (7, 5), 7_982, 7_600),
        Gpu(1, "GTX 1050", (6, 1), 2_000, 2_000, supported=False),
    )
    assert cuda.touched == [0]


def test_a_card_whose_kernels_fail_in_spite_of_the_arithmetic_is_not_supported() -> None:
    (card,) = gpus(FakeCuda([rtx_2080(RuntimeError("CUDA error: no kernel image is available"))]))
    assert not card.supported


def test_a_card_too_full_to_ask_is_supported_and_has_nothing_free() -> None:
    (card,) = gpus(FakeCuda([rtx_2080(RuntimeError("CUDA error: out of memory"))]))
    assert (card.supported, card.free_mib) == (True, 0)


@pytest.mark.parametrize("error", [RuntimeError("driver too old"), AssertionError("not compiled with CUDA")])
def test_a_driver_that_fails_is_a_machine_without_cards(error: Exception) -> None:
    assert gpus(FakeCuda([rtx_2080()], failure=error)) == ()


def test_memory_and_apples_gpu() -> None:
    machine = detect(FakeCuda(), mps=lambda: True)
    assert machine.mps
    assert machine.ram_mib > 500


def test_this_machine_is_described_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    detect()
    assert capfd.readouterr() == ("", "")


def test_the_limit_of_a_container_counts_as_the_memory(tmp_path: Path) -> None:
    limit, unlimited = tmp_path / "limit", tmp_path / "unlimited"
    limit.write_text("1073741824\n")
    unlimited.write_text("max\n")
    assert memory_bytes([tmp_path / "none", unlimited, limit]) == 1 << 30
    assert memory_bytes([unlimited]) == memory_bytes([]) > 1 << 30
