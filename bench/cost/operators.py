"""The formula of each of torch's operators, and the operators that cost nothing.

The tables have an operator's name without its overload, without the trailing underscore of in-place
variants, and without the namespace if it is torch's own.
"""

from collections import Counter
from typing import Any

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
    linear,
    matrix_product,
    native_attention,
    normalisation,
    nothing,
    one_per_element,
    per_component,
    recurrent,
    rnn_layer,
    sampled_product,
    time_major_convolution,
    trilinear,
)
from .quantised import QUANTISED


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
    "_sparse_mm": matrix_product("mm"),
    "_sparse_sparse_matmul": matrix_product("mm"),
    "hspmm": matrix_product("mm"),
    "_sparse_mm_reduce_impl": matrix_product("mm"),
    "_sparse_addmm": matrix_product("addmm"),
    "sspaddmm": matrix_product("addmm"),
    "sparse_sampled_addmm": sampled_product,
    "dot": matrix_product("dot"),
    "vdot": matrix_product("vdot"),
    "_trilinear": trilinear,
    "_euclidean_dist": euclidean_distance,
    **dict.fromkeys(
        (
            *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
            *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        attention,
    ),
    "_native_multi_head_attention": native_attention,
    "_transformer_encoder_layer_fwd": encoder_layer,
    "mkldnn_rnn_layer": rnn_layer,
    "_cudnn_rnn": recurrent,
    **QUANTISED,
    **dict.fromkeys(
        (
            *("native_layer_norm", "native_group_norm", "rms_norm"),
            *("native_batch_norm", "_native_batch_norm_legit_no_training"),
            *("cudnn_batch_norm", "_fused_rms_norm", "quantized_batch_norm"),
            *(f"quantized::{each}_norm" for each in ("batch", "layer", "group", "instance")),
            *(f"quantized::batch_norm{each}" for each in ("1d", "2d", "3d", "_relu")),
            *(f"quantized::batch_norm{n}d_relu" for n in (1, 2, 3)),
            *("_native_batch_norm_legit", "_batch_norm_with_update", "_batch_norm_no_update"),
        ),
        normalisation,
    ),
    **dict.fromkeys(
        (
            *("_softmax", "_log_softmax", "_safe_softmax", "logsumexp", "glu", "hardswish"),
            *("_prelu_kernel", "mean", "sum", "prod", "amax", "amin", "addr"),
            *("cumsum", "cumprod", "cummin", "cummax"),
            *("norm", "linalg_vector_norm", "nanmean", "nansum", "log_sigmoid_forward"),
            *("floor_divide", "trace", "torchvision::roi_align", "torchvision::ps_roi_align"),
            *("avg_pool1d", "avg_pool2d", "avg_pool3d"),
            *("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"),
            *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
            *("_upsample_nearest_exact1d", "_upsample_nearest_exact2d"),
            *("_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d"),
            *("upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa"),
            *("_upsample_bicubic2d_aa", "grid_sampler_2d", "grid_sampler_3d"),
            *("col2im", "polar", "_sparse_softmax", "_sparse_log_softmax", "_sparse_sum"),
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

NESTED: dict[str, Formula] = {
    "linear": linear,
    **{name: per_component(matrix_product(name)) for name in ("matmul", "bmm", "mm")},
    **dict.fromkeys(
        (
            *("scaled_dot_product_attention", "_scaled_dot_product_attention_math"),
            *("_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention"),
            "_scaled_dot_product_flash_attention_for_cpu",
        ),
        per_component(attention),
    ),
    "softmax": one_per_element,
}
"""The formulas of operators that get nested tensors, whose components have shapes of their own.
Torch has kernels of its own for them, and doesn't split them."""


def _into_another_type(arguments: tuple[Any, ...], result: Any) -> Counter[str]:
    """Count the operator that comes first in the arguments, before the type of its result."""
    formula = formula_of(arguments[0])
    assert formula is not None  # torch allows products alone
    return formula(arguments[2:], result)


HIGHER_ORDER: dict[str, Formula] = {"flex_attention": attention, "out_dtype": _into_another_type}
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
        *("linspace", "logspace", "eye", "tril_indices", "triu_indices", "set", "resize"),
        *("resize_as", "_efficientzerotensor"),
        # Random numbers.
        *("rand", "randn", "rand_like", "randn_like", "randint", "randint_like", "randperm"),
        *("normal", "normal_functional", "uniform", "bernoulli", "multinomial", "poisson"),
        *("binomial", "random", "exponential", "geometric", "cauchy", "log_normal"),
        *("_standard_gamma", "_sample_dirichlet"),
        # Sparse tensors, made, asked and turned into others.
        *("_sparse_coo_tensor_unsafe", "_sparse_coo_tensor_with_dims", "sparse_coo_tensor"),
        *("_sparse_coo_tensor_with_dims_and_tensors", "_sparse_compressed_tensor_unsafe"),
        *("sparse_compressed_tensor", "_sparse_csr_tensor_unsafe", "sparse_csr_tensor"),
        *("_validate_sparse_coo_tensor_args", "_validate_sparse_compressed_tensor_args"),
        *("_validate_sparse_csr_tensor_args", "coalesce", "_coalesce", "_coalesced"),
        *("is_coalesced", "_indices", "_values", "indices", "values", "crow_indices"),
        *("col_indices", "ccol_indices", "row_indices", "_nnz", "sparse_dim", "dense_dim"),
        *("to_sparse", "_to_sparse", "to_sparse_csr", "_to_sparse_csr", "to_sparse_csc"),
        *("_to_sparse_csc", "to_sparse_bsr", "_to_sparse_bsr", "to_sparse_bsc"),
        *("_to_sparse_bsc", "to_dense", "_to_dense", "sparse_mask", "_sparse_mask_projection"),
        *("sparse_resize", "sparse_resize_and_clear", "_convert_indices_from_coo_to_csr"),
        "_convert_indices_from_csr_to_coo",
        # Nested tensors, made, asked and turned into others.
        *("_nested_tensor_from_tensor_list", "_nested_tensor_from_mask", "nested_to_padded_tensor"),
        *("to_padded_tensor", "_nested_from_padded", "_nested_from_padded_and_nested_example"),
        *("_nested_tensor_size", "_nested_tensor_strides", "_nested_tensor_storage_offsets"),
        *("_nested_view_from_buffer_copy", "_nested_get_values_copy", "_nested_get_offsets"),
        *("_nested_get_lengths", "_nested_get_ragged_idx", "_nested_get_min_seqlen"),
        *("_nested_get_max_seqlen", "_nested_compute_contiguous_strides_offsets"),
        *("_jagged_to_padded_dense_forward", "_padded_dense_to_jagged_forward"),
        *("dim", "sym_size", "sym_numel", "sym_stride", "sym_storage_offset"),
        *("sym_is_contiguous", "is_contiguous", "size", "numel"),
        # Quantised tensors, likewise; max pooling and clamping choose.
        *("int_repr", "q_scale", "q_zero_point", "q_per_channel_scales", "qscheme"),
        *("q_per_channel_zero_points", "_make_per_tensor_quantized_tensor"),
        *("_make_per_channel_quantized_tensor", "_empty_affine_quantized", "empty_quantized"),
        *("_empty_per_channel_affine_quantized", "quantized::cat", "quantized::cat_relu"),
        *("quantized::clamp", "quantized::relu6", "quantized::threshold", "quantized::dropout"),
        *("quantized::embedding_byte", "quantized::embedding_4bit"),
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
