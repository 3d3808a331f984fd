from __future__ import annotations

import asyncio

import pytest

from api.live.clock import Leap, due_seconds
from api.live.stream import GIVE_UP_FRAMES, PAST_BYTES, PAST_FRAMES, QUEUE_FRAMES, Past, Stream


@pytest.mark.parametrize(
    ("judged_to_ms", "now_ms", "seconds", "leap"),
    [
        (10_000, 10_999, (), Leap.NONE),
        (10_000, 11_300, (10_000,), Leap.NONE),
        (10_000, 13_000, (10_000, 11_000, 12_000), Leap.NONE),
        (10_000, 6_000, (), Leap.NONE),
        (10_000, 4_000, (), Leap.BACK),
        (10_000, 55_999, tuple(range(10_000, 55_000, 1000)), Leap.NONE),
        (10_000, 56_000, (), Leap.FORWARD),
    ],
)
def test_which_seconds_are_due(judged_to_ms: int, now_ms: int, seconds: tuple[int, ...], leap: Leap) -> None:
    due = due_seconds(judged_to_ms, now_ms)
    assert due == (seconds, leap)


async def test_one_frame_for_all_who_look_at_the_same() -> None:
    stream = Stream(max_viewers=3)
    first, second, other = stream.join(None), stream.join(None), stream.join("mn-01")
    assert first
    assert second
    assert other
    stream.publish(None, 5, b"{}")
    a, b = await anext(first.frames()), await anext(second.frames())
    assert a is b
    assert a == b"event: frame\nid: 5\ndata: {}\n\n"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(other.frames()), 0.01)
    assert stream.join(None) is None
    assert stream.refused == 1


async def test_a_slow_viewer_keeps_the_newest_and_the_rest_is_counted() -> None:
    stream = Stream(max_viewers=1)
    viewer = stream.join(None)
    assert viewer
    for n in range(QUEUE_FRAMES + 10):
        stream.publish(None, n, b"%d" % n)
    assert stream.frames_dropped == 10
    assert b"id: 10\n" in await anext(viewer.frames())
    stream.leave(viewer)
    assert stream.frames_dropped == 10, "counted after it left, too"
    for n in range(PAST_FRAMES):
        assert stream.filters() == [None], "frames go on for who comes back"
        stream.publish(None, 100 + n, b"")
    assert stream.filters() == []


def test_a_viewer_that_takes_nothing_is_given_up() -> None:
    stream = Stream(max_viewers=1)
    assert stream.join("mn-01")
    for n in range(QUEUE_FRAMES + GIVE_UP_FRAMES):
        stream.publish("mn-01", n, b"")
    assert (len(stream), stream.given_up) == (0, 1)
    assert stream.watched_units() == set()


@pytest.mark.parametrize(("last", "frames"), [(None, [b"9"]), (7, [b"8", b"9"]), (9, []), (2, [b"9"]), (99, [b"9"])])
def test_what_was_missed(last: int | None, frames: list[bytes]) -> None:
    past = Past()
    for n in range(5, 10):
        past.add(n, b"%d" % n)
    assert past.after(last) == frames


def test_the_past_is_bounded_in_bytes() -> None:
    past = Past()
    for n in range(10):
        past.add(n, bytes(PAST_BYTES // 3))
    assert len(past.after(7)) == 2
    assert len(past.after(0)) == 1


async def test_the_end_reaches_a_full_queue() -> None:
    stream = Stream(max_viewers=1)
    viewer = stream.join(None)
    assert viewer
    for n in range(9):
        stream.publish(None, n, b"")
    stream.end()
    assert len([frame async for frame in viewer.frames()]) < QUEUE_FRAMES
