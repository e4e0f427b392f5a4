"""The formulas that count the work of torch's operators, from their arguments and results.

The formulas follow from the operators' definitions; a test derives each by hand.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from fvcore.nn.jit_handles import conv_flop_count

from .layouts import element_count, is_sparse, values_of

ELEMENTWISE = "elementwise"
NORM = "norm"

Formula = Callable[[tuple[Any, ...], Any], Counter[str]]
"""Takes an operator's arguments and result, and returns its cost: `ELEMENTWISE` and `NORM` count
elements, and every other name counts multiply-adds."""


def nothing(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count no work at all."""
    return Counter()


def one_per_element(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count floating-point and quantised elements, and both parts of complex ones.

    An operator that gives integers or truth values compares or finds indices: it costs nothing.
    """
    numbers = (part for part in _tensors(result) if _is_of_numbers(part))
    return Counter({ELEMENTWISE: sum(element_count(part) * _parts(part) for part in numbers)})


def first_result(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the first result alone, without its indices or statistics."""
    return one_per_element(arguments, next(_tensors(result)))


def normalisation(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the normalised elements, without their statistics."""
    return Counter({NORM: next(_tensors(result)).numel()})


def _tensors(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, list | tuple):
        for part in result:
            yield from _tensors(part)


def _is_of_numbers(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized


def _parts(tensor: torch.Tensor) -> int:
    """Return the real numbers in an element of `tensor: [...]`: 2 if it is complex."""
    return 2 if tensor.is_complex() else 1


def matrix_product(name: str) -> Formula:
    """Return the formula of an operator whose last two tensors are multiplied.

    They are `[..., M, K] @ [..., K, N]`, `[M, K] @ [K]` or `[K] @ [K]`; a tensor before them is
    added. A product of two complex numbers is four products of real ones. Of a sparse matrix, only
    the elements that it keeps are multiplied: `nnz * N`, or `M * nnz`.
    """

    def count(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
        *_, left, right = _tensors(arguments)
        columns = right.shape[-1] if right.dim() > 1 else 1
        if is_sparse(left) and is_sparse(right):
            macs = _sparse_products(left, right)
        elif is_sparse(right):
            macs = left.shape[-2] * values_of(right).numel()
        else:
            macs = element_count(left) * columns
        return Counter({name: macs * _parts(left) * _parts(right)})

    return count


def _sparse_products(left: torch.Tensor, right: torch.Tensor) -> int:
    """Count the pairs of kept elements that meet in `[M, K] @ [K, N]`, both sparse."""
    places = left.shape[-1]
    columns = left.to_sparse_coo().coalesce().indices()[1].bincount(minlength=places)
    rows = right.to_sparse_coo().coalesce().indices()[0].bincount(minlength=places)
    return int((columns * rows).sum())


def sampled_product(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `[M, K] @ [K, N]` at the places that `sampled: [M, N]`, which is sparse, keeps."""
    sampled, left = arguments[:2]
    return Counter({"addmm": element_count(sampled) * left.shape[-1]})


def recurrent(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `input: [T, B, I]`, or the `[N, I]` of a packed batch: all weights at every step.

    It is the operator of cuDNN, which takes the weights of all layers and directions in one list.
    """
    inputs, weights = arguments[:2]
    steps = math.prod(inputs.shape[:-1])
    return Counter({"lstm": steps * sum(each.numel() for each in weights if each.dim() > 1)})


def per_component(formula: Formula) -> Formula:
    """Return the formula of an operator on nested tensors: the sum over their components."""

    def count(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
        spread = [part.unbind() if _is_nested(part) else None for part in (*arguments, result)]
        total: Counter[str] = Counter()
        for place in range(max(len(parts) for parts in spread if parts is not None)):
            given = [
                whole if parts is None else parts[place]
                for whole, parts in zip((*arguments, result), spread, strict=True)
            ]
            total += formula(tuple(given[:-1]), given[-1])
        return total

    return count


def _is_nested(part: Any) -> bool:
    return isinstance(part, torch.Tensor) and part.is_nested


def linear(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [..., K]` and `weight: [N, K]`."""
    return Counter({"linear": arguments[0].numel() * arguments[1].shape[0]})


def convolution(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [B, C, ...]` and `weight: [O, C / groups, ...]`, padded zeros included.

    In a transposed convolution, `weight: [C, O / groups, ...]`, each element of the input meets all
    weights of its channel, even if the product is outside the output. Torch splits a complex
    convolution into three real ones, which come here one by one.
    """
    inputs, weight, transposed = arguments[0], arguments[1], arguments[6]
    name = "conv_transpose" if transposed else "conv"
    macs = conv_flop_count(inputs.shape, weight.shape, result.shape, transposed=transposed)
    return Counter({name: int(macs) * _parts(inputs) * _parts(weight)})


def deformable(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [B, C, H, W]` and `weight: [O, C / groups, h, w]` after the sampling."""
    inputs, weight = arguments[:2]
    return Counter({"deform_conv": int(conv_flop_count(inputs.shape, weight.shape, result.shape))})


def time_major_convolution(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [T, B, C]`, `weight: [K, C, O]`: all weights at every position."""
    weight = arguments[1]
    return Counter({"conv": math.prod(result.shape[:2]) * weight.numel()})


def attention(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `query: [B, H, L, E]`, `key: [B, G, S, E]`, `value: [B, G, S, V]`; H / G heads share.

    The whole L x S product counts, causal or not: a kernel without a mask computes it, and the
    printed counts of transformers include it.
    """
    query, _, value = (part.shape for part in arguments[:3])
    *heads, length, width = query
    pairs = math.prod(heads) * length * value[-2]
    return Counter(
        {"scaled_dot_product_attention": pairs * (width + value[-1]), ELEMENTWISE: pairs}
    )


def native_attention(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `query: [B, L, E]`, `key: [B, S, E]`: four projections, scores and weighted sum."""
    query, key, _, width, heads = arguments[:5]
    batch, length, source = query.shape[0], query.shape[1], key.shape[1]
    projections = 2 * batch * (length + source) * width**2
    pairs = batch * length * source
    macs = projections + 2 * pairs * width
    return Counter({"native_multi_head_attention": macs, ELEMENTWISE: pairs * heads})


def encoder_layer(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `source: [B, L, E]`: self-attention, two linear layers and two normalisations."""
    source, width, heads, hidden = *arguments[:3], arguments[14].shape[0]
    batch, length, _ = source.shape
    attention = 4 * batch * length * width**2 + 2 * batch * length**2 * width
    feed_forward = 2 * batch * length * width * hidden
    return Counter(
        {
            "transformer_encoder_layer": attention + feed_forward,
            NORM: 2 * source.numel(),
            ELEMENTWISE: batch * heads * length**2 + 2 * source.numel(),
        }
    )


def rnn_layer(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count one direction of a layer over `input: [T, B, I]`: both weights at every step."""
    inputs, weight, recurrent = arguments[:3]
    steps, batch, _ = inputs.shape
    return Counter({"lstm": steps * batch * (weight.numel() + recurrent.numel())})


def trilinear(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the sum over `i1 * i2 * i3` that nn.Bilinear is made of, in torch's order.

    First comes `i1 * i2`, summed over the dimensions that `i3` doesn't have, then the product with
    `i3`: for `[B, I]`, `[O, I, J]` and `[B, J]`, this is `B * O * I * J + B * O * J`.
    """
    expanded = arguments[3:6]
    shapes = []
    for part, places in zip(arguments[:3], expanded, strict=True):
        shape = list(part.shape)
        for place in sorted(places):
            shape.insert(place, 1)
        shapes.append(shape)
    first = [max(sizes) for sizes in zip(*shapes[:2], strict=True)]
    joint = [max(sizes) for sizes in zip(*shapes, strict=True)]
    summed_first = set(arguments[6]) & set(expanded[2])
    second = (size for place, size in enumerate(joint) if place not in summed_first)
    one, two, three = (_parts(part) for part in arguments[:3])
    macs = math.prod(first) * one * two + math.prod(second) * max(one, two) * three
    return Counter({"trilinear": macs})


def euclidean_distance(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `left: [..., P, M]`, `right: [..., R, M]`: the product in `l**2 - 2 * l @ r + r**2`.

    The squares are elementwise, and so is the root of each of the P x R distances.
    """
    left, right = arguments[:2]
    squares = left.numel() + right.numel()
    macs = result.numel() * left.shape[-1]
    return Counter({"cdist": macs, ELEMENTWISE: squares + result.numel()})
