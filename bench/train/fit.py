"""Training a network by a recipe: AdamW, cosine, label smoothing, an average of the weights.

Devices, precision, processes and gradients are Accelerate's; what is here is the step.
"""

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ...datasets.errors import KinobenchError
from ...datasets.names import FlowMethod
from ...datasets.protocol import Protocol
from ...datasets.split import Split
from ...zoo import registry
from ..records.fitted_weights import Epoch
from ..records.record import Device
from . import checkpoint as fit_checkpoint
from . import running_statistics
from .clips import Batch, ShuffledVideos, TrainingClips, collate
from .recipe import Recipe

Progress = Callable[[int, int, int], None]
"""Called with the epoch, the steps of it that are done, and how many it has."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be trained, on what, how.

    Attributes:
        model: The registry's name.
        split: What is trained on.
        protocol: Frames, stride, size and normalisation of a clip.
        recipe: The numbers.
        seed: Of the first weights, and of all that is drawn.
        flow: How optical flow is computed for a network that takes it.
        device: Where.
        workers: Processes that read videos beside each training process; 0 reads in it.
    """

    model: str
    split: Split
    protocol: Protocol
    recipe: Recipe
    seed: int
    flow: FlowMethod
    device: Device
    workers: int = 0

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that decides the result on one machine."""
        decisive = (
            self.model,
            self.split.dataset,
            self.split.name,
            self.split.manifest,
            self.protocol.digest,
            self.recipe.digest,
            self.seed,
            self.flow if "flow" in registry.get(self.model).inputs else None,
            self.device,
        )
        return hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()[:16]


class DivergedError(KinobenchError):
    """The loss is not a number any more."""


def fit(
    order: Order,
    checkpoint: Path,
    *,
    progress: Progress = lambda epoch, done, total: None,
    on_epoch: Callable[[list[Epoch]], None] = lambda curve: None,
) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    """Train, from where the checkpoint stands if there is one, and return the averaged weights.

    Running statistics that were too slow for so few steps are measured anew over one epoch more.

    Args:
        order: What.
        checkpoint: A file that is replaced, as a whole, after every epoch.
        progress: Told after every step.
        on_epoch: Told the learning curve after every epoch, in the main process.

    Returns:
        The state of the average of the weights, on the CPU, and the learning curve.

    Raises:
        DivergedError: The loss is infinite or not a number; the checkpoint is the last good one.
        KinobenchError: The network can't be built, or no video be read.
    """
    recipe = order.recipe
    cuda = order.device == "cuda"
    accelerator = Accelerator(mixed_precision="bf16" if cuda else "no", cpu=not cuda)
    architecture = registry.get(order.model)
    torch.manual_seed(order.seed)
    protocol = order.protocol
    network = architecture.build(len(order.split.classes), protocol.frames, protocol.size)
    _prepare_layers(network, recipe.dropout_scale)
    per_frame = bool(getattr(network, "trained_per_frame", False))
    clips = TrainingClips(
        order.split, protocol, architecture.inputs, order.flow, recipe, order.seed
    )
    sampler = ShuffledVideos(len(clips), order.seed, recipe.clips_per_epoch)
    batch = min(recipe.batch, len(sampler))
    if batch % accelerator.num_processes:
        raise KinobenchError(
            f"a batch of {batch} can't be shared by {accelerator.num_processes} processes; give a "
            "recipe whose batch is a multiple of them"
        )
    loader = DataLoader(
        clips,
        batch_size=batch // accelerator.num_processes,
        sampler=sampler,
        num_workers=order.workers,
        collate_fn=collate,
        drop_last=True,
        pin_memory=cuda,
        persistent_workers=order.workers > 0,
    )
    optimizer = torch.optim.AdamW(
        _groups(network, recipe.weight_decay), lr=recipe.learning_rate, betas=recipe.betas
    )
    curve: list[Epoch] = []
    average = AveragedModel(
        network.to(accelerator.device),
        multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay),
        use_buffers=True,
    )
    if checkpoint.is_file():
        curve = fit_checkpoint.read(checkpoint, order.digest, network, average, optimizer)
    module, accelerated, shared = accelerator.prepare(network, optimizer, loader)
    steps = len(shared)
    done = len(curve) * steps
    rate = rate_of(recipe, steps)

    def laid_out(found: Batch) -> Batch:
        inputs, labels = _per_frame(found) if per_frame else found
        return Batch(tuple(_channels_last(each) for each in inputs), labels)

    for epoch in range(len(curve), recipe.epochs):
        begin = time.monotonic()
        # Of dropout: the same wherever it is continued, and another in each process.
        torch.manual_seed((order.seed * 1_000_003 + epoch) * 4099 + accelerator.process_index)
        sampler.epoch = epoch
        module.train()
        told = torch.zeros(3, device=accelerator.device)  # the sum of losses, the hits, the clips
        for step, found in enumerate(shared):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * rate(done)
            inputs, labels = laid_out(found)
            logits = module(*inputs)  # in autocast, as prepared
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            accelerated.zero_grad()
            accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(module.parameters(), recipe.clip_norm)
            if not torch.isfinite(loss + norm):
                raise DivergedError(
                    f"{order.model}: the loss is {loss.item()} and its gradient's norm "
                    f"{float(norm)} in epoch {epoch + 1}, step {step + 1}; take a lower "
                    "learning_rate or a longer warm-up"
                )
            accelerated.step()
            average.update_parameters(accelerator.unwrap_model(module))
            done += 1
            hits = (logits.argmax(1) == labels).sum()
            told += torch.stack([loss.detach() * len(labels), hits, hits.new_tensor(len(labels))])
            progress(epoch, step + 1, steps)
        loss_sum, right, seen = accelerator.reduce(told, reduction="sum").tolist()
        curve.append(
            Epoch(
                epoch=epoch + 1,
                step=done,
                learning_rate=recipe.learning_rate * rate(done - 1),
                loss=loss_sum / seen,
                top1=right / seen,
                seconds=time.monotonic() - begin,
            )
        )
        if accelerator.is_main_process:
            unwrapped = accelerator.unwrap_model(module)
            fit_checkpoint.write(checkpoint, order.digest, unwrapped, average, optimizer, curve)
            on_epoch(curve)
        accelerator.wait_for_everyone()
    if running_statistics.lag_behind(average.module, done):
        torch.manual_seed(order.seed)
        sampler.epoch = recipe.epochs
        batches = (laid_out(found).inputs for found in shared)
        running_statistics.measure_anew(average.module, batches, accelerator)
    state = average.module.state_dict()
    return {name: entry.detach().cpu().clone() for name, entry in state.items()}, curve


def _prepare_layers(network: nn.Module, dropout_scale: float) -> None:
    """Scale dropouts, and put filters into channels-last order.

    Convolutions of few channels, forwards and backwards, take half as long so on a CPU.
    """
    for layer in network.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):  # the base of all of torch's
            layer.p *= dropout_scale
        elif isinstance(layer, nn.Conv2d | nn.Conv3d):
            layer.weight.data = _channels_last(layer.weight.data)


def _channels_last(entry: torch.Tensor) -> torch.Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if entry.dim() not in formats:
        return entry
    return entry.contiguous(memory_format=formats[entry.dim()])


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return the parameters that decay, and the biases and normalisations that don't."""
    trained = [each for each in network.parameters() if each.requires_grad]
    return [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]


def rate_of(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return the learning rate of each step, over its highest."""
    warm, total = recipe.warmup_epochs * steps, recipe.epochs * steps
    least = recipe.final_learning_rate / recipe.learning_rate

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        share = (step - warm) / max(total - warm, 1)
        return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * share))

    return rate


def _per_frame(batch: Batch) -> Batch:
    """Return every frame as a clip of one: a network that averages frames must not learn to tell
    a class by how its frames differ."""
    (clip,) = batch.inputs
    frames = clip.shape[2]
    alone = clip.transpose(1, 2).flatten(0, 1).unsqueeze(2)
    return Batch((alone,), batch.labels.repeat_interleave(frames))
