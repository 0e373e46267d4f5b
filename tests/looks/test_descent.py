import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from vfxstyle.looks.descent import Descent, OneCycle
from vfxstyle.looks.predictor import Predictor


def loss_of(network, step):
    inputs = torch.from_numpy(np.random.default_rng(step).normal(0, 1, (20, 6)).astype(np.float32))
    return (network(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()


@pytest.mark.parametrize("steps", [1, 5, 19, 60])
def test_steps_are_those_of_torch(steps):
    ours, theirs = Predictor(6, seed=1), Predictor(6, seed=1)
    own = Descent(ours, OneCycle(steps, 3e-3), weight_decay=0.5)
    for one, two in zip(own.averaged.parameters(), theirs.parameters(), strict=True):
        assert one.equal(two)
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=3e-3, weight_decay=0.5)
    schedule = OneCycleLR(optimiser, 3e-3, max(steps, 20) + 1, pct_start=0.1)
    averaged = AveragedModel(theirs, avg_fn=lambda mean, new, before: mean + (new - mean) * 9 / (10 + before))
    for step in range(steps):
        size, momentum = OneCycle(steps, 3e-3).at(step)
        assert size == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        assert momentum == pytest.approx(optimiser.param_groups[0]["betas"][0], rel=1e-9)
        own.step(loss_of(ours, step))
        optimiser.zero_grad()
        loss_of(theirs, step).backward()
        optimiser.step()
        schedule.step()
        averaged.update_parameters(theirs)
    for mine, torchs in ((ours, theirs), (own.averaged, averaged.module)):
        for one, two in zip(mine.parameters(), torchs.parameters(), strict=True):
            torch.testing.assert_close(one, two, atol=2e-6, rtol=1e-4)
