"""The levels of pointlight: what each promises, what may be set, and how a set is told apart."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import stats

from kinobench.datasets import catalog, pointlight
from kinobench.datasets.errors import DatasetError, KinobenchError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.pointlight import dots
from kinobench.datasets.pointlight.levels import LEVELS, OPTIONS, POINTLIGHT, changed
from kinobench.datasets.pointlight.noise_dots import draw_noise
from kinobench.datasets.pointlight.options import written
from kinobench.datasets.pointlight.turns import HEADINGS, QUARTERS, moving_frames
from kinobench.datasets.protocol import preset
from kinobench.datasets.sides import sided_classes
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.clips import open_video

from ...fakes.media import REPOSITORY
from .test_pointlight import correlations, told_from_tracks

THREE, NOISE, LONG = (LEVELS[f"pointlight-{name}"] for name in ("3", "noise", "long"))
EIGHT, TURNS = class_names("pointlight"), class_names("pointlight-long")
FIRST, SECOND = moving_frames(LONG.frames, LONG.rest)
BENCH = [sys.executable, str(REPOSITORY / "bench.py")]


def scenes(level, count, seed=1):
    generator = np.random.default_rng(seed)
    return [dots.draw_scene(generator, level) for _ in range(count)]


# pointlight: as in the first version


def test_pointlight_is_drawn_as_it_always_was():
    assert pointlight.GENERATOR_VERSION == 1
    assert pointlight.content_digest() == "618d310560cb"
    first = dots.draw_scene(np.random.default_rng([0, 0, 0, 0]))
    again = np.random.default_rng([0, 0, 0, 0])
    count = int(again.integers(3, 24, endpoint=True))
    drawn = again.uniform(0, 64, (16, count, 2))
    assert (first.scattered_px == drawn).all()
    assert first.speed_px == again.uniform(1.0, 3.0)
    assert (first.shift_px == again.uniform(0, 64, 2)).all()
    assert first.radius_px == again.uniform(1.0, 2.2)
    assert first.ground_luma == again.uniform(32.0, 110.0)
    assert first.contrast_luma == again.uniform(60.0, 120.0)
    assert first.noise_px.shape == (16, 0, 2)


def test_the_digests_of_the_levels_stand_still():
    # A digest that moves makes every stored record of the level incomparable.
    assert {name: pointlight.content_digest(level=level) for name, level in LEVELS.items()} == {
        "pointlight": "618d310560cb",
        "pointlight-3": "d94618783245",
        "pointlight-noise": "40fadfe65563",
        "pointlight-long": "69eeab549b41",
    }


def test_the_stamp_of_pointlight_says_no_more_than_it_did(tmp_path):
    assert pointlight._stamp("0123", 0, POINTLIGHT, (40, 100)) == (
        '{"digest": "0123", "seed": 0, "generator": 1}\n'
    )


@pytest.mark.parametrize("level", [POINTLIGHT, THREE, NOISE], ids=lambda level: level.name)
def test_the_first_frame_is_the_same_picture_whatever_the_motion(level):
    for scene in scenes(level, 3):
        first = [dots.pictures(scene, motion)[0].astype(int) for motion in EIGHT]
        assert all(np.abs(picture - first[0]).max() <= 1 for picture in first)


# pointlight-3


def test_three_dots_tell_the_class_every_time():
    for motion in EIGHT:
        drawn = scenes(THREE, 30)
        assert {scene.scattered_px.shape[1] for scene in drawn} == {3}
        told = [told_from_tracks(dots.move(scene, motion)) for scene in drawn]
        assert told == [motion] * len(drawn)


# pointlight-noise


def births(track):
    """Frames in which noise dots are drawn anew: one list a dot, of `[frames, dots, 2]`."""
    steps = np.diff(track, axis=0)
    straight = np.abs(np.diff(steps, axis=0)).max(-1) < 1e-9
    # Within a life all steps are the same, so a new life breaks with the steps on both sides.
    found = []
    for dot in range(track.shape[1]):
        lengths = np.linalg.norm(steps[:, dot], axis=-1)
        found.append([frame + 1 for frame in np.flatnonzero(np.abs(lengths - 2.0) > 1e-9)])
        for frame in range(len(straight)):
            if not {frame + 1, frame + 2} & set(found[-1]):
                assert straight[frame, dot]
    return found


@pytest.mark.parametrize("lifetime", [1, 3, 4, 40])
def test_a_noise_dot_drifts_straight_on_and_is_drawn_anew_when_its_lifetime_is_over(lifetime):
    level = changed(NOISE, [f"lifetime={lifetime}", "noise=200"])
    track = draw_noise(np.random.default_rng(3), level, 2.0)
    assert track.shape == (16, 200, 2)
    found = births(track)
    assert all(set(np.diff(frames)) <= {lifetime} for frames in found)
    first = {frames[0] if frames else None for frames in found}
    assert first <= {None, *range(1, lifetime + 1)}
    if lifetime < 16:
        # Ages are uniform, so that dots don't die together.
        counts = np.bincount([frames[0] for frames in found], minlength=lifetime + 1)[1:]
        assert lifetime == 1 or stats.chisquare(counts).pvalue > 1e-3


def test_noise_played_backwards_is_distributed_as_noise():
    level = changed(NOISE, ["noise=200"])
    track = np.concatenate(
        [draw_noise(np.random.default_rng(seed), level, 2.0) for seed in range(5)], axis=1
    )
    found = births(track)
    before = np.bincount([frames[0] for frames in found], minlength=5)[1:]
    after = np.bincount([16 - frames[-1] for frames in found], minlength=5)[1:]
    assert before.sum() == after.sum() == 1000
    assert stats.chisquare(before).pvalue > 1e-3 and stats.chisquare(after).pvalue > 1e-3
    alive = np.array([frames[0] > 1 for frames in found])
    steps = (track[1] - track[0])[alive]
    for way in (steps, -steps):
        angles = np.arctan2(way[:, 1], way[:, 0])
        assert stats.kstest(angles, "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3


def test_the_dots_among_the_noise_tell_the_class_and_the_noise_is_the_same_for_all():
    for scene in scenes(NOISE, 20):
        assert 8 <= scene.scattered_px.shape[1] <= 16 and 8 <= scene.noise_px.shape[1] <= 24
        noise = scene.noise_px.copy()
        assert [told_from_tracks(dots.move(scene, motion)) for motion in EIGHT] == [*EIGHT]
        assert (scene.noise_px == noise).all()


def test_noise_dots_are_drawn_like_the_others():
    (scene,) = scenes(changed(NOISE, ["dots=3", "noise=1"]), 1)
    alone = dots.render(
        scene.noise_px, scene.radius_px, scene.ground_luma, scene.contrast_luma
    ).astype(int)
    signal = dots.render(
        dots.move(scene, "Left"), scene.radius_px, scene.ground_luma, scene.contrast_luma
    ).astype(int)
    both = dots.pictures(scene, "Left").astype(int)
    assert (both >= np.maximum(alone, signal) - 1).all()
    assert (np.abs(both - signal).max((1, 2)) > scene.contrast_luma / 2).any()


# pointlight-long


WINDOW = LONG.rest + 3
"""Frames that tell nothing of the turn."""


def on_torus(first, second):
    """Whether positions are the same places of the torus."""
    apart = (first - second + LONG.size / 2) % LONG.size - LONG.size / 2
    return np.abs(apart).max() < 1e-9


def moved(scene, heading, **fields):
    """The scene with another first heading, and other fields of dots by the frame they begin at."""
    scattered = scene.scattered_px.copy()
    for frame, field in fields.items():
        scattered[int(frame.removeprefix("at_"))] = field
    return scene._replace(scattered_px=scattered, heading=heading % 4)


def test_the_movements_are_more_than_32_frames_apart():
    assert (FIRST.start, FIRST.stop, SECOND.start, SECOND.stop) == (0, 16, 48, 64)
    assert SECOND[0] - FIRST[-1] == 33 and WINDOW == 35


@pytest.mark.parametrize("motion", TURNS)
@pytest.mark.parametrize("other", TURNS)
def test_each_window_of_35_frames_of_a_class_is_as_likely_a_window_of_any_other(motion, other):
    # From every scene of the one class a scene of the other is made that shows the same window. The
    # map turns the first heading by a fixed angle and shifts the first field by a vector that
    # depends on headings and speed alone: what is uniform stays so, and both scenes are as likely.
    for scene in scenes(LONG, 3):
        track = dots.move(scene, motion)
        for begin in range(LONG.frames - WINDOW + 1):
            window = slice(begin, begin + WINDOW)
            if begin + WINDOW <= SECOND[0] + 1:  # one frame of the second movement, or none
                same = scene
            else:  # one frame of the first, or none
                assert begin >= FIRST[-1]
                heading = scene.heading + QUARTERS[motion] - QUARTERS[other]
                way = np.array(HEADINGS[heading % 4])
                start = track[FIRST[-1]] - FIRST[-1] * scene.speed_px * way
                same = moved(scene, heading, at_0=start)
            assert on_torus(dots.move(same, other)[window], track[window])


def test_a_window_of_36_frames_can_tell_the_turn():
    for scene in scenes(LONG, 10):
        for motion in TURNS:
            seen = dots.move(scene, motion)[FIRST[-2] : SECOND[1] + 1]
            assert len(seen) == WINDOW + 1
            assert turn_of(heading_of(seen[:2]), heading_of(seen[-2:])) == motion


def heading_of(track):
    """The place in HEADINGS of the way that dots `[2, dots, 2]` go."""
    step = (track[1] - track[0])[0]
    return int(np.argmax([step @ np.array(way) for way in HEADINGS]))


def turn_of(first, second):
    (name,) = (name for name, quarters in QUARTERS.items() if (second - first) % 4 == quarters)
    return name


def test_right_is_right_of_one_who_walks_over_the_picture():
    (scene,) = scenes(LONG, 1)
    up = moved(scene, HEADINGS.index((0, -1)))
    step = np.diff(dots.move(up, "TurnRight"), axis=0)
    assert (step[0, :, 1] < 0).all() and (step[-1, :, 0] > 0).all()
    assert np.allclose(step[SECOND[0] :, :, 1], 0) and np.allclose(step[:15, :, 0], 0)
    rest = dots.move(up, "TurnRight")[16:48]
    assert (rest == rest[0]).all()
    with pytest.raises(ValueError, match="no motion 'Left'"):
        dots.move(up, "Left")


@pytest.mark.parametrize("motion", TURNS)
def test_unordered_frames_are_those_of_the_opposite_turn(motion):
    opposite = TURNS[(TURNS.index(motion) + 2) % 4]
    for scene in scenes(LONG, 5):
        track = dots.move(scene, motion)
        back = dots.move(moved(scene, scene.heading, at_48=track[-1]), opposite)
        assert on_torus(back[:48], track[:48])
        assert on_torus(back[48:], track[48:][::-1])


@pytest.mark.parametrize(
    ("motion", "reverse"),
    [
        ("Ahead", "Ahead"),
        ("TurnRight", "TurnLeft"),
        ("TurnLeft", "TurnRight"),
        ("TurnBack", "TurnBack"),
    ],
)
def test_a_video_with_a_rest_backwards_is_one_of_the_reversed_turn(motion, reverse):
    for scene in scenes(LONG, 5):
        track = dots.move(scene, motion)
        heading = scene.heading + QUARTERS[motion] + 2
        back = moved(scene, heading, at_0=track[-1], at_48=track[15])
        assert on_torus(dots.move(back, reverse), track[::-1])


def test_clips_of_turns_are_never_mirrored_in_training():
    assert sided_classes(TURNS) and sided_classes(EIGHT)


def test_the_first_heading_is_uniform():
    counts = np.bincount([scene.heading for scene in scenes(LONG, 800)], minlength=4)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_what_stands_before_and_after_the_rest_adds_up_to_no_score_that_is_always_right():
    # The sum over all headings and classes of the score of the true class, and of the next, agree.
    generator = np.random.default_rng(0)
    before, after = generator.normal(size=(2, 1000, 4, 4))  # [draws, class, heading]
    pairs = [(heading, turned) for heading in range(4) for turned in range(4)]
    right = np.zeros(1000, dtype=int)
    lead = np.zeros(1000)
    for heading, turned in pairs:
        scores = before[:, :, heading] + after[:, :, (heading + turned) % 4]
        right += scores.argmax(1) == turned
        lead += scores[:, turned] - scores[:, (turned + 1) % 4]
    assert np.abs(lead).max() < 1e-9
    assert right.max() < len(pairs)


def drift_of(luma):
    """The place in HEADINGS of the way that pictures `[frames, size, size]` go."""
    (map_,) = correlations(luma[None])
    reach = len(map_) // 2
    ways = [
        map_[:reach, reach].max(),  # up
        map_[reach, reach + 1 :].max(),
        map_[reach + 1 :, reach].max(),
        map_[reach, :reach].max(),
    ]
    return int(np.argmax(ways))


def test_the_pictures_of_both_movements_tell_the_turn_and_those_of_one_do_not():
    right, guessed = [], []
    for scene in scenes(LONG, 25):
        for motion in TURNS:
            luma = dots.pictures(scene, motion)
            first, second = drift_of(luma[:16]), drift_of(luma[48:])
            right.append(turn_of(first, second) == motion)
            guessed.append(turn_of(0, second) == motion)
    assert np.mean(right) > 0.95
    low, high = stats.binom.interval(0.999, 25, 0.25)
    assert low <= sum(guessed) / len(TURNS) <= high


def test_its_protocol_takes_all_frames_and_that_of_pointlight_sees_dots_at_rest():
    times = [frame / 30 for frame in range(64)]
    (every,) = preset("pointlight-long").frame_indices(times, 64 / 30)
    assert every == tuple(range(64))
    (middle,) = preset("pointlight").frame_indices(times, 64 / 30)
    assert middle == tuple(range(24, 40))


# Options


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["dots"], "--set dots: write FIELD=VALUE"),
        (["dotz=3"], "no option of pointlight is named 'dotz': did you mean 'dots'"),
        (["name=x"], "no option of pointlight is named 'name'"),
        (["dots=3", "dots=4"], "--set dots=4: dots is set twice"),
        (["dots=24..3"], "dots is 24..3; it must be from 3 to 200, the lower number first"),
        (["dots=2"], "dots is 2; .* a swirl of fewer looks like its reverse"),
        (["dots=3.5"], "--set dots=3.5: dots is a whole number, or two as LOW..HIGH"),
        (["speed=fast"], "--set speed=fast: speed is a number, or two as LOW..HIGH"),
        (["speed=1..2..3"], "speed is a number, or two"),
        (["speed=0..2"], "speed is 0..2; it must be positive and below 32"),
        (["speed=40"], "speed is 40; it must be positive and below 32"),
        (["size=32", "speed=1..16"], "below 16, half of the size"),
        (["size=63"], "size is 63; it must be even"),
        (["frames=1"], "frames is 1; it must be from 2"),
        (["frames=16..20"], "frames is a whole number, as in frames=16"),
        (["contrast=60..200"], "ground and contrast together, 310, are 235 or less"),
        (["contrast=5"], "fainter dots don't outlast the encoder"),
        (["radius=nan"], "radius is (nan|a number)"),
        (["lifetime=3"], "pointlight has no noise dots; add --set noise=10"),
        (["noise=3", "lifetime=0"], "lifetime is 0; it must be from 1 to 512"),
        (["noise=3", "lifetime=513"], "lifetime is 513; it must be from 1 to 512"),
        ([f"size={'9' * 400}"], "no number needs so many digits"),
        ([f"dots=3..{'9' * 30}"], "dots is "),
        (["speed=1..inf"], "speed is (1..inf|a number)"),
        (["rest=8"], "the classes are turns"),
    ],
)
def test_a_setting_that_can_not_be_is_quoted_with_the_cure(settings, message):
    with pytest.raises(KinobenchError, match=message):
        changed(POINTLIGHT, settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rest=0"], "choose the level for its classes"),
        (["frames=63"], "two movements of the same length, 2 frames or more, are left of the 63"),
        (["rest=62"], "rest is 62"),
        (["rest=-2"], "rest is -2"),
    ],
)
def test_a_rest_leaves_two_movements_of_one_length(settings, message):
    with pytest.raises(KinobenchError, match=message):
        changed(LONG, settings)


def test_a_setting_changes_its_number_and_no_other():
    level = changed(NOISE, ["dots=5", " speed = 1.5 .. 2", "noise=0..9", "size=48", "frames=8"])
    assert level.name == "pointlight-noise"
    assert (level.dots, level.speed, level.noise) == ((5, 5), (1.5, 2.0), (0, 9))
    assert (level.size, level.frames, level.lifetime) == (48, 8, 4)
    assert level.options == {
        "dots": "5",
        "speed": "1.5..2",
        "noise": "0..9",
        "lifetime": "4",
        "radius": "1..2.2",
        "ground": "32..110",
        "contrast": "60..120",
        "size": "48",
        "frames": "8",
        "rest": "0",
    }
    again = changed(NOISE, [f"{name}={value}" for name, value in level.options.items()])
    assert again == level
    assert set(OPTIONS) == set(NOISE.options) == set(NOISE.__struct_fields__) - {"name", "purpose"}
    assert written(0.5) == "0.5" and written((1.0, 1.0)) == "1"


def test_a_level_survives_its_own_json():
    assert msgspec.json.decode(msgspec.json.encode(NOISE), type=type(NOISE)) == NOISE


def test_every_option_is_part_of_the_digest():
    base = changed(NOISE, ["frames=20", "ground=40"])
    settings = ["dots=9", "speed=2", "noise=9", "lifetime=3", "radius=2", "ground=41"]
    settings += ["contrast=99", "size=62", "frames=22"]
    digests = {pointlight.content_digest(level=base)}
    digests |= {pointlight.content_digest(level=changed(base, [one])) for one in settings}
    digests |= {pointlight.content_digest(level=changed(LONG, ["rest=30"]))}
    digests |= {pointlight.content_digest(level=LONG)}
    assert len(digests) == 1 + len(settings) + 2
    assert {each.partition("=")[0] for each in settings} | {"rest"} == set(OPTIONS)


def test_a_set_is_known_by_what_it_shows_not_by_how_it_was_asked_for():
    asked = pointlight.content_digest(level=changed(POINTLIGHT, ["dots=3"]))
    assert asked == pointlight.content_digest(level=THREE)
    same = changed(POINTLIGHT, ["dots=3..24", "speed=1..3"])
    assert pointlight.default_root(level=same) == pointlight.default_root()


def test_a_fast_swirl_takes_more_steps_and_stays_as_true():
    level = changed(POINTLIGHT, ["speed=6..9", "frames=4"])
    assert (POINTLIGHT.substeps, level.substeps) == (4, 12)
    start = np.random.default_rng(5).uniform(0, 64, (200, 2))
    shift = np.array([3.0, 50.0])
    coarse, fine = (
        dots.swirl(start, 9.0, shift, substeps, frames=level.frames)
        for substeps in (level.substeps, 200)
    )
    assert np.abs(coarse - fine).max() < 1e-3
    torus = dots.swirl(start, 9.0, shift, 200, size_px=64, frames=4)
    assert on_torus(dots.swirl(start + 64, 9.0, shift, 200, frames=4), torus)


# Files


SMALL = ("frames=6", "size=32", "speed=1..2")


def made(folder, level=POINTLIGHT, settings=SMALL, **options):
    return pointlight.make_pointlight(
        folder,
        level=changed(level, settings),
        **{"train_per_class": 1, "test_per_class": 2, **options},
    )


def test_a_set_of_other_numbers_is_read_with_a_note_and_a_manifest_of_its_own(tmp_path):
    root = made(tmp_path / "a")
    split = pointlight.load(root)
    (note,) = split.notes
    digest = pointlight.read_stamp(root).digest
    assert note == (
        f"generated as pointlight-{digest} (speed=1..2, size=32, frames=6, 2 test and 1 training "
        f"videos of a class), not as pointlight-618d310560cb"
    )
    with open_video(split.videos[0].path) as video:
        assert video.frames(range(6)).shape == (6, 32, 32, 3) and len(video) == 6
    other = pointlight.load(made(tmp_path / "b", seed=1))
    assert [video.id for video in split.videos] == [video.id for video in other.videos]
    assert split.manifest != other.manifest
    assert split.manifest == pointlight.load(made(tmp_path / "c")).manifest


def test_the_manifest_of_a_set_that_its_name_stands_for_is_of_ids_and_labels_alone():
    split = Split(
        dataset="d", name="test", classes=("a",), videos=(Video(id="v", path=Path("f"), label=0),)
    )
    assert split.manifest == hashlib.sha256(b"a\nv\t0\n").hexdigest()[:16]
    assert msgspec.structs.replace(split, notes=("n",)).manifest == split.manifest
    assert msgspec.structs.replace(split, content="c").manifest != split.manifest


def test_a_level_is_read_as_itself_and_its_stamp_says_what_it_is(tmp_path):
    root = made(tmp_path / "a", LONG, ("frames=12", "rest=4", "size=32"), seed=3)
    stamp = json.loads((root / "pointlight.json").read_text())
    assert stamp == {
        "digest": pointlight.read_stamp(root).digest,
        "seed": 3,
        "generator": 1,
        "dataset": "pointlight-long",
        "changed": {"size": "32", "frames": "12", "rest": "4"},
        "per_class": [2, 1],
    }
    level = pointlight.level_of(pointlight.read_stamp(root))
    assert level == changed(LONG, ["frames=12", "rest=4", "size=32"])
    split = catalog.get("pointlight-long").load(root, "train")
    assert split.classes == TURNS and len(split.videos) == 4
    assert split.dataset == "pointlight-long"
    with pytest.raises(DatasetError, match="give --dataset pointlight-long"):
        catalog.get("pointlight").load(root, None)
    with pytest.raises(DatasetError, match=r"holds pointlight-long-.*seed 3.*of other options"):
        made(root, POINTLIGHT)


def test_a_folder_of_another_version_is_told(tmp_path):
    root = made(tmp_path / "a")
    stamp = json.loads((root / "pointlight.json").read_text())
    (root / "pointlight.json").write_text(json.dumps(stamp | {"changed": {"wings": "2"}}))
    with pytest.raises(DatasetError, match=r"not a level of this version .*'wings'"):
        pointlight.level_of(pointlight.read_stamp(root))


def contents(root):
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def command(*arguments, cwd):
    return subprocess.run(
        [*BENCH, "data", *arguments], capture_output=True, text=True, timeout=120, cwd=cwd
    )


def test_the_command_makes_what_is_set(tmp_path):
    settings = [part for setting in SMALL for part in ("--set", setting)]
    options = ("--seed", "5", "--train", "1", "--test", "2", "--data-root", "there")
    done = command("make", "pointlight-noise", *settings, *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "there\n"
    same = made(tmp_path / "here", NOISE, seed=5)
    assert contents(tmp_path / "there") == contents(same)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pointlight", "--set", "dotz=3"), "did you mean 'dots'"),
        (("pointlight-loud",), "did you mean 'pointlight-long'"),
        (("pointlight", "--train", "0"), "--train"),
        (("ucf101", "--set", "dots=3"), "can't be generated"),
    ],
)
def test_the_command_refuses_what_can_not_be_made(arguments, message, tmp_path):
    done = command("make", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_that_can_be_made_in_one_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        "from kinobench.datasets import catalog\n"
        "def make(root, progress): return root\n"
        "catalog.register(catalog.Dataset(name='one_way', title='t', load=make, make=make,"
        " default_protocol='common-112', num_classes=1, splits=('all',), homepage='h'))\n"
    )
    plain = ("make", "one_way", "--plugin", "plugin.py", "--data-root", "d")
    assert command(*plain, cwd=tmp_path).stdout == "d\n"
    done = command(*plain, "--seed", "1", cwd=tmp_path)
    assert done.returncode == 2 and "one_way is generated in one way only" in done.stderr


def test_an_unknown_split_of_a_level_names_the_level():
    with pytest.raises(UnknownNameError, match="split of pointlight-noise"):
        pointlight.load(None, "tets", NOISE)
