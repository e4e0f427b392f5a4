"""Checks of what only some networks do: streaming, optical flow, training, compiling."""

import torch

from ...zoo.spec import streams
from ..network.outputs import logits_of
from ..network.stream import FrameByFrame
from .finding import Finding, failed, passed, skipped, warned
from .subject import Subject, difference, shown


def stream(subject: Subject) -> Finding:
    """Check that the logits after the last frame of a stream are those of the clip."""
    if not streams(subject.module):
        return skipped("it takes whole clips: it has no `step`")
    clip = subject.inputs(2)
    try:
        step_by_step = subject.run(clip, FrameByFrame(subject.module))
    except Exception as error:
        return failed(
            f"its step fails: {shown(error)}",
            "step(frame, state) takes [B, 3, H, W] and None at first, and returns logits and state",
        )
    whole = subject.run(clip)
    if subject.agree(whole, step_by_step):
        return passed("frame by frame it gives the logits of the clip")
    share = difference(whole, step_by_step)
    return failed(
        f"frame by frame it gives other logits than for the clip, by {share:.1e} of the largest",
        "let `step` return the logits of all frames so far",
    )


def flow(subject: Subject) -> Finding:
    """Check that each input of a network with optical flow has a part in its logits."""
    kinds = subject.architecture.inputs
    if "flow" not in kinds:
        return skipped("it takes no optical flow")
    one, other = subject.inputs(1), subject.inputs(1, seed=5)
    logits = subject.run(one)
    for place, kind in enumerate(kinds):
        mixed = tuple(other[at] if at == place else each for at, each in enumerate(one))
        if difference(logits, subject.run(mixed)) <= subject.tolerance:
            return warned(
                f"another {kind} leaves the logits as they are",
                f"use the {kind}, or leave it out of inputs",
            )
    return passed(f"{' and '.join(kinds)} {'both have' if len(kinds) > 1 else 'has'} a part in it")


def training(subject: Subject) -> Finding:
    """Check that a step of training gives every parameter a gradient, and that another follows."""
    module = subject.build()
    module.train()
    try:
        for _ in range(2):  # what is computed in __init__ has a gradient once
            output = module(*(each.clone() for each in subject.inputs(2)))
            logits_of(output).logsumexp(dim=1).sum().backward()
    except Exception as error:
        return warned(
            f"it can't be trained: {shown(error)}",
            "compute all that depends on parameters in the forward, and let it be differentiable, "
            "if `fit` is to train it",
        )
    trained = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
    without = [name for name, each in trained if each.grad is None]
    if without:
        listed = ", ".join(without[:3]) + (", ..." if len(without) > 3 else "")
        return warned(
            f"in training {len(without)} of {len(trained)} parameters get no gradient: {listed}",
            "remove what the forward doesn't use; it counts among the parameters",
        )
    if not trained:
        return warned("it has no parameter that can be trained", "nothing, if `fit` isn't wanted")
    return passed(f"one step of training reaches all of its {len(trained)} parameter tensors")


def trace(subject: Subject) -> Finding:
    """Check that torch.compile traces the whole forward, no part of which is left to Python."""
    clip = subject.inputs(2)
    torch.compiler.reset()
    traced = torch.compile(subject.module, backend="eager", fullgraph=True)
    try:
        with torch.inference_mode():
            logits = logits_of(traced(*(each.clone() for each in clip)))
    except Exception as error:
        return warned(
            f"torch.compile can't trace the whole forward: {shown(error)}",
            "take out what it can't trace; --mode compile leaves that part to Python",
        )
    share = difference(logits, subject.run(clip))
    if share > subject.tolerance:
        return failed(
            f"traced by torch.compile it gives other logits, by {share:.1e} of the largest",
            "give --mode eager",
        )
    return passed("torch.compile traces the whole forward, and gives the same logits")


def compiled(subject: Subject) -> Finding:
    """Check that the network compiles as in --mode compile, and gives the logits of eager mode."""
    found = trace(subject)
    if found.status != "pass":
        return found
    clip = subject.inputs(1)
    torch.compiler.reset()
    try:
        with torch.inference_mode():
            compiled = torch.compile(subject.module, dynamic=False)
            logits = logits_of(compiled(*(each.clone() for each in clip)))
    except Exception as error:
        return failed(f"torch.compile fails: {shown(error)}", "give --mode eager")
    share = difference(logits, subject.run(clip))
    if share > subject.tolerance:
        return failed(
            f"compiled it gives other logits, by {share:.1e} of the largest", "give --mode eager"
        )
    return passed("compiled it gives the logits of eager mode")
