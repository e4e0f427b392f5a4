"""Published weights: which there are, under which protocol, for which classes; that they fit."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import torch
import torchvision
from pytorchvideo.models import hub
from pytorchvideo.models.hub import (
    csn,
    efficient_x3d_mobile_cpu,
    r2plus1d,
    resnet,
    slowfast,
    vision_transformers,
    x3d,
)
from pytorchvideo.models.slowfast import create_slowfast
from safetensors.torch import save_file
from torch import nn
from torchvision.models import get_model, get_model_weights, list_models

from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.protocol import preset
from kinobench.zoo import registry
from kinobench.zoo.checkpoints import named as published
from kinobench.zoo.checkpoints.named import (
    cache_folder,
    find_weights,
    load_weights,
    named_weights,
    native_protocol,
    read_weights,
    refuse_other_classes,
    refuse_other_order,
    resolve_weights,
    weights_of,
)
from kinobench.zoo.parts.frames import MeanPrediction
from kinobench.zoo.tables.rows import Weights

TABLE = read_weights(published.TABLE)
TORCHVISION = [entry for entry in TABLE if "download.pytorch.org" in entry.url]
HUB = [entry for entry in TABLE if "pytorchvideo" in entry.url and "/ava/" not in entry.url]
DETECTORS = [entry for entry in TABLE if "/ava/" in entry.url]
"""These are in tests/zoo/detectors."""
CONVERTED = [entry for entry in TABLE if "huggingface.co" in entry.url]
# What of pytorchvideo no function of its hub builds: as its create_* are called for it elsewhere.
NOT_IN_THE_HUB = {
    "slow_4x16_r50": hub.slow_r50,
    "slowfast_4x16_r50": lambda: create_slowfast(
        slowfast_channel_reduction_ratio=(8,),
        slowfast_fusion_conv_kernel_size=(5, 1, 1),
        slowfast_fusion_conv_stride=(8, 1, 1),
    ),
}


def of(entry: Weights) -> str:
    return f"{entry.model}-{entry.name}"


def named(model: str, name: str = "kinetics400") -> Weights:
    entry = find_weights(model, name)
    assert entry is not None
    return entry


@pytest.mark.parametrize("entry", [*HUB, *TORCHVISION], ids=of)
def test_an_entry_is_of_a_network_with_a_protocol_and_classes_that_there_are(entry: Weights):
    registry.check(entry.model)
    assert entry.protocol is not None and preset(entry.protocol).name == entry.protocol
    assert entry.classes is not None and len(class_names(entry.classes)) == 400
    assert entry.classes_source and entry.source
    assert entry.top1 is not None and entry.top5 is not None and 50 < entry.top1 < entry.top5 < 100


def test_every_entry_is_of_one_of_the_three_origins():
    assert len(TABLE) == len(HUB) + len(TORCHVISION) + len(CONVERTED) + len(DETECTORS)
    assert (len(HUB), len(TORCHVISION), len(CONVERTED)) == (18, 10, 5)


@pytest.mark.parametrize("entry", CONVERTED, ids=of)
def test_what_was_not_checked_of_a_converted_file_is_left_open(entry: Weights):
    registry.check(entry.model)
    assert entry.classes is None and entry.protocol is None and entry.digest is None
    assert "the order of its classes was not checked" in (entry.notes or "")


def test_names_and_files_are_unmistakable():
    keys = [(e.model, name) for e in TABLE for name in (e.name, e.alias) if name]
    assert len(set(keys)) == len(keys)
    assert all(name == name.lower() for _, name in keys)
    assert len({entry.file for entry in TABLE}) == len({entry.url for entry in TABLE}) == len(TABLE)


def test_the_file_of_a_hugging_face_repository_carries_its_name():
    url = "https://huggingface.co/owner/net-400/resolve/main/model.safetensors"
    entry = msgspec.structs.replace(TABLE[0], url=url)
    assert entry.file == "owner--net-400--model.safetensors"
    assert TABLE[0].file == "C2D_8x8_R50.pyth"


def test_every_checkpoint_of_the_hub_of_pytorchvideo_is_listed():
    offered = {}
    for module in (csn, r2plus1d, resnet, slowfast, vision_transformers, x3d):
        offered |= module.checkpoint_paths
    offered |= efficient_x3d_mobile_cpu._checkpoint_paths
    classifiers = {name: url for name, url in offered.items() if "/kinetics/" in url}
    assert len(classifiers) == 16
    assert {e.model: e.url for e in HUB if e.model not in NOT_IN_THE_HUB} == classifiers
    assert {entry.model for entry in HUB} == {*classifiers, *NOT_IN_THE_HUB}


def test_every_kinetics_checkpoint_of_torchvision_is_listed_and_says_what_torchvision_says():
    listed = {(e.model, (e.alias or e.name).upper()): e for e in TORCHVISION}
    offered = {
        (model, member.name): member
        for model in list_models(module=torchvision.models.video)
        for member in get_model_weights(model)
    }
    assert listed.keys() == offered.keys()
    for key, theirs in offered.items():
        entry = listed[key]
        assert entry.url == theirs.url
        assert entry.digest == entry.url.rpartition("-")[2].removesuffix(".pth")
        assert tuple(theirs.meta["categories"]) == class_names(entry.classes or "")
        metrics = theirs.meta["_metrics"]["Kinetics-400"]
        printed = (Decimal(str(metrics["acc@1"])), Decimal(str(metrics["acc@5"])))
        assert (entry.top1, entry.top5) == printed
        transform, protocol = theirs.transforms(), preset(entry.protocol or "")
        assert protocol.size == transform.crop_size[0]
        assert (list(protocol.mean), list(protocol.std)) == (transform.mean, transform.std)
        assert not protocol.antialias


@pytest.mark.parametrize("entry", [*HUB, *TORCHVISION], ids=of)
def test_the_origins_parameters_fit_by_name_and_shape_at_the_native_input(entry: Weights):
    protocol = native_protocol(entry.model, entry.name)
    with torch.device("meta"):
        ours = registry.get(entry.model).build(400, protocol.frames, protocol.size)
    build = NOT_IN_THE_HUB.get(entry.model) or getattr(hub, entry.model, None)
    # MViT's builder asks for the content of a tensor.
    with torch.device("cpu" if entry.model.startswith("mvit_base") else "meta"):
        origin = build() if entry in HUB and build else get_model(entry.model)
    shapes = {name: tensor.shape for name, tensor in origin.state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == shapes
    # A crop larger than the head's window gives several positions: the softmax comes first.
    if entry in HUB and protocol.size > 224:
        assert any(isinstance(layer, MeanPrediction) for layer in ours.modules())


@pytest.mark.parametrize(
    ("model", "views"),
    [
        *(("slow_r50", (10, 3)), ("x3d_l", (10, 3)), ("efficient_x3d_s", (10, 1))),
        *(("mvit_base_16x4", (5, 1)), ("mvit_base_32x3", (5, 1)), ("mvit_v2_s", (5, 1))),
        *(("r3d_18", (5, 1)), ("s3d", (1, 1)), ("swin3d_b", (12, 1))),
    ],
)
def test_the_native_protocol_has_the_views_of_the_published_number(model, views):
    protocol = native_protocol(model, "kinetics400")
    assert (protocol.clips, protocol.crops) == views


def test_the_normalisation_comes_before_the_resize_where_the_origin_has_it_so():
    assert native_protocol("x3d_m", "kinetics400").resize_on == "normalised"
    assert native_protocol("r3d_18", "kinetics400").resize_on == "uint8"


def test_a_recipe_that_is_not_printed_is_called_so():
    for model in ("efficient_x3d_xs", "efficient_x3d_s"):
        assert "no other part of its recipe" in (named(model).notes or "")


def test_a_native_protocol_needs_weights_that_have_one(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(KinobenchError, match="give --weights kinetics400, or name a protocol"):
        native_protocol("x3d_m", None)
    both = "give --weights kinetics400 or kinetics400_imagenet22k_v1"
    with pytest.raises(KinobenchError, match=rf"'mine.pt' have no known protocol: {both}"):
        native_protocol("swin3d_b", "mine.pt")
    with pytest.raises(KinobenchError, match="no published weights of c3d have one here"):
        native_protocol("c3d", None)
    bare = msgspec.structs.replace(named("x3d_m"), protocol=None)
    monkeypatch.setattr(published, "_table", lambda: (bare,))
    with pytest.raises(KinobenchError, match="'kinetics400' have no known protocol: no published"):
        native_protocol("x3d_m", "kinetics400")


def test_a_name_is_found_in_any_case_and_by_its_origins_name():
    assert [entry.name for entry in weights_of("swin3d_b")] == [
        "kinetics400",
        "kinetics400_imagenet22k_v1",
    ]
    assert named("swin3d_b", "Kinetics400").url.endswith("swin3d_b_1k-24f7c7c6.pth")
    assert named("swin3d_b", "KINETICS400_V1") == named("swin3d_b")
    assert named("swin3d_b", "KINETICS400_ImageNet22K_V1").digest == "7c6ae6fa"
    assert weights_of("c3d") == []
    for other in (None, "", "none", "mine.pt"):
        assert find_weights("swin3d_b", other) is None


def test_a_path_of_a_file_of_a_published_name_is_taken_for_that_file(tmp_path: Path):
    path = tmp_path / "r3d_18-b3b3357e.pth"
    assert find_weights("r3d_18", str(path)) == find_weights("r3d_18", path.name) == named("r3d_18")
    assert native_protocol("r3d_18", str(path)).name == "torchvision-16x2-112"
    # By its name it is one of the published, but it is not fetched, and not read from the cache.
    assert named_weights("r3d_18", str(path)) is None
    path.write_bytes(b"mine")
    assert resolve_weights("r3d_18", str(path)) == path
    for other in ("mc3_18", "c3d"):
        assert find_weights(other, str(path)) is None
    assert find_weights("r3d_18", str(tmp_path / "model" / "kinetics400")) is None
    with pytest.raises(KinobenchError, match="not with b3b3357e as published; it is damaged or"):
        load_weights(nn.Identity(), "r3d_18", str(path))


def test_a_hugging_face_file_is_known_by_the_name_that_it_has_in_the_cache():
    entry = named("videomae_vit_b")
    assert find_weights(entry.model, f"/somewhere/{entry.file}") == entry
    assert find_weights(entry.model, "/somewhere/model.safetensors") is None


def test_a_name_that_is_no_path_is_refused_with_what_would_do(tmp_path: Path):
    with pytest.raises(KinobenchError) as refused:
        resolve_weights("c3d", "sports1m")
    message = str(refused.value)
    assert "'sports1m'" in message
    assert "no weights of that name are known for c3d (it has none)" in message
    assert "give the path of a checkpoint" in message
    with pytest.raises(KinobenchError) as refused:
        resolve_weights("r3d_18", "kinetcs400")
    message = str(refused.value)
    assert "known for r3d_18 (kinetics400); did you mean 'kinetics400'? Give the path" in message
    with pytest.raises(KinobenchError, match="is a folder"):
        resolve_weights("c3d", str(tmp_path))


def test_a_name_comes_before_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    Path("kinetics400").write_bytes(b"mine")
    assert resolve_weights("r3d_18", "./kinetics400") == Path("kinetics400")
    assert resolve_weights("c3d", "kinetics400") == Path("kinetics400")
    with pytest.raises(KinobenchError) as refused:
        resolve_weights("r3d_18", "kinetics400")
    place = tmp_path / "home" / "hub" / "checkpoints" / "r3d_18-b3b3357e.pth"
    assert str(refused.value) == (
        "weights 'kinetics400' of r3d_18 are not here; fetch "
        f"https://download.pytorch.org/models/r3d_18-b3b3357e.pth and put the file at {place}"
    )


@pytest.mark.parametrize(
    "environment",
    [{}, {"TORCH_HOME": "/a/torch"}, {"XDG_CACHE_HOME": "/a/cache"}, {"TORCH_HOME": "~/torch"}],
)
def test_the_cache_is_that_of_torch_hub(environment, monkeypatch: pytest.MonkeyPatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(torch.hub.get_dir()) / "checkpoints"


def test_a_dataset_of_the_same_classes_however_written_is_taken():
    names = class_names("kinetics400")
    written = [name.replace(" ", "_").upper() for name in names]
    refuse_other_classes(named("x3d_m"), "mine", names)
    refuse_other_classes(named("x3d_m"), "mine", written)


def test_classes_that_differ_are_named_and_counted():
    names = list(class_names("kinetics400"))
    changed = ["a first", *names[1:398], "a second", "a third", "a fourth", "a fifth"]
    with pytest.raises(KinobenchError) as refused:
        refuse_other_classes(named("x3d_m"), "mine", changed)
    assert str(refused.value) == (
        "weights 'kinetics400' of x3d_m are for the 400 classes of kinetics400, and mine has 402: "
        "5 that only mine has (a first, a second, a third, ...); "
        "3 that only the weights know (abseiling, yoga, zumba)"
    )
    with pytest.raises(KinobenchError, match="ucf101 has 101: 79 that only ucf101 has"):
        refuse_other_classes(named("x3d_m"), "ucf101", class_names("ucf101"))
    with pytest.raises(KinobenchError, match="and mine has 401: some of them twice"):
        refuse_other_classes(named("x3d_m"), "mine", [*names, "zumba"])


def test_classes_in_another_order_are_refused_and_not_moved():
    names = list(class_names("kinetics400"))
    names[3], names[7] = names[7], names[3]
    with pytest.raises(KinobenchError) as refused:
        refuse_other_classes(named("x3d_m"), "mine", names)
    message = str(refused.value)
    assert "the same in another order: class 3 is 'applauding' there and 'arranging" in message
    assert "in the order of kinetics400" in message


def test_weights_whose_order_was_not_checked_are_not_compared():
    unknown = msgspec.structs.replace(named("x3d_m"), classes=None)
    refuse_other_classes(unknown, "mine", ["one", "two"])


def test_a_table_with_a_wrong_line_is_refused_with_its_place(tmp_path: Path):
    path = tmp_path / "weights.csv"
    path.write_text("model,name\n")
    with pytest.raises(KinobenchError, match="the columns are model, name; they must be model, "):
        read_weights(path)
    header, first, *_ = published.TABLE.read_text().splitlines()
    path.write_text(f"{header}\n{first.replace('71.46', 'many')}\n")
    with pytest.raises(KinobenchError, match=r"weights.csv, line 2: .*top1"):
        read_weights(path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache_folder().mkdir(parents=True)
    return cache_folder()


def settled(origin: nn.Module) -> nn.Module:
    """Give the normalisations statistics of their own, and outputs that differ."""
    for layer in origin.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.1)
    return origin.eval()


def loaded(model: str, weights: str, frames: int, size: int) -> nn.Module:
    module = registry.get(model).build(8, frames, size)
    digest, notes = load_weights(module, model, weights)
    assert len(digest) == 16 and notes == ()
    return module.eval()


def test_x3d_gives_its_origins_probabilities_from_a_file_of_pytorchvideo(cache: Path):
    torch.manual_seed(0)
    origin = settled(hub.x3d_xs(model_num_class=8))
    state = {"model_state": origin.state_dict(), "epoch": 300, "cfg": "a: 1"}
    torch.save(state, cache / "X3D_XS.pyth")
    clip = torch.randn(2, 3, 4, 182, 182)  # four positions of the head's window
    with torch.inference_mode():
        logits, probabilities = loaded("x3d_xs", "Kinetics400", 4, 182)(clip), origin(clip)
    assert probabilities.max() > 0.2
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
    torch.testing.assert_close(logits.softmax(1), probabilities, atol=1e-6, rtol=1e-4)


def test_the_softmax_of_r2plus1d_is_left_to_the_protocol(cache: Path):
    torch.manual_seed(0)
    origin = settled(hub.r2plus1d_r50(model_num_class=8, head_pool_kernel_size=(1, 1, 1)))
    torch.save({"model_state": origin.state_dict()}, cache / "R2PLUS1D_16x4_R50.pyth")
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        logits, probabilities = loaded("r2plus1d_r50", "kinetics400", 4, 32)(clip), origin(clip)
    torch.testing.assert_close(probabilities.sum(), torch.tensor(1.0))
    assert abs(logits.exp().sum() - 1) > 0.1
    torch.testing.assert_close(logits.softmax(1), probabilities, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("written", ["bare", "module.", "safetensors"])
def test_a_residual_network_gives_its_origins_logits_from_every_kind_of_file(
    tmp_path: Path, written: str
):
    torch.manual_seed(0)
    origin = settled(get_model("r3d_18", num_classes=8))
    state, path = origin.state_dict(), tmp_path / "r3d_18.pth"
    if written == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    elif written == "module.":
        parallel = {f"module.{name}": entry for name, entry in state.items()}
        torch.save({"state_dict": parallel}, path)
    else:
        torch.save(state, path)
    clip = torch.randn(2, 3, 4, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(loaded("r3d_18", str(path), 4, 32)(clip), origin(clip))


def test_a_file_in_the_cache_that_is_not_the_published_one_is_refused(cache: Path):
    torch.save(get_model("r3d_18", num_classes=8).state_dict(), cache / "r3d_18-b3b3357e.pth")
    with pytest.raises(KinobenchError, match="not with b3b3357e as published"):
        loaded("r3d_18", "kinetics400", 4, 32)


def test_classes_whose_names_have_no_letters_are_compared_as_they_are() -> None:
    refuse_other_order("w", ("+", "-"), "list", "list", ("+", "-"))
    with pytest.raises(KinobenchError, match=r"another order: class 0 is '\+' there and '-' here"):
        refuse_other_order("w", ("+", "-"), "list", "list", ("-", "+"))
