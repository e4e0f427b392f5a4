"""Motion, and nothing but motion, tells the class: by construction and by what is learned."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from filelock import FileLock
from scipy import fft, optimize, special, stats

from kinobench.datasets import catalog, pointlight
from kinobench.datasets.errors import DatasetError, UnknownNameError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.pointlight import (
    content_digest,
    default_root,
    dots,
    load,
    make_pointlight,
)
from kinobench.datasets.pointlight.levels import POINTLIGHT, changed

MOTIONS = class_names("pointlight")
SIZE, FRAMES = POINTLIGHT.size, POINTLIGHT.frames


def scenes(count, seed=1):
    generator = np.random.default_rng(seed)
    return [dots.draw_scene(generator) for _ in range(count)]


def read_luma(path):
    """Luma [frames, SIZE, SIZE] of a file."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray()[:SIZE] for frame in container.decode(video=0)])


def packet_bytes(path):
    with av.open(str(path)) as container:
        return [packet.size for packet in container.demux(video=0) if packet.size]


@pytest.fixture(scope="module")
def root(made_pointlight):
    return made_pointlight


@pytest.fixture(scope="module")
def clips(root, shared_folder):
    """Luma [videos, frames, SIZE, SIZE] and labels [videos] of both splits, as decoded."""
    found = {}
    for name in ("train", "test"):
        videos = load(root, name).videos
        kept = shared_folder / f"luma_{name}.npy"
        with FileLock(f"{kept}.lock"):
            if not kept.is_file():
                np.save(kept, np.stack([read_luma(video.path) for video in videos]))
        found[name] = np.load(kept), np.array([video.label for video in videos])
    return found


# The motions, by construction


@pytest.mark.parametrize("motion", MOTIONS)
def test_dots_are_uniform_in_the_first_the_middle_and_the_last_frame(motion):
    positions = [dots.move(scene, motion) % SIZE for scene in scenes(400)]
    for frame in (0, FRAMES // 2, FRAMES - 1):
        sample = np.concatenate([track[frame] for track in positions])
        for axis in (0, 1):
            assert stats.kstest(sample[:, axis], "uniform", (0, SIZE)).pvalue > 1e-3
        # Uniform along each axis is not yet uniform in the square.
        cells, _, _ = np.histogram2d(*sample.T, bins=8, range=[[0, SIZE]] * 2)
        assert stats.chisquare(cells.ravel()).pvalue > 1e-3


def test_a_flow_with_divergence_would_be_seen_by_the_same_test():
    start = np.concatenate([scene.scattered_px[0] for scene in scenes(400)])
    drawn_in = (start + 3 * np.sin(2 * np.pi * start / SIZE)) % SIZE
    assert stats.kstest(drawn_in[:, 0], "uniform", (0, SIZE)).pvalue < 1e-6


def test_the_draws_do_not_know_the_motion():
    for first, second in zip(scenes(3), scenes(3), strict=True):
        for motion in MOTIONS:
            before = [np.copy(field) for field in first]
            dots.move(first, motion)
            assert all(np.array_equal(a, b) for a, b in zip(first, before, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_draws_stay_in_their_ranges_and_reach_both_ends():
    drawn = scenes(600)
    counts = {scene.scattered_px.shape[1] for scene in drawn}
    assert counts == set(range(3, 25))
    for name, (low, high) in {
        "radius_px": POINTLIGHT.radius,
        "speed_px": POINTLIGHT.speed,
        "ground_luma": POINTLIGHT.ground,
        "contrast_luma": POINTLIGHT.contrast,
    }.items():
        values = [getattr(scene, name) for scene in drawn]
        assert stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-3
    brightest = POINTLIGHT.ground[1] + POINTLIGHT.contrast[1]
    assert 16 <= POINTLIGHT.ground[0] < brightest <= 235


@pytest.mark.parametrize(
    ("motion", "step"), [("Left", (-2, 0)), ("Right", (2, 0)), ("Up", (0, -2)), ("Down", (0, 2))]
)
def test_a_translation_moves_every_dot_its_way_by_the_speed(motion, step):
    scene = scenes(1)[0]._replace(speed_px=2.0)
    steps = np.diff(dots.move(scene, motion), axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(step, steps.shape), atol=1e-12)


def test_still_repeats_the_first_frame_and_flicker_keeps_no_place():
    scene = scenes(1)[0]
    still, flicker = dots.move(scene, "Still"), dots.move(scene, "Flicker")
    assert (still == still[0]).all()
    assert still.shape == flicker.shape
    assert not (flicker[1:] == flicker[:-1]).any()
    with pytest.raises(ValueError, match="no motion 'Sideways'"):
        dots.move(scene, "Sideways")


@pytest.mark.parametrize(
    ("motion", "reverse"), [("Left", "Right"), ("Up", "Down"), ("Swirl", "CounterSwirl")]
)
def test_a_motion_backwards_is_its_counterpart(motion, reverse):
    for scene in scenes(20):
        track = dots.move(scene, motion)
        back = scene._replace(scattered_px=track[::-1])
        np.testing.assert_allclose(dots.move(back, reverse), track[::-1], atol=2e-3)


def test_the_swirl_is_the_flow_of_its_stream_function():
    scene = scenes(1)[0]
    wave = 2 * np.pi / SIZE
    amplitude = scene.speed_px / (np.sqrt(2) * wave)

    def stream(position):
        x, y = wave * np.moveaxis(position - scene.shift_px, -1, 0)
        return amplitude * (np.cos(x) + np.cos(y) + np.cos(x + y))

    grid = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).reshape(-1, 2).astype(float)
    substeps = 4000
    # The first substep of a fine integration is the velocity.
    fine = dots.swirl(grid, scene.speed_px / substeps, scene.shift_px, substeps=1)[1] - grid
    velocity = fine * substeps
    ahead = 1e-4
    along_x, along_y = (
        (stream(grid + step) - stream(grid - step)) / (2 * ahead) for step in ahead * np.eye(2)
    )
    np.testing.assert_allclose(velocity, np.stack([along_y, -along_x], -1), atol=1e-3)
    assert np.sqrt((velocity**2).sum(-1).mean()) == pytest.approx(scene.speed_px, rel=1e-3)


def test_the_swirl_is_integrated_well_and_keeps_area():
    generator = np.random.default_rng(5)
    start = generator.uniform(0, SIZE, (500, 2))
    shift = generator.uniform(0, SIZE, 2)
    speed = POINTLIGHT.speed[1]
    coarse = dots.swirl(start, speed, shift)
    fine = dots.swirl(start, speed, shift, substeps=64)
    assert np.abs(coarse - fine).max() < 1e-3
    step = 1e-4
    columns = [
        (dots.swirl(start + move, speed, shift)[-1] - dots.swirl(start - move, speed, shift)[-1])
        / (2 * step)
        for move in (np.array([step, 0]), np.array([0, step]))
    ]
    area = columns[0][:, 0] * columns[1][:, 1] - columns[0][:, 1] * columns[1][:, 0]
    assert np.abs(area - 1).max() < 1e-3


def told_from_tracks(track):
    """Name the class from positions [frames, dots, 2], knowing nothing else of the video."""
    step = np.diff(track, axis=0)
    if np.abs(step).max() < 1e-9:
        return "Still"
    if np.abs(step - step[0, 0]).max() < 1e-9:
        x, y = step[0, 0]
        along_x = ("Left", "Right")[int(x > 0)]
        return along_x if abs(x) > abs(y) else ("Up", "Down")[int(y > 0)]
    # The velocity of a swirl is linear in the three complex amplitudes c of its stream function,
    # and c1 c2 conj(c3) is the cube of its strength, sign included, wherever the field is shifted.
    velocity = (8 * (track[3:-1] - track[1:-3]) - (track[4:] - track[:-4])) / 12
    place = track[2:-2].reshape(-1, 2) * (2 * np.pi / SIZE)
    angle = place @ np.array([[1, 0, 1], [0, 1, 1]])
    cos, sin = np.cos(angle), np.sin(angle)
    columns = np.concatenate([sin, -cos], axis=1)
    along = np.array([[0, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, 1]])
    design = np.concatenate([-columns * along[0], columns * along[1]])
    target = velocity.reshape(-1, 2).T.ravel()
    solved, *_ = np.linalg.lstsq(design, target)
    if np.abs(design @ solved - target).max() > 0.5:
        return "Flicker"
    c = solved[:3] + 1j * solved[3:]
    return "Swirl" if (c[0] * c[1] * c[2].conj()).real > 0 else "CounterSwirl"


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_tracks_tell_the_class_every_time(motion):
    assert [told_from_tracks(dots.move(scene, motion)) for scene in scenes(100)] == [motion] * 100


# The pictures


def test_a_dot_is_drawn_where_it_is_and_around_the_torus():
    picture = dots.render(np.array([[[10.0, 20.0]]]), 1.5, 50, 100)[0].astype(float)
    assert picture[20, 10] == 150
    assert picture[20, 11] == np.rint(50 + 100 * np.exp(-0.5 / 1.5**2))
    assert picture[40, 40] == 50
    corner = dots.render(np.array([[[1.0 * SIZE, -1.0 * SIZE]]]), 1.5, 50, 100)[0]
    np.testing.assert_array_equal(corner, np.roll(picture, (-20, -10), (0, 1)))


def test_rendering_is_antialiased_a_dots_light_and_place_are_kept_between_pixels():
    place = np.random.default_rng(3).uniform(20, 44, (50, 1, 2))
    cover = (dots.render(place, 1.5, 50.0, 100.0).astype(float) - 50) / 100
    light = cover.sum((1, 2))
    np.testing.assert_allclose(light, 2 * np.pi * 1.5**2, rtol=0.02)
    grid = np.arange(SIZE)
    centre = np.stack([(cover.sum(1) * grid).sum(1), (cover.sum(2) * grid).sum(1)], 1)
    np.testing.assert_allclose(centre / light[:, None], place[:, 0], atol=0.05)


def test_dots_that_overlap_are_no_brighter_than_one():
    assert dots.render(np.full((1, 24, 2), 32.0), 2.0, 110, 120).max() == 230


# The files


def test_the_files_are_h264_of_sixteen_key_frames(root):
    for video in load(root).videos[::29]:
        with av.open(str(video.path)) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context
            assert (codec.name, codec.width, codec.height) == ("h264", SIZE, SIZE)
            assert (codec.pix_fmt, codec.color_range, codec.has_b_frames) == ("yuv420p", 1, False)
            assert (stream.frames, stream.average_rate) == (FRAMES, 30)
            frames = list(container.decode(video=0))
        assert [frame.pts * frame.time_base * 30 for frame in frames] == list(range(FRAMES))
        assert all(frame.key_frame for frame in frames)
        assert (frames[0].to_ndarray()[SIZE:] == 128).all()


def test_a_frame_is_coded_by_itself_and_close_to_what_was_drawn(root, clips):
    luma, labels = clips["test"]
    still = luma[labels == MOTIONS.index("Still")]
    assert (still == still[:, :1]).all()
    for label, motion in enumerate(MOTIONS):
        scene = dots.draw_scene(np.random.default_rng([0, 0, label, 0]))
        drawn = dots.pictures(scene, motion)
        error = np.abs(luma[labels == label][0].astype(int) - drawn)
        assert error.mean() < 1
        assert error.max() < 16


def packet_sizes(root, level=POINTLIGHT):
    """Bytes of the packets of both splits: an array [videos, frames] of each class."""
    found = [[] for _ in class_names(level.name)]
    for name in ("train", "test"):
        for video in load(root, name, level).videos:
            found[video.label].append(packet_bytes(video.path))
    return [np.array(sizes) for sizes in found]


def least_pvalue(sizes):
    """The least p-value of a class's packets against all others', times the number of tests.

    By Kolmogorov and Smirnov, of one frame of each video: those of one video are alike.
    """
    frames = sizes[0].shape[1]
    found = [
        stats.ks_2samp(
            own[:, frame],
            np.concatenate([others[:, frame] for others in sizes if others is not own]),
        ).pvalue
        for frame in (0, frames // 2, frames - 1)
        for own in sizes
    ]
    return min(found) * len(found)


def test_the_classes_are_coded_in_packets_of_one_size(root):
    sizes = packet_sizes(root)
    for frame in (0, FRAMES // 2, FRAMES - 1):
        samples = [of_class[:, frame] for of_class in sizes]
        assert stats.kruskal(*samples).pvalue > 1e-3
        assert stats.f_oneway(*samples).pvalue > 1e-3
    larger = [*samples[:-1], 1.3 * samples[-1]]
    assert stats.kruskal(*larger).pvalue < 1e-3
    assert least_pvalue(sizes) > 0.01
    assert least_pvalue([*sizes[:-1], 1.5 * sizes[-1]]) < 0.01


# The set


def test_the_set_is_laid_out_and_read_as_ucf101(root):
    test, train, quick = load(root), load(root, "train"), load(root, "quick")
    assert (test.name, train.name, quick.name) == ("test", "train", "quick")
    assert (len(test.videos), len(train.videos)) == (320, 800)
    for split, count in ((test, 40), (train, 100), (quick, 10)):
        assert split.classes == MOTIONS
        assert split.notes == ()
        assert np.bincount([video.label for video in split.videos]).tolist() == [count] * 8
    assert test.videos[0].path == root / "videos" / "Left" / "v_Left_g01_c01.mp4"
    assert not {video.id for video in test.videos} & {video.id for video in train.videos}
    assert quick.videos == tuple(
        video for number, video in enumerate(test.videos) if number % 40 < 10
    )
    lists = root / "ucfTrainTestlist"
    assert (lists / "classInd.txt").read_text().splitlines()[5] == "6 CounterSwirl"
    assert (lists / "testlist01.txt").read_text().splitlines()[0] == "Left/v_Left_g01_c01.mp4"
    assert (lists / "trainlist01.txt").read_text().splitlines()[100] == (
        "Right/v_Right_g41_c01.mp4 2"
    )
    with pytest.raises(UnknownNameError, match="split of pointlight"):
        load(root, "tets")


def test_no_two_videos_are_alike(clips):
    first = np.concatenate([luma[:, 0] for luma, _ in clips.values()])
    assert len(np.unique(first.reshape(len(first), -1), axis=0)) == 1120


def made(folder, **options):
    return make_pointlight(folder, train_per_class=1, test_per_class=2, **options)


def contents(root):
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    once, twice = contents(made(tmp_path / "a")), contents(made(tmp_path / "b"))
    assert len(once) == 8 * 3 + 4
    assert once == twice
    other = contents(made(tmp_path / "c", seed=1))
    assert once.keys() == other.keys()
    assert not {file for file in once if file.endswith(".mp4") and once[file] == other[file]}


def test_a_video_does_not_depend_on_how_many_there_are(root, tmp_path):
    few, all_ = contents(made(tmp_path / "few")), contents(root)
    names = [name for name in few if "_g01_" in name or "_g02_" in name]
    assert len(names) == 16
    assert all(few[name] == all_[name] for name in names)


def test_progress_is_told_after_every_video(tmp_path):
    told = []
    made(tmp_path / "a", progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 24) for done in range(1, 25)]


def test_what_is_there_is_not_made_again(tmp_path):
    made(tmp_path / "a")
    made(tmp_path / "a", progress=lambda done, total: pytest.fail("made again"))
    with pytest.raises(DatasetError, match="of other options, another seed, size or version"):
        made(tmp_path / "a", seed=1)


def test_an_interrupted_generation_leaves_nothing(tmp_path):
    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "a", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_generate_at_once_the_first_to_finish_is_kept(tmp_path):
    def other_one_finishes(done, total):
        if done == total:
            made(tmp_path / "a")

    made(tmp_path / "a", progress=other_one_finishes)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(load(tmp_path / "a").videos) == 16


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DatasetError, match="something else than pointlight"):
        make_pointlight(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"can't be generated in .*--data-root"):
        made(tmp_path / "file" / "below")


def test_by_default_it_lies_in_the_users_cache_under_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "kinobench" / f"pointlight-{content_digest()}"
    assert default_root(seed=1) != default_root()
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert default_root().parent == Path.home() / ".cache" / "kinobench"


def test_the_digest_follows_whatever_decides_the_content(monkeypatch):
    digests = {content_digest(), content_digest(1), content_digest(0, 99), content_digest(0, 99, 1)}
    digests.add(content_digest(level=changed(POINTLIGHT, ["speed=1..4"])))
    monkeypatch.setattr(pointlight, "GENERATOR_VERSION", 1000)
    digests.add(content_digest())
    assert len(digests) == 6


def test_without_a_root_it_is_generated_on_first_use(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        make_pointlight,
        "__kwdefaults__",
        {**make_pointlight.__kwdefaults__, "train_per_class": 1, "test_per_class": 1},
    )
    split = catalog.get("pointlight").load(None, None)
    assert len(split.videos) == 8
    assert all(video.path.is_file() for video in split.videos)


def test_a_set_of_another_seed_says_so(tmp_path):
    (note,) = load(made(tmp_path / "a", seed=7)).notes
    assert f"not as pointlight-{content_digest()}" in note


def test_a_given_root_without_the_set_is_an_error_with_the_cure(tmp_path):
    with pytest.raises(DatasetError, match="data make pointlight --data-root"):
        load(tmp_path)
    made(tmp_path / "a")
    (tmp_path / "a" / "pointlight.json").write_text(json.dumps(["no digest"]))
    with pytest.raises(DatasetError, match="not what the generator wrote"):
        load(tmp_path / "a")


# What can be learned


def learned(train, train_labels, test):
    """Labels that a multinomial logistic regression gives `test`: [videos, features] both."""
    mean, spread = train.mean(0), train.std(0) + 1e-6
    train, test = ((part - mean) / spread for part in (train, test))
    truth = np.eye(len(MOTIONS))[train_labels]

    def loss(flat):
        weights = flat.reshape(-1, len(MOTIONS))
        scores = train @ weights[:-1] + weights[-1]
        log_share = scores - special.logsumexp(scores, axis=1, keepdims=True)
        slope = (np.exp(log_share) - truth) / len(train)
        decay = 0.01
        gradient = np.concatenate([train.T @ slope, slope.sum(0, keepdims=True)])
        gradient[:-1] += decay * weights[:-1]
        penalty = decay / 2 * (weights[:-1] ** 2).sum()
        return penalty - (truth * log_share).sum() / len(train), gradient.ravel()

    flat = np.zeros((train.shape[1] + 1) * len(MOTIONS))
    weights = optimize.minimize(
        loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": 40}
    ).x.reshape(-1, len(MOTIONS))
    return (test @ weights[:-1] + weights[-1]).argmax(1)


def correlations(luma, reach=5):
    """Mean correlation of a frame with the next: [videos, shifts, shifts], -reach..reach."""
    pictures = luma.astype(np.float32)
    spectrum = fft.rfft2(pictures - pictures.mean((2, 3), keepdims=True))
    cross = (spectrum[:, 1:] * spectrum[:, :-1].conj()).mean(1)
    energy = (np.abs(spectrum) ** 2).mean((1, 2, 3))
    maps = fft.irfft2(cross) / energy[:, None, None]
    return np.roll(maps, (reach, reach), (1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]


def single_frame_features(luma, frame):
    """Pixels, histogram and spectrum of one frame: [videos, features]."""
    picture = luma[:, frame].astype(np.float64)
    blocks = picture.reshape(len(picture), 16, 4, 16, 4).mean((2, 4)).reshape(len(picture), -1)
    ranks = np.sort(picture.reshape(len(picture), -1), axis=1)[:, ::64]
    spectrum = np.log1p(np.abs(np.fft.rfft2(picture))[:, :12, :12]).reshape(len(picture), -1)
    return np.concatenate([blocks, ranks, spectrum], axis=1)


def right_within(right, chance):
    low, high = stats.binom.interval(0.95, len(right), chance)
    return low <= right.sum() <= high


def learned_from_one_frame(clips):
    """Which test videos are classified right by their middle frame: [videos]."""
    (train, train_labels), (test, test_labels) = clips["train"], clips["test"]
    frames = (0, 5, 10, 15)
    seen = np.concatenate([single_frame_features(train, frame) for frame in frames])
    unseen = single_frame_features(test, FRAMES // 2)
    return learned(seen, np.tile(train_labels, len(frames)), unseen) == test_labels


def test_one_frame_teaches_nothing(clips):
    assert right_within(learned_from_one_frame(clips), 1 / 8)


def test_a_class_whose_dots_avoid_a_margin_would_be_found_in_one_frame(clips):
    leaky = {name: (luma.copy(), labels) for name, (luma, labels) in clips.items()}
    for luma, labels in leaky.values():
        luma[labels == 0, :, :, :12] = luma[labels == 0].min((1, 2, 3))[:, None, None, None]
    right = learned_from_one_frame(leaky)
    assert not right_within(right, 1 / 8)
    assert right[leaky["test"][1] == 0].mean() > 0.5


def test_two_frames_in_order_teach_the_motion_and_out_of_order_not_its_direction(clips):
    (train, train_labels), (test, test_labels) = clips["train"], clips["test"]
    maps = {"train": correlations(train), "test": correlations(test)}
    ordered = {name: part.reshape(len(part), -1) for name, part in maps.items()}
    given = learned(ordered["train"], train_labels, ordered["test"])
    assert (given == test_labels).mean() > 0.75
    told = (given == test_labels)[test_labels < 4]
    assert told.mean() > 0.9
    # A map plus itself turned about is what the two frames give in either order.
    either = {
        name: (part + part[:, ::-1, ::-1]).reshape(len(part), -1) for name, part in maps.items()
    }
    given = learned(either["train"], train_labels, either["test"])
    in_pair = (test_labels < 6) & (given // 2 == test_labels // 2)
    assert in_pair.sum() > 0.8 * (test_labels < 6).sum()
    assert right_within((given == test_labels)[in_pair], 1 / 2)
