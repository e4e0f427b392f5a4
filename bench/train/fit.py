"""Training a network by a recipe: AdamW, cosine, label smoothing, an average of the weights.

Accelerate takes care of devices, precision, processes and gradients; the step is here.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.build import build, named_model, no_late_layers
from ..cost.seeds import seed_all
from ..cost.shape import Shape
from ..network.second import built_again
from ..records.computed import Computed
from ..records.fitted_weights import Epoch
from . import checkpoint as fit_checkpoint
from . import running_statistics
from .average import AverageNetwork
from .clips import ShuffledVideos
from .layout import prepare_layers
from .lessons import lesson_of
from .recipe import Recipe
from .start import take_backbone, take_start
from .training import Training

Progress = Callable[[int, int, int], None]
"""Called with the epoch, the steps of it that are done, and how many it has."""


class DivergedError(KinobenchError):
    """The loss is infinite or not a number."""


def fit(
    training: Training,
    checkpoint: Path,
    *,
    computes: Computed | None = None,
    progress: Progress = lambda epoch, done, total: None,
    on_epoch: Callable[[list[Epoch]], None] = lambda curve: None,
) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    """Train, from where the checkpoint stopped if there is one, and return the averaged weights.

    Running statistics that are too slow for so few steps are measured again over one more epoch.

    Args:
        training: The network to train, the videos, and the settings.
        checkpoint: A file that is replaced, as a whole, after every epoch.
        computes: What the network computes before it is trained, with which that of the checkpoint
            is compared; None: it is not compared.
        progress: Called after every step.
        on_epoch: Called with the learning curve after every epoch, in the main process.

    Returns:
        The state of the average of the weights, on the CPU, and the learning curve.

    Raises:
        DivergedError: The loss is infinite or not a number; the checkpoint is the last good one.
        KinobenchError: The network can't be built, or no video can be read; or the checkpoint is of
            a network that computed something else.
    """
    trainer = _Trainer(training, checkpoint, computes)
    curve = trainer.curve
    for epoch in range(len(curve), training.recipe.epochs):
        curve.append(trainer.train_epoch(epoch, progress))
        if trainer.accelerator.is_main_process:
            trainer.write(checkpoint)
            on_epoch(curve)
        trainer.accelerator.wait_for_everyone()
    return trainer.averaged_weights(), curve


class _Trainer:
    """A network in training, with all that a step needs.

    Attributes:
        accelerator: The devices, the precision and the processes.
        curve: The epochs so far.
    """

    def __init__(self, training: Training, checkpoint: Path, computes: Computed | None) -> None:
        """Build the network, and put back what the checkpoint has, if there is one."""
        self._training, recipe = training, training.recipe
        self._computes = computes
        cuda = training.device == "cuda"
        self.accelerator = Accelerator(mixed_precision="bf16" if cuda else "no", cpu=not cuda)
        architecture = registry.get(training.model)
        seed_all(training.seed)
        protocol = training.protocol
        shape = Shape(protocol.frames, protocol.size, len(training.split.classes))
        network = build(architecture, shape.classes, shape.frames, shape.size)
        if training.start is not None:
            take_start(network, training.model, training.start)
        elif training.backbone is not None:
            take_backbone(network, training.backbone, shape)
        prepare_layers(network, recipe.dropout_scale)
        second = built_again(training.model, shape, network, seed=training.seed)
        prepare_layers(second, recipe.dropout_scale)
        self._lesson = lesson_of(training, network, self.accelerator.num_processes)
        items: Any = self._lesson.items()
        self._sampler = ShuffledVideos(len(items), training.seed, recipe.clips_per_epoch)
        loader = self._loader(items)
        self._optimizer = torch.optim.AdamW(
            _groups(network, recipe.weight_decay), lr=recipe.learning_rate, betas=recipe.betas
        )
        network = network.to(self.accelerator.device)
        self._average = AverageNetwork(second.to(self.accelerator.device), recipe.ema_decay)
        self.curve: list[Epoch] = []
        if checkpoint.is_file():
            self.curve = fit_checkpoint.read(
                checkpoint,
                training.digest,
                computes,
                network,
                self._average,
                self._optimizer,
            )
        self._network, self._stepper, self._batches = self.accelerator.prepare(
            network, self._optimizer, loader
        )
        self._steps = len(self._batches)
        self._done = len(self.curve) * self._steps
        self._rate = rate_of(recipe, self._steps)

    def _loader(self, items: "Dataset[Any]") -> "DataLoader[Any]":
        processes = self.accelerator.num_processes
        batch = min(self._training.recipe.batch, len(self._sampler))
        if batch % processes:
            raise KinobenchError(
                f"a batch of {batch} can't be shared by {processes} processes; give a recipe whose "
                "batch is a multiple of them"
            )
        workers = self._training.workers
        return DataLoader(
            items,
            batch_size=batch // processes,
            sampler=self._sampler,
            num_workers=workers,
            collate_fn=self._lesson.collate,
            drop_last=True,
            pin_memory=self._training.device == "cuda",
            persistent_workers=workers > 0,
        )

    def train_epoch(self, epoch: int, progress: Progress) -> Epoch:
        """Take the steps of an epoch, from 0, and return its point of the learning curve.

        Raises:
            DivergedError: The loss is infinite or not a number.
        """
        begin = time.monotonic()
        accelerator, seed = self.accelerator, self._training.seed
        # This seeds dropout: the same wherever the training continues, and another in each process.
        torch.manual_seed((seed * 1_000_003 + epoch) * 4099 + accelerator.process_index)
        self._sampler.epoch = epoch
        self._lesson.set_mode(self._network)
        totals = torch.zeros(3, device=accelerator.device)  # the sum of losses, the hits, the clips
        for step, found in enumerate(self._batches, 1):
            totals += self._step(found, f"epoch {epoch + 1}, step {step}")
            progress(epoch, step, self._steps)
        loss_sum, right, seen = accelerator.reduce(totals, reduction="sum").tolist()
        return Epoch(
            epoch=epoch + 1,
            step=self._done,
            learning_rate=self._training.recipe.learning_rate * self._rate(self._done - 1),
            loss=loss_sum / seen,
            top1=right / seen,
            seconds=time.monotonic() - begin,
        )

    def _step(self, found: Any, when: str) -> torch.Tensor:
        """Change the weights by one batch; return the sum of losses, the hits and the clips."""
        recipe, accelerator = self._training.recipe, self.accelerator
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate * self._rate(self._done)
        plain = accelerator.unwrap_model(self._network)
        first = self._done == 0
        with no_late_layers(plain, self._training.model) if first else nullcontext():
            found = self._lesson.outcome(self._network, plain, found)  # in autocast, as prepared
        loss = found.loss
        self._stepper.zero_grad()
        with _explained(self._training.model):
            accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(self._network.parameters(), recipe.clip_norm)
        if not torch.isfinite(loss + norm):
            raise DivergedError(
                f"{self._training.model}: the loss is {loss.item()} and its gradient's norm "
                f"{float(norm)} in {when}; take a lower learning_rate or a longer warm-up"
            )
        self._stepper.step()
        self._average.update(plain)
        self._done += 1
        right, items = found.right.to(loss.dtype), found.items
        return torch.stack([loss.detach() * items, right, right.new_tensor(items)])

    def write(self, checkpoint: Path) -> None:
        """Keep everything that the next epoch needs."""
        fit_checkpoint.write(
            checkpoint,
            self._training.digest,
            self._computes,
            self.accelerator.unwrap_model(self._network),
            self._average,
            self._optimizer,
            self.curve,
        )

    def averaged_weights(self) -> dict[str, torch.Tensor]:
        """Return the average of the weights, on the CPU, with running statistics that fit them."""
        average = self._average.module
        if self._lesson.refreshes and running_statistics.lag_behind(average, self._done):
            torch.manual_seed(self._training.seed)
            self._sampler.epoch = self._training.recipe.epochs
            batches = (self._lesson.inputs(found) for found in self._batches)
            running_statistics.measure_again(average, batches, self.accelerator)
        return {name: entry.detach().cpu().clone() for name, entry in average.state_dict().items()}


@contextmanager
def _explained(model: str) -> Iterator[None]:
    """Say the cure where a network's gradients lead back into the step before.

    Raises:
        KinobenchError: They do.
    """
    try:
        yield
    except RuntimeError as error:
        if "backward through the graph a second time" not in str(error):
            raise
        raise KinobenchError(
            f"{named_model(model)} can't be trained: its forward uses what was computed from its "
            "parameters before the forward, or in the one before; compute it in each forward"
        ) from error


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return the parameters that decay, and the biases and normalisations that don't."""
    trained = [each for each in network.parameters() if each.requires_grad]
    return [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]


def rate_of(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return the learning rate of each step, as a share of the highest."""
    warm, total = recipe.warmup_epochs * steps, recipe.epochs * steps
    least = recipe.final_learning_rate / recipe.learning_rate

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        share = (step - warm) / max(total - warm, 1)
        return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * share))

    return rate
