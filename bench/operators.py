"""What each operator of torch costs: multiply-adds, elementwise work, or nothing.

The formulas follow from the operators' definitions; a test derives each by hand. An operator is
known by its name without namespace, overload and the trailing underscore of in-place variants.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from fvcore.nn.jit_handles import conv_flop_count

ELEMENTWISE = "elementwise"
NORM = "norm"

Formula = Callable[[tuple[Any, ...], Any], Counter[str]]
"""From an operator's arguments and result to its cost: `ELEMENTWISE` and `NORM` count elements,
every other name multiply-adds."""


def formula_of(operator: torch._ops.OpOverload) -> Formula | None:
    """Return how an operator that torch doesn't split further is counted; None where unknown.

    An unknown name that torch tags as pointwise is elementwise.
    """
    name = name_of(operator)
    if name in FORMULAS:
        return FORMULAS[name]
    if name in COSTLESS or operator.is_view:
        return _nothing
    return _one_per_element if torch.Tag.pointwise in operator.tags else None


def name_of(operator: torch._ops.OpOverload) -> str:
    """Return the bare name: `add` for `aten::add_.Tensor`."""
    name = operator._schema.name.partition("::")[2]
    return name if name.endswith("__") else name.removesuffix("_")


def _nothing(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    return Counter()


def _one_per_element(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count floating elements: what yields integers or truth values finds places or compares."""
    floating = (part for part in _tensors(result) if part.dtype.is_floating_point)
    return Counter({ELEMENTWISE: sum(part.numel() for part in floating)})


def _first_result(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the result alone, without the places or the statistics that come with it."""
    return _one_per_element(arguments, next(_tensors(result)))


def _norm(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    return Counter({NORM: next(_tensors(result)).numel()})


def _tensors(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, list | tuple):
        for part in result:
            yield from _tensors(part)


def _matrix(name: str, macs: Callable[..., int]) -> Formula:
    """Return a formula whose `macs` takes the shapes of the operator's first tensors."""

    def count(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
        return Counter({name: macs(*(part.shape for part in _tensors(list(arguments))))})

    return count


def _convolution(arguments: tuple[Any, ...], result: torch.Tensor) -> Counter[str]:
    """Count `input: [B, C, ...]` and `weight: [O, C / groups, ...]`, padded zeros included.

    In a transposed one, `weight: [C, O / groups, ...]`, each element of the input meets all weights
    of its channel, even where the product falls outside of the output.
    """
    inputs, weight, transposed = arguments[0], arguments[1], arguments[6]
    name = "conv_transpose" if transposed else "conv"
    macs = conv_flop_count(inputs.shape, weight.shape, result.shape, transposed=transposed)
    return Counter({name: int(macs)})


def _attention(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `query: [B, H, L, E]`, `key: [B, G, S, E]`, `value: [B, G, S, V]`; H / G heads share.

    The whole L x S product is counted, causal or not: it is what a kernel without a mask does, and
    what the printed counts of transformers hold.
    """
    query, _, value = (part.shape for part in arguments[:3])
    *heads, length, width = query
    pairs = math.prod(heads) * length * value[-2]
    return Counter(
        {"scaled_dot_product_attention": pairs * (width + value[-1]), ELEMENTWISE: pairs}
    )


def _native_attention(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count `query: [B, L, E]`, `key: [B, S, E]`: four projections, scores and weighted sum."""
    query, key, _, width, heads = arguments[:5]
    batch, length, source = query.shape[0], query.shape[1], key.shape[1]
    projections = 2 * batch * (length + source) * width**2
    pairs = batch * length * source
    macs = projections + 2 * pairs * width
    return Counter({"native_multi_head_attention": macs, ELEMENTWISE: pairs * heads})


def _encoder_layer(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
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


def _rnn_layer(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count one direction of a layer over `input: [T, B, I]`: both weights at every step."""
    inputs, weight, recurrent = arguments[:3]
    steps, batch, _ = inputs.shape
    return Counter({"lstm": steps * batch * (weight.numel() + recurrent.numel())})


def _matrices(a: torch.Size, b: torch.Size) -> int:
    """Return the products of `a: [..., M, K] @ b: [..., K, N]`."""
    return math.prod(a) * b[-1]


def _added_matrices(_: torch.Size, a: torch.Size, b: torch.Size) -> int:
    return _matrices(a, b)


def _vector(a: torch.Size, _: torch.Size) -> int:
    """Return the products of `a: [M, K] @ [K]`, or of two vectors `[K]`."""
    return math.prod(a)


def _added_vector(_: torch.Size, a: torch.Size, b: torch.Size) -> int:
    return _vector(a, b)


def _trilinear(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the sum over `i1 * i2 * i3` that nn.Bilinear is made of, in torch's order.

    First `i1 * i2`, summed over what the third lacks, then that times `i3`: for `[B, I]`,
    `[O, I, J]` and `[B, J]` that is `B * O * I * J + B * O * J`.
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
    return Counter({"trilinear": math.prod(first) + math.prod(second)})


FORMULAS: dict[str, Formula] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "mm": _matrix("mm", _matrices),
    "_int_mm": _matrix("mm", _matrices),
    "bmm": _matrix("bmm", _matrices),
    "addmm": _matrix("addmm", _added_matrices),
    "_addmm_activation": _matrix("addmm", _added_matrices),
    "addbmm": _matrix("addbmm", _added_matrices),
    "baddbmm": _matrix("baddbmm", _added_matrices),
    "mv": _matrix("mv", _vector),
    "addmv": _matrix("addmv", _added_vector),
    "dot": _matrix("dot", _vector),
    "vdot": _matrix("vdot", _vector),
    "_trilinear": _trilinear,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_native_multi_head_attention": _native_attention,
    "_transformer_encoder_layer_fwd": _encoder_layer,
    "mkldnn_rnn_layer": _rnn_layer,
    **dict.fromkeys(
        (
            *("native_layer_norm", "native_group_norm", "rms_norm"),
            *("native_batch_norm", "_native_batch_norm_legit_no_training"),
            *("_native_batch_norm_legit", "_batch_norm_with_update", "_batch_norm_no_update"),
        ),
        _norm,
    ),
    **dict.fromkeys(
        (
            *("_softmax", "_log_softmax", "_safe_softmax", "logsumexp", "glu", "hardswish"),
            *("_prelu_kernel", "mean", "sum", "prod", "cumsum", "cumprod", "amax", "amin", "addr"),
            *("norm", "linalg_vector_norm", "nanmean", "nansum", "log_sigmoid_forward"),
            *("avg_pool1d", "avg_pool2d", "avg_pool3d"),
            *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
            *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
            *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
            *("_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d"),
            *("upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa"),
            *("_upsample_bicubic2d_aa", "grid_sampler_2d", "grid_sampler_3d"),
        ),
        _one_per_element,
    ),
    **dict.fromkeys(
        (
            *("var", "std", "var_mean", "std_mean", "_thnn_fused_lstm_cell"),
            *("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool2d", "max_pool3d"),
            *("adaptive_max_pool2d", "adaptive_max_pool3d", "_thnn_fused_gru_cell"),
        ),
        _first_result,
    ),
}
"""Matrix work, normalisation, and elementwise work that torch doesn't tag as pointwise: 1 for each
element of the result. What is tagged as pointwise needs no line here."""

COSTLESS = frozenset(
    (
        # Copies and casts.
        *("clone", "copy", "_to_copy", "contiguous", "lift_fresh", "_unsafe_view", "positive"),
        *("cat", "stack", "repeat", "repeat_interleave", "tile", "roll", "flip", "rot90"),
        *("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
        *("replication_pad1d", "replication_pad2d", "replication_pad3d", "unfold_copy"),
        *("im2col", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "tril", "triu"),
        *("native_channel_shuffle", "unsafe_split", "unsafe_split_with_sizes", "dropout"),
        *("native_dropout", "bernoulli", "view_copy", "_reshape_copy", "expand_copy"),
        # Choosing and placing elements.
        *("index", "_unsafe_index", "index_select", "index_put", "_index_put_impl", "index_fill"),
        *(
            "index_copy",
            "as_strided",
            "gather",
            "take",
            "take_along_dim",
            "scatter",
            "select_scatter",
            "where",
        ),
        *("as_strided", "slice_scatter", "masked_fill", "masked_select", "masked_scatter"),
        *("embedding", "nonzero", "sort", "topk", "argsort", "one_hot", "unique_dim", "_unique2"),
        *(
            "bucketize",
            "searchsorted",
            "max",
            "min",
            "argmax",
            "argmin",
            "any",
            "all",
            "tril_indices",
        ),
        *("triu_indices", "diag_embed", "relu", "clamp", "clamp_min", "clamp_max"),
        # Fresh tensors.
        *("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "zeros"),
        *("new_empty_strided", "zeros_like", "new_zeros", "zero", "ones", "ones_like", "new_ones"),
        *("full", "full_like", "new_full", "fill", "scalar_tensor", "arange", "range", "linspace"),
        *("eye", "rand", "randn", "rand_like", "randn_like", "randint", "randperm", "normal"),
        *("uniform", "set", "resize"),
        # Questions about a tensor.
        *("_local_scalar_dense", "item", "is_same_size", "equal", "_fused_sdp_choice", "device"),
        *("_assert_async", "_assert_tensor_metadata"),
    )
)
"""What copies, moves, chooses, makes or asks, and multiplies nothing. ReLU and clamping are here
as in fvcore: nobody counts them. Views need no line: torch knows which operators are views."""

NAMED_WHOLE = frozenset(
    (
        *("linear", "matmul", "einsum", "tensordot", "bilinear", "scaled_dot_product_attention"),
        *("lstm", "gru", "rnn_tanh", "rnn_relu"),
        *("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
    )
)
"""Operators that torch splits into others, whose matrix work is shown under their own name."""

COUNTED_WHOLE = frozenset({"rms_norm"})
"""Operators that torch could split, but that are counted as they are."""
