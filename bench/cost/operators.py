"""The formula of each of torch's operators, and the operators that cost nothing.

The tables have an operator's name without its overload, without the trailing underscore of in-place
variants, and without the namespace if it is torch's own.
"""

import torch
from torch._ops import OpOverload

from .formulas import (
    Formula,
    attention,
    convolution,
    deformable,
    encoder_layer,
    euclidean_distance,
    first_result,
    matrix_product,
    native_attention,
    normalisation,
    nothing,
    one_per_element,
    rnn_layer,
    time_major_convolution,
    trilinear,
)


def formula_of(operator: OpOverload) -> Formula | None:
    """Return the formula of an operator that torch doesn't split further; None if it is unknown.

    An operator outside the tables that torch tags as pointwise is elementwise.
    """
    name = name_of(operator)
    if name in FORMULAS:
        return FORMULAS[name]
    if name in COSTLESS or operator.is_view:
        return nothing
    return one_per_element if torch.Tag.pointwise in operator.tags else None


def name_of(operator: OpOverload) -> str:
    """Return `add` for `aten::add_.Tensor`, `torchvision::nms` for torchvision's."""
    namespace, _, name = operator._schema.name.partition("::")
    name = name if name.endswith("__") else name.removesuffix("_")
    return name if namespace in ("aten", "prim") else f"{namespace}::{name}"


FORMULAS: dict[str, Formula] = {
    "convolution": convolution,
    "_convolution": convolution,
    "conv_tbc": time_major_convolution,
    "torchvision::deform_conv2d": deformable,
    "mm": matrix_product("mm"),
    "_int_mm": matrix_product("mm"),
    "bmm": matrix_product("bmm"),
    "addmm": matrix_product("addmm"),
    "_addmm_activation": matrix_product("addmm"),
    "addbmm": matrix_product("addbmm"),
    "baddbmm": matrix_product("baddbmm"),
    "mv": matrix_product("mv"),
    "addmv": matrix_product("addmv"),
    "dot": matrix_product("dot"),
    "vdot": matrix_product("vdot"),
    "_trilinear": trilinear,
    "_euclidean_dist": euclidean_distance,
    "_scaled_dot_product_flash_attention_for_cpu": attention,
    "_native_multi_head_attention": native_attention,
    "_transformer_encoder_layer_fwd": encoder_layer,
    "mkldnn_rnn_layer": rnn_layer,
    **dict.fromkeys(
        (
            *("native_layer_norm", "native_group_norm", "rms_norm"),
            *("native_batch_norm", "_native_batch_norm_legit_no_training"),
            *("_native_batch_norm_legit", "_batch_norm_with_update", "_batch_norm_no_update"),
        ),
        normalisation,
    ),
    **dict.fromkeys(
        (
            *("_softmax", "_log_softmax", "_safe_softmax", "logsumexp", "glu", "hardswish"),
            *("_prelu_kernel", "mean", "sum", "prod", "cumsum", "cumprod", "amax", "amin", "addr"),
            *("norm", "linalg_vector_norm", "nanmean", "nansum", "log_sigmoid_forward"),
            *("floor_divide", "trace", "torchvision::roi_align", "torchvision::ps_roi_align"),
            *("avg_pool1d", "avg_pool2d", "avg_pool3d"),
            *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
            *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
            *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
            *("_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d"),
            *("upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa"),
            *("_upsample_bicubic2d_aa", "grid_sampler_2d", "grid_sampler_3d"),
            *("col2im", "polar"),
        ),
        one_per_element,
    ),
    **dict.fromkeys(
        (
            *("var", "std", "var_mean", "std_mean", "_thnn_fused_lstm_cell"),
            *("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool2d", "max_pool3d"),
            *("adaptive_max_pool2d", "adaptive_max_pool3d", "_thnn_fused_gru_cell"),
            "_weight_norm_interface",
        ),
        first_result,
    ),
}
"""Matrix products, normalisations, and elementwise operators that torch doesn't tag as pointwise,
which count 1 for each element of the result. Operators with that tag need no line here. A composite
operator with a formula counts as a whole, any other by its parts."""

HIGHER_ORDER: dict[str, Formula] = {"flex_attention": attention}
"""Operators that take functions. The work of a score function on each pair is not counted."""

COSTLESS = frozenset(
    (
        # Copies, casts and rearrangements.
        *("clone", "copy", "_to_copy", "contiguous", "lift_fresh", "positive", "cat", "stack"),
        *("repeat", "repeat_interleave", "tile", "roll", "flip", "rot90", "constant_pad_nd"),
        *("reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d"),
        *("replication_pad2d", "replication_pad3d", "im2col", "pixel_shuffle", "pixel_unshuffle"),
        *("native_channel_shuffle", "channel_shuffle", "tril", "triu", "dropout", "complex"),
        *("native_dropout", "view_copy", "expand_copy", "_reshape_copy", "_unsafe_view"),
        *("unsafe_split", "unsafe_split_with_sizes", "as_strided", "detach", "transpose", "t"),
        *("unsqueeze", "squeeze", "swapaxes", "swapdims", "_pack_padded_sequence"),
        *("_pad_packed_sequence",),
        # Reading and writing chosen elements.
        *("index", "_unsafe_index", "index_select", "index_put", "_index_put_impl", "index_fill"),
        *("index_copy", "gather", "take", "take_along_dim", "scatter", "select_scatter"),
        *("slice_scatter", "where", "masked_fill", "masked_select", "masked_scatter", "embedding"),
        *("nonzero", "sort", "topk", "argsort", "one_hot", "unique_dim", "_unique2", "bucketize"),
        *("searchsorted", "max", "min", "argmax", "argmin", "any", "all", "diag_embed", "relu"),
        *("clamp", "clamp_min", "clamp_max"),
        # New tensors.
        *("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty"),
        *("new_empty_strided", "zeros", "zeros_like", "new_zeros", "zero", "ones", "ones_like"),
        *("new_ones", "full", "full_like", "new_full", "fill", "scalar_tensor", "arange", "range"),
        *("linspace", "eye", "tril_indices", "triu_indices", "rand", "randn", "rand_like"),
        *("randn_like", "randint", "randperm", "normal", "uniform", "bernoulli", "set", "resize"),
        *("resize_as",),
        # Queries about a tensor.
        *("_local_scalar_dense", "item", "is_same_size", "equal", "_fused_sdp_choice", "device"),
        *("_assert_async", "_assert_tensor_metadata", "torchvision::_cuda_version"),
        # Marks for a profiler, which nn.DataParallel sets too.
        *("profiler::_record_function_enter", "profiler::_record_function_enter_new"),
        "profiler::_record_function_exit",
    )
)
"""Operators without multiplications: they copy, move, choose, make or query. ReLU and clamping are
here, as in fvcore, because no counter counts them. Views need no line: torch knows which operators
are views."""

NAMED_WHOLE = frozenset(
    (
        *("linear", "matmul", "einsum", "tensordot", "bilinear", "scaled_dot_product_attention"),
        *("lstm", "gru", "rnn_tanh", "rnn_relu"),
        *("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"),
    )
)
"""Operators that torch splits into others, but whose matrix products count under their own name."""
