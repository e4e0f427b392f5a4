"""Name -> architecture. Families register themselves; their modules load when asked for."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from ..datasets.errors import KinobenchError, UnknownNameError
from .spec import INPUTS, Architecture, Builder, Input

FAMILY_MODULES: dict[str, tuple[str, ...]] = {
    "single_frame": (
        "single_frame_r18",
        "single_frame_r50",
        "single_frame_r101",
        "single_frame_vgg16",
        "single_frame_googlenet",
        "single_frame_densenet121",
        "single_frame_mobilenet_v2",
        "single_frame_mobilenet_v3_large",
        "single_frame_efficientnet_b0",
        "single_frame_convnext_small",
        "single_frame_vit_b_16",
        "single_frame_swin_t",
        "single_frame_tiny",
    ),
    "late_fusion": (
        "late_fusion_r50",
        "late_fusion_tiny",
        "late_fusion_pool_r50",
        "late_fusion_pool_tiny",
        "late_fusion_max_r50",
        "late_fusion_max_tiny",
    ),
    "early_fusion": ("early_fusion_r50", "early_fusion_tiny"),
    "slow_fusion": ("slow_fusion_r50", "slow_fusion_tiny"),
    "c3d": ("c3d", "c3d_tiny"),
    "c2d": (
        "c2d_r50",
        "c2d_r101",
        "c2d_nopool_r50",
        "c2d_nopool_r101",
        "c2d_32x2_r50",
        "c2d_32x2_r101",
        "c2d_tiny",
    ),
    "i3d": (
        "i3d_r50",
        "i3d_r101",
        "i3d_32x2_r50",
        "i3d_heavy_r50",
        "i3d_32x2_r101",
        "i3d_32x2_3x3x3_r101",
        "i3d_tiny",
        "i3d_inception",
        "i3d_inception_flow",
        "i3d_inception_two_stream",
        "i3d_inception_tiny",
        "i3d_inception_two_stream_tiny",
    ),
    "slow": (
        "slow_r50",
        "slow_4x16_r50",
        "slow_r101",
        "fast_r50",
        "slow_tiny",
        "fast_tiny",
    ),
    "slowfast": (
        "slowfast_r50",
        "slowfast_4x16_r50",
        "slowfast_r101",
        "slowfast_8x8_r101_50_50",
        "slowfast_16x8_r101_50_50",
        "slowfast_nl_4x16_r50",
        "slowfast_nl_8x8_r50",
        "slowfast_nl_8x8_r101",
        "slowfast_nl_16x8_r101",
        "slowfast_4x16_beta4_r50",
        "slowfast_4x16_beta16_r50",
        "slowfast_4x16_beta32_r50",
        "slowfast_tiny",
        "slowfast_nl_tiny",
    ),
    "non_local": (
        "c2d_nl1_r50",
        "c2d_nl1_gaussian_r50",
        "c2d_nl1_dot_product_r50",
        "c2d_nl1_concatenation_r50",
        "c2d_nl5_r50",
        "c2d_nl10_r50",
        "c2d_nl1_r101",
        "c2d_nl5_r101",
        "c2d_32x2_nl5_r101",
        "i3d_nl1_r50",
        "i3d_nl5_r50",
        "i3d_nl5_gaussian_r50",
        "i3d_nl5_dot_product_r50",
        "i3d_nl5_concatenation_r50",
        "i3d_nl10_r50",
        "i3d_nl5_r101",
        "i3d_32x2_nl5_r50",
        "i3d_32x2_nl5_gaussian_r50",
        "i3d_32x2_nl5_dot_product_r50",
        "i3d_32x2_nl5_r101",
        "slow_nl5_r50",
        "slow_4x16_nl5_r50",
        "slow_nl5_embedded_gaussian_r50",
        "slow_4x16_nl5_embedded_gaussian_r50",
        "c2d_nl_tiny",
        "c2d_nl_gaussian_tiny",
        "c2d_nl_dot_product_tiny",
        "c2d_nl_concatenation_tiny",
        "i3d_nl_tiny",
    ),
    "x3d": ("x3d_xs", "x3d_s", "x3d_m", "x3d_l", "x3d_xl", "x3d_tiny"),
    "efficient_x3d": ("efficient_x3d_xs", "efficient_x3d_s", "efficient_x3d_tiny"),
    "r2plus1d": ("r2plus1d_r50", "r2plus1d_r50_tiny"),
    "csn": ("csn_r101", "ircsn_r50", "ircsn_r152", "ipcsn_r152", "csn_tiny", "ipcsn_tiny"),
    "video_resnet": (
        "r3d_18",
        "mc3_18",
        "r2plus1d_18",
        "r2plus1d_18_vmz",
        "r2plus1d_34",
        "r2plus1d_152",
        "fr2d_18",
        "r2d_18",
        "mc2_18",
        "mc4_18",
        "mc5_18",
        "rmc2_18",
        "rmc3_18",
        "rmc4_18",
        "rmc5_18",
        "r3d_18_tiny",
        "mc3_18_tiny",
        "r2plus1d_18_tiny",
    ),
    "s3d": ("s3d", "s3d_tiny"),
    "mvit_torchvision": ("mvit_v1_b", "mvit_v2_s", "mvit_v1_tiny", "mvit_v2_tiny"),
    "swin3d": ("swin3d_t", "swin3d_s", "swin3d_b", "swin3d_tiny"),
    "timesformer": (
        "timesformer_base",
        "timesformer_hr",
        "timesformer_l",
        "timesformer_joint",
        "timesformer_tiny",
    ),
    "vivit": ("vivit_b_16x2", "vivit_tiny"),
    "videomae": (
        "videomae_vit_s",
        "videomae_vit_b",
        "videomae_vit_l",
        "videomae_vit_h",
        "videomae_tiny",
    ),
    "vjepa2": ("vjepa2_vit_l", "vjepa2_vit_h", "vjepa2_vit_g", "vjepa2_tiny"),
    "mvit": ("mvit_base_16x4", "mvit_base_32x3", "mvit_tiny"),
    "tsn": (
        "tsn_r18",
        "tsn_r50",
        "tsn_r101",
        "tsn_resnext101_32x4d",
        "tsn_densenet161",
        "tsn_mobilenet_v2",
        "tsn_swin_b",
        "tsn_tiny",
    ),
    "tsm": (
        "tsm_r50",
        "tsm_r101",
        "tsm_mobilenet_v2",
        "tsm_nl_r50",
        "tsm_nl_gaussian_r50",
        "tsm_nl_dot_product_r50",
        "tsm_tiny",
        "tsm_nl_tiny",
    ),
    "two_stream": (
        "two_stream_cnn_m",
        "two_stream_googlenet",
        "two_stream_r50",
        "two_stream_tiny",
        "spatial_stream_cnn_m",
        "spatial_stream_r50",
        "spatial_stream_tiny",
        "temporal_stream_cnn_m",
        "temporal_stream_r50",
        "temporal_stream_tiny",
    ),
    "karpathy": (
        "karpathy_single_frame",
        "karpathy_single_frame_tiny",
        "karpathy_early_fusion",
        "karpathy_early_fusion_tiny",
        "karpathy_late_fusion",
        "karpathy_late_fusion_tiny",
        "karpathy_slow_fusion",
        "karpathy_slow_fusion_tiny",
    ),
    "recurrent": (
        "cnn_lstm_r50",
        "cnn_gru_r50",
        "cnn_lstm_googlenet",
        "lrcn_caffenet",
        "lrcn_alexnet",
        "cnn_lstm_tiny",
        "cnn_gru_tiny",
    ),
    "conv_gru": (
        "conv_gru_vgg16",
        "conv_gru_stacked_vgg16",
        "conv_gru_r50",
        "conv_gru_tiny",
        "conv_gru_stacked_tiny",
    ),
}
"""Which module of this package holds which names, so that a name is checked without torch and
only the family that is asked for is imported. A test holds it against what they register."""

OPEN_FAMILIES = {"single_frame_": "single_frame", "tsn_": "tsn"}
"""Prefixes that stand before the name of any 2D network of torchvision, and the module that knows:
its `register_backbone(name)` registers such a name, and tells whether there is such a network."""

ENTRY_POINT_GROUP = "kinobench.zoo"

_FAMILY_OF = {name: module for module, names in FAMILY_MODULES.items() for name in names}
_architectures: dict[str, Architecture] = {}
_plugins: set[str] = set()


def register(
    name: str,
    *,
    family: str = "custom",
    paper: str = "",
    year: int | None = None,
    inputs: tuple[Input, ...] = ("rgb",),
    native: tuple[int, int, int] | None = None,
) -> Callable[[Builder], Builder]:
    """Register the decorated builder `(num_classes, frames, size) -> nn.Module` under `name`.

    Raises:
        KinobenchError: The name is taken, or is not lower case without blanks; or `inputs` is not
            one of `INPUTS`.
    """

    # A built-in name belongs to its family's module, however that came to be imported.
    caller = sys._getframe(1).f_globals.get("__name__")
    owner = f"{__package__}.{_FAMILY_OF[name]}" if name in _FAMILY_OF else caller

    def keep(build: Builder) -> Builder:
        if name != "".join(name.lower().split()) or not name:
            raise KinobenchError(f"architecture {name!r}: a name is lower case, without blanks")
        if name in _architectures or caller != owner:
            raise KinobenchError(f"architecture {name!r} is taken; choose another name")
        if inputs not in INPUTS:
            raise KinobenchError(
                f"architecture {name!r}: inputs is {inputs!r}; give one of "
                + ", ".join(map(str, INPUTS))
            )
        _architectures[name] = Architecture(
            name=name,
            build=build,
            family=family,
            paper=paper,
            year=year,
            inputs=inputs,
            native=native,
        )
        return build

    return keep


def listed() -> list[str]:
    """Return the names that come with kinobench, in alphabetical order."""
    return sorted(_FAMILY_OF)


def names() -> list[str]:
    """Return every registered name, in alphabetical order, without importing a built-in family."""
    _load_installed_plugins()
    return sorted({*_FAMILY_OF, *_architectures})


def get(name: str) -> Architecture:
    """Return the architecture of that name.

    Raises:
        UnknownNameError: No architecture is named so; the message has the nearest name.
    """
    check(name)
    if name not in _architectures:
        importlib.import_module(f".{_FAMILY_OF[name]}", __package__)
    return _architectures[name]


def check(name: str) -> None:
    """Raise UnknownNameError unless an architecture of that name exists.

    Imports torch only for a name that is not listed but begins as an open family's do.
    """
    known = name in _FAMILY_OF or name in _architectures or name in names()
    if not known and not _opened(name):
        hint = "`python bench.py list models` shows all of them"
        raise UnknownNameError("model", name, names(), hint)


def _opened(name: str) -> bool:
    """Register a name that an open family makes of a backbone's; tell whether there is one."""
    for prefix, module in OPEN_FAMILIES.items():
        if name.startswith(prefix):
            family = importlib.import_module(f".{module}", __package__)
            return bool(family.register_backbone(name))
    return False


def load_plugin(path: str | Path) -> None:
    """Run a Python file that registers architectures; a second call for the same file is nothing.

    Raises:
        KinobenchError: The file is missing, or fails when it is run.
    """
    file = Path(path).resolve()
    if str(file) in _plugins:
        return
    if not file.is_file():
        raise KinobenchError(f"--plugin {path}: no such file")
    spec = importlib.util.spec_from_file_location(f"kinobench_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise KinobenchError(f"--plugin {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except KinobenchError:
        raise
    except (Exception, SystemExit) as error:
        raise KinobenchError(f"--plugin {path} failed: {type(error).__name__}: {error}") from error
    _plugins.add(str(file))


def _load_installed_plugins() -> None:
    """Import what other distributions offer under the entry point group `kinobench.zoo`."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value not in _plugins:
            try:
                point.load()
            except Exception as error:
                raise KinobenchError(
                    f"the installed plugin {point.name!r} = {point.value!r} fails: "
                    f"{type(error).__name__}: {error}; mend or uninstall it"
                ) from error
            _plugins.add(point.value)
