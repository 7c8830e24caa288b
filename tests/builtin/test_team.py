"""Processes that train one model together."""

import multiprocessing
import os
from pathlib import Path

import torch
from torch import nn

from llamacli.builtin.chat.team import Team


def member(rank: int, folder: str) -> None:
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29533"}
    team = Team.of_environment()
    model = nn.Linear(2, 2)
    model.weight.grad, model.bias.grad = torch.full((2, 2), float(rank)), torch.tensor([10.0 * rank, 4.0])
    team.average(model)
    torch.save([model.weight.grad, model.bias.grad], Path(folder) / f"{rank}.pt")


def test_every_member_has_the_mean_of_all_gradients(tmp_path: Path) -> None:
    start = multiprocessing.get_context("spawn").Process
    members = [start(target=member, args=(rank, str(tmp_path))) for rank in range(2)]
    for process in members:
        process.start()
    for process in members:
        process.join()
    for rank in range(2):
        weight, bias = torch.load(tmp_path / f"{rank}.pt")
        assert weight.tolist() == [[0.5, 0.5], [0.5, 0.5]]
        assert bias.tolist() == [5.0, 4.0]


def test_one_process_alone_is_a_team() -> None:
    team = Team.of_environment()
    model = nn.Linear(1, 1)
    model.weight.grad = torch.ones(1, 1)
    team.average(model)
    assert (team.rank, team.size, model.weight.grad.item()) == (0, 1, 1.0)
