"""Scores that luck gives: the truth drawn again as one who doesn't see something must expect it.

Each is an exact test: a predictor that sees nothing of what is drawn again scores the drawn truths
as it scores the real one, so its real score is among the best n of N with the probability n / N.
"""

from collections.abc import Iterator

import numpy as np

from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.opposites import POINTLIGHT, backwards
from kinobench.datasets.pointlight_events.settings import FPS, USUAL, Settings
from kinobench.datasets.pointlight_events.spans import Span
from kinobench.datasets.pointlight_events.timeline import draw_timeline
from kinobench.datasets.truth import Event, EventsOfVideo, EventTruth

CLASSES = class_names("pointlight-events")
OPPOSITE = backwards(POINTLIGHT[:3], CLASSES)


def events_in(spans: tuple[Span, ...]) -> EventsOfVideo:
    """The events of a timeline."""
    return EventsOfVideo(
        events=tuple(
            Event(CLASSES.index(span.state), span.first / FPS, span.stop / FPS)
            for span in spans
            if span.is_event
        ),
        duration_s=spans[-1].stop / FPS,
    )


def drawn_truth(seed: int, videos: int, settings: Settings = USUAL) -> EventTruth:
    """The truth of so many videos, without the videos."""
    generator = np.random.default_rng([77, seed])
    return EventTruth(
        rule="activitynet",
        videos={
            f"v{number:05}": events_in(draw_timeline(generator, settings))
            for number in range(videos)
        },
    )


def other_times(truth: EventTruth, draws: int, settings: Settings = USUAL) -> Iterator[EventTruth]:
    """Truths of videos as long as these, for one who sees nothing else of them."""
    for draw in range(draws):
        generator = np.random.default_rng([78, draw])
        videos = {
            name: events_in(draw_timeline(generator, settings, round(video.duration_s * FPS)))
            for name, video in truth.videos.items()
            if video.duration_s is not None
        }
        yield EventTruth(rule=truth.rule, videos=videos)


def other_directions(truth: EventTruth, draws: int) -> Iterator[EventTruth]:
    """Truths in which some videos have run backwards, for one who doesn't see that."""
    for draw in range(draws):
        generator = np.random.default_rng([79, draw])
        videos = {
            name: turned(video) if generator.integers(2) else video
            for name, video in truth.videos.items()
        }
        yield EventTruth(rule=truth.rule, videos=videos)


def turned(video: EventsOfVideo) -> EventsOfVideo:
    """The same segments, each with the opposite class."""
    events = (Event(OPPOSITE[e.label], e.start_s, e.end_s) for e in video.events)
    return EventsOfVideo(events=tuple(events), duration_s=video.duration_s)
