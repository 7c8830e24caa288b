"""The quantized copies: bit for bit what quantizing gives, made in one piece, even where a process is killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from llamacli.engine.local import checkpoints
from llamacli.engine.local.checkpoints import About
from llamacli.engine.local.weights import causal_model
from llamacli.events import LoadEvent, LoadProgress, Notice
from llamacli.placement import RolePlacement
from tests.tiny import save_llama

pytest.importorskip("bitsandbytes")

ABOUT = About("some/model", "abc", "4bit", "bfloat16")


ON_A_CARD = pytest.param(
    "cuda:0",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")],
)


def place(quantization: Any = "4bit", dtype: Any = "bfloat16", device: str = "cpu") -> RolePlacement:
    return RolePlacement((device,), dtype, quantization, (1,), (2,), 4096)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_llama(tmp_path_factory.mktemp("source"))


def loaded(source: Path, cache: Path, where: RolePlacement | None = None) -> tuple[Any, list[LoadEvent]]:
    told: list[LoadEvent] = []
    return causal_model(source, "tiny", where or place(), cache, told.append), told


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = model(torch.arange(1, 40, device=model.device)[None]).logits
    return result


def phases(told: list[LoadEvent]) -> list[str]:
    return list(dict.fromkeys(event.phase for event in told if isinstance(event, LoadProgress)))


@pytest.mark.parametrize("device", ["cpu", ON_A_CARD])
@pytest.mark.parametrize("quantization", ["4bit", "8bit"])
def test_the_second_load_reads_the_copy_which_is_equal_bit_for_bit(
    source: Path, tmp_path: Path, quantization: str, device: str
) -> None:
    where = place(quantization, device=device)
    first, told = loaded(source, tmp_path, where)
    assert phases(told) == ["loading tiny", f"saving the {quantization} copy of tiny, once"]
    second, told = loaded(source, tmp_path, where)
    assert phases(told) == ["loading tiny"]
    before, after = first.state_dict(), second.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert tensor.dtype == after[name].dtype, name
        assert torch.equal(tensor, after[name]), name
    layer = second.model.layers[0].mlp.up_proj
    assert quantization in type(layer).__name__.replace("8bitLt", "8bit")
    assert second.generation_config.eos_token_id == first.generation_config.eos_token_id
    assert torch.equal(logits(first), logits(second))


def test_the_quantization_is_what_was_placed(source: Path, tmp_path: Path) -> None:
    for _ in range(2):  # from the source, and from the copy
        model, _ = loaded(source, tmp_path)
        layer = model.model.layers[0].mlp.up_proj
        assert (layer.weight.quant_type, layer.weight.quant_state.nested, layer.compute_dtype) == (
            "nf4",
            True,
            torch.bfloat16,
        )
        assert model.config._attn_implementation == "sdpa"
        assert model.lm_head.weight is model.model.embed_tokens.weight


def test_nothing_is_copied_that_is_not_quantized(source: Path, tmp_path: Path) -> None:
    _, told = loaded(source, tmp_path, place("none"))
    assert phases(told) == ["loading tiny"]
    assert list(checkpoints.copies(tmp_path)) == []


def test_a_copy_is_known_by_all_that_it_depends_on(source: Path, tmp_path: Path) -> None:
    key = checkpoints.about(source, place()).key
    assert re.fullmatch(r"[\w.-]+@[0-9a-f]{12}-4bit-bfloat16-transformers5\.\d+-bitsandbytes0\.\d+-torch2\.\d+", key)
    moved = shutil.copytree(source, tmp_path / "moved")
    keys = {key, checkpoints.about(moved, place()).key}
    os.utime(moved / "model.safetensors", (1, 1))
    keys |= {checkpoints.about(moved, where).key for where in (place(), place("8bit"), place(dtype="float16"))}
    (moved / "config.json").write_text((moved / "config.json").read_text() + " ")
    keys.add(checkpoints.about(moved, place()).key)
    assert len(keys) == 6


def test_a_snapshot_of_the_hub_is_known_by_its_commit(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--meta-llama--Llama-3.1-8B-Instruct" / "snapshots" / ("0e9e39f249a1" + "0" * 28)
    made_of = checkpoints.about(snapshot, place())
    assert made_of.model == "meta-llama/Llama-3.1-8B-Instruct"
    assert made_of.key.startswith("meta-llama--Llama-3.1-8B-Instruct@0e9e39f249a1-4bit-bfloat16-transformers")


@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_a_copy_that_cannot_be_read_is_made_again(source: Path, tmp_path: Path, damage: str) -> None:
    loaded(source, tmp_path)
    (copy,) = checkpoints.copies(tmp_path)
    weights = copy.path / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-9])
    elif damage == "gone":
        weights.unlink()
    else:
        (copy.path / "config.json").write_text("{")
    model, told = loaded(source, tmp_path)
    (notice,) = [event.text for event in told if isinstance(event, Notice)]
    assert "is made again" in notice
    again, told = loaded(source, tmp_path)
    assert not [event for event in told if isinstance(event, Notice)]
    assert torch.equal(logits(model), logits(again))


def test_a_disk_that_is_short_is_told_and_the_model_loads(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SPARE_BYTES", 10**18)
    model, told = loaded(source, tmp_path)
    (notice,) = [event.text for event in told if isinstance(event, Notice)]
    assert notice.startswith("The 4bit copy of tiny is not saved, and the next start will be as slow: it needs ")
    assert logits(model).isfinite().all()
    assert list(checkpoints.copies(tmp_path)) == []


def test_a_cache_that_cannot_be_written_is_told_and_the_model_loads(source: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file")
    model, told = loaded(source, tmp_path)
    assert [event for event in told if isinstance(event, Notice)]
    assert logits(model).isfinite().all()


def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        (path / "model.safetensors").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        checkpoints.save(tmp_path, ABOUT, 100, write)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_two_processes_that_save_the_same_do_not_disturb_each_other(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        (path / "model.safetensors").write_text("mine")
        if not checkpoints.find(tmp_path, ABOUT):  # the other one is faster
            other = tmp_path / "checkpoints" / ABOUT.key
            other.mkdir()
            (other / "copy.json").write_text("{}")
            (other / "model.safetensors").write_text("theirs")

    checkpoints.save(tmp_path, ABOUT, 100, write)
    copy = checkpoints.find(tmp_path, ABOUT)
    assert copy is not None
    assert (copy.path / "model.safetensors").read_text() == "theirs"
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [ABOUT.key]


KILLED = """
import sys, time
from pathlib import Path
from transformers import PreTrainedModel
from llamacli.engine.local.weights import causal_model
from tests.engine.local.test_checkpoints import place

save = PreTrainedModel.save_pretrained

def slowly(self, path, **options):
    save(self, path, **options)
    print("written", flush=True)
    time.sleep(60)

PreTrainedModel.save_pretrained = slowly
causal_model(Path(sys.argv[1]), "tiny", place(), Path(sys.argv[2]), lambda _: None)
"""


def test_a_process_that_is_killed_while_it_saves_leaves_the_next_one_working(source: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(source), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    (left,) = (tmp_path / "checkpoints").iterdir()
    assert left.name.endswith(f".{process.pid}.partial")
    assert (left / "model.safetensors").is_file()
    assert list(checkpoints.copies(tmp_path)) == []
    model, told = loaded(source, tmp_path)
    assert phases(told) == ["loading tiny", "saving the 4bit copy of tiny, once"]
    again, told = loaded(source, tmp_path)
    assert phases(told) == ["loading tiny"]
    assert torch.equal(logits(model), logits(again))
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [checkpoints.about(source, place()).key]


def test_the_part_of_a_living_process_stays(tmp_path: Path) -> None:
    root = tmp_path / "checkpoints"
    mine, reused = root / f"a.{os.getpid()}.partial", root / f"b.{os.getpid()}.partial"
    mine.mkdir(parents=True)
    reused.mkdir()
    os.utime(reused, (time.time() - 10**8, time.time() - 10**8))  # before this process began: its number was another's
    checkpoints.clean(tmp_path)
    assert (mine.exists(), reused.exists()) == (True, False)


def test_a_copy_can_be_removed(source: Path, tmp_path: Path) -> None:
    loaded(source, tmp_path)
    (copy,) = checkpoints.copies(tmp_path)
    assert copy.about.model == str(source)
    assert copy.bytes > 10_000
    copy.remove()
    assert list(checkpoints.copies(tmp_path)) == []


def test_the_source_is_what_transformers_quantizes(source: Path, tmp_path: Path) -> None:
    """The copy is a directory like any other: transformers reads it alone."""
    model, _ = loaded(source, tmp_path)
    (copy,) = checkpoints.copies(tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(copy.path, local_files_only=True)
    assert torch.equal(logits(model), logits(plain))
