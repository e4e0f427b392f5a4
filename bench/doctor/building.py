"""Checks of the builder: its entry, what it returns, that it repeats itself, its other inputs."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity, some
from ...zoo import registry
from ..cost.parameters import UNREGISTERED, unregistered_layers
from ..network.digest import network_digest
from .finding import Finding, failed, passed, warned
from .subject import SEED, Subject, other_shapes, shown

NEXT_TO_IT = 'name a file next to the plug-in by its place: Path(__file__).with_name("config.json")'


def entry(subject: Subject) -> Finding:
    """Check the registry's entry: where it is from, its inputs, and its own clip."""
    architecture, shape = subject.architecture, subject.shape
    plugin = registry.plugin_of(architecture.name)
    origin = registry.module_of(architecture.build) if plugin is None else plugin.name
    clip = f"{shape.frames} frames of {shape.size}x{shape.size}, {shape.classes} classes"
    own = "its own clip" if architecture.native else "no clip of its own, so"
    return passed(f"from {origin}; takes {' and '.join(architecture.inputs)}; {own} {clip}")


def build(subject: Subject) -> Finding:
    """Check that the builder returns a module in fp32 on the CPU, whose modes can be set."""
    try:
        module = subject.built()
    except KinobenchError as error:
        message, _, cure = str(error).rpartition("; ")
        return failed(message or str(error), cure)
    except FileNotFoundError as error:
        return failed(f"the builder fails: {shown(error)}", NEXT_TO_IT)
    except Exception as error:
        return failed(f"the builder fails: {shown(error)}", "run it by itself, and correct it")
    tensors = [*module.parameters(), *module.buffers()]
    lazy = [each for each in tensors if is_lazy(each)]
    whole = [each for each in tensors if not is_lazy(each)]
    away = {str(each.device) for each in whole if each.device.type != "cpu"}
    if away:
        return failed(
            f"the builder puts the network on {', '.join(sorted(away))}",
            "build it on the CPU: kinobench moves it to the device of the case",
        )
    # Quantised and complex parameters stay as they are in every precision.
    real = [each for each in module.parameters() if each.is_floating_point()]
    kinds = {str(each.dtype) for each in real} - {"torch.float32"}
    if kinds:
        return failed(
            f"parameters are {', '.join(sorted(kinds))}; clips are float32",
            "build it in float32: --precision chooses another type",
        )
    count = sum(each.numel() for each in module.parameters() if not is_lazy(each))
    text = f"{type(module).__name__}, {quantity(count, 'parameter', spec=',')}"
    if module.train(True) is not module or module.eval() is not module:
        return warned(
            f"{text}; its train() or eval() doesn't return the module, as torch's does",
            "end its train() with `return super().train(mode)`: other tools need it",
        )
    if outside := unregistered_layers(module):
        message, _, cure = UNREGISTERED.partition("; ")
        return warned(f"{text}; {some(outside)}: {message}", cure)
    if lazy:
        layers = quantity(len(lazy), "parameter")
        return warned(
            f"{text}; {layers} of lazy layers get a shape in the first forward",
            "give these layers their sizes in __init__, if you can",
        )
    return passed(text)


def seed(subject: Subject) -> Finding:
    """Check that two builds under one seed are the same to the bit."""
    one, other = subject.build(), subject.build()
    if network_digest(one) == network_digest(other):
        return passed("two builds with one seed are the same to the bit")
    theirs = other.state_dict()
    differ = [
        name
        for name, value in one.state_dict().items()
        if isinstance(value, torch.Tensor) and not is_lazy(value) and not _same(value, theirs, name)
    ]
    what = ", ".join(differ[:3]) + (", ..." if len(differ) > 3 else "") or "their structure"
    return failed(
        f"two builds with one seed differ: {what}",
        "draw with torch's own generator, without a seed of your own: not with numpy or random, "
        "and not from the time",
    )


def _same(value: torch.Tensor, others: dict[str, torch.Tensor], name: str) -> bool:
    other = others.get(name)
    return other is not None and torch.equal(value, other)


def inputs(subject: Subject) -> Finding:
    """Check other numbers of classes, frames and pixels; a network may refuse them in words."""
    taken, refused = [], []
    for what, shape in other_shapes(subject.shape).items():
        try:
            module = subject.build(shape, SEED)
        except Exception as error:
            if what.endswith("classes"):
                return failed(
                    f"it can't be built for {what}: {shown(error)}",
                    "give its head `num_classes` outputs",
                )
            refused.append(f"{what} ({shown(error)})")
            continue
        given = subject.inputs(1, shape=shape)
        try:
            logits = subject.run(given, module)
        except Exception as error:
            return warned(
                f"it is built for {what}, but its forward fails: {shown(error)}",
                "use the builder's `frames` and `size`, or raise a KinobenchError in the builder "
                "that says what the network takes",
            )
        if tuple(logits.shape) != (1, shape.classes):
            return failed(
                f"built for {what}, it gives {list(logits.shape)}, not [1, {shape.classes}]",
                "give its head `num_classes` outputs",
            )
        taken.append(what)
    text = f"takes {', '.join(taken)} as well"
    return passed(f"{text}; refuses {', '.join(refused)}" if refused else text)


def made_in_forward(before: nn.Module, names: set[str]) -> list[str]:
    """Return the layers and parameters that a module has and `names` doesn't list."""
    return [name for name in _names(before) if name not in names]


def names_in(module: nn.Module) -> set[str]:
    """Return the names of a module's layers and parameters."""
    return set(_names(module))


def _names(module: nn.Module) -> list[str]:
    layers = [name for name, _ in module.named_modules()]
    return layers + [name for name, _ in module.named_parameters()]
